package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// A Removal says what was taken out of the store, or would be.
type Removal struct {
	Events, Pages int64
	People        int64 // forgotten: of those asked for, who had rows
}

// CountForgotten tells what Forget would take out.
func (d *DB) CountForgotten(ctx context.Context, users []uint64) (r Removal, err error) {
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		r, _, err = gone(ctx, conn, users)
		return err
	})
	return r, err
}

// Forget takes out all rows of these users, and those that name no user and
// share a transaction or a session with them. tombstone makes of a pseudonym
// what the store keeps of it, so that a load can leave out what comes again.
// People who have no rows get their tombstone, too. at is the time of the run.
//
// Like every removal it writes the store anew beside the old file and puts it
// in its place whole, so the file does not hold the rows in free blocks; kept
// answers go. A run that dies leaves the old store or the new one. Only the
// holder of the run lock may do it.
func (d *DB) Forget(ctx context.Context, users []uint64, tombstone func(uint64) uint64, at store.Micros) (r Removal, err error) {
	err = d.rewrite(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var keys []uint64
		if r, keys, err = gone(ctx, conn, users); err != nil {
			return err
		}
		known, err := tombstones(ctx, conn)
		if err != nil {
			return err
		}
		people := int64(0)
		var marks [][]any
		for _, user := range users {
			mark := tombstone(user)
			if _, found := slices.BinarySearch(known, mark); !found {
				people++
			}
			marks = append(marks, []any{mark})
		}
		for _, key := range keys {
			marks = append(marks, []any{tombstone(key)})
		}
		if err := insertMany(ctx, conn, "marks", marks); err != nil {
			return err
		}
		if err := runAll(ctx, conn, "forget_events", "forget_page_events", "keep_conflicts", "add_tombstones"); err != nil {
			return err
		}
		return addRemoval(ctx, conn, store.FilterForgotten, at, 0, people, r)
	}, "")
	return r, err
}

// CountPurged tells what Purge would take out.
func (d *DB) CountPurged(ctx context.Context, before store.Micros) (r Removal, err error) {
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		return one(ctx, conn, "old_rows", []any{sql.Named("before_us", before)}, &r.Events, &r.Pages)
	})
	return r, err
}

// Purge takes out all events that are dated before a UTC midnight, and keeps
// their number by day, type, experiment and variation. See Forget.
func (d *DB) Purge(ctx context.Context, before, at store.Micros) (r Removal, err error) {
	limit := sql.Named("before_us", before)
	err = d.rewrite(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if err := one(ctx, conn, "old_rows", []any{limit}, &r.Events, &r.Pages); err != nil {
			return err
		}
		for _, name := range []string{"add_days", "purge_events", "purge_page_events"} {
			if _, err := run(ctx, conn, name, limit); err != nil {
				return err
			}
		}
		if _, err := run(ctx, conn, "keep_conflicts"); err != nil {
			return err
		}
		return addRemoval(ctx, conn, store.FilterPurged, at, before, 0, r)
	}, "")
	return r, err
}

// Turn gives every pseudonym the number that turn makes of it, and records the
// id of the key that makes such numbers. See Forget.
func (d *DB) Turn(ctx context.Context, turn func(uint64) uint64, keyID string) error {
	return d.rewrite(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if err := duck.RegisterScalarUDF(conn, "turned", turned{turn}); err != nil {
			return fmt.Errorf("function turned: %w", err)
		}
		return runAll(ctx, conn, "turn_events", "turn_page_events", "turn_conflicts", "turn_rejects", "turn_tombstones", "turn_calls")
	}, keyID)
}

// turned is the SQL function of that name.
type turned struct{ of func(uint64) uint64 }

func (turned) Config() duck.ScalarFuncConfig {
	number, _ := duck.NewTypeInfo(duck.TYPE_UBIGINT) // fails for types with parts alone
	return duck.ScalarFuncConfig{InputTypeInfos: []duck.TypeInfo{number}, ResultTypeInfo: number}
}

func (t turned) Executor() duck.ScalarFuncExecutor {
	return duck.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		return t.of(values[0].(uint64)), nil
	}}
}

// gone puts users, and what rows without a user are known as theirs by, into
// temporary tables, and counts the rows. It returns their sessions and transactions.
func gone(ctx context.Context, conn *sql.Conn, users []uint64) (r Removal, keys []uint64, err error) {
	if err := ddl(ctx, conn, "rewrite"); err != nil {
		return r, nil, err
	}
	rows := make([][]any, len(users))
	for i, user := range users {
		rows[i] = []any{user}
	}
	if err := insertMany(ctx, conn, "gone", rows); err != nil {
		return r, nil, err
	}
	if _, err := run(ctx, conn, "gone_keys"); err != nil {
		return r, nil, err
	}
	var key uint64
	if err := each(ctx, conn, "gone_key_list", nil, func() error {
		keys = append(keys, key)
		return nil
	}, &key); err != nil {
		return r, nil, err
	}
	return r, keys, one(ctx, conn, "gone_rows", nil, &r.Events, &r.Pages, &r.People)
}

// insertMany is insertRows for any number of rows, into a temporary table.
func insertMany(ctx context.Context, conn *sql.Conn, table string, rows [][]any) error {
	for part := range slices.Chunk(rows, 1000) {
		if err := insertRows(ctx, conn, "temp", table, part); err != nil {
			return err
		}
	}
	return nil
}

func runAll(ctx context.Context, conn *sql.Conn, names ...string) error {
	for _, name := range names {
		if _, err := run(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

func addRemoval(ctx context.Context, conn *sql.Conn, why string, at, before store.Micros, people int64, r Removal) error {
	_, err := run(ctx, conn, "add_removal", sql.Named("why", why), sql.Named("at_us", at), sql.Named("before_us", before),
		sql.Named("people", people), sql.Named("events", r.Events), sql.Named("pages", r.Pages))
	return err
}

// Tables that a rewrite fills by rules of its own; all others are copied first, and may then be added to.
var (
	byRule  = []string{"events", "page_events", "conflicts", "meta", "words", "shapes"}
	byTurns = []string{"rejects", "tombstones", "calls"} // when pseudonyms are turned
)

// rewrite writes the store anew. fill puts the rows of events, page_events and conflicts,
// and whatever else differs, from the catalog store into the catalog fresh; keyID
// is that of turned pseudonyms, else "".
func (d *DB) rewrite(ctx context.Context, fill func(ctx context.Context, conn *sql.Conn) error, keyID string) error {
	if d.opts.ReadOnly {
		return errors.New("the store was opened for reading only")
	}
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return err
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	d.known = nil
	// What stands in the log beside the file goes into it: the log would be taken for the new file's.
	if err := d.session(ctx, false, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "checkpoint store")
		return err
	}); err != nil {
		return err
	}
	fresh := freshName(d.path)
	defer os.Remove(fresh + ".wal")
	defer os.Remove(fresh)
	return d.session(ctx, true, func(ctx context.Context, conn *sql.Conn) error { // attached for reading, the file takes no commit
		tables, err := tablesOf(ctx, conn)
		if err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "use store; detach database if exists fresh")
		if err := attachFresh(ctx, conn, fresh, steps); err != nil {
			return err
		}
		if _, err := run(ctx, conn, "keep_meta", sql.Named("key_id", keyID)); err != nil {
			return err
		}
		for _, table := range tables {
			if slices.Contains(byRule, table) || keyID != "" && slices.Contains(byTurns, table) {
				continue
			}
			if _, err := copyTable(ctx, conn, table, d.perQuestion > 1); err != nil {
				return err
			}
		}
		if err := fill(ctx, conn); err != nil {
			return err
		}
		if err := runAll(ctx, conn, "keep_shapes", "keep_words"); err != nil {
			return err
		}
		if err := detachFresh(ctx, conn, fresh); err != nil {
			return err
		}
		return d.replace(ctx, fresh)
	})
}

// replace puts the new file in the place of the store. The session holds the
// old one, so that nobody can write to it meanwhile; who reads goes on reading it.
func (d *DB) replace(ctx context.Context, fresh string) error {
	leave := d.queue(ctx, time.Now().Add(d.opts.LockWait)) // whoever looks for the file finds the old one or the new one
	defer leave()
	if exists(d.path + ".wal") {
		return fmt.Errorf("store %s: %w: a log stands beside it: run the same command again", d.path, store.ErrBusy)
	}
	// Answers of the old store are never used again. One may be written until the new file is there. The undo file holds
	// statistics of rows that go; no commit is on its way that could need it.
	answers := filepath.Join(d.opts.Dir, answerFolder)
	defer os.RemoveAll(answers)
	err := errors.Join(os.RemoveAll(answers), os.RemoveAll(d.path+undoSuffix))
	if err == nil {
		syncpoint.Reach("rewritten", fresh)
		err = os.Rename(fresh, d.path)
	}
	if err == nil {
		syncpoint.Reach("replaced", d.path)
		err = durable.Folder(d.opts.Dir)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w: %w", d.path, store.ErrResources, err)
	}
	return nil
}

// Removed tells what was taken out of the store, with all tombstones.
func (d *DB) Removed(ctx context.Context) (r store.Removed, err error) {
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if r, err = removed(ctx, conn); err == nil {
			r.Tombstones, err = tombstones(ctx, conn)
		}
		return err
	})
	return r, err
}

func removed(ctx context.Context, conn *sql.Conn) (r store.Removed, err error) {
	return r, one(ctx, conn, "removed", nil, &r.Before, &r.Purged, &r.Forgotten, &r.People)
}

// tombstones are sorted.
func tombstones(ctx context.Context, conn *sql.Conn) (all []uint64, err error) {
	var mark uint64
	err = each(ctx, conn, "tombstones", nil, func() error {
		all = append(all, mark)
		return nil
	}, &mark)
	return all, err
}

// KeyID tells which key the store's pseudonyms are of; "" when nothing was recorded.
func (d *DB) KeyID(ctx context.Context) (id string, err error) {
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		return one(ctx, conn, "key_id", nil, &id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// SetKeyID records which key the store's pseudonyms are of.
func (d *DB) SetKeyID(ctx context.Context, id string) error {
	return d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := run(ctx, conn, "put_key_id", sql.Named("id", id))
		return err
	}, nil)
}
