package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"os"
	"slices"

	"keyramp/queries"
	"keyramp/queries/store"
)

// Status tells sources, cursors, accounts, gaps and sizes.
func (d *DB) Status(ctx context.Context) (*store.Status, error) {
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return nil, err
	}
	s := &store.Status{}
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var err error
		if s.Schema, err = stepOf(ctx, conn, len(steps)); err != nil {
			return err
		}
		if s.Gaps, err = gapsOf(ctx, conn); err != nil {
			return err
		}
		if err := one(ctx, conn, "totals", nil, &s.Events, &s.Pages); err != nil {
			return err
		}
		var src store.SourceStatus
		c, a := &src.Cursor, &src.Account
		if err := each(ctx, conn, "sources", nil, func() error {
			s.Sources = append(s.Sources, src)
			return nil
		}, &c.Source, &c.Position, &c.Watermark, &c.Complete, &c.At, &src.Runs,
			&a.Received, &a.Stored, &a.Duplicate, &a.Filtered, &a.Rejected, &a.Conflicts); err != nil {
			return err
		}
		var f store.FilteredCount
		if err := each(ctx, conn, "filtered_counts", nil, func() error {
			s.Filtered = append(s.Filtered, f)
			return nil
		}, &f.Type, &f.Count, &f.First, &f.Last); err != nil {
			return err
		}
		var r store.RejectCount
		return each(ctx, conn, "reject_counts", nil, func() error {
			s.Rejects = append(s.Rejects, r)
			return nil
		}, &r.Reason, &r.Count)
	})
	if err != nil {
		return nil, err
	}
	s.Bytes = d.bytes()
	return s, nil
}

// bytes is the size of the store's files; 0 when there are none.
func (d *DB) bytes() int64 {
	var n int64
	for _, path := range []string{d.path, d.path + ".wal"} {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

// Experiments lists the experiments that events or observations name, by id.
func (d *DB) Experiments(ctx context.Context) ([]store.Seen, error) {
	found := map[string]*store.Seen{}
	of := func(id string) *store.Seen {
		if found[id] == nil {
			found[id] = &store.Seen{Experiment: id}
		}
		return found[id]
	}
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var id, variation string
		var events, first, last int64
		var control, segmented bool
		if err := each(ctx, conn, "experiment_events", nil, func() error {
			s := of(id)
			if s.Events == 0 {
				s.First, s.Last = first, last
			}
			s.Events, s.First, s.Last = s.Events+events, min(s.First, first), max(s.Last, last)
			s.Segment = s.Segment || segmented
			if variation != "" {
				s.Variations = append(s.Variations, variation)
			}
			if control && variation != "" {
				s.Control = append(s.Control, variation)
			}
			return nil
		}, &id, &variation, &events, &first, &last, &control, &segmented); err != nil {
			return err
		}
		observed, err := observations(ctx, conn, "")
		for _, o := range observed { // oldest first: the last one stays
			s := of(o.Experiment)
			s.Name, s.Status = o.Name, o.Status
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := make([]store.Seen, 0, len(found))
	for _, s := range found {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b store.Seen) int { return cmp.Compare(a.Experiment, b.Experiment) })
	return all, nil
}

// Rejects lists what was put aside, newest first; limit 0 means all.
func (d *DB) Rejects(ctx context.Context, limit int) ([]store.Reject, error) {
	most := int64(limit)
	if limit <= 0 {
		most = math.MaxInt64
	}
	var all []store.Reject
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var r store.Reject
		return each(ctx, conn, "reject_list", []any{sql.Named("max", most)}, func() error {
			all = append(all, r)
			return nil
		}, &r.Record, &r.Source, &r.Place, &r.Reason, &r.Detail, &r.Bytes, &r.At)
	})
	return all, err
}
