package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// Load stores a batch, its account and the cursor behind it in one
// transaction. The file is held from the search for known rows to the commit;
// rows are staged before.
//
// A failed commit leaves open whether it happened. Load then looks; if it
// cannot, it returns an error, and loading the batch again is always right.
func (d *DB) Load(ctx context.Context, b *store.Batch, next store.Cursor) (store.Loaded, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	next.Source, next.Position = clean(next.Source), clean(next.Position)
	loaded := store.Loaded{Received: b.Received, Rejected: int64(len(b.Rejects))}
	for _, n := range b.Filtered {
		loaded.Filtered += n
	}
	rows := int64(len(b.Events) + len(b.Pages))
	if loaded.Received != rows+loaded.Filtered+loaded.Rejected {
		return store.Loaded{}, fmt.Errorf("batch of %s: %d received, but %d rows, %d filtered and %d rejected",
			next.Source, loaded.Received, rows, loaded.Filtered, loaded.Rejected)
	}
	if d.words == nil {
		err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) (err error) {
			d.words, err = readWords(ctx, conn)
			return err
		})
		if err != nil {
			return store.Loaded{}, fmt.Errorf("batch of %s: %w", next.Source, err)
		}
	}
	d.staged.fill(b, d.words)
	marker := rand.Int64() // database/sql takes no integer over 63 bits
	err := d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if rows > 0 {
			var kept, next int
			var identity string
			if err := one(ctx, conn, "word_count", nil, &kept, &next, &identity); err != nil {
				return err
			}
			if kept != d.words.kept || identity != d.words.store { // another process has added some, or written the store anew
				var err error
				if d.words, err = readWords(ctx, conn); err != nil {
					return err
				}
				d.staged.fill(b, d.words)
			}
		}
		if err := move(ctx, conn, &d.staged, next.Source, &loaded); err != nil {
			return err
		}
		if d.staged.words.rows > 0 {
			if err := d.words.check(ctx, conn); err != nil {
				return err
			}
		}
		for _, c := range b.Calls {
			if err := addCall(ctx, conn, c); err != nil {
				return err
			}
		}
		loaded.Duplicate = rows - loaded.Stored
		syncpoint.Reach("rows moved", next.Source)
		return d.settle(ctx, conn, next, loaded, marker)
	}, func(ctx context.Context, conn *sql.Conn) (bool, error) {
		var last int64
		err := one(ctx, conn, "marker", []any{sql.Named("source", next.Source)}, &last)
		return last == marker, err
	})
	if err != nil {
		d.words = nil
		return store.Loaded{}, fmt.Errorf("batch of %s: %w", next.Source, err)
	}
	d.words.committed()
	d.ran[next.Source] = true
	d.wrote = d.wrote || rows > 0
	return loaded, nil
}

// move puts the staged rows that the store does not know into it.
func move(ctx context.Context, conn *sql.Conn, s *staging, source string, loaded *store.Loaded) error {
	logged, at, onPage := s.logged, s.at.widened(), s.onPage.widened()
	if logged.from > logged.until {
		logged = bounds{1, 0}
	}
	for _, kind := range []struct {
		rows                 int
		again                repeats
		find, add, conflicts string
		differ               string
		where                []any
	}{
		{s.events.rows, s.eventsAgain, "find_events", "add_events", "event_conflicts", "add_event_conflicts", []any{
			sql.Named("logged_from", logged.from), sql.Named("logged_until", logged.until),
			sql.Named("at_from", at.from), sql.Named("at_until", at.until)}},
		{s.pages.rows, s.pagesAgain, "find_pages", "add_pages", "page_conflicts", "add_page_conflicts", []any{
			sql.Named("at_from", onPage.from), sql.Named("at_until", onPage.until)}},
	} {
		if kind.rows == 0 {
			continue
		}
		if _, err := run(ctx, conn, kind.find, kind.where...); err != nil {
			return err
		}
		stored, err := run(ctx, conn, kind.add)
		if err != nil {
			return err
		}
		conflicts := kind.again.other
		if stored < int64(kind.rows)-kind.again.equal-kind.again.other { // it met what the store knows
			if err := one(ctx, conn, kind.conflicts, nil, &conflicts); err != nil {
				return err
			}
		}
		if conflicts > 0 {
			if _, err := run(ctx, conn, kind.differ, sql.Named("source", source)); err != nil {
				return err
			}
		}
		loaded.Stored += stored
		loaded.Conflicts += conflicts
	}
	if s.words.rows > 0 {
		if _, err := run(ctx, conn, "add_words"); err != nil {
			return err
		}
	}
	if s.rejects.rows > 0 {
		if _, err := run(ctx, conn, "add_rejects"); err != nil {
			return err
		}
	}
	if s.filtered.rows > 0 {
		if _, err := run(ctx, conn, "add_filtered", sql.Named("source", source)); err != nil {
			return err
		}
	}
	return nil
}

// settle writes the account and the cursor of a batch.
func (d *DB) settle(ctx context.Context, conn *sql.Conn, next store.Cursor, l store.Loaded, marker int64) error {
	runs := int64(1)
	if d.ran[next.Source] {
		runs = 0
	}
	_, err := run(ctx, conn, "put_source", sql.Named("source", next.Source), sql.Named("position", next.Position),
		sql.Named("watermark_us", next.Watermark), sql.Named("complete", next.Complete), sql.Named("at_us", next.At),
		sql.Named("runs", runs), sql.Named("received", l.Received), sql.Named("stored", l.Stored),
		sql.Named("duplicate", l.Duplicate), sql.Named("filtered", l.Filtered), sql.Named("rejected", l.Rejected),
		sql.Named("conflicts", l.Conflicts), sql.Named("marker", marker))
	return err
}

// Cursor tells how far a source has been read; false when it never was.
func (d *DB) Cursor(ctx context.Context, source string) (store.Cursor, bool, error) {
	c := store.Cursor{Source: source}
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		return one(ctx, conn, "cursor", []any{sql.Named("source", clean(source))}, &c.Position, &c.Watermark, &c.Complete, &c.At)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return store.Cursor{}, false, nil
	case err != nil:
		return store.Cursor{}, false, err
	}
	return c, true, nil
}
