package analysis

import (
	"keyramp/queries/store"
	"keyramp/stats"
)

// historyDays is how much of the tenant's log must lie before the experiment for people to be known by it.
const historyDays = 14

// hasHistory says whether the store holds the two weeks before the first phase.
func (c *comparer) hasHistory() bool {
	first := c.counts.Quality.FirstLog
	return len(c.phases) > 0 && first > 0 && c.phases[0].From-first >= historyDays*store.Micros(day.Microseconds())
}

// adjust takes out of the difference in login success what people failed before the experiment, where the plan asks for
// that and the store knows. The rates of the arms stay as they were counted.
func (c *comparer) adjust(e *Evidence, firstOnly bool) {
	if !c.plan.CUPED || !c.hasHistory() || e.Success.Difference.Diff == nil {
		return
	}
	var strata []stats.CovariateStratum
	side := c.against(c.treatment.ID)
	for _, s := range c.cells(c.counts.Sums, store.LoginSuccess, side) {
		if !s.use.InDifference || firstOnly && s.origin > 0 {
			continue
		}
		both := stats.CovariateStratum{T: stats.CovariateSums{Sums: s.both.T}, C: stats.CovariateSums{Sums: s.both.C}}
		for _, r := range c.counts.Before {
			if r.Phase != s.phase || r.Origin != s.origin {
				continue
			}
			before := stats.CovariateSums{P: r.P, PP: r.PP, PY: r.PY, PX: r.PX}
			switch side(r.Phase, r.Variation) {
			case 1:
				both.T = both.T.Add(before)
			case 0:
				both.C = both.C.Add(before)
			}
		}
		strata = append(strata, both)
	}
	d, _ := stats.CUPED(strata, c.plan.TauSuccess, c.alpha)
	if !d.Defined {
		return
	}
	plain := e.Success.Difference
	out := Difference{Diff: &d.Diff, Lower: &d.Lo, Upper: &d.Hi, Z: &d.Z, Strata: d.Used, Method: "cuped"}
	if p, ok := stats.AlwaysValidP(d); ok {
		out.P = &p
	}
	e.Success.Difference, e.SuccessPlain = out, &plain
}

// adjusting says in words what became of the plan's wish.
func (c *comparer) adjusting() []Note {
	switch {
	case !c.plan.CUPED:
		return nil
	case !c.hasHistory():
		return []Note{{Code: "cuped", Words: "The plan asks to take out of login success what people failed before the experiment (cuped), and the store does not reach two weeks before its start: nothing is taken out."}}
	}
	return []Note{{Code: "cuped", Words: "What people failed before the experiment is taken out of the difference in login success (cuped); the rates are as counted."}}
}
