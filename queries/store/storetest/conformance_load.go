package storetest

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyramp/queries/store"
)

func replay(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	b := batch(1, 200)
	if l := load(t, s, b, "1"); l.Stored != b.Received || l.Duplicate != 0 {
		t.Fatalf("first load: %+v", l)
	}
	before := dump(t, s)
	if l := load(t, s, b, "1"); l.Stored != 0 || l.Duplicate != b.Received || l.Conflicts != 0 {
		t.Fatalf("replay: %+v", l)
	}
	s.Close()
	s = open(t, dir)
	if l := load(t, s, b, "1"); l.Stored != 0 {
		t.Fatalf("replay after reopening: %+v", l)
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Fatalf("replay changed the store:\n%s", diff)
	}
}

func anyOrder(t *testing.T, open Opener) {
	var want []string
	for round := range 4 {
		s := open(t, t.TempDir())
		var parts []*store.Batch
		for from := uint64(1); from < 300; from += 40 {
			parts = append(parts, batch(from, from+70)) // each overlaps the next by 30
		}
		r := rand.New(rand.NewPCG(uint64(round), 3))
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		for _, b := range parts {
			r.Shuffle(len(b.Events), func(i, j int) { b.Events[i], b.Events[j] = b.Events[j], b.Events[i] })
			b.Events, b.Pages = append(b.Events, b.Events[:5]...), append(b.Pages, b.Pages[:5]...)
			b.Received += 10
			if l := load(t, s, b, "x"); l.Conflicts != 0 {
				t.Fatalf("equal rows were taken for a conflict: %+v", l)
			}
		}
		got := dump(t, s)
		if want == nil {
			want = got
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("another order gave another store:\n%s", diff)
		}
	}
}

func firstWins(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	first, second, third := event(1), event(1), event(1)
	first.Type, second.Type, third.Type = store.WordOf("s"), store.WordOf("f"), store.WordOf("fp")
	page := pageEvent(1)
	again := page
	again.Phase = store.Failed
	l := load(t, s, &store.Batch{Events: []store.Event{first, second}, Pages: []store.PageEvent{page, again}, Received: 4}, "1")
	if l.Stored != 2 || l.Duplicate != 2 || l.Conflicts != 2 {
		t.Fatalf("conflicts inside a batch: %+v", l)
	}
	l = load(t, s, &store.Batch{Events: []store.Event{third, first}, Pages: []store.PageEvent{again}, Received: 3}, "2")
	if l.Stored != 0 || l.Duplicate != 3 || l.Conflicts != 2 {
		t.Fatalf("conflicts with the store: %+v", l)
	}
	if got := rows(t, s, "events", all); len(got) != 1 || got[0][4] != "s" {
		t.Fatalf("kept: %v", got)
	}
	load(t, s, &store.Batch{Events: []store.Event{third}, Pages: []store.PageEvent{again}, Received: 2}, "2") // told again: the same conflicts
	for until, want := range map[store.Micros][]store.ConflictCount{day + hour: {{Source: "test", Count: 2}}, first.At: nil} {
		if got := losses(t, s, store.Scope{Experiment: "exp_1", Since: 1, Until: until}).Conflicts; !slices.Equal(got, want) {
			t.Errorf("conflicts before %d: %v, want %v", until, got, want)
		}
	}
	// An id that holds a time is found by it, however far the told date has moved.
	moved := first
	moved.At += 40 * 24 * hour
	if l = load(t, s, &store.Batch{Events: []store.Event{moved}, Received: 1}, "3"); l.Stored != 0 {
		t.Fatalf("the same id with another date: %+v", l)
	}
}

func conflicts(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	changed(t, s, event, func(e ...store.Event) *store.Batch { return &store.Batch{Events: e, Received: int64(len(e))} })
	changed(t, s, pageEvent, func(p ...store.PageEvent) *store.Batch { return &store.Batch{Pages: p, Received: int64(len(p))} })
}

// changed changes each field of a row alone, and tells the row again in the same batch and in a later one.
func changed[T any](t *testing.T, s store.Store, row func(id uint64) T, told func(...T) *store.Batch) {
	for i, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		before := row(uint64(1 + i))
		after, want := before, int64(1)
		f := reflect.ValueOf(&after).Elem().FieldByIndex(field.Index)
		switch field.Name {
		case "Shape", "LogID", "ID":
			continue
		case "Logged", "Test", "Future": // these go with the id, the settings and the clock of the day
			want = 0
		}
		switch {
		case f.Kind() == reflect.Bool:
			f.SetBool(!f.Bool())
		case f.Kind() == reflect.String:
			f.SetString("another")
		case f.Type() == reflect.TypeFor[store.Word]():
			f.SetUint(uint64(store.WordOf("another")))
		case f.Type() == reflect.TypeFor[store.Tri]():
			f.SetInt((f.Int() + 1) % int64(store.Yes+1))
		case f.CanInt():
			f.SetInt(f.Int() + 1)
		default:
			f.SetUint(f.Uint() + 1)
		}
		if l := load(t, s, told(before, after), "x"); l.Stored != 1 || l.Conflicts != want {
			t.Errorf("%s changed in one batch: %+v, want %d conflicts", field.Name, l, want)
		}
		if l := load(t, s, told(after, before), "x"); l.Stored != 0 || l.Conflicts != want {
			t.Errorf("%s changed later: %+v, want %d conflicts", field.Name, l, want)
		}
	}
}

func account(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	var sum store.Loaded
	for i := range uint64(5) {
		b := batch(1+i*10, 21+i*10)
		b.Filtered = map[store.FilterKey]int64{{Type: "sapi", Day: day}: 3, {Type: "du", Day: day}: 2}
		b.Rejects = []store.Reject{{Record: 1 + i, Source: "test", Place: "line 1", Reason: "not_json", At: day}}
		b.Received += 6
		sum = sum.Add(load(t, s, b, "p"))
	}
	s.Close()
	s = open(t, dir)
	sum = sum.Add(load(t, s, &store.Batch{}, "p"))
	st := status(t, s)
	if len(st.Sources) != 1 || st.Sources[0].Account != sum || st.Sources[0].Runs != 2 {
		t.Fatalf("account: got %+v, want %+v in 2 runs", st.Sources, sum)
	}
	if st.Events+st.Pages != sum.Stored {
		t.Fatalf("%d + %d rows, %d stored by the account", st.Events, st.Pages, sum.Stored)
	}
	wrong := batch(1, 3)
	wrong.Received++
	if _, err := s.Load(context.Background(), wrong, store.Cursor{Source: "test"}); err == nil {
		t.Fatal("a batch that does not add up was taken")
	}
}

// parts of one commit are loaded as if each had a commit of its own.
func parts(t *testing.T, open Opener) {
	for round := range uint64(3) {
		r := rand.New(rand.NewPCG(round, 7))
		draw := func(source string) store.Part {
			from := 1 + r.Uint64N(60)
			b := batch(from, from+r.Uint64N(60))
			for i := range b.Events { // some are told otherwise
				if r.IntN(8) == 0 {
					b.Events[i].Type = []store.Word{store.WordOf("f"), store.WordOf("fu")}[r.IntN(2)]
				}
			}
			for i := range b.Pages {
				if r.IntN(8) == 0 {
					b.Pages[i].Phase = []store.PagePhase{store.Failed, store.Started}[r.IntN(2)]
				}
			}
			b.Filtered = map[store.FilterKey]int64{{Type: "sapi", Day: day}: 1 + r.Int64N(3)}
			b.Rejects = []store.Reject{{Record: 1 + r.Uint64N(3), Source: source, Place: "line 1", Reason: "not_json", At: day}}
			b.Received += b.Filtered[store.FilterKey{Type: "sapi", Day: day}] + 1
			return store.Part{Batch: b, Next: store.Cursor{Source: source, Position: "of " + source, Complete: r.IntN(2) == 0, At: day}}
		}
		alone, together := open(t, t.TempDir()), open(t, t.TempDir())
		for range 3 {
			all := []store.Part{draw("a"), draw("b"), draw("c"), draw("d")}
			all[2].Batch = &store.Batch{} // a cursor may move alone
			var want []store.Loaded
			for _, p := range all {
				l, err := alone.Load(context.Background(), p.Batch, p.Next)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, l)
			}
			got, err := together.LoadAll(context.Background(), all)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d: accounts, -alone +together:\n%s", round, diff)
			}
		}
		if diff := cmp.Diff(dump(t, alone), dump(t, together)); diff != "" {
			t.Fatalf("round %d: rows, -alone +together:\n%s", round, diff)
		}
		one, other := status(t, alone), status(t, together)
		one.Bytes, other.Bytes, one.Identity, other.Identity = 0, 0, "", ""
		if diff := cmp.Diff(one, other); diff != "" {
			t.Fatalf("round %d: status, -alone +together:\n%s", round, diff)
		}
		scope := store.Scope{Experiment: "exp_1", Since: 1, Until: day + 1000*hour}
		if diff := cmp.Diff(losses(t, alone, scope), losses(t, together, scope)); diff != "" {
			t.Fatalf("round %d: losses, -alone +together:\n%s", round, diff)
		}
	}
	s := open(t, t.TempDir())
	if l, err := s.LoadAll(context.Background(), nil); err != nil || len(l) != 0 {
		t.Errorf("no parts: %v, %v", l, err)
	}
	twice := []store.Part{{Batch: batch(1, 3), Next: store.Cursor{Source: "x"}}, {Batch: batch(3, 5), Next: store.Cursor{Source: "x"}}}
	if _, err := s.LoadAll(context.Background(), twice); err == nil || status(t, s).Events != 0 {
		t.Errorf("one source twice: %v", err)
	}
}

func cursorWithRows(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, ok, err := s.Cursor(context.Background(), "test"); ok || err != nil {
		t.Fatalf("a cursor before the first load: %v, %v", ok, err)
	}
	want := store.Cursor{Source: "test", Position: "p'1; --", Watermark: day + 7, Complete: true, At: day + 9}
	for _, c := range []store.Cursor{{Source: "test", Position: "p0"}, want, {Source: "other", Position: "q"}} {
		if _, err := s.Load(context.Background(), batch(1, 5), c); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = open(t, dir)
	if got, ok, err := s.Cursor(context.Background(), "test"); !ok || err != nil || got != want {
		t.Fatalf("got %+v, %v, %v; want %+v", got, ok, err, want)
	}
}

func cancelled(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	load(t, s, batch(1, 10), "1")
	before := dump(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Load(ctx, batch(100, 200), store.Cursor{Source: "test", Position: "2"}); err == nil {
		t.Fatal("a load with a cancelled context succeeded")
	}
	if diff := cmp.Diff(before, dump(t, s)); diff != "" {
		t.Fatalf("it left something:\n%s", diff)
	}
	if l := load(t, s, batch(100, 200), "2"); l.Stored != 200 {
		t.Fatalf("the store did not go on: %+v", l)
	}
}

func aside(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	b := &store.Batch{Received: 9, Filtered: map[store.FilterKey]int64{{Type: "sapi", Day: day}: 4, {Type: "sapi", Day: day + 24*hour}: 2},
		Rejects: []store.Reject{
			{Record: 1<<63 + 5, Source: "a.ndjson", Place: "line 12", Reason: "no_type", Detail: "no \xff type", Bytes: 99, At: day},
			{Record: 6, Source: "a.ndjson", Place: "line 13", Reason: "no_type", At: day + 1, Dated: day + 7, Kind: store.KindLog},
			{Record: 6, Source: "b.ndjson", Place: "line 1", Reason: "no_type", At: day + 2},
		}}
	load(t, s, b, "1")
	load(t, s, b, "1")
	got, err := s.Rejects(context.Background(), 0)
	want := []store.Reject{b.Rejects[1], b.Rejects[0]}
	want[1].Detail = "no \uFFFD type"
	if err != nil || cmp.Diff(want, got) != "" {
		t.Fatalf("%v\n%s", err, cmp.Diff(want, got))
	}
	if got, err = s.Rejects(context.Background(), 1); err != nil || len(got) != 1 || got[0].Record != 6 {
		t.Fatalf("the newest: %v, %v", got, err)
	}
	st := status(t, s)
	if diff := cmp.Diff([]store.FilteredCount{{Type: "sapi", Count: 12, First: day, Last: day + 24*hour}}, st.Filtered); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]store.RejectCount{{Reason: "no_type", Count: 2}}, st.Rejects); diff != "" {
		t.Fatal(diff)
	}
	// A report is told of those in its time, and of those of which nobody knows the time.
	for _, c := range []struct {
		since, until store.Micros
		want         []store.RejectCount
	}{{1, day + 7, nil}, {day + 7, day + 8, []store.RejectCount{{Reason: "no_type", Count: 1}}}, {day + 8, day + 9, nil}} {
		l := losses(t, s, store.Scope{Experiment: "exp_1", Since: c.since, Until: c.until})
		if diff := cmp.Diff(c.want, l.Rejects); diff != "" {
			t.Errorf("between %d and %d:\n%s", c.since, c.until, diff)
		}
		if diff := cmp.Diff([]store.UndatedCount{{Source: "a.ndjson", Run: day, Count: 1}}, l.Undated); diff != "" {
			t.Error(diff)
		}
	}
}

func losses(t *testing.T, s store.Store, scope store.Scope) store.Losses {
	t.Helper()
	c, err := s.Counts(context.Background(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return c.Losses
}

// Rejects that are usable after all become rows, filtered or duplicates; the list and the account follow.
func resettled(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	reject := func(id uint64, line string) store.Reject {
		return store.Reject{Record: id, Source: "test", Place: line, Reason: "contract", At: day, Kind: store.KindPage}
	}
	b := &store.Batch{Pages: []store.PageEvent{pageEvent(1)}, Received: 5,
		Rejects: []store.Reject{reject(1<<63+1, "line 1"), reject(2, "line 2"), reject(3, "line 3"), reject(4, "line 4")}}
	load(t, s, b, "1")
	before := status(t, s).Sources[0]
	still := reject(4, "line 4")
	still.Reason, still.At = "bad_time", day+hour
	r := &store.Retrial{Source: "test", Settled: []uint64{1<<63 + 1, 2, 3}, Gone: []uint64{4}, Still: []store.Reject{still}, Batch: store.Batch{
		Pages: []store.PageEvent{pageEvent(1), pageEvent(2)}, Filtered: map[store.FilterKey]int64{{Type: "sapi", Day: day}: 1}, Received: 3,
		Calls: []store.Call{{ID: 7, At: day, Experiment: "exp_put_aside", Level: 25}}}}
	wrong := *r
	wrong.Settled = wrong.Settled[:2]
	if _, err := s.Resettle(context.Background(), &wrong); err == nil {
		t.Fatal("an account that does not add up was taken")
	}
	l, err := s.Resettle(context.Background(), r)
	if want := (store.Loaded{Received: 3, Stored: 1, Duplicate: 1, Filtered: 1}); err != nil || l != want {
		t.Fatalf("%+v, %v; want %+v", l, err, want)
	}
	left, err := s.Rejects(context.Background(), 0)
	if diff := cmp.Diff([]store.Reject{still}, left); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	after := status(t, s).Sources[0]
	want := store.Loaded{Received: 5, Stored: 2, Duplicate: 1, Filtered: 1, Rejected: 1}
	if after.Account != want || after.Cursor != before.Cursor || after.Runs != before.Runs {
		t.Fatalf("%+v became %+v", before, after)
	}
	if calls, err := s.Calls(context.Background(), "exp_put_aside"); err != nil || len(calls) != 1 {
		t.Fatalf("%v, %v: what a record tells of an experiment is lost", calls, err)
	}
	if got := status(t, s); got.Pages != 2 {
		t.Fatalf("%d page events are stored, want 2", got.Pages)
	}
	load(t, s, batch(1, 9), "2") // words and cursor go on
	if _, err := s.Resettle(context.Background(), &store.Retrial{Source: "nobody", Settled: []uint64{9}, Batch: store.Batch{Pages: []store.PageEvent{pageEvent(77)}, Received: 1}}); err == nil {
		t.Fatal("a source without an account was taken")
	}
	if got := status(t, s); got.Pages != 8 {
		t.Fatalf("%d page events are stored, want 8", got.Pages)
	}
}
