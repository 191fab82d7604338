package duckdb

import (
	"context"
	"database/sql"
	"os"
	"reflect"
	"testing"

	"keyramp/queries/store"
)

// A store that was written anew is the same store in less room: for the rows, for the kept
// answers, which know rows by their numbers, and for the next commit.
func TestCompactedStoreIsTheSame(t *testing.T) {
	defer func(n int64) { enoughEvents, smallStore = n, usualSmall }(enoughEvents)
	enoughEvents, smallStore = 1, 0
	for _, threads := range []int{1, 4} {
		ctx := context.Background()
		db, err := Open(ctx, Options{Dir: t.TempDir(), Threads: threads, Answers: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		events, page := world(11)
		fill(t, db, events, page)
		commits(t, db, 0, 30)
		fill(t, db, traffic(20_000, 1<<30, dayOne).Events, nil)
		all := func() (s *store.Status, c *store.Counts, rows []string) {
			s, err := db.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s.Bytes = 0
			if c, err = db.Counts(ctx, ramp()); err != nil {
				t.Fatal(err)
			}
			err = db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
				tables, err := tablesOf(ctx, conn)
				for _, table := range tables {
					var text string
					if err := conn.QueryRowContext(ctx, "select count(*) || ' ' || coalesce(bit_xor(hash(t.rowid, t)), 0) from "+table+" t").Scan(&text); err != nil {
						return err
					}
					rows = append(rows, table+" "+text)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return s, c, rows
		}
		status, counts, rows := all()
		before := db.bytes()
		if err := db.Compact(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d threads: %d bytes became %d", threads, before, db.bytes())
		if db.bytes() > before {
			t.Error("the store has grown")
		}
		for _, kept := range []bool{true, false} { // with the answers of before, and without
			if !kept {
				os.RemoveAll(db.opts.Dir + "/" + answerFolder)
			}
			s, c, r := all()
			if !reflect.DeepEqual(s, status) || !reflect.DeepEqual(c, counts) || !reflect.DeepEqual(r, rows) {
				t.Errorf("%d threads: another store after it was written anew:\n%v\n%v", threads, r, rows)
			}
		}
		if info, err := os.Stat(db.path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		fill(t, db, traffic(400, 1<<40, dayOne).Events, nil) // it takes what is new, and knows what is old
		commits(t, db, 0, 5)
		if s, err := db.Status(ctx); err != nil || s.Events != status.Events+400 {
			t.Errorf("%+v, %v", s, err)
		}
		updated, err := db.Counts(ctx, ramp())
		if err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(db.opts.Dir + "/" + answerFolder)
		if c, err := db.Counts(ctx, ramp()); err != nil || !reflect.DeepEqual(c, updated) {
			t.Errorf("%d threads: answers that were brought up to date differ from those of all rows: %v", threads, err)
		}
	}
}
