package analysis

import (
	"math"
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// A comparer sets one treatment against control.
type comparer struct {
	*design
	counts    *store.Counts
	plan      Plan
	alpha     float64
	treatment Variation
	unlinked  bool // enrollments are known per phase and claimed variation alone
	look      opening
}

// enrollments are the cells of the primary metric.
func (c *comparer) enrollments(rows []store.SumsRow) []cell {
	if c.unlinked {
		return c.unlinkedCells()
	}
	return c.cells(rows, store.Enroll, c.against(c.treatment.ID))
}

// evidence computes what a decision is made of. firstOnly leaves out returning subjects.
func (c *comparer) evidence(rows []store.SumsRow, firstOnly bool) Evidence {
	enrolled := c.enrollments(rows)
	attempts := c.cells(rows, store.LoginSuccess, c.against(c.treatment.ID))
	e := Evidence{
		Enrollment:        c.outcome(store.Enroll, stats.Binary, differing(enrolled, firstOnly), c.plan.TauEnroll),
		EnrollmentEvents:  stats.EventsInSmallerArm(differing(enrolled, firstOnly)),
		Success:           c.outcome(store.LoginSuccess, stats.Ratio, differing(attempts, firstOnly), c.plan.TauSuccess),
		EffectiveFailures: stats.EffectiveFailures(differing(attempts, firstOnly)),
	}
	var converters []stats.Converters
	for _, s := range enrolled {
		if share, ok := c.share(s.stratum, c.treatment.ID); ok && !(firstOnly && s.origin > 0) {
			converters = append(converters, stats.Converters{T: s.both.T.Y, C: s.both.C.Y, Share: share})
		}
	}
	if e.RateRatio = c.ratio(converters, "nobody enrolled in a stratum of known share yet"); c.look.code != "" {
		e.RateRatio = Ratio{Treatment: e.RateRatio.Treatment, Control: e.RateRatio.Control, Reason: c.look.why}
	}
	return e
}

// exposure asks whether as many treated subjects are seen as the weights promise.
func (c *comparer) exposure() Ratio {
	side := c.against(c.treatment.ID)
	var subjects []stats.Converters
	for _, u := range c.uses {
		share, ok := c.share(stratum{u.Phase, u.Origin}, c.treatment.ID)
		if !ok {
			continue
		}
		s := stats.Converters{Share: share}
		for _, a := range c.counts.Arrivals {
			if a.Phase != u.Phase || a.Origin != u.Origin {
				continue
			}
			switch side(a.Phase, a.Variation) {
			case 1:
				s.T += a.Subjects
			case 0:
				s.C += a.Subjects
			}
		}
		subjects = append(subjects, s)
	}
	return c.ratio(subjects, "no subject was seen in a stratum of known share yet")
}

func (c *comparer) ratio(strata []stats.Converters, empty string) Ratio {
	var out Ratio
	if len(strata) == 0 {
		out.Reason = "no stratum with a known share of treatment"
		return out
	}
	for _, s := range strata {
		out.Treatment, out.Control = out.Treatment+s.T, out.Control+s.C
	}
	r := c.process.RateRatio(strata, c.alpha)
	out.Lower, out.LogE, out.P = ptr(r.Lo), ptr(r.LogE), ptr(stats.PFromLogE(r.LogE))
	if math.IsInf(r.Hi, 1) {
		out.UpperWord = "unbounded"
	} else {
		out.Upper = ptr(r.Hi)
	}
	if out.Treatment+out.Control == 0 {
		out.Reason = empty
	}
	return out
}

// outcome is one metric in both arms, and the difference over strata.
func (c *comparer) outcome(metric store.Metric, kind stats.Kind, strata []stats.Stratum, tau float64) Outcome {
	d, z := c.difference(metric, kind, strata, tau)
	var t, k stats.Sums
	for _, s := range strata {
		t, k = t.Add(s.T), k.Add(s.C)
	}
	deff := stats.PooledDeff(kind, t, k)
	return Outcome{rate(kind, t, deff, z), rate(kind, k, deff, z), d}
}

// difference also returns the critical value, 0 when the difference is undefined.
func (c *comparer) difference(metric store.Metric, kind stats.Kind, strata []stats.Stratum, tau float64) (Difference, float64) {
	if c.look.code != "" {
		return Difference{Reason: c.look.why}, 0
	}
	var d stats.Difference
	var out Difference
	switch c.plan.Mode {
	case Fixed:
		one, method, test, ok := c.oneLook(kind, strata)
		if d, out.Method = one, method; ok {
			out.P, out.Test = &test.PTwoSided, test.Method
		}
	case GroupSequential:
		if math.IsInf(c.look.z[metric], 1) {
			return Difference{Reason: "this look may not conclude anything"}, 0
		}
		d, out.Method = stats.DifferenceAt(kind, strata, c.look.z[metric]), "group_sequential"
	default:
		d = stats.SequentialDifference(kind, strata, tau, c.alpha)
		if p, ok := stats.AlwaysValidP(d); ok {
			out.P = &p
		}
	}
	if !d.Defined {
		return Difference{Reason: undefined(kind, strata)}, 0
	}
	out.Diff, out.Lower, out.Upper, out.Z, out.Strata = &d.Diff, &d.Lo, &d.Hi, &d.Z, d.Used
	return out, d.Z
}

// undefined says why strata give no difference.
func undefined(kind stats.Kind, strata []stats.Stratum) string {
	unit := "subjects"
	if kind == stats.Ratio {
		unit = "login attempts"
	}
	var t, k stats.Sums
	for _, s := range strata {
		t, k = t.Add(s.T), k.Add(s.C)
		if s.T.Y > s.T.X || s.C.Y > s.C.X {
			return "more enrollments than subjects: repeats, edited ids or missing logins"
		}
	}
	switch {
	case t.X == 0 && k.X == 0:
		return "no " + unit + " yet"
	case t.X == 0:
		return "no " + unit + " in treatment"
	case k.X == 0:
		return "no " + unit + " in control"
	}
	return "no stratum has " + unit + " in both variations"
}

// rate is one arm on its own. z 0 means that there is no comparison to take a critical value from: no interval.
func rate(kind stats.Kind, s stats.Sums, pooledDeff, z float64) Rate {
	out := Rate{Subjects: s.N, Numerator: s.Y, Denominator: s.X}
	r, ok := stats.ArmRate(kind, s, pooledDeff, z)
	if !ok {
		return out
	}
	out.Rate, out.Deff = &r.Rate, &r.Deff
	if z > 0 {
		out.Lower, out.Upper = &r.Interval.Lo, &r.Interval.Hi
	}
	return out
}

// compare computes everything about one treatment.
func (c *comparer) compare() Comparison {
	out := Comparison{Treatment: c.treatment, Control: c.controls[0], Alpha: c.alpha, NoLook: c.look.code, Clock: c.look.clock,
		Descriptive: c.bySegment(c.counts.Quality)}
	side := c.against(c.treatment.ID)
	rows := c.counts.Sums
	out.Evidence = c.evidence(rows, false)
	c.adjust(&out.Evidence, false)
	out.ExposureRatio = c.exposure()
	if c.unlinked {
		reason := "enrollments are not linked to people"
		out.PerLogin.Difference.Reason = reason
	} else {
		out.PerLogin = c.always().outcome(store.EnrollPerLogin, stats.Ratio, differing(c.cells(rows, store.EnrollPerLogin, side), false), c.plan.TauEnroll)
	}

	cells := c.enrollments(rows)
	used := differing(cells, false)
	out.Pooled = pooled(used)
	if d := out.Enrollment.Difference.Diff; d != nil && out.Pooled != nil {
		out.SimpsonReversal = *d**out.Pooled < 0
	}
	if q, df, p, ok := stats.Heterogeneity(stats.Binary, used); ok {
		out.Heterogeneity = &Heterogeneity{q, df, p}
	}
	c.dilution(&out)
	out.AboveMargin, out.Lift, out.Belief = c.aboveMargin(used), c.lift(used), c.belief(used)
	out.Strata, out.ByPhase = c.counted(cells), c.always().byPhase(cells)

	if !c.unlinked && c.anyCrossed() {
		fit := c.evidence(c.counts.Uncrossed, false)
		out.WithoutCrossed = &Sensitivity{fit.Enrollment.Difference, fit.Success.Difference}
	}
	if slices.ContainsFunc(c.uses, func(u StratumUse) bool { return u.InDifference && !u.InRatio && u.Origin > 0 }) {
		fit := c.evidence(rows, true)
		c.adjust(&fit, true)
		out.WithoutReturning = &fit
	}
	out.Looks = c.looks(c.history(cells))
	c.smallestP(&out.Enrollment.Difference, out.Looks)
	return out
}

// pooled is the difference without strata: the number that a changing share can turn upside down.
func pooled(strata []stats.Stratum) *float64 {
	var t, k stats.Sums
	for _, s := range strata {
		t, k = t.Add(s.T), k.Add(s.C)
	}
	if t.X == 0 || k.X == 0 {
		return nil
	}
	return ptr(float64(t.Y)/float64(t.X) - float64(k.Y)/float64(k.X))
}

// dilution is the share of control-first subjects that met treatment, and the difference as it would be without it.
func (c *comparer) dilution(out *Comparison) {
	if len(c.treatments) != 1 {
		return
	}
	var control, left int64
	for _, r := range c.counts.Crossed {
		control, left = control+r.Control, left+r.Left
	}
	if control == 0 || left >= control {
		return
	}
	share := float64(left) / float64(control)
	out.Dilution = &share
	if d := out.Enrollment.Difference.Diff; d != nil {
		out.Undiluted = ptr(*d / (1 - share))
	}
}

func (c *comparer) anyCrossed() bool {
	return slices.ContainsFunc(c.counts.Crossed, func(r store.CrossRow) bool { return r.Crossed > 0 })
}

func (c *comparer) counted(cells []cell) []StratumCounts {
	out := []StratumCounts{}
	for _, s := range cells {
		if s.both.T.N+s.both.C.N == 0 {
			continue
		}
		row := StratumCounts{Phase: s.phase, Origin: s.origin, InDifference: s.use.InDifference,
			TreatmentSubjects: s.both.T.N, TreatmentEnrolled: s.both.T.Y,
			ControlSubjects: s.both.C.N, ControlEnrolled: s.both.C.Y, Reason: s.use.Reason}
		if share, ok := c.share(s.stratum, c.treatment.ID); ok {
			row.Share, row.InRatio = &share, true
		}
		out = append(out, row)
	}
	return out
}

func (c *comparer) byPhase(enrolled []cell) []PhaseEffect {
	attempts := c.cells(c.counts.Sums, store.LoginSuccess, c.against(c.treatment.ID))
	out := []PhaseEffect{}
	for _, p := range c.phases {
		of := func(cells []cell) []stats.Stratum {
			var mine []cell
			for _, s := range cells {
				if s.phase == p.Number {
					mine = append(mine, s)
				}
			}
			return differing(mine, false)
		}
		row := PhaseEffect{Phase: p.Number}
		row.Enrollment, _ = c.difference(store.Enroll, stats.Binary, of(enrolled), c.plan.TauEnroll)
		row.Success, _ = c.difference(store.LoginSuccess, stats.Ratio, of(attempts), c.plan.TauSuccess)
		out = append(out, row)
	}
	return out
}

// smallestP replaces the p-value of this look by the smallest one so far, which is valid whenever one stops.
func (c *comparer) smallestP(d *Difference, looks []Look) {
	for _, l := range looks {
		if l.P != nil && (d.P == nil || *l.P < *d.P) {
			d.P = l.P
		}
	}
}
