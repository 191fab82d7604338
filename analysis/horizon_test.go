package analysis

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/stats"
)

// fixed is a plan with its one look so many days after the start of slow, asked then.
func fixed(days int, enrolled int64) Input {
	in := slow(days, enrolled)
	in.Plan.Mode, in.Plan.Horizon = Fixed, ptr(Time(in.AsOf).Std())
	return in
}

// closed fails unless nothing is concluded from a report, for the given reason.
func closed(t *testing.T, name string, in Input, reason string) *Report {
	t.Helper()
	r := Build(in)
	d := Decide(r.Plan, r)
	if d.Action != Hold || d.Reason != reason || len(d.Words) != len(d.Reasons) || strings.Contains(d.Next, "every day") {
		t.Errorf("%s: %s %v, want to hold for %s", name, d.Action, d.Reasons, reason)
	}
	c := r.Comparisons[0]
	for _, o := range []Difference{c.Enrollment.Difference, c.Success.Difference, c.PerLogin.Difference, c.ByPhase[0].Enrollment} {
		if o.Diff != nil || o.Lower != nil || o.P != nil || o.Reason == "" {
			t.Errorf("%s: concluded %+v", name, o)
		}
	}
	if c.RateRatio.Lower != nil || c.RateRatio.P != nil || c.RateRatio.Reason == "" || c.NoLook != reason {
		t.Errorf("%s: ratio %+v, no look %q", name, c.RateRatio, c.NoLook)
	}
	if c.Enrollment.Treatment.Rate == nil || c.Enrollment.Treatment.Lower != nil {
		t.Errorf("%s: a rate is counted, and has no interval: %+v", name, c.Enrollment.Treatment)
	}
	return r
}

// TestFixedHasOneLook: at its time, and neither earlier nor later.
func TestFixedHasOneLook(t *testing.T) {
	in := fixed(14, 20)
	horizon := *in.Plan.Horizon
	r := Build(in)
	c := r.Comparisons[0]
	s := []stats.Stratum{{T: stats.BinarySums(280, 1400), C: stats.BinarySums(126, 12600)}}
	want := stats.FixedDifference(stats.Binary, s, 0.05)
	near(t, "lower", c.Enrollment.Difference.Lower, want.Lo)
	near(t, "critical value", c.Enrollment.Difference.Z, 1.959963984540054)
	if z, _ := stats.PooledZ(280, 1400, 126, 12600); *c.Enrollment.Difference.P != z.PTwoSided || c.Enrollment.Difference.Test != stats.MethodScore {
		t.Errorf("%+v", c.Enrollment.Difference)
	}
	if c.Success.Difference.Test != stats.MethodClusters || c.Success.Difference.Method != stats.MethodNewcombe {
		t.Errorf("%+v", c.Success.Difference)
	}
	if d := Decide(r.Plan, r); d.Action != Ramp {
		t.Error(d.Action, d.Reasons)
	}
	for _, l := range c.Looks {
		if l.Lower != nil || l.P != nil {
			t.Fatalf("an earlier day concludes %+v", l)
		}
	}

	in.AsOf -= hour
	r = closed(t, "an hour early", in, "horizon_not_reached")
	if z := r.Recipe.Tests[0]; z.P != nil || z.Z != nil || !strings.Contains(z.Reason, "not yet") {
		t.Errorf("the plain test looks early: %+v", z)
	}
	in.Counts.Quality.Segment = 1 // broken data are told early all the same
	if r := Build(in); Decide(r.Plan, r).Action != Investigate {
		t.Error("a flag waits for the horizon")
	}
	in.Counts.Quality.Segment = 0
	in.AsOf += 2 * hour
	closed(t, "an hour late", in, "horizon_passed")
	in.AsOf -= hour
	in.Watermark = in.AsOf - 1
	closed(t, "not read to the end", in, "horizon_not_reached")
	in.Watermark = 0
	in.Plan.Horizon = nil
	closed(t, "no horizon", in, "no_horizon")
	before := Time(in.Scope.Phases[0].From).Std()
	in.Plan.Horizon = &before
	closed(t, "no time at all", in, "no_horizon")
	in.Plan.Horizon = &horizon
	for _, v := range Build(in).Comparisons[0].Forecasts {
		if v.Mid != nil {
			t.Errorf("a plan with an end foresees %+v", v)
		}
	}
}

// TestFixedTests: the counts choose the test, and the plan the interval.
func TestFixedTests(t *testing.T) {
	in := asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 900, 0, 9}, group{1, 0, "t", 0, 5, 100, 1, 1}))
	in.Plan.Mode, in.Plan.Horizon = Fixed, ptr(Time(in.AsOf).Std())
	d := Build(in).Comparisons[0].Enrollment.Difference
	if b, _ := stats.Boschloo(1, 100, 0, 900); d.Test != stats.MethodBoschloo || *d.P != b.TwoSided {
		t.Errorf("%+v", d)
	}
	in.Counts = counted(group{1, 0, "c", 0, 5, 9000, 90, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10})
	in.Plan.Method = MethodScore
	c := Build(in).Comparisons[0]
	mn := stats.MiettinenNurminen(40, 1000, 90, 9000, 0.05)
	near(t, "score interval", c.Enrollment.Difference.Lower, mn.Lo)
	fm, _ := stats.ScoreTest(40, 1000, 90, 9000, 0.005)
	near(t, "p of a gain above delta_min", c.AboveMargin, stats.NormalSurvival(fm.ZFM))
	if c.Enrollment.Difference.Method != stats.MethodMiettinenNurminen || c.Success.Difference.Method != stats.MethodPlugIn {
		t.Errorf("%s, %s", c.Enrollment.Difference.Method, c.Success.Difference.Method)
	}
	// Two phases: strata.
	in.Scope.Phases = steps(10, 10, 25)
	in.Counts = counted(group{1, 0, "c", 0, 5, 9000, 90, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10},
		group{2, 0, "c", 10, 5, 7500, 75, 75}, group{2, 0, "t", 10, 5, 2500, 80, 25})
	c = Build(in).Comparisons[0]
	if c.Enrollment.Difference.Test != stats.MethodCMH || c.Enrollment.Difference.Method != stats.MethodSato || c.AboveMargin != nil {
		t.Errorf("%+v", c.Enrollment.Difference)
	}
}

// TestGroupSequential: boundaries over the days, one clock for both metrics, and nothing after its end.
func TestGroupSequential(t *testing.T) {
	in := slow(14, 3)
	var info []float64 // by hand: everybody arrives and enrolls evenly
	for d := int64(1); d <= 14; d++ {
		info = append(info, information(stats.Binary, []stats.Stratum{{T: stats.BinarySums(3*d, 100*d), C: stats.BinarySums(9*d, 900*d)}}))
	}
	in.Plan.Mode, in.Plan.HorizonInformation = GroupSequential, 2*info[13]
	c := Build(in).Comparisons[0]
	near(t, "clock", c.Clock, 0.5)
	clock := make([]float64, len(info))
	for i, v := range info {
		clock[i] = v / in.Plan.HorizonInformation
	}
	// The ninth day is the first look: twelve of a thousand enroll each day, a tenth of the thousand is treated, and
	// before ten are expected in treatment a look would not know what it learned.
	want, _ := stats.GroupSequential(clock[8:], 0.05, stats.OBrienFleming)
	near(t, "boundary", c.Enrollment.Difference.Z, want[5])
	if z := *c.Success.Difference.Z; math.Abs(z-want[5]) > 0.05 { // logins come as evenly as people do
		t.Errorf("login success at %v, enrollment at %v", z, want[5])
	}
	if c.Enrollment.Difference.P != nil || c.Enrollment.Difference.Method != "group_sequential" || c.PerLogin.Difference.Diff == nil {
		t.Errorf("%+v", c.Enrollment.Difference)
	}

	in.Plan.HorizonInformation = info[9] // all in on the tenth day
	closed(t, "after the end", in, "horizon_passed")
	in.AsOf -= hour
	closed(t, "inside a day", in, "between_looks")
	in.AsOf += hour
	in.Plan.HorizonInformation = 1000 * info[13] // the days bring a thousandth each
	closed(t, "too little learned", in, "between_looks")
	in.Plan.HorizonInformation = 0
	closed(t, "no end", in, "no_horizon")
	in = slow(10, 3)
	in.Plan.Mode, in.Plan.HorizonInformation = GroupSequential, info[9]
	last := Build(in).Comparisons[0]
	if last.Enrollment.Difference.Diff == nil || *last.Clock != 1 || math.Abs(*last.Enrollment.Difference.Z-2.08) > 0.08 {
		t.Errorf("the last look: %+v at %v", last.Enrollment.Difference, text(last.Clock))
	}
}

func TestValidateHorizon(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for fault, change := range map[string]func(*Plan){
		"":                               func(p *Plan) { p.Mode, p.Horizon, p.Method = Fixed, &at, MethodScore },
		"horizon is missing":             func(p *Plan) { p.Mode = Fixed },
		"horizon_information is 0":       func(p *Plan) { p.Mode = GroupSequential },
		"horizon is given":               func(p *Plan) { p.Horizon = &at },
		"horizon_information is given":   func(p *Plan) { p.HorizonInformation = 1 },
		"method is \"wald\"":             func(p *Plan) { p.Mode, p.Horizon, p.Method = Fixed, &at, "wald" },
		"method is given":                func(p *Plan) { p.Method = MethodScore },
		"mode is \"never\"":              func(p *Plan) { p.Mode = "never" },
		"horizon_information is +Inf: m": func(p *Plan) { p.Mode, p.HorizonInformation = GroupSequential, math.Inf(1) },
	} {
		p := DefaultPlan()
		change(&p)
		err := p.Validate()
		if fault == "" && err != nil || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("want %q, got %v", fault, err)
		}
	}
}

// TestExposureGate: where vanished people block a ramp, a ratio that is not shown to be near 1 holds, and one that is does not.
func TestExposureGate(t *testing.T) {
	at := func(treated int64) Decision {
		in := asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 900_000, 900, 9000}, group{1, 0, "t", 0, 5, treated, 4000, treated / 100}))
		in.Plan.ExposureGate, in.Plan.AlphaSRM = true, 1e-300 // the sample ratio would stop it, too
		r := Build(in)
		return Decide(r.Plan, r)
	}
	if d := at(100_000); d.Action != Ramp {
		t.Error(d.Action, d.Reasons)
	}
	if d := at(97_000); d.Action != Hold || !slices.Equal(d.Reasons, []string{"exposure_ratio_not_proven"}) {
		t.Error(d.Action, d.Reasons)
	}
}
