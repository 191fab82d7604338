//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// Of pulls that start together one works at a time; the others wait their turn, or end
// with 6 when they may not. Readers who come all the while are answered.
func TestTogether(t *testing.T) {
	row := tier.Begin(t, "C9", tier.Size{Test: 1, Chaos: 6, Soak: 100})
	s, pull := pulls(t, tenant.Config{Seed: 41, Users: 500, Days: 14})
	whole := s.with("whole")
	whole.keyramp(0, pull...)
	want := whole.tables()
	var reads, waited, refused atomic.Int64
	together := 20
	if row.Rounds() == 1 {
		together = 8
	}
	for round := range row.Rounds() {
		p := s.pulledAs(whole, fmt.Sprint("round-", round))
		p.keyramp(0, append(pull, "--max-pages", "2")...)
		var writers, readers sync.WaitGroup
		for n := range together {
			writers.Go(func() {
				wait := "2m"
				if n%2 == 1 {
					wait = "0s"
				}
				cmd := p.command(append(pull, "--max-pages", "2", "--lock-wait", wait)...)
				out, _ := cmd.CombinedOutput()
				switch code := cmd.ProcessState.ExitCode(); {
				case code == 0:
					waited.Add(1)
				case code == exitBusy && wait == "0s" && bytes.Contains(out, []byte("keyramp: hint: ")):
					refused.Add(1)
				default:
					row.Violation("a pull that may wait %s: exit %d\n%s", wait, code, out)
				}
			})
		}
		over := make(chan struct{})
		out := t.TempDir()
		for _, args := range [][]string{
			{"report", "-f", "json"}, {"status", "-f", "json"},
			{"export", "daily", "--overwrite", "--out", out}, {"query", "from ev select count(*) as n"},
		} {
			readers.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					cmd := p.command(args...)
					said, err := cmd.CombinedOutput()
					reads.Add(1)
					if err != nil {
						row.Violation("keyramp %v while others write: %v\n%s", args, err, said)
					}
				}
			})
		}
		writers.Wait()
		close(over)
		readers.Wait()
		row.Done()
		st, err := p.seen()
		if err == nil {
			err = p.check(st, "")
		}
		if err != nil {
			row.Violation("after %d pulls at once: %v", together, err)
		}
		p.keyramp(0, pull...)
		if p.tables() != want {
			row.Violation("%d pulls at once left another store than one", together)
		}
	}
	row.Note("reads while others wrote", fmt.Sprint(reads.Load()))
	row.Note("pulls that worked, refused", fmt.Sprintf("%d, %d", waited.Load(), refused.Load()))
	if refused.Load() == 0 || reads.Load() < 4 {
		t.Errorf("%d pulls were refused, %d reads: they did not meet", refused.Load(), reads.Load())
	}
}

// What a killed run says in the lock file holds nobody up, whoever has its number since. A
// lock that is held names its holder, also one of another machine.
func TestStaleLock(t *testing.T) {
	row := tier.Begin(t, "C10", tier.Size{Test: 4, Chaos: 40})
	s, pull := pulls(t, tenant.Config{Seed: 43, Users: 100, Days: 5})
	pull = append(pull, "--lock-wait", "0s")
	path := filepath.Join(s.store, "run.lock")
	write := func(o map[string]any) {
		text, _ := json.Marshal(o)
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for round := range row.Rounds() {
		if err := os.RemoveAll(s.store); err != nil {
			t.Fatal(err)
		}
		switch round % 4 {
		case 0, 1: // killed while it held the store, and before
			name := []string{"rows moved", "store placed"}[round%4]
			if r := s.end(end{signal: syscall.SIGKILL, point: name, nth: 1}, pull...); r.ended {
				t.Fatalf("not killed: exit %d\n%s", r.code, r.errw)
			}
			if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), `"pid"`) {
				t.Errorf("the killed run left no mark: %q, %v", text, err)
			}
		case 2: // its number is ours now
			os.Mkdir(s.store, 0o700)
			host, _ := os.Hostname()
			write(map[string]any{"pid": os.Getpid(), "host": host, "since": time.Now().UTC()})
		case 3: // another machine's, first held, then not
			os.Mkdir(s.store, 0o700)
			write(map[string]any{"pid": 4711, "host": "elsewhere", "since": time.Now().UTC()})
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			r := s.end(end{after: time.Minute}, pull...)
			f.Close()
			if r.code != exitBusy || !strings.Contains(r.errw, "process 4711 on elsewhere since ") {
				row.Violation("a lock of another machine: exit %d\n%s", r.code, r.errw)
			}
		}
		if r := s.end(end{after: time.Minute}, pull...); r.code != 0 {
			row.Violation("case %d: the next run: exit %d\n%s", round%4, r.code, r.errw)
		}
		row.Done()
	}
}
