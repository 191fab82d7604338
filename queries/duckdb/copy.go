package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// Where free blocks make a file wasteful: more than one in freePart of its blocks, and at least freeLeast bytes.
const (
	freePart  = 5
	freeLeast = 1 << 20
)

// Tidy writes the store anew when rows were loaded and much of its file is free. DuckDB gathers the rows of small
// commits in ever larger groups; the room of the smaller ones stays free inside the file.
//
// It is for the end of a run that holds Lock: another writer's commit would be lost.
func (d *DB) Tidy(ctx context.Context) error {
	d.loading.Lock()
	wrote := d.wrote
	d.loading.Unlock()
	if !wrote {
		return nil
	}
	wasteful := false
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var size, total, free int64
		err := one(ctx, conn, "space", nil, &size, &total, &free)
		wasteful = size*free >= freeLeast && free > total/freePart
		return err
	})
	if err != nil || !wasteful {
		return err
	}
	return d.Compact(ctx)
}

// Compact writes the store anew beside its place and puts it there whole: without what earlier
// commits left in blocks that are free, and with the rows in their order. A process that is
// killed meanwhile leaves the store as it was. Like Tidy it is for a run that holds Lock.
func (d *DB) Compact(ctx context.Context) error {
	if _, err := os.Stat(d.path + ".wal"); !errors.Is(err, fs.ErrNotExist) {
		return nil // the log belongs to this file, and the next commit writes it in
	}
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return err
	}
	fresh := freshName(d.path)
	defer os.Remove(fresh + ".wal")
	defer os.Remove(fresh)
	defer d.forsake()
	return d.read(ctx, func(ctx context.Context, conn *sql.Conn) error { // attached for reading, the file takes no commit
		tables, err := tablesOf(ctx, conn)
		if err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "use store; detach database if exists fresh")
		if err := attachFresh(ctx, conn, fresh, steps, "meta", "words"); err != nil {
			return err
		}
		for _, table := range tables {
			if _, err := copyTable(ctx, conn, table, d.perQuestion > 1); err != nil {
				return err
			}
		}
		if err := detachFresh(ctx, conn, fresh); err != nil {
			return err
		}
		// While we have it attached nobody writes into the file that goes.
		syncpoint.Reach("copy written", fresh)
		if err := os.Rename(fresh, d.path); err != nil {
			return fmt.Errorf("%w: %w", store.ErrResources, err)
		}
		syncpoint.Reach("copy placed", d.path)
		os.Remove(d.path + undoSuffix) // it tells of what was there before
		return durable.Folder(filepath.Dir(d.path))
	})
}

// freshName names a file beside the store's; sweep knows it.
func freshName(path string) string {
	return fmt.Sprintf("%s.new-%d-%x", path, os.Getpid(), rand.Uint32())
}

// attachFresh makes a file with the tables and views of these steps and attaches it as fresh. The tables named are
// emptied of the rows that every store begins with.
func attachFresh(ctx context.Context, conn *sql.Conn, path string, steps []queries.Step, emptied ...string) error {
	statements := []string{"attach " + quote(path) + " as fresh (" + layout + ")", "use fresh", "begin transaction"}
	for _, s := range steps {
		statements = append(statements, s.SQL)
	}
	for _, table := range emptied {
		statements = append(statements, "delete from "+table)
	}
	for _, s := range append(statements, "commit", "use store") {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// detachFresh lets go of a new file when all of it is on the disk.
func detachFresh(ctx context.Context, conn *sql.Conn, path string) error {
	if _, err := conn.ExecContext(ctx, "use store; checkpoint fresh; detach fresh"); err != nil {
		return err
	}
	if exists(path + ".wal") { // rows that are in the log alone
		return fmt.Errorf("%w: %s could not be written to its end", store.ErrResources, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), private(path))
}

func tablesOf(ctx context.Context, conn *sql.Conn) (tables []string, err error) {
	var name string
	err = each(ctx, conn, "tables", nil, func() error {
		tables = append(tables, name)
		return nil
	}, &name)
	return tables, err
}

// copyTable copies the rows of a table of the attached store into fresh, in their order, and
// compares what arrived: kept answers know rows by their numbers.
func copyTable(ctx context.Context, conn *sql.Conn, table string, sorted bool) (rows int64, err error) {
	text := "insert into fresh." + table + " by name select * from store." + table
	if sorted { // one thread hands rows on as it reads them
		text += " order by rowid"
	}
	if _, err := conn.ExecContext(ctx, text); err != nil {
		return 0, fmt.Errorf("table %s: %w", table, err)
	}
	type sum struct {
		rows int64
		hash string
	}
	var from, into sum
	for db, s := range map[string]*sum{"store": &from, "fresh": &into} {
		row := conn.QueryRowContext(ctx, "select count(*), coalesce(bit_xor(hash(t.rowid, t)), 0)::varchar from "+db+"."+table+" t")
		if err := row.Scan(&s.rows, &s.hash); err != nil {
			return 0, fmt.Errorf("table %s: %w", table, err)
		}
	}
	if from != into {
		return 0, fmt.Errorf("table %s: the copy has %d rows, the store %d, or others", table, into.rows, from.rows)
	}
	return into.rows, nil
}
