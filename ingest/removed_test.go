package ingest

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

// A turn and its way back undo each other, leave 0 alone, and no two numbers meet.
func TestTurnIsAPermutation(t *testing.T) {
	turn := newTurn(master([16]byte{1}).derive("test"))
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[uint64]bool{}
	for i := range 100_000 {
		v := r.Uint64()
		if i < 1000 {
			v = uint64(i)
		}
		to := turn.of(v)
		if turn.back(to) != v || (v == 0) != (to == 0) || seen[to] {
			t.Fatalf("%x becomes %x, which goes back to %x; known: %v", v, to, turn.back(to), seen[to])
		}
		seen[to] = true
	}
	// Half of the bits change with any bit of what is turned.
	changed := 0
	for range 1000 {
		v := r.Uint64()
		for d := turn.of(v) ^ turn.of(v^1<<r.IntN(64)); d != 0; d &= d - 1 {
			changed++
		}
	}
	if changed < 31_000 || changed > 33_000 {
		t.Errorf("%d of 64000 bits change", changed)
	}
}

// With a rotated key everybody gets the number that turning the old one gives, and neither key alone does.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := LoadPseudonyms(path)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := PendingRotation(path); r != nil || err != nil {
		t.Fatalf("a rotation that nobody began: %v, %v", r, err)
	}
	names := first
	for range 3 {
		r, err := BeginRotation(path)
		if err != nil {
			t.Fatal(err)
		}
		if still, err := LoadPseudonyms(path); err != nil || still.ID() != names.ID() {
			t.Fatal("the key changed before its store was turned")
		}
		pending, err := PendingRotation(path)
		if err != nil || pending.Next.ID() != r.Next.ID() {
			t.Fatalf("pending: %v", err)
		}
		for name, pair := range map[string][2]uint64{
			"user": {names.User("auth0|1"), r.Next.User("auth0|1")}, "session": {names.Session("s"), r.Next.Session("s")},
			"transaction": {names.Transaction("t"), r.Next.Transaction("t")}, "log_id": {names.LogID("9"), r.Next.LogID("9")},
			"record": {names.Record([]byte("{}")), r.Next.Record([]byte("{}"))}, "page event": {names.PageID("a", "b"), r.Next.PageID("a", "b")},
			"tombstone": {names.Tombstone(names.User("auth0|1")), r.Next.Tombstone(r.Next.User("auth0|1"))},
			"absent":    {names.User(""), r.Next.User("")},
		} {
			if r.Turn(pair[0]) != pair[1] || pair[0] == pair[1] && pair[0] != 0 {
				t.Errorf("%s: %x becomes %x, the new key makes %x", name, pair[0], r.Turn(pair[0]), pair[1])
			}
		}
		if err := pending.Finish(); err != nil {
			t.Fatal(err)
		}
		if names, err = LoadPseudonyms(path); err != nil || names.ID() != r.Next.ID() {
			t.Fatalf("read back: %v", err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	if len(lines) != 4 || lines[0] != strings.TrimSpace(string(old)) {
		t.Fatalf("the file has %d keys", len(lines))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// Any smaller set of the keys gives other numbers, and so does another order.
	for _, part := range [][]string{lines[:3], lines[1:], lines[3:], {lines[0], lines[3]}, {lines[1], lines[0], lines[2], lines[3]}} {
		other := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(other, []byte(strings.Join(part, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := LoadPseudonyms(other)
		if err != nil {
			t.Fatal(err)
		}
		if p.User("auth0|1") == names.User("auth0|1") || p.ID() == names.ID() || len(p.turns) > 0 && p.turns[len(p.turns)-1] == names.turns[2] {
			t.Error("a part of the keys makes the same pseudonyms")
		}
	}
	r, err := BeginRotation(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Drop(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files were left", len(left))
	}
}

// What was removed is counted by its rule and not loaded; everything else is.
func TestRemovedIsLeftOut(t *testing.T) {
	names := NewPseudonyms([16]byte{1}, [16]byte{2})
	user, session, transaction := names.User("gone"), names.Session("s"), names.Transaction("t")
	other := names.User("other")
	const limit = 10 * day
	f := NewRemoved(store.Removed{Before: limit, Tombstones: []uint64{names.Tombstone(user), names.Tombstone(session), names.Tombstone(transaction)}}, names)
	events := []store.Event{
		{LogID: 1, At: limit, User: user, Session: session}, // forgotten
		{LogID: 2, At: limit, Transaction: transaction},     // forgotten: names nobody, and is theirs
		{LogID: 3, At: limit, Session: session},             // likewise
		{LogID: 4, At: limit, User: other, Session: session},
		{LogID: 5, At: limit, User: other},
		{LogID: 6, At: limit},
		{LogID: 7, At: limit - 1, User: other}, // purged
		{LogID: 8, At: -1, User: other},        // likewise, a day before 1970
		{LogID: 9, At: 1, User: user},          // forgotten and old
	}
	kept := &recorder{}
	src := &once{batch: &store.Batch{Events: events, Received: int64(len(events))}}
	pump := Pump{Sink: kept, Pseudonyms: names, Removed: f, Now: func() store.Micros { return 20*day + 5 }}
	account, err := pump.Run(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if account.Forgotten != 4 || account.Purged != 2 || account.Filtered != 6 || account.Stored != 3 || account.Received != 9 {
		t.Errorf("account %+v", account)
	}
	b := kept.batch
	var ids []uint64
	for _, e := range b.Events {
		ids = append(ids, e.LogID)
	}
	if len(ids) != 3 || ids[0] != 4 || ids[1] != 5 || ids[2] != 6 {
		t.Errorf("loaded were %v", ids)
	}
	want := map[store.FilterKey]int64{
		{Type: store.FilterForgotten, Day: 20 * day}: 4, {Type: store.FilterPurged, Day: 9 * day}: 1, {Type: store.FilterPurged, Day: -day}: 1,
	}
	for key, n := range want {
		if b.Filtered[key] != n {
			t.Errorf("filtered %v, want %v", b.Filtered, want)
		}
	}
	page := &store.Batch{Pages: []store.PageEvent{{ID: 1, At: limit, User: user}, {ID: 2, At: limit, User: other}, {ID: 3, At: limit - day}}}
	if forgotten, purged := f.leaveOut(page, 0); forgotten != 1 || purged != 1 || len(page.Pages) != 1 || page.Pages[0].ID != 2 {
		t.Errorf("of the page: %d forgotten, %d purged, %v", forgotten, purged, page.Pages)
	}
	if NewRemoved(store.Removed{Purged: 7}, names) != nil {
		t.Error("a filter for nothing")
	}
}

// recorder keeps a copy of what is loaded.
type recorder struct{ batch store.Batch }

func (r *recorder) Cursor(context.Context, string) (store.Cursor, bool, error) {
	return store.Cursor{}, false, nil
}

func (r *recorder) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return r.load(ctx, b, next) })
}

func (r *recorder) load(_ context.Context, b *store.Batch, _ store.Cursor) (store.Loaded, error) {
	r.batch.Events = append(r.batch.Events, b.Events...)
	r.batch.Filtered = map[store.FilterKey]int64{}
	l := store.Loaded{Received: b.Received, Stored: int64(len(b.Events) + len(b.Pages))}
	for key, n := range b.Filtered {
		r.batch.Filtered[key] = n
		l.Filtered += n
	}
	return l, nil
}

// once is a source of one decoded batch.
type once struct{ batch *store.Batch }

func (o *once) Name() string { return "once" }

func (o *once) Read(_ context.Context, c *Chunk) error {
	c.Decoded, c.Next = o.batch, store.Cursor{Position: "end"}
	return io.EOF
}
