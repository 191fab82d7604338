package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"keyramp/queries/store"
)

// Resettle stores rejects that are usable after all. See store.Store.
func (d *DB) Resettle(ctx context.Context, r *store.Retrial) (store.Loaded, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	source := clean(r.Source)
	b := &r.Batch
	loaded := store.Loaded{Received: b.Received}
	for _, n := range b.Filtered {
		loaded.Filtered += n
	}
	rows := int64(len(b.Events) + len(b.Pages))
	if int64(len(r.Settled)) != b.Received || rows+loaded.Filtered != b.Received || len(b.Rejects) > 0 {
		return store.Loaded{}, fmt.Errorf("rejects of %s: %d are settled, but %d were received as %d rows and %d filtered",
			source, len(r.Settled), b.Received, rows, loaded.Filtered)
	}
	var off []string
	for _, id := range slices.Concat(r.Settled, r.Gone) {
		off = append(off, strconv.FormatUint(id, 10)) // database/sql takes no integer over 63 bits
	}
	if len(off) == 0 {
		return loaded, nil
	}
	staged := *b
	staged.Rejects = r.Still
	parts, accounts := []store.Part{{Batch: &staged, Next: store.Cursor{Source: source}}}, []store.Loaded{loaded}
	marker := rand.Int64()
	err := d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		known, err := readVocabulary(ctx, conn)
		if err != nil {
			return err
		}
		d.known = nil // the next load reads it anew
		d.staged.fill(parts, known)
		if _, err := run(ctx, conn, "drop_rejects", sql.Named("records", off)); err != nil {
			return err
		}
		if err := move(ctx, conn, &d.staged, parts, accounts); err != nil {
			return err
		}
		loaded = accounts[0]
		n, err := run(ctx, conn, "settle_rejects", sql.Named("source", source), sql.Named("rejected", loaded.Received),
			sql.Named("stored", loaded.Stored), sql.Named("duplicate", loaded.Duplicate), sql.Named("filtered", loaded.Filtered),
			sql.Named("conflicts", loaded.Conflicts), sql.Named("marker", marker))
		if err == nil && n != 1 {
			err = errors.New("the source has no account")
		}
		return err
	}, func(ctx context.Context, conn *sql.Conn) (bool, error) {
		var last int64
		err := one(ctx, conn, "marker", []any{sql.Named("source", source)}, &last)
		return last == marker, err
	})
	if err != nil {
		return store.Loaded{}, fmt.Errorf("rejects of %s: %w", source, err)
	}
	return loaded, nil
}
