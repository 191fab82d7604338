package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"keyramp/queries/store"
)

// Observe records what the tenant says of experiments. What equals the last
// observation in everything but Seen is left out, so a table row is a change.
func (d *DB) Observe(ctx context.Context, seen []store.Observation) error {
	if len(seen) == 0 {
		return nil
	}
	known, err := d.Observations(ctx, "")
	if err != nil {
		return err
	}
	if len(changes(known, seen)) == 0 {
		return nil // the common case: the file is not held for writing
	}
	return d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		known, err := observations(ctx, conn, "")
		if err != nil {
			return err
		}
		for _, o := range changes(known, seen) {
			if err := record(ctx, conn, o); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}

// changes lists what was seen and differs from what was known before it.
func changes(known, seen []store.Observation) []store.Observation {
	last := map[string]store.Observation{}
	for _, o := range known {
		last[o.Experiment] = o
	}
	var news []store.Observation
	for _, o := range seen {
		o = normal(o)
		before, ok := last[o.Experiment]
		before.Seen = o.Seen
		if !ok || !reflect.DeepEqual(before, o) {
			news = append(news, o)
			last[o.Experiment] = o
		}
	}
	return news
}

// normal gives equal observations one form: empty lists are nil, texts UTF-8.
func normal(o store.Observation) store.Observation {
	o.Experiment, o.Name, o.Status, o.Strategy = clean(o.Experiment), clean(o.Name), clean(o.Status), clean(o.Strategy)
	o.Flag, o.Flow, o.Subject = clean(o.Flag), clean(o.Flow), clean(o.Subject)
	o.Levels = append([]int(nil), o.Levels...)
	o.Logged = false
	o.Editable = append([]string(nil), o.Editable...)
	o.Arms = append([]store.Arm(nil), o.Arms...)
	for i := range o.Editable {
		o.Editable[i] = clean(o.Editable[i])
	}
	for i, a := range o.Arms {
		a.Variation, a.Name, a.Segment = clean(a.Variation), clean(a.Name), clean(a.Segment)
		o.Arms[i] = a
	}
	return o
}

// An arm is a store.Arm with the names that the column arms keeps.
type arm struct {
	Variation string `json:"variation"`
	Name      string `json:"name"`
	Weight    int    `json:"weight"`
	Control   bool   `json:"control"`
	Segment   string `json:"segment"`
}

func record(ctx context.Context, conn *sql.Conn, o store.Observation) error {
	arms := make([]arm, len(o.Arms)) // never null
	for i, a := range o.Arms {
		arms[i] = arm(a)
	}
	params := []any{sql.Named("experiment", o.Experiment), sql.Named("seen_us", o.Seen), sql.Named("name", o.Name),
		sql.Named("status", o.Status), sql.Named("strategy", o.Strategy), sql.Named("started_us", o.Started),
		sql.Named("ended_us", o.Ended), sql.Named("updated_us", o.Updated), sql.Named("level", int32(o.Level)),
		sql.Named("flag", o.Flag), sql.Named("flow", o.Flow), sql.Named("subject", o.Subject)}
	for _, list := range []struct {
		name  string
		value any
	}{{"levels", o.Levels}, {"editable", o.Editable}, {"arms", arms}} {
		text, err := json.Marshal(list.value)
		if err != nil {
			return err
		}
		params = append(params, sql.Named(list.name, string(text)))
	}
	_, err := run(ctx, conn, "add_observation", params...)
	return err
}

// Observations returns what was recorded of an experiment, oldest first; "" means all.
func (d *DB) Observations(ctx context.Context, experiment string) ([]store.Observation, error) {
	var all []store.Observation
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var err error
		all, err = observations(ctx, conn, experiment)
		return err
	})
	return all, err
}

func observations(ctx context.Context, conn *sql.Conn, experiment string) ([]store.Observation, error) {
	var all []store.Observation
	var o store.Observation
	var levels, editable, arms string
	err := each(ctx, conn, "observed", []any{sql.Named("experiment", experiment)}, func() error {
		o.Levels, o.Editable, o.Arms = nil, nil, nil
		var kept []arm
		for _, list := range []struct {
			text string
			into any
		}{{levels, &o.Levels}, {editable, &o.Editable}, {arms, &kept}} {
			if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
				return fmt.Errorf("observation of %s: %w: %w", o.Experiment, store.ErrDamaged, err)
			}
		}
		for _, a := range kept {
			o.Arms = append(o.Arms, store.Arm(a))
		}
		all = append(all, o)
		return nil
	}, &o.Experiment, &o.Seen, &o.Name, &o.Status, &o.Strategy, &o.Started, &o.Ended, &o.Updated, &o.Level,
		&levels, &editable, &arms, &o.Flag, &o.Flow, &o.Subject)
	return all, err
}

func addCall(ctx context.Context, conn *sql.Conn, c store.Call) error {
	arms := make([]arm, len(c.Arms))
	for i, a := range c.Arms {
		a.Variation, a.Segment = clean(a.Variation), clean(a.Segment)
		arms[i] = arm(a)
	}
	text, err := json.Marshal(arms)
	if err != nil {
		return err
	}
	_, err = run(ctx, conn, "add_call", sql.Named("call", strconv.FormatUint(c.ID, 10)), sql.Named("experiment", clean(c.Experiment)), sql.Named("at_us", c.At),
		sql.Named("status", clean(c.Status)), sql.Named("level", int32(c.Level)), sql.Named("arms", string(text)))
	return err
}

// Calls returns the calls in the log that changed an experiment, oldest first.
func (d *DB) Calls(ctx context.Context, experiment string) ([]store.Call, error) {
	var all []store.Call
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		c := store.Call{Experiment: experiment}
		var arms string
		return each(ctx, conn, "calls", []any{sql.Named("experiment", experiment)}, func() error {
			var kept []arm
			if err := json.Unmarshal([]byte(arms), &kept); err != nil {
				return fmt.Errorf("call on %s: %w: %w", experiment, store.ErrDamaged, err)
			}
			c.Arms = nil
			for _, a := range kept {
				c.Arms = append(c.Arms, store.Arm(a))
			}
			all = append(all, c)
			return nil
		}, &c.ID, &c.At, &c.Status, &c.Level, &arms)
	})
	return all, err
}

// RecordGap keeps a gap for every later report; the same gap is kept once.
func (d *DB) RecordGap(ctx context.Context, g store.Gap) error {
	return d.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := run(ctx, conn, "add_gap", sql.Named("source", clean(g.Source)), sql.Named("from_us", g.From),
			sql.Named("until_us", g.Until), sql.Named("noticed_us", g.Noticed), sql.Named("position", clean(g.Position)))
		return err
	}, nil)
}
