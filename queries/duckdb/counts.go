package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"sort"
	"time"

	"keyramp/queries"
	"keyramp/queries/store"
)

// steps are the questions whose answers later questions read, in an order in which they can be asked.
var steps = []string{
	"untold", "own", "sessions", "transactions", "traced", "met", "forced", "strata", "enrolled", "told", "lost", "subj", "kinds",
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
		if c, err = d.counts(ctx, conn, s); err != nil {
			return err
		}
		c.Roles = roles(s.Roles)
		c.Losses, err = losses(ctx, conn, s.Begin(c.Quality.FirstEvent), s.Until)
		return err
	})
	return c, err
}

// answers asks the questions of the events that ev_ids and page_ids show. The tables of the steps stay.
func (k *desk) answers(ctx context.Context) (*store.Counts, error) {
	c := &store.Counts{}
	variation := func(r *row) string {
		place := r.int()
		if place < 1 || place > int64(len(k.places)) {
			r.fail()
			return ""
		}
		return k.places[place-1]
	}
	questions := []struct {
		name string
		row  func(r *row)
	}{
		{"sums", func(r *row) {
			sums := store.SumsRow{Phase: int(r.int()), Origin: int(r.int()), Variation: variation(r), Metric: store.Metric(r.text())}
			uncrossed := r.bool()
			sums.N, sums.Y, sums.X, sums.YY, sums.XX, sums.XY = r.int(), r.int(), r.int(), r.int(), r.int(), r.int()
			if uncrossed {
				c.Uncrossed = append(c.Uncrossed, sums)
			}
			c.Sums = plus(c.Sums, sums)
		}},
		{"arrivals", func(r *row) {
			c.Arrivals = append(c.Arrivals, store.ArrivalRow{Phase: int(r.int()), Origin: int(r.int()), Variation: variation(r),
				Day: r.int(), Subjects: r.int(), Eligible: r.int(), Enrolled: r.int()})
		}},
		{"login_days", func(r *row) {
			c.LoginDays = append(c.LoginDays, store.LoginDayRow{Phase: int(r.int()), Variation: variation(r), Day: r.int(), Logins: r.int()})
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
		{"quality_events", func(r *row) {
			q := &c.Quality
			for _, n := range []*int64{&q.Carried, &q.UnknownVariation, &q.Segment, &q.Inactive, &q.InFlight, &q.Late,
				&q.LoginsInScope, &q.LoginsWithout, &q.FirstEvent, &q.LastEvent} {
				*n = r.int()
			}
		}},
		{"quality_subjects", func(r *row) { named(&c.Quality, r) }},
		{"quality_enrollments", func(r *row) { named(&c.Quality, r) }},
		{"covariates", func(r *row) {
			c.Before = append(c.Before, store.CovariateRow{Phase: int(r.int()), Origin: int(r.int()), Variation: variation(r),
				P: r.int(), PP: r.int(), PY: r.int(), PX: r.int()})
		}},
	}
	tasks := making(steps...)
	for _, q := range questions {
		if q.name == "covariates" && !k.scope.Covariates {
			continue
		}
		tasks = append(tasks, task{q.name, func(ctx context.Context, conn *sql.Conn) error { return ask(ctx, conn, q.name, q.row) }})
	}
	return c, k.do(ctx, tasks)
}

// named reads a count of its name.
func named(q *store.Quality, r *row) {
	n := map[string]*int64{
		"missing_subject": &q.MissingSubject, "exposed_subjects": &q.ExposedSubjects, "forced_subjects": &q.ForcedSubjects,
		"carry_over": &q.CarryOver, "unplaced_attempts": &q.UnplacedAttempts, "nameless_failures": &q.NamelessFailures, "lost": &q.Lost,
		"page_completed": &q.PageCompleted, "page_completed_user": &q.PageCompletedUser, "page_unmatched": &q.PageUnmatched,
		"page_control": &q.PageControl, "page_variation_differs": &q.PageVariationDiffers,
		"log_enrollments": &q.LogEnrollments, "both_enrollments": &q.BothEnrollments,
		"page_only_enrollments": &q.PageOnlyEnrollments, "log_only_treated": &q.LogOnlyTreated,
		"both_control": &q.BothControl, "page_only_control": &q.PageOnlyControl, "log_only_control": &q.LogOnlyControl,
	}[r.text()]
	if n == nil {
		r.fail()
		return
	}
	*n = r.int()
}

// times asks when the sources told anything before a moment, of all events.
func times(ctx context.Context, conn *sql.Conn, until store.Micros, q *store.Quality) error {
	var source string
	var first, last store.Micros
	return each(ctx, conn, "told_times", []any{sql.Named("until_us", min(until, latest))}, func() error {
		switch source {
		case "log":
			q.FirstLog, q.LastLog = first, last
		case "page":
			q.LastPage = last
		}
		return nil
	}, &source, &first, &last)
}

// plus adds a row to sorted ones: the last one has the same key, or none has.
func plus(rows []store.SumsRow, r store.SumsRow) []store.SumsRow {
	if n := len(rows); n > 0 {
		last := &rows[n-1]
		if last.Phase == r.Phase && last.Origin == r.Origin && last.Variation == r.Variation && last.Metric == r.Metric {
			last.N, last.Y, last.X = last.N+r.N, last.Y+r.Y, last.X+r.X
			last.YY, last.XX, last.XY = last.YY+r.YY, last.XX+r.XX, last.XY+r.XY
			return rows
		}
	}
	return append(rows, r)
}

// Ids of words that no event has.
const (
	elsewhere = math.MaxUint32     // events of any other experiment, or of none, in the table periods
	unheard   = math.MaxUint32 - 1 // a text that the store has not met
)

// maxPlaces is how many variations the questions can tell apart.
const maxPlaces = 999

// prepare puts the scope into tables. It returns the variations that the questions call by their places, from 1 on.
func prepare(ctx context.Context, conn *sql.Conn, s store.Scope) (places []string, err error) {
	if err := ddl(ctx, conn, "session"); err != nil {
		return nil, err
	}
	places = placesOf(s)
	if len(places) > maxPlaces {
		return nil, fmt.Errorf("%d variations: a report compares %d at most", len(places), maxPlaces)
	}
	inForce := roles(s.Roles)
	id, err := wordIDs(ctx, conn, slices.Concat(places, chain(s), s.TestClients, slices.Collect(maps.Keys(inForce)), []string{passkey, segment}))
	if err != nil {
		return nil, err
	}
	met := map[[2]string]bool{}
	var phases, periods, arms, known, codes, ids, clients, users [][]any
	for _, w := range windows(s.Phases) {
		phases = append(phases, []any{w.phase, id(w.experiment), w.from, w.until, max(w.from, s.Since)})
		periods = append(periods, []any{id(w.experiment), w.phase, w.from, w.until, w.flight, w.session})
	}
	for _, w := range stretches(s.Phases) {
		periods = append(periods, []any{uint32(elsewhere), w.phase, w.from, w.until, w.until, w.until})
	}
	for _, p := range s.Phases {
		for _, a := range p.Arms {
			place := 1 + sort.SearchStrings(places, a.Variation)
			arms = append(arms, []any{p.Number, place, a.Control})
			if pair := [2]string{p.Experiment, a.Variation}; !met[pair] {
				met[pair] = true
				known = append(known, []any{id(p.Experiment), id(a.Variation), place})
			}
		}
	}
	for _, text := range chain(s) {
		ids = append(ids, []any{id(text)})
	}
	for _, code := range slices.Sorted(maps.Keys(inForce)) {
		switch role := inForce[code]; role {
		case store.RoleSuccess, store.RoleFailure, store.RoleEnrollment:
			if of := id(code); of != unheard {
				codes = append(codes, []any{of, string(role), code == loginType})
			}
		}
	}
	for _, text := range s.TestClients {
		clients = append(clients, []any{id(text)})
	}
	for _, key := range s.TestUsers {
		users = append(users, []any{key})
	}
	for _, t := range []struct {
		table string
		rows  [][]any
	}{
		{"scope", [][]any{{s.Since, s.Until, id(passkey), id(segment)}}}, {"chain", ids}, {"phases", phases}, {"periods", periods},
		{"arms", arms}, {"variations", known}, {"roles", codes}, {"test_clients", clients}, {"test_users", users},
	} {
		if err := insertRows(ctx, conn, deskSchema, t.table, t.rows); err != nil {
			return nil, err
		}
	}
	if err := keep(ctx, conn, "readings"); err != nil {
		return nil, err
	}
	return places, ddl(ctx, conn, "dated")
}

const (
	loginType = "s"       // the type of the login that the plain recipe counts
	passkey   = "passkey" // the authenticator that an enrollment is about
	segment   = "segment" // the allocation that goes by segments
)

// placesOf lists the variations of all phases, each once, in the order of their texts.
func placesOf(s store.Scope) []string {
	var all []string
	for _, p := range s.Phases {
		for _, a := range p.Arms {
			all = append(all, a.Variation)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wordIDs returns the ids that texts have in the store.
func wordIDs(ctx context.Context, conn *sql.Conn, texts []string) (id func(text string) uint32, err error) {
	ids := map[string]uint32{}
	var text string
	var n uint32
	err = each(ctx, conn, "word_ids", []any{sql.Named("texts", texts)}, func() error {
		ids[text] = n
		return nil
	}, &text, &n)
	return func(text string) uint32 {
		if n, ok := ids[text]; ok {
			return n
		}
		return unheard
	}, err
}

// A window is when a phase was open to logins that began then, half-open.
type window struct {
	phase       int
	experiment  string
	from, until store.Micros
	flight      store.Micros // until then a login that began after it may be in flight
	session     store.Micros // and one of a session, without a prompt
}

// windows gives each phase its window.
func windows(phases []store.Phase) []window {
	var all []window
	for i, p := range phases {
		w := window{p.Number, p.Experiment, p.From, p.Until, p.Until + grace.Microseconds(), forEver}
		if w.until == 0 {
			w.until, w.flight = forEver, forEver
		}
		for _, next := range phases[i+1:] { // a login that began in the next phase is not in flight
			if next.Experiment == p.Experiment {
				w.flight = max(w.until, min(w.flight, next.From))
				w.session = max(w.until, min(w.session, next.From))
			}
		}
		all = append(all, w)
	}
	return all
}

// stretches are the windows of all experiments together: they do not overlap, and where several phases were open the
// last one counts.
func stretches(phases []store.Phase) []window {
	var cuts []store.Micros
	open := windows(phases)
	for _, w := range open {
		cuts = append(cuts, w.from, w.until)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var all []window
	for i := 1; i < len(cuts); i++ {
		last := window{from: cuts[i-1], until: cuts[i]}
		for _, w := range open {
			if w.from <= last.from && last.until <= w.until {
				last.phase = max(last.phase, w.phase)
			}
		}
		if last.phase > 0 {
			all = append(all, last)
		}
	}
	return all
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

// id is the id of a word or shape.
func (r *row) id() uint32   { return as[uint32](r) }
func (r *row) byte() uint8  { return as[uint8](r) }
func (r *row) text() string { return as[string](r) }
func (r *row) bool() bool   { return as[bool](r) }

func as[T any](r *row) T {
	v, ok := r.take().(T)
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

// keep runs a named question and keeps its answer at the desk, as a table of the same name.
func keep(ctx context.Context, conn *sql.Conn, name string, params ...any) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "create table "+deskSchema+"."+q.Name+" as "+q.SQL, params...); err != nil {
		return fmt.Errorf("question %s: %w", name, err)
	}
	return nil
}
