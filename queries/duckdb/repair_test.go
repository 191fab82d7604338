package duckdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"database/sql"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

func examineHere(ctx context.Context, dir, into string) (*Found, error) {
	return Examine(ctx, dir, into, 0)
}

// A bit that is another in any block that is in use is found: those that are not found are as many as blocks are free.
func TestFlipInAUsedBlockIsFound(t *testing.T) {
	row := tier.Begin(t, "C6-blocks", tier.Size{Test: 20, Chaos: 300})
	db := scratch(t)
	commits(t, db, 0, 20)
	var size, total, free int64
	if err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		return one(ctx, conn, "space", nil, &size, &total, &free)
	}); err != nil {
		t.Fatal(err)
	}
	whole := mustRead(t, db.path)
	r, missed := rand.New(rand.NewPCG(8, 8)), map[int64]bool{}
	for n := range row.Rounds() {
		block := int64(n) % total
		harmed := bytes.Clone(whole)
		harmed[headersEnd+block*size+r.Int64N(size)] ^= 1 << r.IntN(8)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := examineHere(context.Background(), dir, ""); err != nil {
			row.Violation("block %d: %v", block, err)
		} else if f.Whole() {
			missed[block] = true
		}
		row.Done()
	}
	row.Note("blocks, free, not found", fmt.Sprintf("%d, %d, %d", total, free, len(missed)))
	if int64(len(missed)) > free {
		row.Violation("damage was not found in %d blocks, %d are free", len(missed), free)
	}
}

// What is read completely comes back, cursors only with all rows that they speak of.
func TestMendKeepsWhatIsWhole(t *testing.T) {
	ctx := context.Background()
	db := scratch(t)
	events, page := world(11)
	fill(t, db, events, page)
	commits(t, db, 0, 20)
	if err := db.RecordGap(ctx, store.Gap{Source: "test", From: dayOne, Until: dayOne + hour, Noticed: dayOne + hour, Position: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.SetKeyID(ctx, "a key"), db.Compact(ctx)); err != nil {
		t.Fatal(err)
	}
	before, err := db.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]int64{} // one of each table that has blocks of its own
	if err := db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		for _, table := range []string{"events", "page_events", "words", "shapes"} {
			var block int64
			if err := conn.QueryRowContext(ctx, "select max(block_id) from pragma_storage_info('"+table+"') where block_id >= 0").Scan(&block); err != nil {
				return err
			}
			blocks[table] = block
			t.Log(table, blocks[table])
		}
		return nil
	}); err != nil {
		t.Skip(err)
	}
	whole := mustRead(t, db.path)
	for table, block := range blocks {
		harmed := bytes.Clone(whole)
		harmed[headersEnd+block<<16+1000] ^= 1
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Mend(ctx, dir, true, examineHere)
		if err != nil || r.Damage == "" {
			t.Errorf("%s: %+v, %v", table, r, err)
			continue
		}
		if aside := mustRead(t, filepath.Join(r.Folder, file)); !bytes.Equal(aside, harmed) {
			t.Errorf("%s: what was put aside is not what was there", table)
		}
		again, err := Open(ctx, Options{Dir: dir})
		if len(r.Found.Kept()) == 0 {
			t.Errorf("%s: nothing was kept: %s", table, r.Damage)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", table, err)
			continue
		}
		s, err := again.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := again.KeyID(ctx); err != nil || id != "a key" {
			t.Errorf("%s: the store says its key is %q: %v", table, id, err)
		}
		kept := r.Found.Kept()
		t.Logf("%s: kept %v", table, kept)
		if got, want := s.Events, before.Events; slices.Contains(kept, "events") && got != want || !slices.Contains(kept, "events") && got != 0 {
			t.Errorf("%s: %d events of %d", table, got, want)
		}
		if len(s.Sources) > 0 && (s.Events != before.Events || s.Pages != before.Pages) {
			t.Errorf("%s: cursors stand behind rows that are gone: %+v", table, s)
		}
		// The same batches again: nothing twice, nothing missing.
		fill(t, again, events, page)
		commits(t, again, 0, 20)
		if s, err := again.Status(ctx); err != nil || s.Events != before.Events || s.Pages != before.Pages {
			t.Errorf("%s: %+v, %v", table, s, err)
		}
		again.Close()
		if r, err := Mend(ctx, dir, true, examineHere); err != nil || r.Damage != "" || len(r.Aside) != 0 {
			t.Errorf("%s: a mended store is mended again: %+v, %v", table, r, err)
		}
	}
}

// A damaged store that an older release left is mended as that one made it, and then brought up to date like any other.
func TestMendOlder(t *testing.T) {
	ctx := context.Background()
	stores, err := filepath.Glob(filepath.Join("testdata", "released", "*.duckdb.gz"))
	if err != nil || len(stores) == 0 {
		t.Fatal("no released store", err)
	}
	for _, path := range stores {
		dir := t.TempDir()
		unpack(t, path, dir)
		at := filepath.Join(dir, file)
		whole, err := examineHere(ctx, dir, "")
		if err != nil || !whole.Whole() {
			t.Fatalf("%s: %+v, %v", path, whole, err)
		}
		old, err := begin(ctx, Options{Dir: dir, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		var block int64
		err = old.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
			return conn.QueryRowContext(ctx, "select max(block_id) from pragma_storage_info('page_events') where block_id >= 0").Scan(&block)
		})
		old.Close()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		harmed := mustRead(t, at)
		harmed[headersEnd+block<<16+1000] ^= 1
		if err := os.WriteFile(at, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Mend(ctx, dir, true, examineHere)
		if err != nil || !slices.Contains(r.Found.Kept(), "events") || slices.Contains(r.Found.Kept(), "page_events") {
			t.Errorf("%s: %+v, %v", path, r, err)
			continue
		}
		db, err := Open(ctx, Options{Dir: dir, Threads: 1})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		s, err := db.Status(ctx)
		db.Close()
		want := whole.Tables[slices.IndexFunc(whole.Tables, func(f TableFound) bool { return f.Name == "events" })].Rows
		if err != nil || s.Events != want || s.Pages != 0 {
			t.Errorf("%s: %d events of %d, %d page events: %v", path, s.Events, want, s.Pages, err)
		}
	}
}

// A newer store is nobody's to mend, and one that is held waits.
func TestMendRefuses(t *testing.T) {
	db := scratch(t)
	if err := db.write(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		_, err := run(ctx, conn, "put_schema", sql.Named("step", int64(99)))
		return err
	}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Mend(context.Background(), db.opts.Dir, true, examineHere); !errors.Is(err, store.ErrNewer) {
		t.Errorf("newer: %v", err)
	}
	if _, err := Mend(context.Background(), t.TempDir(), true, examineHere); !errors.Is(err, store.ErrMissing) {
		t.Errorf("missing: %v", err)
	}
}
