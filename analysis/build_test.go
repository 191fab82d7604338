package analysis

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyramp/queries/store"
	"keyramp/stats"
)

const dayMicros = store.Micros(24) * hour

// A group is one variation of one stratum: n people who arrive evenly over the days from the first one, y of whom enroll on the last
// of these days, and who try to log in twice; failed of them fail once.
type group struct {
	phase, origin int
	variation     string
	first, days   int
	n, y, failed  int64
}

func counted(groups ...group) *store.Counts {
	c := &store.Counts{Rules: []store.RuleRow{{Type: "fp", Role: store.RoleFailure, Rule: "event", Count: 1}}}
	for _, g := range groups {
		row := func(m store.Metric, n, y, x, yy, xx, xy int64) {
			c.Sums = append(c.Sums, store.SumsRow{Phase: g.phase, Origin: g.origin, Variation: g.variation, Metric: m, N: n, Y: y, X: x, YY: yy, XX: xx, XY: xy})
		}
		row(store.Enroll, g.n, g.y, g.n, g.y, g.n, g.y)
		row(store.EnrollPerLogin, g.n, g.y, 2*g.n, g.y, 4*g.n, 2*g.y)
		row(store.LoginSuccess, g.n, 2*g.n-g.failed, 2*g.n, 4*g.n-3*g.failed, 4*g.n, 4*g.n-2*g.failed)
		for d := range g.days {
			a := store.ArrivalRow{Phase: g.phase, Origin: g.origin, Variation: g.variation, Day: h(0) + store.Micros(g.first+d)*dayMicros,
				Subjects: g.n / int64(g.days)}
			if d == g.days-1 {
				a.Subjects, a.Enrolled = g.n-a.Subjects*int64(g.days-1), g.y
			}
			a.Eligible = a.Subjects
			c.Arrivals = append(c.Arrivals, a)
		}
		c.Seed = append(c.Seed, store.SeedRow{Phase: g.phase, Variation: g.variation, Logins: 2*g.n - g.failed, PageCompleted: g.y})
		c.Quality.ExposedSubjects += g.n
		c.Quality.Carried += 2 * g.n
		c.Quality.LogEnrollments += g.y
	}
	c.Quality.FirstEvent, c.Quality.LastEvent = h(0), h(0)+30*dayMicros
	return c
}

// steps are phases of days length each, with these treatment weights; the last one is open.
func steps(days int, weights ...int) []store.Phase {
	var out []store.Phase
	for i, w := range weights {
		p := store.Phase{Number: i + 1, Experiment: "e", From: h(0) + store.Micros(i*days)*dayMicros, Known: true,
			Strategy: "percentage", Source: "tenant", Arms: arms(w)}
		if i+1 < len(weights) {
			p.Until = h(0) + store.Micros((i+1)*days)*dayMicros
		}
		out = append(out, p)
	}
	return out
}

// asked is a report on day 30.
func asked(phases []store.Phase, c *store.Counts) Input {
	return Input{Plan: DefaultPlan(), Counts: c, AsOf: h(0) + 30*dayMicros,
		Scope: store.Scope{Experiment: "e", Phases: phases, Until: h(0) + 30*dayMicros}}
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-12 {
		t.Errorf("%s is %v, want %v", what, text(got), want)
	}
}

func text(v *float64) any {
	if v == nil {
		return "absent"
	}
	return *v
}

func TestBuildOnePhase(t *testing.T) {
	r := Build(asked(steps(0, 10), counted(
		group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 30, 10})))
	c := r.Comparisons[0]
	near(t, "control rate", c.Enrollment.Control.Rate, 0.001)
	near(t, "treatment rate", c.Enrollment.Treatment.Rate, 0.03)
	near(t, "difference", c.Enrollment.Difference.Diff, 0.029)
	near(t, "success difference", c.Success.Difference.Diff, 0)
	near(t, "expected enrollments", &c.EnrollmentEvents, 3.9)
	near(t, "current share", c.CurrentShare, 0.10)
	near(t, "next share", c.NextShare, 0.25)
	near(t, "margin", c.Margin, 0.02)
	near(t, "pooled difference", c.Pooled, 0.029)
	near(t, "recipe", r.Recipe.Variations[1].Rate, 30.0/1990)
	near(t, "recipe share", r.Recipe.Variations[1].Share, 1990.0/19900)
	if c.Days != 30 || c.Success.Treatment.Numerator != 1990 || c.Success.Treatment.Denominator != 2000 {
		t.Error(c.Days, c.Success.Treatment)
	}
	want := stats.RateRatioEProcess([]stats.Converters{{T: 30, C: 9, Share: 0.1}}, 0.05)
	near(t, "ratio", c.RateRatio.Lower, want.Lo)
	seen := stats.RateRatioEProcess([]stats.Converters{{T: 1000, C: 9000, Share: 0.1}}, 0.05)
	near(t, "exposure", c.ExposureRatio.Upper, seen.Hi)
	if n := len(c.Looks); n != 5 || *c.Looks[4].Diff != *c.Enrollment.Difference.Diff || *c.Looks[4].Lower != *c.Enrollment.Difference.Lower {
		t.Error("the last look is not the report:", n)
	}
	if d := Decide(r.Plan, r); d.Action != Ramp || len(r.Flags) != 0 {
		t.Error(d.Action, d.Reasons, r.Flags)
	}
}

// TestSmallestPIsKept: the p-value of a report is the smallest one over the days so far.
func TestSmallestPIsKept(t *testing.T) {
	c := counted(group{1, 0, "c", 0, 1, 500, 0, 5}, group{1, 0, "t", 0, 1, 500, 20, 5}) // a strong first day
	for _, v := range []string{"c", "t"} {                                              // then control catches up
		y := int64(20)
		if v == "t" {
			y = 0
		}
		c.Arrivals = append(c.Arrivals, store.ArrivalRow{Phase: 1, Variation: v, Day: h(0) + dayMicros, Subjects: 500, Eligible: 500, Enrolled: y})
		for i := range c.Sums {
			if s := &c.Sums[i]; s.Metric == store.Enroll && s.Variation == v {
				*s = store.SumsRow{Phase: 1, Variation: v, Metric: store.Enroll, N: 1000, Y: 20, X: 1000, YY: 20, XX: 1000, XY: 20}
			}
		}
	}
	e := Build(asked(steps(0, 50), c)).Comparisons[0].Enrollment.Difference
	now, _ := stats.AlwaysValidP(stats.SequentialDifference(stats.Binary, []stats.Stratum{{T: stats.BinarySums(20, 1000), C: stats.BinarySums(20, 1000)}}, 0.01, 0.05))
	if *e.Diff != 0 || now != 1 || *e.P >= 0.05 {
		t.Errorf("difference %v, p now %v, reported %v", *e.Diff, now, *e.P)
	}
}

// TestNothingIsMadeUp: what cannot be computed is absent with a reason, never 0 and never NaN.
func TestNothingIsMadeUp(t *testing.T) {
	unknown := steps(0, 10)
	unknown[0].Known = false
	for i := range unknown[0].Arms {
		unknown[0].Arms[i].Weight = -1
	}
	oneArm := steps(0, 10)
	oneArm[0].Arms = oneArm[0].Arms[:1]
	for name, c := range map[string]struct {
		in     Input
		action Action
		reason string
	}{
		"no phase":          {asked(nil, nil), Investigate, "no_comparison"},
		"one arm":           {asked(oneArm, counted(group{1, 0, "c", 0, 5, 900, 9, 9})), Investigate, "no_comparison"},
		"nobody yet":        {asked(steps(0, 10), &store.Counts{}), Investigate, "guardrail_unavailable"},
		"control alone":     {asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 20, 1, 0})), Hold, "login_success_not_proven"},
		"treatment alone":   {asked(steps(0, 10), counted(group{1, 0, "t", 0, 5, 2, 1, 0})), Hold, "login_success_not_proven"},
		"nobody enrolled":   {asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 0, 10})), Hold, "enrollment_not_proven"},
		"control at zero":   {asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10})), Ramp, "criteria_met"},
		"weights not known": {asked(unknown, counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10})), Investigate, "weights_unknown"},
		"everybody treated": {asked(steps(10, 50, 100), counted(group{1, 0, "c", 0, 5, 900, 9, 9}, group{1, 0, "t", 0, 5, 900, 40, 10}, group{2, 0, "t", 10, 5, 900, 40, 9})), Hold, "ramp_complete"},
	} {
		r := Build(c.in)
		d := Decide(r.Plan, r)
		if d.Action != c.action || d.Reason != c.reason {
			t.Errorf("%s: %s %v, want %s %s", name, d.Action, d.Reasons, c.action, c.reason)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, k := range r.Comparisons {
			for _, o := range []Outcome{k.Enrollment, k.Success, k.PerLogin} {
				if (o.Difference.Diff == nil) != (o.Difference.Reason != "") {
					t.Errorf("%s: difference %v with the reason %q", name, text(o.Difference.Diff), o.Difference.Reason)
				}
				if o.Treatment.Denominator == 0 && o.Treatment.Rate != nil || o.Control.Denominator == 0 && o.Control.Rate != nil {
					t.Errorf("%s: a rate of nothing", name)
				}
			}
		}
	}
	r := Build(asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10})))
	if e := r.Comparisons[0].RateRatio; e.Upper != nil || e.UpperWord != "unbounded" || *e.Lower <= 1 {
		t.Errorf("with no enrollment in control: %+v", e)
	}
}

func TestReturningStrata(t *testing.T) {
	for name, c := range map[string]struct {
		weights     []int
		seen, still int64
		want        Rule
		share       float64 // 0 = not known
		diff, ratio bool
	}{
		"nested":                {[]int{10, 25}, 1000, 998, Nested, 0.15 / 0.9, true, true},
		"drawn anew":            {[]int{10, 25}, 1000, 240, Independent, 0.25, true, true},
		"mostly nested":         {[]int{10, 25}, 1000, 960, PartNested, 0, true, false},
		"neither":               {[]int{10, 25}, 1000, 600, Unmeasured, 0, false, false},
		"nobody came back":      {[]int{10, 25}, 0, 0, Unmeasured, 0, false, false},
		"too few to tell":       {[]int{10, 90}, 2, 2, Unmeasured, 0, false, false},
		"the weight fell":       {[]int{25, 10}, 1000, 400, Unmeasured, 0, false, false},
		"the weight stayed":     {[]int{10, 10}, 1000, 1000, Nested, 0, false, false},
		"everybody treated now": {[]int{10, 100}, 1000, 1000, Unmeasured, 0, false, false},
	} {
		k := counted(group{1, 0, "c", 0, 5, 900, 9, 9}, group{1, 0, "t", 0, 5, 100, 9, 1}, group{2, 1, "c", 10, 5, 500, 5, 5}, group{2, 1, "t", 10, 5, 100, 5, 1})
		k.Returns = []store.ReturnRow{{From: 1, To: 2, Seen: c.seen, Still: c.still}}
		r := Build(asked(steps(10, c.weights...), k))
		u := r.Strata[len(r.Strata)-1]
		if u.Phase != 2 || u.Origin != 1 || u.Rule != c.want || u.InDifference != c.diff || u.InRatio != c.ratio {
			t.Errorf("%s: %+v", name, u)
		}
		if c.share > 0 {
			near(t, name, u.Share, c.share)
		} else if u.Share != nil {
			t.Errorf("%s: share %v", name, *u.Share)
		}
		flagged := slices.ContainsFunc(r.Flags, func(f Flag) bool { return f.Name == "returning_unused" })
		if flagged == c.diff {
			t.Errorf("%s: returning_unused is told: %v", name, flagged)
		}
		if second := r.Comparisons[0].WithoutReturning != nil; second != (c.want == PartNested) {
			t.Errorf("%s: evaluated a second time: %v", name, second)
		}
	}
}

// TestReturningDisagree: strata of which only differences may be taken cannot bring a ramp about by themselves.
func TestReturningDisagree(t *testing.T) {
	k := counted(group{1, 0, "c", 0, 5, 9000, 90, 90}, group{1, 0, "t", 0, 5, 1000, 10, 10}, // no effect at first sight
		group{2, 0, "c", 10, 5, 750, 7, 8}, group{2, 0, "t", 10, 5, 250, 3, 2},
		group{2, 1, "c", 10, 5, 5000, 50, 50}, group{2, 1, "t", 10, 5, 1000, 150, 10}) // all of it among those who returned
	k.Returns = []store.ReturnRow{{From: 1, To: 2, Seen: 1000, Still: 960}}
	r := Build(asked(steps(10, 10, 25), k))
	d := Decide(r.Plan, r)
	if d.Action == Ramp || !slices.Contains(d.Reasons, "returning_disagree") {
		t.Error(d.Action, d.Reasons)
	}
}

// TestStratified: a base rate that drifts while the share rises turns the pooled numbers around, and not the stratified ones.
func TestStratified(t *testing.T) {
	r := Build(asked(steps(10, 10, 50), counted(
		group{1, 0, "c", 0, 5, 9000, 900, 90}, group{1, 0, "t", 0, 5, 1000, 110, 10}, // 10 % against 11 %
		group{2, 0, "c", 10, 5, 1000, 10, 10}, group{2, 0, "t", 10, 5, 1000, 20, 10}))) // 1 % against 2 %
	c := r.Comparisons[0]
	near(t, "difference", c.Enrollment.Difference.Diff, 0.01)
	near(t, "pooled", c.Pooled, 130.0/2000-910.0/10000)
	if !c.SimpsonReversal || len(c.ByPhase) != 2 || c.Heterogeneity == nil || c.Heterogeneity.DF != 1 {
		t.Errorf("%v %+v", c.SimpsonReversal, c.Heterogeneity)
	}
	near(t, "phase 2", c.ByPhase[1].Enrollment.Diff, 0.01)
}

// TestUnlinked: page events without users are enrollments all the same; people come from the logins.
func TestUnlinked(t *testing.T) {
	k := counted(group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 0, 10})
	k.Quality.LogEnrollments, k.Quality.PageCompleted = 0, 60
	k.Page = []store.PageRow{{Phase: 1, Variation: "t", Event: store.Shown, Day: h(0), Events: 900},
		{Phase: 1, Variation: "t", Event: store.Completed, Day: h(0), Events: 20},
		{Phase: 1, Variation: "t", Event: store.Completed, Day: h(24), Events: 40}}
	r := Build(asked(steps(0, 10), k))
	c := r.Comparisons[0]
	if r.EnrollmentSignal != SignalUnlinked || c.Enrollment.Treatment.Numerator != 60 || c.Enrollment.Treatment.Denominator != 1000 {
		t.Errorf("%s %+v", r.EnrollmentSignal, c.Enrollment.Treatment)
	}
	if len(c.Looks) != 5 || c.Looks[0].TreatmentEnrolled != 20 || c.PerLogin.Difference.Reason == "" {
		t.Error(len(c.Looks), c.PerLogin.Difference)
	}
	if d := Decide(r.Plan, r); d.Action != Ramp {
		t.Error(d.Action, d.Reasons)
	}
	for _, name := range []string{"enrollment_unlinked", "structural_zero"} {
		if !slices.ContainsFunc(r.Flags, func(f Flag) bool { return f.Name == name && !f.Blocking }) {
			t.Error(name, "is not told")
		}
	}
	// Carried-over people count as people too, and their days are not known.
	k.Crossed = []store.CrossRow{{Phase: 1, Subjects: 11000, Control: 9000}}
	c = Build(asked(steps(0, 10), k)).Comparisons[0]
	if c.Enrollment.Treatment.Denominator != 2000 || len(c.Looks) != 0 || c.Enrollment.Difference.P == nil {
		t.Errorf("%+v with %d looks", c.Enrollment.Treatment, len(c.Looks))
	}
	// More enrollments than people cannot be.
	k.Page[1].Events = 5000
	if d := Build(asked(steps(0, 10), k)).Comparisons[0].Enrollment.Difference; d.Diff != nil || d.Reason == "" {
		t.Errorf("%+v", d)
	}
}

func TestSampleRatio(t *testing.T) {
	// Half of the treated people are missing for five days; later days make up for it, and the flag stays.
	k := counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 500, 9, 5}, group{1, 0, "t", 10, 1, 500, 9, 5})
	r := Build(asked(steps(0, 10), k))
	s := r.SampleRatio
	if !s.Mismatch || *s.LogE >= s.Threshold || *s.MaxLogE < s.Threshold || s.Since == 0 {
		t.Errorf("now %v, highest %v, mismatch %v since %v", *s.LogE, *s.MaxLogE, s.Mismatch, s.Since)
	}
	near(t, "promised", &s.Strata[0].Cells[1].Expected, 0.1)
	if r.Flags[0].Name != "sample_ratio_mismatch" {
		t.Error(r.Flags)
	}

	zero := steps(0, 0)
	zero[0].Arms = append(zero[0].Arms, store.Arm{Variation: "u", Weight: 0})
	zero[0].Arms[0].Weight, zero[0].Arms[1].Weight = 90, 10
	r = Build(asked(zero, counted(group{1, 0, "c", 0, 5, 900, 9, 9}, group{1, 0, "t", 0, 5, 100, 9, 1}, group{1, 0, "u", 0, 1, 3, 0, 0})))
	if r.SampleRatio.Zero != 3 || r.SampleRatio.Mismatch || r.Flags[0].Name != "impossible_assignment" || len(r.Comparisons) != 1 {
		t.Errorf("%d at weight 0, flags %v", r.SampleRatio.Zero, r.Flags)
	}
}

func TestSeveralTreatments(t *testing.T) {
	p := steps(0, 20)
	p[0].Arms[1].Weight = 10
	p[0].Arms = append(p[0].Arms, store.Arm{Variation: "u", Name: "loud", Weight: 10})
	groups := []group{{1, 0, "c", 0, 5, 8000, 8, 80}, {1, 0, "t", 0, 5, 1000, 50, 10}, {1, 0, "u", 0, 5, 1000, 90, 10}}
	r := Build(asked(p, counted(groups...)))
	d := Decide(r.Plan, r)
	if d.Action != Ramp || d.Treatment.ID != "u" || len(d.Treatments) != 2 || len(d.Also) != 1 {
		t.Errorf("%s %s %v", d.Action, d.Treatment.ID, d.Also)
	}
	near(t, "alpha", &r.Comparisons[0].Alpha, 0.025)
	near(t, "share among treatment and control", r.Comparisons[0].Strata[0].Share, 1.0/9)
	if r.Comparisons[0].Enrollment.Difference.PHolm == nil {
		t.Error("p is not adjusted")
	}
	groups[2].failed = 600 // the loud one breaks logins
	if d = Decide(r.Plan, Build(asked(p, counted(groups...)))); d.Action != Ramp || d.Treatment.ID != "t" || d.Treatments[1].Action != RollBack {
		t.Errorf("%s %s, %s", d.Action, d.Treatment.ID, d.Treatments[1].Action)
	}
	p[0].Arms[2].Control = true // the same third arm as a twin of control
	groups[2].y, groups[2].failed = 1, 10
	r = Build(asked(p, counted(groups...)))
	if len(r.Comparisons) != 1 || r.Comparisons[0].Enrollment.Control.Denominator != 9000 || len(r.Twins) != 1 || r.Twins[0].Enrollment.Treatment.Denominator != 1000 {
		t.Errorf("%d comparisons, twins %+v", len(r.Comparisons), r.Twins)
	}
}

// TestContinued: a ramp that goes on under a new experiment with a new variation is one comparison.
func TestContinued(t *testing.T) {
	p := steps(10, 10, 25)
	p[1].Experiment = "f"
	p[1].Arms = []store.Arm{{Variation: "c2", Weight: 75, Control: true}, {Variation: "t2", Weight: 25}}
	in := asked(p, counted(group{1, 0, "c", 0, 5, 900, 9, 9}, group{1, 0, "t", 0, 5, 100, 9, 1},
		group{2, 0, "c2", 10, 5, 750, 7, 8}, group{2, 0, "t2", 10, 5, 250, 20, 2}))
	r := Build(in)
	if len(r.Comparisons) != 1 || r.Comparisons[0].Treatment.ID != "t2" || r.Comparisons[0].Enrollment.Treatment.Denominator != 350 {
		t.Errorf("%d comparisons, %+v", len(r.Comparisons), r.Comparisons[0].Enrollment.Treatment)
	}
	// So are its controls: neither is the other one's twin, and the recipe adds up both sides.
	if len(r.Twins) != 0 {
		t.Errorf("twins: %+v", r.Twins)
	}
	z, _ := stats.PooledZ(29, 697, 16, 3283)
	near(t, "plain z", r.Recipe.Tests[0].Z, z.Z)
	if rows := r.Recipe.Variations; len(rows) != 2 || rows[0].Logins != 3283 || rows[1].Logins != 697 {
		t.Errorf("%+v", rows)
	}
	if rows := r.Recipe.Phases; len(rows) != 4 || rows[0].Variation != "c" || rows[2].Variation != "c2" {
		t.Errorf("control first in each phase: %+v", rows)
	}
	// A variation that was control here and treatment there stands for itself.
	in.Scope.Phases[1].Arms = []store.Arm{{Variation: "t", Weight: 75, Control: true}, {Variation: "t2", Weight: 25}}
	if got := aliases(in.Scope.Phases); got != nil {
		t.Error(got)
	}
}

// TestSinceAndUntil: days that are not asked about are no days in the phase.
func TestSinceAndUntil(t *testing.T) {
	in := asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 60, 10}))
	if r := Build(in); r.Comparisons[0].Days != 30 || Decide(r.Plan, r).Action != Ramp {
		t.Fatal(r.Comparisons[0].Days, Decide(r.Plan, r))
	}
	in.Scope.Since = in.AsOf - 3*dayMicros
	if r := Build(in); r.Comparisons[0].Days != 3 || Decide(r.Plan, r).Reason != "dwell" {
		t.Error("since:", r.Comparisons[0].Days, Decide(r.Plan, r).Reasons)
	}
	in.Scope.Since, in.Scope.Until = 0, h(0)+5*dayMicros+dayMicros/2
	if r := Build(in); r.Comparisons[0].Days != 5 || Decide(r.Plan, r).Reason != "dwell" {
		t.Error("until:", r.Comparisons[0].Days, Decide(r.Plan, r).Reasons)
	}
}

// TestWeightFellUnderANewID: whoever stayed in control while the weight fell has no share that could be negative.
func TestWeightFellUnderANewID(t *testing.T) {
	p := steps(15, 50, 10)
	p[1].Experiment = "f"
	c := counted(group{1, 0, "c", 0, 5, 5000, 9, 90}, group{1, 0, "t", 0, 5, 5000, 60, 90},
		group{2, 1, "c", 15, 5, 2700, 9, 30}, group{2, 0, "c", 15, 5, 900, 9, 30}, group{2, 0, "t", 15, 5, 100, 9, 3})
	c.Returns = []store.ReturnRow{{From: 1, To: 2, Seen: 3000, Still: 3000}}
	in := asked(p, c)
	in.Scope.Experiment, in.Scope.Continues = "f", []string{"e"}
	r := Build(in)
	u := r.Strata[len(r.Strata)-1]
	if u.Rule != Nested || u.Share != nil || u.InRatio || u.InDifference || u.Reason == "" || r.SampleRatio.Mismatch {
		t.Errorf("%+v, mismatch %v", u, r.SampleRatio.Mismatch)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// TestUnknownLastPhase: without the weights of the last phase nothing ramps, also when nobody was seen in it yet.
func TestUnknownLastPhase(t *testing.T) {
	p := steps(29, 10, 25)
	for i := range p[1].Arms {
		p[1].Arms[i].Weight = -1
	}
	in := asked(p, counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 60, 10}))
	in.Plan.MinDwellDays = 0
	for _, known := range []bool{false, true} {
		in.Scope.Phases[1].Known = known
		r := Build(in)
		if d := Decide(in.Plan, r); d.Action != Investigate || d.Reason != "weights_unknown" || d.Words[0] != "The weights of the last phase are not known." {
			t.Error(d.Action, d.Reasons, d.Words)
		}
	}
}

// TestRampComplete: only where everybody has the treatment it is said so.
func TestRampComplete(t *testing.T) {
	for share, want := range map[int]string{100: "everybody has the treatment", 95: " 5 % of the logins stay without"} {
		in := asked(steps(15, 50, share), counted(group{1, 0, "c", 0, 5, 500, 5, 5}, group{1, 0, "t", 0, 5, 500, 60, 5},
			group{2, 0, "c", 15, 5, 500, 5, 5}, group{2, 0, "t", 15, 5, 9500, 60, 95}))
		in.Plan.Rungs = []int{50, share}
		r := Build(in)
		if d := Decide(in.Plan, r); d.Reason != "ramp_complete" || !strings.Contains(d.Next, want) {
			t.Errorf("at %d: %s %q", share, d.Reason, d.Next)
		}
	}
}

func TestFlags(t *testing.T) {
	base := func() Input {
		return asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10}))
	}
	for name, change := range map[string]func(*Input){
		"purged":                func(in *Input) { in.Purged = h(0) + 1 },
		"not_randomised":        func(in *Input) { in.Counts.Quality.Segment = 1 },
		"guardrail_unavailable": func(in *Input) { in.Counts.Rules[0].Rule = "none" },
		"crossover":             func(in *Input) { in.Counts.Crossed = []store.CrossRow{{Phase: 1, Subjects: 100, Crossed: 21}} },
		"forced_assignment":     func(in *Input) { in.Counts.Quality.ForcedSubjects = 51 },
		"unknown_variation":     func(in *Input) { in.Counts.Quality.UnknownVariation = 101 },
		"missing_subject":       func(in *Input) { in.Counts.Quality.MissingSubject = 1001 },
		"unmatched_enrollment":  func(in *Input) { in.Counts.Quality.PageCompletedUser, in.Counts.Quality.PageUnmatched = 100, 6 },
		"stale":                 func(in *Input) { in.Counts.Quality.LastEvent = in.AsOf - 49*hour },
	} {
		in := base()
		change(&in)
		r := Build(in)
		d := Decide(r.Plan, r)
		if len(r.Flags) == 0 || r.Flags[0].Name != name || !r.Flags[0].Blocking || d.Action != Investigate || d.Reason != name {
			t.Errorf("%s: %s %v", name, d.Action, d.Reasons)
		}
		if f := r.Flags[0]; f.Words == "" || f.Do == "" {
			t.Errorf("%s has no words or nothing to do", name)
		}
	}
	// What was purged before the phase, or before what is asked about, does not block.
	for _, change := range []func(*Input){
		func(in *Input) { in.Purged = h(0) },
		func(in *Input) { in.Purged, in.Scope.Since = h(0)+dayMicros, h(0)+dayMicros },
	} {
		in := base()
		change(&in)
		if r := Build(in); len(r.Flags) != 1 || r.Flags[0].Name != "purged_history" || r.Flags[0].Blocking {
			t.Error(r.Flags)
		}
	}
	// At its limit a flag is quiet; of forced traffic a trace is told.
	in := base()
	q := &in.Counts.Quality
	q.ForcedSubjects, q.UnknownVariation, q.MissingSubject, q.LastEvent = 50, 100, 1000, in.AsOf-48*hour
	in.Counts.Crossed = []store.CrossRow{{Phase: 1, Subjects: 100, Crossed: 20, Control: 90}}
	if r := Build(in); len(r.Flags) != 1 || r.Flags[0].Name != "forced_assignment" || r.Flags[0].Blocking {
		t.Error(r.Flags)
	}
	// Failures whose variation is known and whose person is not hide a drop: ten in a hundred do, nine may be chance.
	for nameless, want := range map[int64]int{9: 0, 10: 1} {
		in := base()
		in.Counts.Rules[0].Count, in.Counts.Quality.NamelessFailures = 100, nameless
		r := Build(in)
		if len(r.Flags) != want || want == 1 && (r.Flags[0].Name != "missing_subject" || !r.Flags[0].Blocking || *r.Flags[0].Count != 10 || *r.Flags[0].Of != 110) {
			t.Errorf("%d failures without a person: %+v", nameless, r.Flags)
		}
	}
	// Edited ids block where the page's counts go by them, and are told where the log places people.
	in = base()
	in.Counts.Page = []store.PageRow{{Phase: 1, Variation: "t", Event: store.Shown, Day: h(0), Events: 90}, {Phase: 1, Variation: "c", Event: store.Shown, Day: h(0), Events: 6},
		{Variation: "nobody", Event: store.Completed, Day: h(0), Events: 4}}
	if r := Build(in); len(r.Flags) != 1 || r.Flags[0].Name != "page_edited_ids" || r.Flags[0].Blocking || *r.Flags[0].Count != 10 || *r.Flags[0].Of != 100 {
		t.Error(r.Flags)
	}
	// A day without prompts between days with many is a quiet one, at its very number; weekends are not, nor is a young page.
	quiet := func(shown ...int64) (days, missing int64) {
		in := base()
		midnight := (h(0) + dayMicros - 1) / dayMicros * dayMicros
		in.AsOf = midnight + int64(len(shown))*dayMicros
		in.Scope.Until, in.Counts.Quality.LastPage = in.AsOf, in.AsOf
		for i, n := range shown {
			in.Counts.Page = append(in.Counts.Page, store.PageRow{Phase: 1, Variation: "t", Event: store.Shown, Day: midnight + int64(i)*dayMicros, Events: n})
		}
		d := newDesign(in.Scope.Phases, in.Counts)
		q := d.quietDays(in)
		return q.days, q.missing
	}
	for _, c := range []struct {
		shown         []int64
		days, missing int64
	}{
		{[]int64{40, 41, 39, 0, 40, 42, 38}, 1, 40}, {[]int64{40, 41, 39, 8, 40, 42, 38}, 1, 32}, {[]int64{40, 41, 39, 9, 40, 42, 38}, 0, 0},
		{[]int64{60, 55, 58, 30, 25, 61, 59}, 0, 0}, {[]int64{9, 10, 8, 0, 9, 11, 10}, 0, 0}, {[]int64{50, 0}, 0, 0}, {nil, 0, 0},
	} {
		if days, missing := quiet(c.shown...); days != c.days || missing != c.missing {
			t.Errorf("%v: %d quiet days, %d missing", c.shown, days, missing)
		}
	}
	// A limit longer than three centuries is one that is never reached.
	in = base()
	in.Plan.Limits.StaleHours = 9_999_999
	if r := Build(in); len(r.Flags) != 0 {
		t.Error(r.Flags)
	}
	// A paused experiment is not stale, and is said to stand still.
	in = base()
	in.Scope.Phases[0].Until = in.AsOf - 20*dayMicros
	in.Counts.Quality.LastEvent = in.Scope.Phases[0].Until
	r := Build(in)
	if len(r.Flags) != 1 || r.Flags[0].Name != "not_active" || r.Comparisons[0].Days != 10 {
		t.Error(r.Flags, r.Comparisons[0].Days)
	}
}

// TestAnyCounts: whatever a store counts, the report is made of finite numbers, and broken data never ramp.
func TestAnyCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Int64Range(0, 400)
		weights := rapid.SliceOfN(rapid.SampledFrom([]int{0, 5, 10, 25, 50, 100}), 1, 3).Draw(t, "weights")
		phases := steps(5, weights...)
		k := &store.Counts{}
		for i := range phases {
			phases[i].Known = rapid.Bool().Draw(t, "known")
			for origin := range i + 1 {
				for _, v := range []string{"c", "t", "x"} {
					n := small.Draw(t, "n")
					y := rapid.Int64Range(0, n).Draw(t, "y")
					g := counted(group{i + 1, origin, v, i * 5, 1 + int(n%4), n, y, rapid.Int64Range(0, n).Draw(t, "failed")})
					k.Sums, k.Arrivals, k.Seed = append(k.Sums, g.Sums...), append(k.Arrivals, g.Arrivals...), append(k.Seed, g.Seed...)
				}
				seen := small.Draw(t, "seen")
				k.Returns = append(k.Returns, store.ReturnRow{From: origin, To: i + 1, Seen: seen, Still: rapid.Int64Range(0, seen).Draw(t, "still")})
			}
			n := small.Draw(t, "people")
			k.Crossed = append(k.Crossed, store.CrossRow{Phase: i + 1, Subjects: n, Crossed: rapid.Int64Range(0, n).Draw(t, "crossed"),
				Control: n, Left: rapid.Int64Range(0, n).Draw(t, "left")})
		}
		k.Uncrossed = k.Sums
		k.Rules = []store.RuleRow{{Type: "f", Role: store.RoleFailure, Rule: rapid.SampledFrom([]string{"event", "none"}).Draw(t, "rule"), Count: small.Draw(t, "failures")}}
		k.Quality = store.Quality{LastEvent: h(100), PageCompleted: small.Draw(t, "page"), PageCompletedUser: small.Draw(t, "users"),
			LogEnrollments: small.Draw(t, "log"), PageUnmatched: small.Draw(t, "unmatched")}
		k.Page = []store.PageRow{{Phase: 1, Variation: "t", Event: store.Completed, Day: h(0), Events: small.Draw(t, "completed")}}
		in := asked(phases, k)
		in.Plan.Mode = rapid.SampledFrom([]Mode{Sequential, Fixed, GroupSequential}).Draw(t, "mode")
		if in.Plan.Mode == GroupSequential { // asked at the end of the last day
			in.AsOf = 0
			for i := range k.Arrivals {
				k.Arrivals[i].Day -= h(0) % dayMicros
				in.AsOf = max(in.AsOf, k.Arrivals[i].Day+dayMicros)
			}
		}
		in.Plan.Horizon, in.Plan.HorizonInformation = ptr(Time(in.AsOf).Std()), rapid.SampledFrom([]float64{10, 1000, 100_000}).Draw(t, "planned")
		in.Plan.Method = rapid.SampledFrom([]Method{"", MethodScore}).Draw(t, "method")
		in.Plan.ExposureGate = rapid.Bool().Draw(t, "gate")

		r := Build(in)
		d := Decide(r.Plan, r)
		for _, v := range []any{r, d} {
			if _, err := json.Marshal(v); err != nil {
				t.Fatal(err)
			}
		}
		blocked := slices.ContainsFunc(r.Flags, func(f Flag) bool { return f.Blocking })
		for _, v := range append(d.Treatments, d.Verdict) {
			if v.Action == Ramp && (blocked || v.TargetShare == nil || *v.TargetShare <= *v.CurrentShare) {
				t.Fatalf("ramps: %v with the flags %v", v.Reasons, r.Flags)
			}
			if len(v.Reasons) == 0 || v.Reason != v.Reasons[0] || len(v.Words) != len(v.Reasons) || v.Next == "" {
				t.Fatalf("%s for %v in the words %v", v.Action, v.Reasons, v.Words)
			}
		}
		again := Build(in)
		a, _ := json.Marshal(r)
		b, _ := json.Marshal(again)
		if string(a) != string(b) {
			t.Fatal("equal input, another report")
		}
	})
}

// Nobody failed yet is not the same as failures that nobody can place.
func TestYoungExperiment(t *testing.T) {
	for successes, blocked := range map[int64]bool{37: false, fewAttempts - 1: false, fewAttempts: true} {
		in := asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 200, 1, 0}, group{1, 0, "t", 0, 5, 20, 5, 0}))
		in.Counts.Rules = []store.RuleRow{{Type: "s", Role: store.RoleSuccess, Rule: "event", Count: successes}}
		r := Build(in)
		raised := slices.ContainsFunc(r.Flags, func(f Flag) bool { return f.Name == "guardrail_unavailable" })
		if raised != blocked {
			t.Errorf("%d logins without a failure: guardrail_unavailable is %v, want %v", successes, raised, blocked)
		}
		if d := Decide(r.Plan, r); d.Action == Ramp {
			t.Errorf("%d logins without a failure: %s", successes, d.Action)
		}
	}
}
