package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// bringUpToDate makes the tables of a new store, in one transaction, and takes
// the steps that an older one lacks, each in a transaction of its own. Many may
// open at once: the step is read again once the file is held.
func (d *DB) bringUpToDate(ctx context.Context) error {
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return err
	}
	done := 0
	if d.bytes() > 0 {
		err := d.session(ctx, true, func(ctx context.Context, conn *sql.Conn) error {
			if done, err = stepOf(ctx, conn, len(steps)); err == nil && done == len(steps) && !d.opts.ReadOnly {
				d.known, err = readVocabulary(ctx, conn) // the first load needs it
			}
			return err
		})
		if err != nil && !errors.Is(err, store.ErrMissing) {
			return err
		}
	}
	if done == 0 && d.opts.ReadOnly {
		return d.missing()
	}
	if d.bytes() == 0 {
		if err := d.create(ctx); err != nil {
			return d.wrap(err)
		}
	}
	told := d.opts.Older == nil
	for done < len(steps) {
		err := d.session(ctx, false, func(ctx context.Context, conn *sql.Conn) error {
			done, err = stepOf(ctx, conn, len(steps))
			if err != nil || done == len(steps) {
				return err
			}
			if done > 0 && !told {
				told = true
				d.opts.Older()
			}
			todo, key := steps[done:done+1], ""
			if done == 0 { // nothing is in it that a failed step could cost
				todo, key = steps, d.opts.NewKey
			}
			if err = take(ctx, conn, todo, key); err != nil {
				return err
			}
			if done += len(todo); done == len(steps) {
				d.known, err = readVocabulary(ctx, conn)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isUpToDate reports whether no step is missing.
func (d *DB) isUpToDate(ctx context.Context) (is bool, err error) {
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return false, err
	}
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		done, err := stepOf(ctx, conn, len(steps))
		is = done == len(steps)
		return err
	})
	return is, err
}

// layout is how a new file is made. A checkpoint rewrites blocks of metadata in place, and a process that is killed
// within such a write leaves a torn block: the smaller the blocks, the shorter that moment. In blocks smaller than
// these DuckDB does not pack integers of 64 bits, and an event would take half as much more.
const layout = "block_size 65536"

// create makes an empty database beside the store's place and puts it there
// whole, so that a process killed meanwhile leaves no half a file. Where another
// process was faster, its file stays.
func (d *DB) create(ctx context.Context) error {
	fresh := freshName(d.path)
	defer os.Remove(fresh)
	if _, err := d.pool.ExecContext(ctx, "attach "+quote(fresh)+" as fresh ("+layout+"); detach fresh"); err != nil {
		return err
	}
	if err := private(fresh); err != nil {
		return err
	}
	syncpoint.Reach("store made", fresh)
	err := os.Link(fresh, d.path) // a rename would replace the other's file
	if err == nil {
		syncpoint.Reach("store placed", d.path)
		err = durable.Folder(d.opts.Dir)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %w", store.ErrResources, err)
	}
	return nil
}

// take runs steps in one transaction and records the last one, and the key of a new store's pseudonyms unless it is "".
func take(ctx context.Context, conn *sql.Conn, steps []queries.Step, key string) (err error) {
	if _, err := conn.ExecContext(ctx, "begin transaction"); err != nil {
		return err
	}
	var step queries.Step
	for _, step = range steps {
		if _, err = conn.ExecContext(ctx, step.SQL); err != nil {
			break
		}
	}
	if err == nil {
		_, err = run(ctx, conn, "put_schema", sql.Named("step", int64(step.Number)))
	}
	if err == nil && key != "" {
		_, err = run(ctx, conn, "put_key_id", sql.Named("id", key))
	}
	if err == nil {
		syncpoint.Reach("migrate", step.Name)
		_, err = conn.ExecContext(ctx, "commit")
	}
	if err != nil {
		conn.ExecContext(context.WithoutCancel(ctx), "rollback")
		return fmt.Errorf("schema step %s: %w", step.Name, err)
	}
	return nil
}

// stepOf reads which step the store has; 0 when it has no tables yet.
func stepOf(ctx context.Context, conn *sql.Conn, known int) (int, error) {
	var step int
	err := one(ctx, conn, "schema_step", nil, &step)
	var e *duck.Error
	if errors.As(err, &e) && e.Type == duck.ErrorTypeCatalog || errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil && step > known {
		return 0, fmt.Errorf("%w: it has schema %d, this one knows %d: use the newer one", store.ErrNewer, step, known)
	}
	return step, err
}
