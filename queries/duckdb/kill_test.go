package duckdb

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// Batch n of the kill test holds the events [80n, 80n+100), so each repeats 20
// of the one before: behind a cursor at n stand 80n+20 events, each once.
const killStep, killSize = 80, 100

func killEvents(cursor int64) int64 { return killStep*cursor + killSize - killStep }

// TestKillChild is the process that gets killed; it only runs when asked to.
func TestKillChild(t *testing.T) {
	dir := os.Getenv("KEYRAMP_KILL_DIR")
	if dir == "" {
		t.Skip("the child of TestKilledWhileLoading")
	}
	ctx := context.Background()
	fmt.Println("begun")
	db, err := Open(ctx, Options{Dir: dir, LockWait: 10 * time.Second})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	cursor, _, err := db.Cursor(ctx, "kill")
	n, _ := strconv.Atoi(cursor.Position)
	for ; err == nil; n++ {
		b := traffic(killSize, uint64(killStep*n), dayOne)
		for i := range b.Events { // what two batches share is equal in both
			e := &b.Events[i]
			e.At = dayOne + int64(killStep*n+i)*sec
			e.Logged, e.Assigned = e.At, e.At
		}
		if _, err = db.Load(ctx, b, store.Cursor{Source: "kill", Position: strconv.Itoa(n + 1)}); err == nil {
			fmt.Println("acknowledged", n+1)
		}
	}
	fmt.Println("failed", err)
	os.Exit(1)
}

// A process killed at any moment leaves what it acknowledged, nothing twice,
// and a cursor that stands exactly behind the rows.
func TestKilledWhileLoading(t *testing.T) {
	row := tier.Begin(t, "K1", tier.Size{Test: 20, Chaos: 100, Soak: 1000})
	ctx := context.Background()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	acknowledged, left := 0, 0
	for round := range row.Rounds() {
		child := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.v")
		child.Env = append(os.Environ(), "KEYRAMP_KILL_DIR="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		trigger := "acknowledged"
		if round%3 == 0 {
			trigger = "begun" // opening is a moment, too
		}
		var once sync.Once
		for lines.Scan() {
			line := lines.Text()
			if strings.HasPrefix(line, trigger) {
				once.Do(func() {
					time.AfterFunc(time.Duration(r.IntN(300))*time.Millisecond, func() { child.Process.Kill() })
				})
			}
			if n, ok := strings.CutPrefix(line, "acknowledged "); ok {
				acknowledged, _ = strconv.Atoi(n)
			}
			if strings.HasPrefix(line, "failed") {
				t.Errorf("round %d: the child %s", round, line)
			}
		}
		child.Wait()
		if _, err := os.Stat(dir + "/" + file + ".wal"); err == nil {
			left++
		}
		db, err := Open(ctx, Options{Dir: dir, ReadOnly: true, LockWait: time.Second})
		if err != nil {
			if acknowledged == 0 { // killed before the store was there
				row.Done()
				continue
			}
			t.Fatalf("round %d: %v", round, err)
		}
		cursor, _, err := db.Cursor(ctx, "kill")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		s, err := db.Status(ctx)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		db.Close()
		n, _ := strconv.ParseInt(cursor.Position, 10, 64)
		if n < int64(acknowledged) || n > int64(acknowledged)+1 {
			t.Fatalf("round %d: cursor %d, acknowledged %d", round, n, acknowledged)
		}
		if n > 0 && (s.Events != killEvents(n) || s.Sources[0].Account.Stored != s.Events || s.Sources[0].Account.Received != n*killSize ||
			s.Sources[0].Account.Conflicts != 0) {
			t.Fatalf("round %d: %d events and %+v behind cursor %d", round, s.Events, s.Sources[0].Account, n)
		}
		acknowledged = int(n)
		row.Done()
	}
	row.Note("batches acknowledged", strconv.Itoa(acknowledged))
	row.Note("kills that left a log behind", strconv.Itoa(left))
}
