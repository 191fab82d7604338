package duckdb

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"keyramp/queries/store"
)

// losses asks what is known to be missing of [from, until).
func losses(ctx context.Context, conn *sql.Conn, from, until store.Micros) (l store.Losses, err error) {
	if l.Gaps, err = gapsOf(ctx, conn, from, until); err != nil {
		return l, err
	}
	between := []any{sql.Named("from_us", from), sql.Named("until_us", until)}
	var r store.RejectCount
	if err := each(ctx, conn, "rejects_between", between, func() error {
		l.Rejects = append(l.Rejects, r)
		return nil
	}, &r.Reason, &r.Count); err != nil {
		return l, err
	}
	var u store.UndatedCount
	if err := each(ctx, conn, "rejects_undated", nil, func() error {
		l.Undated = append(l.Undated, u)
		return nil
	}, &u.Source, &u.Run, &u.Count); err != nil {
		return l, err
	}
	var c store.ConflictCount
	return l, each(ctx, conn, "conflicts_between", between, func() error {
		l.Conflicts = append(l.Conflicts, c)
		return nil
	}, &c.Source, &c.Count)
}

// gapsOf reads the gaps that overlap [from, until), by source and time, with the hours of that time that are stored all the same.
func gapsOf(ctx context.Context, conn *sql.Conn, from, until store.Micros) ([]store.Gap, error) {
	var all []store.Gap
	var g store.Gap
	err := each(ctx, conn, "gaps", nil, func() error {
		all = append(all, g)
		return nil
	}, &g.Source, &g.From, &g.Until, &g.Noticed, &g.Position)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(g store.Gap) bool { return g.From >= until || g.Until <= from && g.From < from })
	const hour = store.Micros(time.Hour / time.Microsecond)
	for i := range all {
		g := &all[i]
		// Events at the edges of a gap were read before or after it, so only whole hours inside it tell.
		begin, end := (max(g.From, from)+hour-1)/hour*hour, min(g.Until, until)/hour*hour
		if begin >= end {
			continue
		}
		question := "log_hours"
		if strings.HasPrefix(g.Source, "page:") {
			question = "page_hours"
		}
		if err := one(ctx, conn, question, []any{sql.Named("from_us", begin), sql.Named("until_us", end)}, &g.StoredHours); err != nil {
			return nil, err
		}
	}
	return all, nil
}
