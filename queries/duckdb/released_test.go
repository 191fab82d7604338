package duckdb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyramp/fixtures/tier"
	"keyramp/queries"
	"keyramp/queries/store"
)

var release = flag.Bool("release", false, "write a store of this schema into testdata/released, with what it answers")

// What a store of a released schema holds: the events of world(21), a reject, filtered events, a gap and an observation.
func released(t *testing.T, dir string) *DB {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	events, page := world(21)
	b := &store.Batch{Events: events, Pages: page, Received: int64(len(events)+len(page)) + 4,
		Rejects:  []store.Reject{{Record: 7, Source: "test", Place: "a:1", Reason: "no_id", Detail: "neither log_id nor _id", Bytes: 12, At: dayOne}},
		Filtered: map[store.FilterKey]int64{{Type: "sapi", Day: dayOne}: 3}}
	_, err = db.Load(ctx, b, store.Cursor{Source: "test", Position: "end", Watermark: dayOne + hour, Complete: true, At: dayOne + 2*hour})
	if err == nil {
		err = db.RecordGap(ctx, store.Gap{Source: "test", From: dayOne, Until: dayOne + hour, Noticed: dayOne + 2*hour, Position: "x"})
	}
	if err == nil {
		err = db.Observe(ctx, []store.Observation{{Experiment: "exp_a", Seen: dayOne, Name: "one", Status: "active", Level: 10, Levels: []int{10, 25}}})
	}
	if err == nil {
		err = db.Compact(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// replies is what a store says to everything that can be asked.
func replies(t *testing.T, db *DB) string {
	t.Helper()
	ctx := context.Background()
	var all []any
	say := func(v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	s, err := db.Status(ctx)
	if err == nil {
		s.Bytes, s.Schema, s.Identity = 0, 0, ""
	}
	say(s, err)
	c, err := db.Counts(ctx, ramp())
	say(c, err)
	say2, err := db.Experiments(ctx)
	say(say2, err)
	o, err := db.Observations(ctx, "")
	say(o, err)
	r, err := db.Rejects(ctx, 0)
	say(r, err)
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

// differs says where an answer is another one than it was, "" = nowhere. Answers may have members that the release
// did not know.
func differs(got, want any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return at + " has no members"
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if where := differs(got[name], want[name], at+"."+name); where != "" {
				return where
			}
		}
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Sprintf("%s are %v, were %v", at, got, want)
		}
		for i := range want {
			if where := differs(got[i], want[i], fmt.Sprintf("%s[%d]", at, i)); where != "" {
				return where
			}
		}
	default:
		if got != want {
			return fmt.Sprintf("%s is %v, was %v", at, got, want)
		}
	}
	return ""
}

// unpack puts a released store into a folder.
func unpack(t *testing.T, path, dir string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(mustRead(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Stores of every released schema open, are brought up to date, and answer as they did.
func TestReleasedStores(t *testing.T) {
	steps, err := queries.Schema("duckdb")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("testdata", "released")
	if *release {
		db := released(t, t.TempDir())
		said := replies(t, db)
		db.Close()
		base := filepath.Join(folder, fmt.Sprintf("%03d", len(steps)))
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		w.Write(mustRead(t, db.path))
		w.Close()
		var sums strings.Builder
		for _, s := range steps {
			fmt.Fprintf(&sums, "%x %s\n", sha256.Sum256([]byte(s.SQL)), s.Name)
		}
		for suffix, text := range map[string][]byte{".duckdb.gz": z.Bytes(), ".json": []byte(said), ".steps": []byte(sums.String())} {
			if err := os.WriteFile(base+suffix, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	stores, err := filepath.Glob(filepath.Join(folder, "*.duckdb.gz"))
	if err != nil || len(stores) == 0 {
		t.Fatal("no released store", err)
	}
	row := tier.Begin(t, "R5", tier.Size{Test: len(stores)})
	for _, path := range stores {
		base := strings.TrimSuffix(path, ".duckdb.gz")
		for i, line := range strings.Split(strings.TrimSpace(string(mustRead(t, base+".steps"))), "\n") {
			if i >= len(steps) || line != fmt.Sprintf("%x %s", sha256.Sum256([]byte(steps[i].SQL)), steps[i].Name) {
				row.Violation("%s: step %s was changed after its release: add a step instead", path, line)
			}
		}
		dir := t.TempDir()
		unpack(t, path, dir)
		db, err := Open(context.Background(), Options{Dir: dir, Threads: 1})
		if err != nil {
			row.Violation("%s: %v", path, err)
			continue
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(replies(t, db)), &got), json.Unmarshal(mustRead(t, base+".json"), &want)); err != nil {
			t.Fatal(err)
		}
		if where := differs(got, want, "answers"); where != "" {
			row.Violation("%s answers otherwise: %s", path, where)
		}
		if s, err := db.Status(context.Background()); err != nil || s.Schema != len(steps) {
			row.Violation("%s: schema %d after it was opened: %v", path, s.Schema, err)
		}
		if l, err := db.Load(context.Background(), traffic(100, 1<<50, dayOne), store.Cursor{Source: "test", Position: "on"}); err != nil || l.Stored != 100 {
			row.Violation("%s takes no more: %+v, %v", path, l, err)
		}
		db.Close()
		row.Done()
	}
}
