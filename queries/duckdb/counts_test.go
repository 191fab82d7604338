package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

const (
	hour = int64(3_600_000_000)
	sec  = int64(1_000_000)
)

var dayOne = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// ramp is a scope with three phases of one experiment and pauses of ten minutes between them.
func ramp() store.Scope {
	arms := func(treatment int) []store.Arm {
		return []store.Arm{{Variation: "var_c", Weight: 100 - treatment, Control: true}, {Variation: "var_t", Weight: treatment}}
	}
	pause := 10 * 60 * sec
	return store.Scope{
		Experiment: "exp_a", Until: dayOne + 6*24*hour,
		Phases: []store.Phase{
			{Number: 1, Experiment: "exp_a", From: dayOne, Until: dayOne + 48*hour, Known: true, Arms: arms(10)},
			{Number: 2, Experiment: "exp_a", From: dayOne + 48*hour + pause, Until: dayOne + 96*hour, Known: true, Arms: arms(25)},
			{Number: 3, Experiment: "exp_a", From: dayOne + 96*hour + pause, Known: true, Arms: arms(50)},
		},
	}
}

// world draws a small store full of awkward events: few users and times, so that everything meets everything.
func world(seed uint64) (events []store.Event, page []store.PageEvent) {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for range 30 + r.IntN(120) {
		at := dayOne - 2*hour + r.Int64N(7*24)*hour + r.Int64N(4)*20*60*sec
		e := store.Event{LogID: uint64(1 + r.IntN(200)), At: at, Assigned: at - r.Int64N(3)*7*60*sec}
		e.Type = store.WordOf(pick("s", "s", "s", "fp", "fu", "f", "ss", "gd_enrollment_complete", "limit_wc"))
		e.User, e.Session, e.Transaction = uint64(r.IntN(12)), uint64(r.IntN(15)), uint64(r.IntN(25))
		e.Experiment, e.ClientID = store.WordOf(pick("exp_a", "exp_a", "exp_a", "exp_b", "")), store.WordOf(pick("app", "app", "app", "app", "robot"))
		e.Interactive, e.Test = store.Tri(r.IntN(3)), r.IntN(60) == 0
		if e.Type.String() == "gd_enrollment_complete" {
			e.Experiment, e.Authenticator = 0, store.WordOf(pick("passkey", "passkey", "otp"))
		}
		if e.Experiment.String() != "" {
			e.Variation, e.Allocation = store.WordOf(pick("var_c", "var_c", "var_t", "var_t", "var_x")), store.WordOf(pick("percentage", "percentage", "segment", ""))
		}
		if r.IntN(3) > 0 {
			e.Logged = at + r.Int64N(20)*60*sec
		}
		events = append(events, e)
	}
	for range r.IntN(40) {
		page = append(page, store.PageEvent{
			ID: uint64(1 + r.IntN(60)), At: dayOne - 2*hour + r.Int64N(7*24)*hour + r.Int64N(4)*20*60*sec,
			Phase:      store.PagePhase(pick("shown", "shown", "started", "completed", "completed", "failed", "skipped")),
			Experiment: pick("exp_a", "exp_a", "exp_b"), Variation: pick("var_t", "var_t", "var_c", "var_y"),
			User: uint64(r.IntN(12)), Verified: r.IntN(2) == 0,
		})
	}
	return events, page
}

func scratch(t testing.TB) *DB {
	t.Helper()
	db, err := Open(context.Background(), Options{Dir: t.TempDir(), LockWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func fill(t testing.TB, db *DB, events []store.Event, page []store.PageEvent) {
	t.Helper()
	_, err := db.Load(context.Background(), &store.Batch{Events: events, Pages: page, Received: int64(len(events) + len(page))},
		store.Cursor{Source: "test", Position: fmt.Sprint(len(events))})
	if err != nil {
		t.Fatal(err)
	}
}

// Two ways to count must agree: SQL over the store, and loops over the rows in memory.
func TestCountsAgreeWithOracle(t *testing.T) {
	worlds := uint64(20)
	if os.Getenv("KEYRAMP_LONG") != "" {
		worlds = 1000
	}
	defer func() { smallStore = usualSmall }()
	for seed := range worlds {
		smallStore = []int64{0, usualSmall}[seed%2]
		r := rand.New(rand.NewPCG(seed, 2))
		events, page := world(seed)
		scope := ramp()
		scope.Until -= r.Int64N(30) * hour
		if r.IntN(2) == 0 {
			scope.Since = dayOne + 12*hour
		}
		if r.IntN(2) == 0 {
			scope.TestClients, scope.TestUsers = []string{"robot"}, []uint64{3}
		}
		scope.Covariates = r.IntN(2) == 0
		if r.IntN(2) == 0 { // continued under a new id
			scope.Phases[2].Experiment, scope.Continues, scope.Experiment = "exp_b", []string{"exp_a"}, "exp_b"
		}
		db := scratch(t)
		fill(t, db, events, page)
		got, err := db.Counts(context.Background(), scope)
		if err != nil {
			t.Fatalf("world %d: %v", seed, err)
		}
		if diff := cmp.Diff(recount(scope, events, page), got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("world %d: the SQL (+) and the oracle (-) differ:\n%s", seed, diff)
		}
		db.Close()
	}
}

// oneEvent is an interactive one of exp_a, when it has a variation, so many hours after dayOne.
func oneEvent(hours int64, kind string, user uint64, variation string) store.Event {
	at := dayOne + hours*hour
	e := store.Event{LogID: uint64(hours), At: at, Assigned: at, User: user}
	e.Type, e.Interactive = store.WordOf(kind), store.Yes
	if variation != "" {
		e.Experiment, e.Variation = store.WordOf("exp_a"), store.WordOf(variation)
	}
	return e
}

// onePhase counts four days of exp_a, from since on.
func onePhase(t *testing.T, since store.Micros, events ...store.Event) *store.Counts {
	t.Helper()
	db := scratch(t)
	fill(t, db, events, nil)
	c, err := db.Counts(t.Context(), store.Scope{Experiment: "exp_a", Since: since, Until: dayOne + 4*24*hour,
		Phases: []store.Phase{{Number: 1, Experiment: "exp_a", From: dayOne, Known: true,
			Arms: []store.Arm{{Variation: "var_c", Weight: 50, Control: true}, {Variation: "var_t", Weight: 50}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A failure that names its variation and nobody is attributed to nobody: it is in no sum, and is told.
func TestNamelessFailures(t *testing.T) {
	c := onePhase(t, 0, oneEvent(1, "s", 1, "var_t"), oneEvent(2, "fp", 1, "var_t"), oneEvent(3, "fp", 0, "var_t"), oneEvent(4, "fp", 0, ""))
	want := []store.RuleRow{{Type: "fp", Role: store.RoleFailure, Rule: "event", Count: 1}, {Type: "fp", Role: store.RoleFailure, Rule: "none", Count: 2},
		{Type: "s", Role: store.RoleSuccess, Rule: "event", Count: 1}}
	if diff := cmp.Diff(want, c.Rules); diff != "" {
		t.Error(diff)
	}
	if q := c.Quality; q.NamelessFailures != 1 || q.UnplacedAttempts != 0 || q.MissingSubject != 1 {
		t.Errorf("%+v", q)
	}
	if last := c.Sums[len(c.Sums)-1]; last.Metric != store.LoginSuccess || last.Y != 1 || last.X != 2 {
		t.Errorf("%+v", last)
	}
}

// Whoever enrolled before the time that is asked about is not eligible in it.
func TestEnrolledBeforeSince(t *testing.T) {
	enrolled := oneEvent(2, "gd_enrollment_complete", 1, "")
	enrolled.Authenticator = store.WordOf("passkey")
	c := onePhase(t, dayOne+48*hour, oneEvent(1, "s", 1, "var_t"), enrolled, oneEvent(60, "s", 1, "var_t"))
	want := []store.ArrivalRow{{Phase: 1, Variation: "var_t", Day: dayOne + 48*hour, Subjects: 1}}
	if diff := cmp.Diff(want, c.Arrivals); diff != "" {
		t.Error(diff)
	}
	if len(c.Sums) != 1 || c.Sums[0].Metric != store.LoginSuccess || c.Seed[0].LogEnrolled != 0 {
		t.Errorf("%+v, %+v", c.Sums, c.Seed)
	}
}

// However many threads count, they count the same: a million events lie in many row groups.
func TestThreadsAgree(t *testing.T) {
	row := tier.Begin(t, "R3", tier.Size{Chaos: 4, Soak: 8})
	db := scratch(t)
	madeUp(t, db, 1, time.UnixMicro(dayOne))
	dir := db.opts.Dir
	db.Close()
	scope := store.Scope{Experiment: "exp_1", Until: dayOne + 40*24*hour, Phases: []store.Phase{{Number: 1, Experiment: "exp_1", From: dayOne,
		Known: true, Arms: []store.Arm{{Variation: "var_c", Weight: 90, Control: true}, {Variation: "var_t", Weight: 10}}}}}
	var want *store.Counts
	defer func() { smallStore = usualSmall }()
	for round := range row.Rounds() {
		smallStore = []int64{0, usualSmall}[round%2]
		db, err := Open(context.Background(), Options{Dir: dir, ReadOnly: true, Threads: []int{2, 2, 7, 7}[round%4]})
		if err != nil {
			t.Fatal(err)
		}
		got, err := db.Counts(context.Background(), scope)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			row.Violation("%d threads, %d for each question:\n%s", db.opts.Threads, db.perQuestion, diff)
		}
		row.Done()
	}
	if want.Quality.Carried == 0 {
		t.Error("nothing was counted")
	}
}

// An answer that is brought up to date again and again is the one that counting everything gives: as rows come in
// any order, as the end of the scope moves, and when nothing is new.
func TestKeptAnswersAgreeWithOracle(t *testing.T) {
	worlds := uint64(2)
	if os.Getenv("KEYRAMP_LONG") != "" {
		worlds = 100
	}
	enoughEvents, changedPart = 0, 1 // even the smallest store changes by parts
	defer func() { enoughEvents, changedPart = usualEnough, usualPart }()
	for seed := range worlds {
		r := rand.New(rand.NewPCG(seed, 3))
		events, page := world(seed)
		for i := range events { // what is told again in another batch has its old date, unlike in this world
			events[i].LogID = uint64(i + 1)
		}
		for i := range page {
			page[i].ID = uint64(i + 1)
		}
		scope := ramp()
		if r.IntN(2) == 0 {
			scope.Since = dayOne + 12*hour
		}
		if r.IntN(2) == 0 {
			scope.TestClients, scope.TestUsers = []string{"robot"}, []uint64{3}
		}
		if r.IntN(2) == 0 {
			scope.Phases[2].Experiment, scope.Continues, scope.Experiment = "exp_b", []string{"exp_a"}, "exp_b"
		}
		scope.Covariates = r.IntN(2) == 0
		if r.IntN(2) == 0 { // as a tenant's log comes in; else in any order
			slices.SortFunc(events, func(a, b store.Event) int { return int(a.At - b.At) })
			slices.SortFunc(page, func(a, b store.PageEvent) int { return int(a.At - b.At) })
		}
		db, err := Open(context.Background(), Options{Dir: t.TempDir(), LockWait: time.Second, Answers: true})
		if err != nil {
			t.Fatal(err)
		}
		scope.Until = dayOne + r.Int64N(5)*24*hour
		var e, p int
		for step := 0; ; step++ {
			moreEvents, morePages := min(len(events), e+r.IntN(25)), min(len(page), p+r.IntN(8))
			fill(t, db, events[e:moreEvents], page[p:morePages])
			e, p = moreEvents, morePages
			scope.Until += r.Int64N(3) * r.Int64N(16*3600) * sec
			got, err := db.Counts(context.Background(), scope)
			if err != nil {
				t.Fatalf("world %d, step %d: %v", seed, step, err)
			}
			if diff := cmp.Diff(recount(scope, events[:e], page[:p]), got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("world %d, step %d: the kept answer (+) and the oracle (-) differ:\n%s", seed, step, diff)
			}
			if e == len(events) && p == len(page) && scope.Until > dayOne+7*24*hour {
				break
			}
		}
		db.Close()
	}
}
