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

// Extent tells sources with cursors and accounts, and what was removed.
func (d *DB) Extent(ctx context.Context) (*store.Extent, error) {
	e := &store.Extent{}
	return e, d.read(ctx, func(ctx context.Context, conn *sql.Conn) (err error) {
		*e, err = d.extent(ctx, conn)
		return err
	})
}

func (d *DB) extent(ctx context.Context, conn *sql.Conn) (e store.Extent, err error) {
	r, err := d.rows(ctx, conn)
	if err != nil {
		return e, err
	}
	e.Identity, e.Events, e.Pages = r.Identity, r.Events, r.Pages
	if e.Removed, err = removed(ctx, conn); err != nil {
		return e, err
	}
	var src store.SourceStatus
	c, a := &src.Cursor, &src.Account
	return e, each(ctx, conn, "sources", nil, func() error {
		e.Sources = append(e.Sources, src)
		return nil
	}, &c.Source, &c.Position, &c.Watermark, &c.Complete, &c.At, &src.Runs,
		&a.Received, &a.Stored, &a.Duplicate, &a.Filtered, &a.Rejected, &a.Conflicts)
}

// Status tells also gaps, sizes and what was not stored.
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
		if s.Extent, err = d.extent(ctx, conn); err != nil {
			return err
		}
		if s.Gaps, err = gapsOf(ctx, conn, 0, math.MaxInt64); err != nil {
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

// A rowCount says which store it is and how many rows it has.
type rowCount struct {
	Identity      string
	Events, Pages int64
}

// rows counts, once as long as the file is attached.
func (d *DB) rows(ctx context.Context, conn *sql.Conn) (r rowCount, err error) {
	if d.held.rows != nil {
		return *d.held.rows, nil
	}
	err = one(ctx, conn, "row_counts", nil, &r.Identity, &r.Events, &r.Pages)
	if err == nil {
		d.held.rows = &r
	}
	return r, err
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
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		rows, err := d.experimentRows(ctx, conn)
		if err != nil {
			return err
		}
		of := func(id string) *store.Seen {
			if found[id] == nil {
				found[id] = &store.Seen{Experiment: id}
			}
			return found[id]
		}
		for _, r := range rows {
			s := of(r.Experiment)
			if s.Events == 0 {
				s.First, s.Last = r.First, r.Last
			}
			s.Events, s.First, s.Last = s.Events+r.Events, min(s.First, r.First), max(s.Last, r.Last)
			s.Segment = s.Segment || r.Segmented
			if r.Variation != "" {
				s.Variations = append(s.Variations, r.Variation)
			}
			if r.Control && r.Variation != "" {
				s.Control = append(s.Control, r.Variation)
			}
		}
		// What was purged was there: an experiment that began before the limit did not begin at it.
		var p store.Seen
		var variation string
		if err := each(ctx, conn, "purged_experiments", nil, func() error {
			s := of(p.Experiment)
			if s.First == 0 || p.First < s.First {
				s.First = p.First
			}
			s.Last = max(s.Last, p.Last)
			if variation != "" && !slices.Contains(s.Variations, variation) {
				s.Variations = append(s.Variations, variation)
				slices.Sort(s.Variations)
			}
			return nil
		}, &p.Experiment, &variation, &p.First, &p.Last); err != nil {
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

// An experimentRow is what the events tell of one variation.
type experimentRow struct {
	Experiment, Variation string
	Events                int64
	First, Last           store.Micros
	Control, Segmented    bool // some events said so
}

// keptRows are experimentRows of the rows before Events.
type keptRows struct {
	rowCount
	Tail string
	Rows []experimentRow
}

// experimentRows reads what the events tell of every variation, by experiment
// and variation: of all events, or of those since the kept answer.
func (d *DB) experimentRows(ctx context.Context, conn *sql.Conn) ([]experimentRow, error) {
	at, err := d.rows(ctx, conn)
	if err != nil {
		return nil, err
	}
	now := keptRows{rowCount: rowCount{Identity: at.Identity, Events: at.Events}} // no page event is asked about
	key, err := answerKey("experiments", nil)
	if err != nil {
		return nil, err
	}
	var kept keptRows
	known := d.opts.Answers && d.recall(key, &kept)
	if known {
		if known, err = stands(ctx, conn, kept.rowCount, kept.Tail, now.rowCount); err != nil {
			return nil, err
		}
	}
	if !known {
		kept = keptRows{}
	}
	if kept.Events == now.Events {
		return kept.Rows, nil
	}
	all := map[[2]string]experimentRow{}
	for _, r := range kept.Rows {
		all[[2]string{r.Experiment, r.Variation}] = r
	}
	var r experimentRow
	err = each(ctx, conn, "experiment_events", []any{sql.Named("row", kept.Events)}, func() error {
		pair := [2]string{r.Experiment, r.Variation}
		if old, ok := all[pair]; ok {
			r.Events, r.First, r.Last = r.Events+old.Events, min(r.First, old.First), max(r.Last, old.Last)
			r.Control, r.Segmented = r.Control || old.Control, r.Segmented || old.Segmented
		}
		all[pair] = r
		return nil
	}, &r.Experiment, &r.Variation, &r.Events, &r.First, &r.Last, &r.Control, &r.Segmented)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		now.Rows = append(now.Rows, r)
	}
	slices.SortFunc(now.Rows, func(a, b experimentRow) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Variation, b.Variation))
	})
	if d.opts.Answers {
		if now.Tail, err = tail(ctx, conn, now.rowCount); err != nil {
			return nil, err
		}
		d.keep(key, now)
	}
	return now.Rows, nil
}

// Rejects lists what was put aside, newest first; limit 0 means all.
func (d *DB) Rejects(ctx context.Context, limit int) (all []store.Reject, err error) {
	most := int64(limit)
	if limit <= 0 {
		most = math.MaxInt64
	}
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		all, err = rejectsOf(ctx, conn, most)
		return err
	})
	return all, err
}

func rejectsOf(ctx context.Context, conn *sql.Conn, most int64) ([]store.Reject, error) {
	var all []store.Reject
	var r store.Reject
	err := each(ctx, conn, "reject_list", []any{sql.Named("max", most)}, func() error {
		all = append(all, r)
		return nil
	}, &r.Record, &r.Source, &r.Place, &r.Reason, &r.Detail, &r.Bytes, &r.At, &r.Dated, &r.Kind)
	return all, err
}
