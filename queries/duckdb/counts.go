package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"time"

	"keyramp/queries"
	"keyramp/queries/store"
)

// steps are the questions whose answers later questions read, in the order in
// which they are kept as temporary tables of the report's session.
var steps = []string{
	"carried", "strays", "wanted", "threads", "exposures", "forced", "seen", "strata", "enrolled", "attempts", "lost", "subj",
}

// grace is how long after a phase a login that carries the experiment is held
// to be in flight. Later ones can only have been forced.
const grace = time.Hour

// forEver stands for the end of an open phase; adding the grace does not overflow.
const forEver = math.MaxInt64 / 2

// Counts answers the questions of a report from one state of the store.
func (d *DB) Counts(ctx context.Context, s store.Scope) (*store.Counts, error) {
	var c *store.Counts
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var err error
		c, err = counts(ctx, conn, s)
		return err
	})
	return c, err
}

func counts(ctx context.Context, conn *sql.Conn, s store.Scope) (*store.Counts, error) {
	if err := prepare(ctx, conn, s); err != nil {
		return nil, err
	}
	c := &store.Counts{Roles: roles(s.Roles)}
	for _, question := range []struct {
		name string
		row  func(r *row)
	}{
		{"sums", func(r *row) {
			sums := store.SumsRow{Phase: int(r.int()), Origin: int(r.int()), Variation: r.text(), Metric: store.Metric(r.text())}
			uncrossed := r.bool()
			sums.N, sums.Y, sums.X, sums.YY, sums.XX, sums.XY = r.int(), r.int(), r.int(), r.int(), r.int(), r.int()
			if uncrossed {
				c.Uncrossed = append(c.Uncrossed, sums)
			} else {
				c.Sums = append(c.Sums, sums)
			}
		}},
		{"arrivals", func(r *row) {
			c.Arrivals = append(c.Arrivals, store.ArrivalRow{Phase: int(r.int()), Origin: int(r.int()), Variation: r.text(),
				Day: r.int(), Subjects: r.int(), Eligible: r.int(), Enrolled: r.int()})
		}},
		{"login_days", func(r *row) {
			c.LoginDays = append(c.LoginDays, store.LoginDayRow{Phase: int(r.int()), Variation: r.text(), Day: r.int(), Logins: r.int()})
		}},
		{"crossed", func(r *row) {
			c.Crossed = append(c.Crossed, store.CrossRow{Phase: int(r.int()), Subjects: r.int(), Crossed: r.int(),
				Control: r.int(), Left: r.int()})
		}},
		{"returns", func(r *row) {
			c.Returns = append(c.Returns, store.ReturnRow{From: int(r.int()), To: int(r.int()), Seen: r.int(), Still: r.int()})
		}},
		{"rules", func(r *row) {
			c.Rules = append(c.Rules, store.RuleRow{Type: r.text(), Role: store.Role(r.text()), Rule: r.text(), Count: r.int()})
		}},
		{"seed", func(r *row) {
			c.Seed = append(c.Seed, store.SeedRow{Phase: int(r.int()), Variation: r.text(), Logins: r.int(), SSO: r.int(),
				PageCompleted: r.int(), LogEnrolled: r.int()})
		}},
		{"page_counts", func(r *row) {
			c.Page = append(c.Page, store.PageRow{Phase: int(r.int()), Variation: r.text(), Event: store.PagePhase(r.text()),
				Day: r.int(), Events: r.int(), WithUser: r.int(), Verified: r.int()})
		}},
		{"quality", func(r *row) {
			q := &c.Quality
			for _, n := range []*int64{
				&q.Carried, &q.UnknownVariation, &q.MissingSubject, &q.Segment, &q.Inactive,
				&q.InFlight, &q.Late, &q.LoginsInScope, &q.LoginsWithout, &q.ForcedSubjects,
				&q.ExposedSubjects, &q.CarryOver, &q.UnplacedAttempts, &q.Lost,
				&q.PageCompleted, &q.PageCompletedUser, &q.PageUnmatched, &q.PageControl,
				&q.PageVariationDiffers, &q.LogEnrollments, &q.BothEnrollments,
				&q.PageOnlyEnrollments, &q.LogOnlyEnrollments,
				&q.FirstEvent, &q.LastEvent, &q.LastLog, &q.LastPage,
			} {
				*n = r.int()
			}
		}},
	} {
		if err := ask(ctx, conn, question.name, question.row); err != nil {
			return nil, err
		}
	}
	gaps, err := gapsOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	c.Gaps = slices.DeleteFunc(gaps, func(g store.Gap) bool { return g.From >= s.Until || (g.Until != 0 && g.Until < s.Since) })
	return c, nil
}

// prepare puts the scope into temporary tables and keeps the answers that the questions share.
func prepare(ctx context.Context, conn *sql.Conn, s store.Scope) error {
	if err := ddl(ctx, conn, "session"); err != nil {
		return err
	}
	inForce := roles(s.Roles)
	met := map[[2]string]bool{}
	var phases, arms, known, codes, ids, clients, users [][]any
	for i, p := range s.Phases {
		until, flight := p.Until, p.Until+grace.Microseconds()
		if until == 0 {
			until, flight = forEver, forEver
		}
		for _, next := range s.Phases[i+1:] { // a login that began in the next phase is not in flight
			if next.Experiment == p.Experiment {
				flight = max(until, min(flight, next.From))
			}
		}
		phases = append(phases, []any{p.Number, p.Experiment, p.From, until, flight})
		for _, a := range p.Arms {
			arms = append(arms, []any{p.Number, a.Variation, a.Control})
			if pair := [2]string{p.Experiment, a.Variation}; !met[pair] {
				met[pair] = true
				known = append(known, []any{p.Experiment, a.Variation})
			}
		}
	}
	for _, id := range chain(s) {
		ids = append(ids, []any{id})
	}
	for _, code := range slices.Sorted(maps.Keys(inForce)) {
		codes = append(codes, []any{code, string(inForce[code])})
	}
	for _, id := range s.TestClients {
		clients = append(clients, []any{id})
	}
	for _, key := range s.TestUsers {
		users = append(users, []any{key})
	}
	for _, t := range []struct {
		table string
		rows  [][]any
	}{
		{"scope", [][]any{{s.Since, s.Until}}}, {"chain", ids}, {"phases", phases}, {"arms", arms},
		{"variations", known}, {"roles", codes}, {"test_clients", clients}, {"test_users", users},
	} {
		if err := insertRows(ctx, conn, t.table, t.rows); err != nil {
			return err
		}
	}
	for _, name := range steps {
		if err := keep(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

// chain lists the experiment ids that a scope speaks of, each once.
func chain(s store.Scope) []string {
	ids := append(slices.Clone(s.Continues), s.Experiment)
	for _, p := range s.Phases {
		ids = append(ids, p.Experiment)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// roles is the default table with the overrides in it.
func roles(overrides map[string]store.Role) map[string]store.Role {
	all := store.DefaultRoles()
	maps.Copy(all, overrides)
	return all
}

// A row reads the columns of one result row from left to right. The first
// value of another type than asked for ends the reading; ask returns it.
type row struct {
	values []any
	next   int
	err    error
}

func (r *row) take() any {
	v := r.values[r.next]
	r.next++
	return v
}

func (r *row) int() int64 {
	switch v := r.take().(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case *big.Int: // sums are HUGEINT; they fit by design, and an overflow must not pass for a count
		if v.IsInt64() {
			return v.Int64()
		}
	}
	r.fail()
	return 0
}

func (r *row) text() string {
	v, ok := r.take().(string)
	if !ok {
		r.fail()
	}
	return v
}

func (r *row) bool() bool {
	v, ok := r.take().(bool)
	if !ok {
		r.fail()
	}
	return v
}

func (r *row) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("column %d has an unexpected value of type %T", r.next, r.values[r.next-1])
	}
}

// ask runs a named question and hands each of its rows to read.
func ask(ctx context.Context, conn *sql.Conn, name string, read func(*row)) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, q.SQL)
	if err != nil {
		return fmt.Errorf("question %s: %w", name, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("question %s: %w", name, err)
	}
	r := &row{values: make([]any, len(columns))}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &r.values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("question %s: %w", name, err)
		}
		r.next = 0
		read(r)
		if r.err != nil {
			return fmt.Errorf("question %s: %w", name, r.err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("question %s: %w", name, err)
	}
	return nil
}

// keep runs a named question and keeps its answer as a temporary table of the same name.
func keep(ctx context.Context, conn *sql.Conn, name string) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "create temp table "+q.Name+" as "+q.SQL); err != nil {
		return fmt.Errorf("question %s: %w", name, err)
	}
	return nil
}
