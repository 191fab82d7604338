package duckdb

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"keyramp/queries/store"
)

// remembering opens a store that keeps its answers, with a world in it.
func remembering(t *testing.T) (*DB, []store.Event, []store.PageEvent) {
	t.Helper()
	db, err := Open(context.Background(), Options{Dir: t.TempDir(), LockWait: time.Second, Answers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	events, page := world(7)
	fill(t, db, events, page)
	return db, events, page
}

// right fails unless the store counts what the oracle counts.
func right(t *testing.T, db *DB, s store.Scope, events []store.Event, page []store.PageEvent) {
	t.Helper()
	got, err := db.Counts(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recount(s, events, page), got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the store (+) and the oracle (-) differ:\n%s", diff)
	}
}

// kept lists the files with answers.
func kept(t *testing.T, db *DB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(db.opts.Dir, answerFolder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Rows that a report counted may be lost, with the log that held them, or to a backup of the store; others take their
// places. As many rows of the same store are no longer the same rows: what was kept of the lost ones is not used.
func TestAnswerOfLostRows(t *testing.T) {
	events, page := world(7)
	for i := range events {
		events[i].LogID = uint64(i + 1)
	}
	third := len(events) / 3
	first, lost, later := events[:third], events[third:2*third], events[2*third:]
	cut := func(t *testing.T, path string) {
		info, err := os.Stat(path + ".wal")
		if err == nil {
			err = os.Truncate(path+".wal", info.Size()-40)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		lose func(t *testing.T, path string)
		then []store.Event
	}{
		"a log that was cut": {cut, later[:len(lost)]},
		"a log that was put aside": {func(t *testing.T, path string) {
			log := mustRead(t, path+".wal")
			log[len(log)/2] ^= 0xff
			if err := os.WriteFile(path+".wal", log, 0o600); err != nil {
				t.Fatal(err)
			}
			if r, err := Mend(t.Context(), filepath.Dir(path), true, examineHere); err != nil || !r.LogOnly {
				t.Fatal(r, err)
			}
		}, later[:len(lost)]},
		"a backup":                             {func(t *testing.T, path string) { os.Remove(path + ".wal") }, later[:len(lost)]},
		"the lost rows come back after others": {cut, append(slices.Clone(later), lost...)},
	} {
		t.Run(name, func(t *testing.T) {
			enoughEvents, changedPart = 0, 1
			defer func() { enoughEvents, changedPart = usualEnough, usualPart }()
			dir := t.TempDir()
			with := func(leaveLog bool, do func(db *DB)) {
				db, err := Open(t.Context(), Options{Dir: dir, LockWait: time.Second, Answers: true, LeaveLog: leaveLog})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				do(db)
			}
			with(false, func(db *DB) { fill(t, db, first, page) })
			with(true, func(db *DB) { fill(t, db, lost, nil) })
			err := Read(t.Context(), Options{Dir: dir, Answers: true}, func(ctx context.Context, db *DB) error {
				_, err := db.Counts(ctx, ramp())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			c.lose(t, filepath.Join(dir, file))
			with(false, func(db *DB) {
				fill(t, db, c.then, nil)
				right(t, db, ramp(), slices.Concat(first, c.then), page)
			})
		})
	}
}

// An answer that is damaged, or was found in another store, is not used.
func TestAnswerNotTrusted(t *testing.T) {
	db, events, page := remembering(t)
	right(t, db, ramp(), events, page)
	files := kept(t, db)
	if len(files) != 1 {
		t.Fatal(files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(text); at += 17 {
		damaged := append([]byte(nil), text...)
		damaged[at] ^= 1
		for _, bad := range [][]byte{damaged, text[:at]} {
			if err := os.WriteFile(files[0], bad, 0o600); err != nil {
				t.Fatal(err)
			}
			var a answer
			if db.recall(filepath.Base(files[0][:len(files[0])-len(".json")]), &a) {
				t.Fatalf("damage at byte %d went unnoticed", at)
			}
		}
	}
	right(t, db, ramp(), events, page)

	other, moreEvents, morePage := remembering(t) // as many rows, other ones
	for i := range moreEvents {
		moreEvents[i].LogID += 1 << 32
	}
	if err := os.MkdirAll(filepath.Join(other.opts.Dir, answerFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.opts.Dir, answerFolder, filepath.Base(files[0])), text, 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, other, moreEvents[:1], nil)
	events, _ = world(7)
	right(t, other, ramp(), append(events, moreEvents[0]), morePage)
}

// Looking back does not push the latest answer aside, and gives what was to be seen then.
func TestAnswerLooksBack(t *testing.T) {
	db, events, page := remembering(t)
	now, then := ramp(), ramp()
	then.Until -= 70 * hour
	right(t, db, now, events, page)
	before, err := os.ReadFile(kept(t, db)[0])
	if err != nil {
		t.Fatal(err)
	}
	right(t, db, then, events, page)
	after, err := os.ReadFile(kept(t, db)[0])
	if err != nil || string(before) != string(after) {
		t.Error("an earlier as-of replaced the latest answer", err)
	}
	right(t, db, now, events, page)
}

// Answers are their owner's alone, their number is limited, and where none can be kept the counting goes on.
func TestAnswerFiles(t *testing.T) {
	db, events, page := remembering(t)
	for i := range keptAnswers + 5 {
		s := ramp()
		s.Since = dayOne + int64(i)*hour
		right(t, db, s, events, page)
	}
	files := kept(t, db)
	if len(files) != keptAnswers {
		t.Errorf("%d files", len(files))
	}
	for path, want := range map[string]os.FileMode{files[0]: 0o600, filepath.Dir(files[0]): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if err := os.RemoveAll(filepath.Dir(files[0])); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(files[0]), nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	right(t, db, ramp(), events, page)
}
