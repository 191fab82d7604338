package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// Load is LoadAll for one part.
func (d *DB) Load(ctx context.Context, b *store.Batch, next store.Cursor) (store.Loaded, error) {
	loaded, err := d.LoadAll(ctx, []store.Part{{Batch: b, Next: next}})
	if err != nil {
		return store.Loaded{}, err
	}
	return loaded[0], nil
}

// LoadAll stores batches, their accounts and the cursors behind them in one
// transaction. The file is held from the search for known rows to the commit;
// rows are staged before.
//
// A failed commit leaves open whether it happened. LoadAll then looks; if it
// cannot, it returns an error, and loading the batches again is always right.
func (d *DB) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	if len(parts) == 0 {
		return nil, nil
	}
	parts = slices.Clone(parts)
	loaded, rows, err := openAccounts(parts)
	name := parts[0].Next.Source
	if len(parts) > 1 {
		name = fmt.Sprintf("%s and %d more", name, len(parts)-1)
	}
	if err == nil && d.known == nil {
		err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) (err error) {
			d.known, err = readVocabulary(ctx, conn)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("batch of %s: %w", name, err)
	}
	d.staged.fill(parts, d.known)
	marker := rand.Int64() // database/sql takes no integer over 63 bits
	err = d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if rows > 0 {
			words, shapes, identity, err := extent(ctx, conn)
			if err != nil {
				return err
			}
			if words != d.known.kept || shapes != d.known.shaped || identity != d.known.store { // another process has added some, or written the store anew
				if d.known, err = readVocabulary(ctx, conn); err != nil {
					return err
				}
				d.staged.fill(parts, d.known)
			}
		}
		if err := move(ctx, conn, &d.staged, parts, loaded); err != nil {
			return err
		}
		if d.staged.words.rows > 0 || d.staged.shapes.rows > 0 {
			if _, err := d.known.check(ctx, conn); err != nil {
				return err
			}
		}
		syncpoint.Reach("rows moved", name)
		d.staged.fillSources(parts, loaded, d.ran, marker)
		_, err := run(ctx, conn, "put_sources")
		return err
	}, func(ctx context.Context, conn *sql.Conn) (bool, error) {
		var last int64
		err := one(ctx, conn, "marker", []any{sql.Named("source", parts[0].Next.Source)}, &last)
		return last == marker, err
	})
	if err != nil {
		d.known = nil
		return nil, fmt.Errorf("batch of %s: %w", name, err)
	}
	d.known.committed()
	for _, p := range parts {
		d.ran[p.Next.Source] = true
	}
	d.wrote = d.wrote || rows > 0
	return loaded, nil
}

// openAccounts checks parts, cleans their texts and begins their accounts. It returns the number of rows, too.
func openAccounts(parts []store.Part) (loaded []store.Loaded, rows int64, err error) {
	loaded = make([]store.Loaded, len(parts))
	named := make(map[string]bool, len(parts))
	for i := range parts {
		b, next := parts[i].Batch, &parts[i].Next
		next.Source, next.Position = clean(next.Source), clean(next.Position)
		if named[next.Source] {
			return nil, 0, fmt.Errorf("%s stands in one commit twice", next.Source)
		}
		named[next.Source] = true
		l := &loaded[i]
		l.Received, l.Rejected = b.Received, int64(len(b.Rejects))
		for _, n := range b.Filtered {
			l.Filtered += n
		}
		n := int64(len(b.Events) + len(b.Pages))
		if l.Received != n+l.Filtered+l.Rejected {
			return nil, 0, fmt.Errorf("%s: %d received, but %d rows, %d filtered and %d rejected", next.Source, l.Received, n, l.Filtered, l.Rejected)
		}
		rows += n
	}
	return loaded, rows, nil
}

// move puts the staged rows that the store does not know into it, and completes the accounts of their parts.
func move(ctx context.Context, conn *sql.Conn, s *staging, parts []store.Part, loaded []store.Loaded) error {
	logged, at, onPage := s.logged, s.at.widened(), s.onPage.widened()
	if logged.from > logged.until {
		logged = bounds{1, 0}
	}
	for _, kind := range []struct {
		rows                      int
		again                     repeats
		find, add, met, differing string
		copied                    func(n uint32) copied // a row of the batch
		where                     []any
	}{
		{s.events.rows, s.eventsAgain, "find_events", "add_events", "met_events", "differing_events", s.copiedEvent, []any{
			sql.Named("logged_from", logged.from), sql.Named("logged_until", logged.until),
			sql.Named("at_from", at.from), sql.Named("at_until", at.until)}},
		{s.pages.rows, s.pagesAgain, "find_pages", "add_pages", "met_pages", "differing_pages", s.copiedPage, []any{
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
		added := make([]int64, len(parts))
		var fresh int64
		differ := false // perhaps
		for i, of := range kind.again.parts {
			added[i] = of[first]
			fresh += of[first]
			differ = differ || of[repeatOther] > 0
		}
		if stored < fresh { // it met what the store knows
			differ = true
			var part int
			var known int64
			err := each(ctx, conn, kind.met, nil, func() error {
				added[part] -= known
				fresh -= known
				return nil
			}, &part, &known)
			if err != nil {
				return err
			}
		}
		if stored != fresh {
			return fmt.Errorf("internal error: %s stored %d rows, and %d were not known", kind.add, stored, fresh)
		}
		for i, of := range kind.again.parts {
			loaded[i].Stored += added[i]
			loaded[i].Duplicate += of[first] + of[repeatEqual] + of[repeatOther] - added[i]
		}
		if !differ {
			continue
		}
		var differing []copied
		var n uint32
		err = each(ctx, conn, kind.differing, nil, func() error {
			differing = append(differing, kind.copied(n))
			return nil
		}, &n)
		if err != nil {
			return err
		}
		for _, r := range differing {
			loaded[r.part].Conflicts++
		}
		s.fillConflicts(differing, parts)
		if _, err := run(ctx, conn, "add_conflicts"); err != nil {
			return err
		}
	}
	for _, aside := range []struct {
		rows int
		add  string
	}{{s.words.rows, "add_words"}, {s.shapes.rows, "add_shapes"}, {s.rejects.rows, "add_rejects"}, {s.filtered.rows, "add_filtered"}} {
		if aside.rows > 0 {
			if _, err := run(ctx, conn, aside.add); err != nil {
				return err
			}
		}
	}
	for _, p := range parts {
		for _, c := range p.Calls {
			if err := addCall(ctx, conn, c); err != nil {
				return err
			}
		}
	}
	return nil
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
