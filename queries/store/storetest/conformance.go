// Package storetest holds the promises of a store as tests. Every store runs
// them; whatever passes is interchangeable for the rest of keyramp.
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"keyramp/queries/store"
)

// An Opener opens the store in a folder, making it when there is none. Opening
// one folder twice gives two stores on the same rows, as two processes have.
type Opener func(t testing.TB, dir string) store.Store

// Run checks that a store keeps its contract.
func Run(t *testing.T, open Opener) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, open Opener)
	}{
		{"replay adds nothing", replay},
		{"any order of overlapping batches gives equal tables", anyOrder},
		{"the first content of an id stays", firstWins},
		{"whatever is kept tells a conflict", conflicts},
		{"every record is accounted for", account},
		{"parts of a commit are as commits of their own", parts},
		{"cursor and rows move together", cursorWithRows},
		{"a cancelled load leaves nothing", cancelled},
		{"texts come back as they went in", texts},
		{"values at the edges come back", edges},
		{"rejects are kept once and filtered events counted", aside},
		{"rejects are settled with their account", resettled},
		{"gaps are kept once", gaps},
		{"observations are kept when something changed", observations},
		{"calls are kept once", calls},
		{"decisions are kept once and byte for byte", decisions},
		{"experiments are listed", experiments},
		{"exports keep to scope and columns", exports},
		{"an export stops when its reader does", exportStops},
		{"readers and a writer wait for each other", together},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// Each loads parts one by one, for a sink of a test, up to the first that fails.
func Each(parts []store.Part, load func(b *store.Batch, next store.Cursor) (store.Loaded, error)) (all []store.Loaded, err error) {
	for _, p := range parts {
		l, err := load(p.Batch, p.Next)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// Day is where the suite's events begin.
var day = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).UnixMicro()

const (
	second = store.Micros(1e6)
	hour   = 3600 * second
)

var exportNames = []string{"events", "logins", "enrollments", "assignments", "daily"}

// all is a scope without bounds.
var all = store.Scope{}

func event(id uint64) store.Event {
	e := store.Event{
		LogID: id * 0x9E3779B97F4A7C15, At: day + store.Micros(id)*second*60, User: 1 + id%50, Session: id, Transaction: id,
		Shape: store.Shape{
			Type: store.WordOf("s"), ClientID: store.WordOf(fmt.Sprint("client ", id%3)), Connection: store.WordOf("db"), Strategy: store.WordOf("auth0"),
			Device: store.WordOf("mobile"), Experiment: store.WordOf("exp_1"), Variation: store.WordOf("var_c"), Control: store.Yes,
			Allocation: store.WordOf("percentage"), Interactive: store.Yes,
		},
	}
	e.Assigned, e.Logged = e.At-5*second, e.At+second
	switch id % 7 {
	case 1:
		e.Variation, e.Control, e.PasskeyUsed = store.WordOf("var_t"), store.No, true
	case 2:
		e.Type, e.Interactive = store.WordOf("fp"), store.Unknown
	case 3:
		e.Logged = 0 // an id without a time inside
	case 4:
		e.Type, e.Authenticator, e.Experiment, e.Variation = store.WordOf("gd_enrollment_complete"), store.WordOf("passkey"), store.WordOf(""), store.WordOf("")
		e.Control, e.Allocation = store.Unknown, store.WordOf("")
	}
	return e
}

func pageEvent(id uint64) store.PageEvent {
	return store.PageEvent{ID: id * 0xC2B2AE3D27D4EB4F, At: day + store.Micros(id)*second*90,
		Phase: []store.PagePhase{store.Shown, store.Completed, store.Skipped}[id%3], Experiment: "exp_1",
		Variation: "var_t", User: id % 50, Verified: id%2 == 0}
}

// batch holds the events and page events [from, until).
func batch(from, until uint64) *store.Batch {
	b := &store.Batch{}
	for id := from; id < until; id++ {
		b.Events = append(b.Events, event(id))
		b.Pages = append(b.Pages, pageEvent(id))
	}
	b.Received = int64(len(b.Events) + len(b.Pages))
	return b
}

func load(t testing.TB, s store.Store, b *store.Batch, position string) store.Loaded {
	t.Helper()
	l, err := s.Load(context.Background(), b, store.Cursor{Source: "test", Position: position, At: day})
	if err != nil {
		t.Fatal(err)
	}
	if l.Received != b.Received || l.Received != l.Stored+l.Duplicate+l.Filtered+l.Rejected {
		t.Fatalf("the account of a batch of %d does not add up: %+v", b.Received, l)
	}
	return l
}

// dump is everything that the exports tell, as sorted text, and the totals.
func dump(t testing.TB, s store.Store) []string {
	t.Helper()
	var lines []string
	for _, name := range exportNames {
		for _, row := range rows(t, s, name, all) {
			lines = append(lines, name+" "+fmt.Sprint(row))
		}
	}
	st := status(t, s)
	return append(lines, fmt.Sprint("totals ", st.Events, st.Pages))
}

func rows(t testing.TB, s store.Store, name string, scope store.Scope) [][]any {
	t.Helper()
	var out [][]any
	err := s.Query(context.Background(), name, scope, func(columns []store.Column, values []any) error {
		if len(columns) != len(values) {
			return fmt.Errorf("%d columns, %d values", len(columns), len(values))
		}
		out = append(out, append([]any(nil), values...))
		return nil
	})
	if err != nil {
		t.Fatalf("export %s: %v", name, err)
	}
	return out
}

func status(t testing.TB, s store.Store) *store.Status {
	t.Helper()
	st, err := s.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}
