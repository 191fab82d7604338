package analysis

import (
	"math"

	"keyramp/queries/store"
	"keyramp/stats"
)

// An opening says whether this report may be a look, in a plan that has a declared end.
type opening struct {
	code, why string                   // why it may not; "" = it may
	z         map[store.Metric]float64 // the boundaries of a group-sequential look
	clock     *float64                 // share of the planned information that is in
}

// opening is that of one treatment. A sequential plan is always open.
func (c *comparer) opening(in Input) opening {
	switch c.plan.Mode {
	case Fixed:
		return fixedOpening(c.plan, in)
	case GroupSequential:
		return c.groupOpening(in)
	}
	return opening{}
}

// fixedOpening opens at the horizon alone: a look before it would be a second one, and so would one after it.
func fixedOpening(p Plan, in Input) opening {
	if p.Horizon == nil {
		return opening{code: "no_horizon", why: "the plan has one look, and no horizon that says when"}
	}
	at := Time(p.Horizon.UnixMicro())
	known := in.AsOf
	if in.Watermark > 0 {
		known = min(known, in.Watermark)
	}
	switch {
	case len(in.Scope.Phases) > 0 && store.Micros(at) <= in.Scope.Phases[0].From:
		return opening{code: "no_horizon", why: "the horizon is not after the start of the experiment"}
	case known < store.Micros(at):
		return opening{code: "horizon_not_reached", why: "not yet: the one look is at " + at.String()}
	case in.AsOf > store.Micros(at):
		return opening{code: "horizon_passed", why: "the one look was at " + at.String() + ", and later ones may not decide: ask as of then"}
	}
	return opening{}
}

// lookStep is the share of the planned information that makes a day's end a new look.
const lookStep = 0.01

// groupOpening opens at the end of a UTC day, when the enrollment difference has gained enough information since the
// look before, and for the last time when all the planned information is in. Looks on the way are rebuilt, whether
// somebody looked or not: a look that nobody took makes the boundary of this one stricter and never looser.
//
// Both metrics spend their alpha by this one clock, so that they end together; each has its own information. That of login
// success on earlier days is an estimate, since failed attempts are not counted by day.
func (c *comparer) groupOpening(in Input) opening {
	if !(c.plan.HorizonInformation > 0) {
		return opening{code: "no_horizon", why: "the plan has a group-sequential end, and no horizon_information that says where"}
	}
	one := store.Micros(day.Microseconds())
	if in.AsOf%one != 0 || in.Watermark > 0 && in.Watermark < in.AsOf {
		return opening{code: "between_looks", why: "looks are at the ends of UTC days, when everything was read: ask as of a date"}
	}
	h := c.history(c.enrollments(c.counts.Sums))
	if len(h.days) == 0 {
		return opening{code: "between_looks", why: "enrollments are not known by day, so earlier looks cannot be rebuilt"}
	}
	var last store.Micros
	var told float64
	var enroll, clock, success, successClock []float64
	for i, d := range h.days {
		info := information(stats.Binary, h.upTo[i])
		now := info / c.plan.HorizonInformation
		if told >= 1 || now < told+lookStep || stats.EventsInSmallerArm(h.upTo[i]) < enoughEvents {
			continue // with few enrollments the variance is not known, nor how much was learned
		}
		last, told = d+one, now
		enroll, clock = append(enroll, info), append(clock, now)
		if s := information(stats.Ratio, c.attemptsUntil(last)); s > 0 {
			if n := len(success); n > 0 {
				s = math.Max(s, 1.001*success[n-1]) // rates that move can make an estimate fall
			}
			success, successClock = append(success, s), append(successClock, now)
		}
	}
	out := opening{clock: &told, z: map[store.Metric]float64{}}
	switch {
	case told >= 1 && last < in.AsOf:
		out.code, out.why = "horizon_passed", "the planned information was in at "+Time(last).String()+", and later looks may not decide: ask as of then"
	case last != in.AsOf:
		out.code, out.why = "between_looks", "not yet: too little was learned since the look before"
	}
	for metric, of := range map[store.Metric][2][]float64{store.Enroll: {enroll, clock}, store.LoginSuccess: {success, successClock}} {
		out.z[metric] = math.Inf(1)
		if z, ok := stats.GroupSequentialClock(of[0], of[1], c.alpha, stats.OBrienFleming); ok && len(z) > 0 {
			out.z[metric] = z[len(z)-1]
		}
	}
	return out
}

// always is the comparer of what describes and does not decide: where looks are planned for the two metrics that decide, its
// intervals are the ones that hold at every look.
func (c *comparer) always() *comparer {
	if c.plan.Mode != GroupSequential {
		return c
	}
	other := *c
	other.plan.Mode = Sequential
	return &other
}

// oneLook is the difference of a fixed plan at its look, by the plan's method, with the test that goes with it.
func (c *comparer) oneLook(kind stats.Kind, strata []stats.Stratum) (stats.Difference, string, stats.OneLook, bool) {
	d, method := stats.FixedDifference(kind, strata, c.alpha), stats.MethodNewcombe
	if c.plan.Method == MethodScore {
		d, method = stats.ScoreDifference(kind, strata, c.alpha)
	}
	test, ok := stats.OneLookTest(strata)
	if kind == stats.Ratio {
		test, ok = stats.OneLookClusters(strata)
	}
	return d, method, test, ok
}

// aboveMargin is the one-sided p-value of "the gain is not above delta_min", for the one look of a plan with score
// methods, and a single stratum.
func (c *comparer) aboveMargin(strata []stats.Stratum) *float64 {
	if c.plan.Mode != Fixed || c.plan.Method != MethodScore || c.look.code != "" || len(strata) != 1 {
		return nil
	}
	s := strata[0]
	if m, ok := stats.ScoreTest(s.T.Y, s.T.N, s.C.Y, s.C.N, c.plan.DeltaMin); ok {
		return ptr(stats.NormalSurvival(m.ZFM))
	}
	return nil
}
