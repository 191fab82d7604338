package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyramp/queries/store"
)

func texts(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	odd := []string{"plain", "it's \"quoted\"; drop table events --", "nul\x00inside", "emoji 🦆 and \u2028", "bad \xff\xfe bytes",
		"\xc3", strings.Repeat("long ", 20_000), "$1 ? %s {}", "line\nbreak\ttab", "NULL"}
	b := &store.Batch{}
	for i, text := range odd {
		e := event(uint64(7 * (i + 1))) // carries the experiment
		e.Type, e.ClientID, e.Segment = store.WordOf(text), store.WordOf(text), store.WordOf(text)
		b.Events = append(b.Events, e)
	}
	b.Received = int64(len(b.Events))
	load(t, s, b, "1")
	s.Close()
	s = open(t, dir)
	got := rows(t, s, "events", all)
	if len(got) != len(odd) {
		t.Fatalf("%d rows of %d", len(got), len(odd))
	}
	for i, row := range got { // by time, so in order
		want := strings.ToValidUTF8(odd[i], "\uFFFD")
		if row[4] != want || row[9] != want || row[10] != want {
			t.Errorf("text %d came back as %.40q, %.40q, %.40q; want %.40q", i, row[4], row[9], row[10], want)
		}
	}
}

func edges(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	low, high := event(1), event(8)
	low.LogID, low.User, low.Session, low.Transaction = 0, 0, 0, 0
	low.At, low.Assigned, low.Logged = 1, 0, 0
	low.Control, low.Interactive, low.Device, low.ClientID = store.Unknown, store.Unknown, store.WordOf(""), store.WordOf("")
	high.LogID, high.User = math.MaxUint64, math.MaxUint64
	high.At = time.Date(9998, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro()
	high.Assigned, high.Logged = high.At, high.At
	b := &store.Batch{Events: []store.Event{low, high}, Received: 2}
	for i := range 2 {
		if l := load(t, s, b, "1"); l.Stored != int64(2-2*i) {
			t.Fatalf("load %d: %+v", i+1, l)
		}
	}
	got := rows(t, s, "events", all)
	if len(got) != 2 {
		t.Fatalf("got %v", got)
	}
	for i, want := range map[int]any{0: "0000000000000000", 1: time.UnixMicro(1).UTC(), 2: time.UnixMicro(1).UTC(), 3: nil, 7: nil,
		10: nil, 13: nil, 14: nil, 17: nil} {
		if got[0][i] != want {
			t.Errorf("low, column %d: %v, want %v", i, got[0][i], want)
		}
	}
	for i, want := range map[int]any{0: "ffffffffffffffff", 1: time.UnixMicro(high.At).UTC(), 14: "ffffffffffffffff"} {
		if got[1][i] != want {
			t.Errorf("high, column %d: %v, want %v", i, got[1][i], want)
		}
	}
}

func gaps(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	g := store.Gap{Source: "auth0:x", From: day, Until: day + hour, Noticed: day + 2*hour, Position: "900"}
	later := g
	later.Noticed += hour
	other := g
	other.Until += hour
	for _, g := range []store.Gap{g, later, other, g} {
		if err := s.RecordGap(context.Background(), g); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]store.Gap{g, other}, status(t, s).Gaps); diff != "" {
		t.Fatal(diff)
	}
	load(t, s, batch(1, 200), "1") // a minute apart: the gaps are filled
	filled, other := g, other
	filled.StoredHours, other.StoredHours = 1, 2
	scope := store.Scope{Experiment: "exp_1", Since: day + hour/2, Until: day + 3*hour}
	g.StoredHours, other.StoredHours = 0, 1 // of its second half hour nothing is whole
	if diff := cmp.Diff([]store.Gap{g, other}, losses(t, s, scope).Gaps); diff != "" {
		t.Error(diff)
	}
	other.StoredHours = 2
	if diff := cmp.Diff([]store.Gap{filled, other}, status(t, s).Gaps); diff != "" {
		t.Error(diff)
	}
	scope.Until = day
	scope.Since = day - hour
	if got := losses(t, s, scope).Gaps; len(got) != 0 {
		t.Errorf("gaps after the time that is asked about: %v", got)
	}
}

func calls(t *testing.T, open Opener) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	weights := store.Call{ID: 1 << 63, At: day + hour, Experiment: "exp_1", Level: -1, Arms: []store.Arm{
		{Variation: "var_c", Weight: 75, Control: true}, {Variation: "var_t", Weight: -1, Segment: "seg"}}}
	paused := store.Call{ID: 2, At: day, Experiment: "exp_1", Status: "paused", Level: -1}
	other := store.Call{ID: 3, At: day, Experiment: "exp_2", Level: 25}
	for range 2 { // told again it is the same call
		b := &store.Batch{Received: 3, Filtered: map[store.FilterKey]int64{{Type: "sapi", Day: day}: 3}, Calls: []store.Call{weights, paused, other}}
		if _, err := s.Load(ctx, b, store.Cursor{Source: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = open(t, dir)
	for id, want := range map[string][]store.Call{"exp_1": {paused, weights}, "exp_2": {other}, "exp_3": nil} {
		got, err := s.Calls(ctx, id)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", id, err, diff)
		}
	}
}

func observations(t *testing.T, open Opener) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	first := store.Observation{Experiment: "exp_1", Seen: day, Name: "Passkeys", Status: "active", Strategy: "percentage", Started: day,
		Flag: "flg_1", Flow: "authentication", Subject: "device",
		Level: 1, Levels: []int{10, 25}, Editable: []string{"name"}, Arms: []store.Arm{
			{Variation: "var_c", Name: "control", Weight: 90, Control: true}, {Variation: "var_t", Name: "it's \xff", Weight: 10}}}
	same := first
	same.Seen += hour
	ramped := same
	ramped.Seen += hour
	ramped.Arms = []store.Arm{{Variation: "var_c", Weight: 75, Control: true}, {Variation: "var_t", Weight: -1, Segment: "seg"}}
	bare := store.Observation{Experiment: "exp_2", Seen: day, Status: "draft", Level: -1}
	for _, seen := range [][]store.Observation{{first, bare}, {same, bare}, {}, {ramped}, {same}} {
		if err := s.Observe(ctx, seen); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = open(t, dir)
	first.Arms[1].Name = "it's \uFFFD" // shared with same
	got, err := s.Observations(ctx, "exp_1")
	if diff := cmp.Diff([]store.Observation{first, same, ramped}, got); err != nil || diff != "" {
		// same differs from ramped, so it is a change again when it is seen last
		t.Fatalf("%v\n%s", err, diff)
	}
	if got, err = s.Observations(ctx, ""); err != nil || len(got) != 4 || cmp.Diff(bare, got[3]) != "" {
		t.Fatalf("all: %v, %v", got, err)
	}
}

func decisions(t *testing.T, open Opener) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, dir)
	first := store.Decision{ID: "a1", Experiment: "exp_1", Made: day + hour, AsOf: day, Phase: 2, Action: "HOLD", SignedBy: "it's Pat", Version: "v1",
		Plan: `{"alpha":0.05}`, Record: "{\"text\":\"\\u003c it's \u2028\"}"}
	early, other, again := first, first, first
	early.ID, early.Made = "a2", day
	other.ID, other.Experiment = "b1", "exp_2"
	again.Record, again.Action = "{}", "RAMP"
	for i, d := range []store.Decision{first, early, other, again} {
		if added, err := s.RecordDecision(ctx, d); err != nil || added != (i < 3) {
			t.Fatalf("%d: added %v, %v", i, added, err)
		}
	}
	s.Close()
	s = open(t, dir)
	if got, err := s.DecisionRecord(ctx, "a1"); err != nil || got != first.Record {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := s.DecisionRecord(ctx, "none"); err != nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
	first.Record, early.Record, other.Record = "", "", ""
	got, err := s.Decisions(ctx, "exp_1")
	if diff := cmp.Diff([]store.Decision{early, first}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, err = s.Decisions(ctx, ""); err != nil || len(got) != 3 {
		t.Errorf("all: %v, %v", got, err)
	}
}

func experiments(t *testing.T, open Opener) {
	ctx := context.Background()
	s := open(t, t.TempDir())
	b := batch(1, 30)
	b.Events[0].Experiment, b.Events[0].Allocation, b.Events[0].Control = store.WordOf("exp_0"), store.WordOf("segment"), store.No
	load(t, s, b, "1")
	if err := s.Observe(ctx, []store.Observation{{Experiment: "exp_1", Seen: day, Name: "Old"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Observe(ctx, []store.Observation{{Experiment: "exp_1", Seen: day + 1, Name: "New", Status: "active"},
		{Experiment: "exp_9", Seen: day, Status: "draft"}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Experiments(ctx)
	want := []store.Seen{
		{Experiment: "exp_0", Events: 1, First: event(1).At, Last: event(1).At, Variations: []string{"var_t"}, Segment: true},
		{Experiment: "exp_1", Name: "New", Status: "active", Events: 24, First: event(2).At, Last: event(29).At,
			Variations: []string{"var_c", "var_t"}, Control: []string{"var_c"}},
		{Experiment: "exp_9", Status: "draft"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
}

func exports(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	b := batch(1, 60)
	b.Events[4].Experiment = store.WordOf("exp_2")
	load(t, s, b, "1")
	scope := store.Scope{Experiment: "exp_1", Since: event(10).At, Until: event(20).At}
	want := map[string]int{}
	users := map[string]bool{}
	for id := uint64(10); id < 20; id++ {
		if e := event(id); e.Experiment.String() == "exp_1" {
			want["events"]++
			if e.Type.String() == "s" {
				want["logins"]++
			}
			users[fmt.Sprint(e.User, e.Variation)] = true
		}
	}
	want["assignments"] = len(users)
	for name, n := range want {
		if got := rows(t, s, name, scope); len(got) != n {
			t.Errorf("%s: %d rows, want %d", name, len(got), n)
		}
	}
	scope.Continues = []string{"exp_2"}
	scope.Since = 0
	if got := rows(t, s, "events", scope); got[0][5] != "exp_2" {
		t.Errorf("a continued experiment comes first: %v", got[0])
	}
	var logins int64
	for _, row := range rows(t, s, "daily", all) {
		logins += row[3].(int64)
	}
	if got := rows(t, s, "logins", all); int64(len(got)) != logins {
		t.Errorf("%d logins by day, %d in all", logins, len(got))
	}
	for _, name := range exportNames {
		err := s.Query(context.Background(), name, all, func(columns []store.Column, values []any) error {
			for i, c := range columns {
				var ok bool
				switch v := values[i].(type) {
				case nil:
					ok = true
				case string:
					ok = c.Type == store.Text
				case int64:
					ok = c.Type == store.Integer
				case float64:
					ok = c.Type == store.Double
				case bool:
					ok = c.Type == store.Boolean
				case time.Time:
					ok = v.Location() == time.UTC && (c.Type == store.Timestamp || c.Type == store.Date && v.Truncate(24*time.Hour).Equal(v))
				}
				if !ok || c.Name == "" || c.Doc == "" {
					return fmt.Errorf("column %+v has %T", c, values[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Query(context.Background(), "no_such_export", all, nil); err == nil {
		t.Error("an unknown export was answered")
	}
}

func exportStops(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	load(t, s, batch(1, 60), "1")
	enough, n := errors.New("enough"), 0
	err := s.Query(context.Background(), "events", all, func([]store.Column, []any) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Fatalf("%v after %d rows", err, n)
	}
	load(t, s, batch(60, 70), "2") // the store is free again
}

func together(t *testing.T, open Opener) {
	dir := t.TempDir()
	w, r := open(t, dir), open(t, dir)
	const batches, size = 30, 40
	load(t, w, batch(1, 1+size), "1")
	done := make(chan error, 1)
	go func() {
		for i := uint64(1); i < batches; i++ {
			if _, err := w.Load(context.Background(), batch(1+i*size, 1+(i+1)*size), store.Cursor{Source: "test"}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for last := int64(0); ; {
		st := status(t, r)
		if st.Events%size != 0 || st.Events < last || st.Events != st.Pages {
			t.Fatalf("a reader saw %d events and %d pages after %d", st.Events, st.Pages, last)
		}
		last = st.Events
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if st = status(t, r); st.Events != batches*size {
				t.Fatalf("%d events in the end", st.Events)
			}
			return
		default:
		}
	}
}
