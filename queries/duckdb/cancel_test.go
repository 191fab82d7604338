package duckdb

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// A load that is cancelled, at whatever step, has stored nothing or all, says which, and is no hindrance to the next one.
func TestCancelledLoad(t *testing.T) {
	const steps = 36 // a few more than a load asks whether it may go on
	row := tier.Begin(t, "K5", tier.Size{Test: 2 * steps, Chaos: 6 * steps, Soak: 60 * steps})
	dir := memoryDir(t)
	events := func(n, i int) *store.Batch {
		b := &store.Batch{Received: int64(n)}
		for k := range n {
			id := uint64(1000*i + k + 1)
			b.Events = append(b.Events, store.Event{LogID: id, At: dayOne + int64(i)*sec, User: id,
				Shape: store.Shape{Type: store.WordOf("s"), ClientID: store.WordOf(fmt.Sprint("client ", i, k))}})
		}
		return b
	}
	open := func() *DB {
		t.Helper()
		db, err := Open(t.Context(), Options{Dir: dir, LockWait: time.Minute, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	status := func(db *DB) *store.Status {
		t.Helper()
		s, err := db.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Bytes = 0
		return s
	}
	db := open()
	cursor := func(i int, what string) store.Cursor {
		return store.Cursor{Source: "a", Position: fmt.Sprint(i, what), At: dayOne}
	}
	if _, err := db.Load(t.Context(), events(3, 0), cursor(0, "")); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for i := 1; i <= row.Rounds(); i++ {
		rows := 3 * (i / steps % 2)
		before := status(db)
		ctx, cancel := context.WithCancel(t.Context())
		db.known = nil // as after a load that failed
		_, err := db.Load(&fuse{Context: ctx, left: i%steps + 1, burn: cancel}, events(rows, i), cursor(i, ""))
		cancel()
		if err == nil {
			stored++
		}
		after := status(db)
		if diff := gocmp.Diff(before, after); (diff == "") == (err == nil) {
			row.Violation("step %d of a batch of %d, which ended with %v:\n%s", i%steps+1, rows, err, diff)
		}
		if _, err := db.Load(t.Context(), events(0, i), cursor(i, "next")); err != nil {
			row.Violation("after step %d of a batch of %d: %v", i%steps+1, rows, err)
			break
		}
		row.Done()
	}
	db.Close()
	row.Note("stored all the same", fmt.Sprint(stored))
}

// A report that is cancelled, at whatever step, says so or is right, and is no hindrance to the next one, which is
// counted at the same desk.
func TestCancelledCounts(t *testing.T) {
	row := tier.Begin(t, "K5", tier.Size{Test: 20, Chaos: 200, Soak: 2000})
	db := scratch(t)
	events, page := world(1)
	fill(t, db, events, page)
	const unburnt = 1 << 30
	whole := &fuse{Context: t.Context(), left: unburnt}
	want, err := db.Counts(whole, ramp())
	if err != nil {
		t.Fatal(err)
	}
	steps := unburnt - whole.left // that ask whether they may go on
	cancelled := 0
	for i := range row.Rounds() {
		ctx, cancel := context.WithCancel(t.Context())
		at := 1 + i*steps/row.Rounds()
		got, err := db.Counts(&fuse{Context: ctx, left: at, burn: cancel}, ramp())
		cancel()
		if err != nil {
			cancelled++
			if !errors.Is(err, context.Canceled) {
				row.Violation("cancelled at step %d: %v", at, err)
			}
			got, err = db.Counts(t.Context(), ramp())
		}
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			row.Violation("after step %d: %v\n%s", at, err, diff)
			break
		}
		row.Done()
	}
	if cancelled == 0 {
		t.Error("nothing was cancelled")
	}
}
