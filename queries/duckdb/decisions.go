package duckdb

import (
	"context"
	"database/sql"
	"errors"

	"keyramp/queries/store"
)

// RecordDecision appends a decision in one commit; one of the same id stays as it is.
func (d *DB) RecordDecision(ctx context.Context, one store.Decision) (added bool, err error) {
	err = d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		n, err := run(ctx, conn, "add_decision", sql.Named("decision", one.ID), sql.Named("experiment", clean(one.Experiment)),
			sql.Named("made_us", one.Made), sql.Named("as_of_us", one.AsOf), sql.Named("phase", int32(one.Phase)),
			sql.Named("action", one.Action), sql.Named("signed_by", clean(one.SignedBy)), sql.Named("version", clean(one.Version)),
			sql.Named("plan", one.Plan), sql.Named("record", one.Record))
		added = n > 0
		return err
	}, func(ctx context.Context, conn *sql.Conn) (bool, error) {
		n, err := known(ctx, conn, one.ID)
		return n > 0, err
	})
	return added, err
}

func known(ctx context.Context, conn *sql.Conn, id string) (n int64, err error) {
	return n, one(ctx, conn, "decision_known", []any{sql.Named("decision", id)}, &n)
}

// Decisions lists what was recorded of an experiment, oldest first; "" means all.
func (d *DB) Decisions(ctx context.Context, experiment string) ([]store.Decision, error) {
	var all []store.Decision
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var r store.Decision
		return each(ctx, conn, "decision_list", []any{sql.Named("experiment", experiment)}, func() error {
			all = append(all, r)
			return nil
		}, &r.ID, &r.Experiment, &r.Made, &r.AsOf, &r.Phase, &r.Action, &r.SignedBy, &r.Version, &r.Plan)
	})
	return all, err
}

// DecisionRecord returns the record of a decision; "" when there is none.
func (d *DB) DecisionRecord(ctx context.Context, id string) (record string, err error) {
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		err := one(ctx, conn, "decision_record", []any{sql.Named("decision", id)}, &record)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return record, err
}
