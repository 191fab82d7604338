//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// What a run of the test binary as keyramp is told about its sync points.
const (
	envPoints = "KEYRAMP_TEST_POINTS" // FILE gets a line for every point
	envEnd    = "KEYRAMP_TEST_END"    // POINT:N:SIGNAL is sent to itself at the n-th time
	envPlain  = "KEYRAMP_TEST_PLAIN"  // its file system cannot exchange names
	envGroup  = "KEYRAMP_TEST_GROUP"  // the control group that it enters
)

func init() {
	armed = func() {
		if len(os.Args) > 1 && os.Args[1] == "probe" {
			return // a run's own child is not what is ended
		}
		if path := os.Getenv(envPoints); path != "" {
			syncpoint.Hook = meet(path, os.Getenv(envEnd))
		}
		if os.Getenv(envPlain) != "" {
			exchange = func(_, _ string) error { return errors.ErrUnsupported }
		}
		if group := os.Getenv(envGroup); group != "" {
			if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte("0"), 0); err != nil {
				panic(err)
			}
		}
	}
}

// meet notes every point in a file and ends the process at one of them.
func meet(path, end string) func(name, about string) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	last := strings.Split(end+"::", ":")
	nth, _ := strconv.Atoi(last[1])
	sig, _ := strconv.Atoi(last[2])
	var mu sync.Mutex
	reached := 0
	return func(name, about string) {
		mu.Lock()
		fmt.Fprintf(file, "%s\t%s\n", name, about)
		if name == last[0] {
			reached++
		}
		if name == last[0] && reached == nth {
			syscall.Kill(os.Getpid(), syscall.Signal(sig))
			if syscall.Signal(sig) == syscall.SIGKILL {
				select {} // nobody goes past the point, and the lock is kept
			}
		}
		mu.Unlock()
	}
}

// A point is one that a run reached.
type point struct{ name, about string }

// An end says how a run is ended: at a point that it reaches, or after a while.
type end struct {
	signal syscall.Signal
	point  string
	nth    int
	after  time.Duration
}

func (e end) String() string {
	if e.point != "" {
		return fmt.Sprintf("%s at the point %q, time %d", e.signal, e.point, e.nth)
	}
	return fmt.Sprintf("%s after %v", e.signal, e.after)
}

// A deadRun is what is known of a run that was ended, or had ended before.
type deadRun struct {
	ended  bool // by itself
	code   int  // its status then
	points []point
	errw   string
	after  time.Duration // from the signal to the end
}

// command is the real binary, started in the story's store.
func (s *story) command(args ...string) *exec.Cmd {
	cmd := exec.Command("keyramp", append(args, "--store", s.store)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "KEYRAMP_TEST_BATCH=300"}, s.env...)
	return cmd
}

// end starts a command of the real binary and ends it.
func (s *story) end(e end, args ...string) deadRun {
	s.t.Helper()
	cmd := s.command(args...)
	noted := filepath.Join(s.t.TempDir(), "points")
	cmd.Env = append(cmd.Env, envPoints+"="+noted)
	if e.point != "" {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%s:%d:%d", envEnd, e.point, e.nth, e.signal))
	}
	var errw bytes.Buffer
	cmd.Stderr = &errw
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var asked time.Time
	if e.point == "" {
		select {
		case err := <-done:
			done <- err
		case <-time.After(e.after):
			cmd.Process.Signal(e.signal)
		}
	}
	asked = time.Now()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		cmd.Process.Kill()
		<-done
		s.t.Fatalf("keyramp %v did not end after %v\n%s", args, e, &errw)
	}
	r := deadRun{errw: errw.String(), after: time.Since(asked), code: cmd.ProcessState.ExitCode()}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	r.ended = status.Exited()
	text, _ := os.ReadFile(noted)
	for line := range strings.Lines(string(text)) {
		name, about, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		r.points = append(r.points, point{name, about})
	}
	return r
}

// unbroken runs a command of the real binary to its end and tells what it reached and how long it took.
func (s *story) unbroken(args ...string) (points []point, took time.Duration) {
	s.t.Helper()
	began := time.Now()
	r := s.end(end{after: time.Hour}, args...)
	if !r.ended || r.code != 0 {
		s.t.Fatalf("keyramp %v: exit %d\n%s", args, r.code, r.errw)
	}
	return r.points, time.Since(began)
}

// A killer chooses how runs end and counts the ends.
type killer struct {
	*tier.Row
	t      *testing.T
	rand   *rand.Rand
	signal syscall.Signal

	tried, killed int
	at            map[string]int
	torn          int
}

func newKiller(t *testing.T, row *tier.Row) *killer {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return &killer{Row: row, t: t, rand: rand.New(rand.NewPCG(1, seed)), signal: syscall.SIGKILL, at: map[string]int{}}
}

// more reports whether rounds are left. A row whose runs end before they are killed has lost its teeth.
func (k *killer) more() bool {
	if k.tried > 3*k.Rounds()+20 {
		k.t.Fatalf("only %d of %d runs could be killed", k.killed, k.tried)
	}
	return k.killed < k.Rounds()
}

// choose draws an end for a run that usually reaches these points in this time: half
// of them by the clock, the others at a point, each name as likely as another.
func (k *killer) choose(points []point, usual time.Duration) end {
	if k.rand.IntN(2) == 0 || len(points) == 0 {
		return end{signal: k.signal, after: time.Duration(k.rand.Int64N(int64(usual)))}
	}
	times := map[string]int{}
	for _, p := range points {
		times[p.name]++
	}
	names := slices.Sorted(maps.Keys(times))
	name := names[k.rand.IntN(len(names))]
	return end{signal: k.signal, point: name, nth: 1 + k.rand.IntN(times[name])}
}

// round ends one run and counts it. A run that had ended by itself must have ended well.
func (k *killer) round(s *story, e end, args ...string) deadRun {
	k.t.Helper()
	k.tried++
	r := s.end(e, args...)
	switch {
	case !r.ended:
		k.killed++
		k.Done()
		if e.point == "" {
			k.at["any time"]++
		} else {
			k.at[e.point]++
		}
	case k.damaged(s, r): // found by this run, left by the one before
	case r.code != 0:
		k.Violation("keyramp %v after a killed run: exit %d\n%s", args, r.code, r.errw)
	}
	return r
}

// damaged reports whether a run met a store that a kill had torn. The store is kept for study.
func (k *killer) damaged(s *story, r deadRun) bool {
	if r.code != exitStore {
		return false
	}
	k.torn++
	kept, err := os.MkdirTemp("", "keyramp-torn-")
	if err == nil {
		err = os.CopyFS(filepath.Join(kept, "store"), os.DirFS(s.store))
	}
	k.Violation("a kill has torn the store, which is kept in %s (%v): %s", kept, err, r.errw)
	return true
}

// close tells where runs were killed.
func (k *killer) close() {
	var where []string
	for _, name := range slices.Sorted(maps.Keys(k.at)) {
		where = append(where, fmt.Sprintf("%s %d", name, k.at[name]))
	}
	k.Note("killed at", strings.Join(where, ", "))
	k.Note("ended before", fmt.Sprint(k.tried-k.killed))
	k.Note("torn", fmt.Sprint(k.torn))
}

// seen is what a store holds, asked without a run of the program; nil when it was not made yet.
func (s *story) seen() (*store.Status, error) {
	ctx := context.Background()
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: s.store, ReadOnly: true, LockWait: 10 * time.Second})
	if errors.Is(err, store.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Status(ctx)
}

// accounts checks that what a store holds and what it says of its sources are one.
func accounts(st *store.Status) error {
	var stored int64
	for _, src := range st.Sources {
		a := src.Account
		if a.Received != a.Stored+a.Duplicate+a.Filtered+a.Rejected || a.Conflicts != 0 || a.Rejected != 0 {
			return fmt.Errorf("the account of %s does not add up: %+v", src.Cursor.Source, a)
		}
		stored += a.Stored
	}
	if rows := st.Events + st.Pages; rows != stored {
		return fmt.Errorf("%d rows, and %d by the accounts", rows, stored)
	}
	return nil
}

// left lists what a run should have removed from a folder: files and folders that are neither
// expected there nor hold another one's work.
func left(t *testing.T, dir string, expected ...string) []string {
	t.Helper()
	var out []string
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(expected, e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// Files of a store at rest.
var atRest = []string{"keyramp.duckdb", "keyramp.duckdb.undo", "run.lock", "queue.lock", "pseudonym.key", "auth0.token", "answers"}
