package analysis

import (
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// A history is the enrollment counts of the strata in use as they stood at the end of each day on which they changed.
type history struct {
	days   []store.Micros // UTC days, rising
	strata []stratum
	upTo   [][]stats.Stratum // by day, then by stratum
}

// history rebuilds the counts from the days on which subjects were first seen and on which enrollments became
// known. It is empty when the days do not add up to the cells, as with enrollments that are not linked to people
// once some subjects were carried over from an earlier phase.
func (c *comparer) history(cells []cell) history {
	gains := map[stratum]map[store.Micros]stats.Stratum{}
	side := c.against(c.treatment.ID)
	days := map[store.Micros]bool{}
	add := func(s stratum, day store.Micros, variation string, n, y int64) {
		which := side(s.phase, variation)
		if which < 0 || n == 0 && y == 0 {
			return
		}
		if gains[s] == nil {
			gains[s] = map[store.Micros]stats.Stratum{}
		}
		g := gains[s][day]
		if which == 1 {
			g.T = g.T.Add(stats.BinarySums(y, n))
		} else {
			g.C = g.C.Add(stats.BinarySums(y, n))
		}
		gains[s][day], days[day] = g, true
	}
	for _, a := range c.counts.Arrivals {
		if c.unlinked {
			add(stratum{a.Phase, 0}, a.Day, a.Variation, a.Subjects, 0)
		} else {
			add(stratum{a.Phase, a.Origin}, a.Day, a.Variation, a.Eligible, a.Enrolled)
		}
	}
	if c.unlinked {
		for _, r := range c.counts.Page {
			if r.Event == store.Completed && r.Phase > 0 {
				add(stratum{r.Phase, 0}, r.Day, r.Variation, 0, r.Events)
			}
		}
	}

	var used []stratum
	for _, s := range cells {
		if s.use.InDifference {
			used = append(used, s.stratum)
		}
		var total stats.Stratum
		for _, g := range gains[s.stratum] {
			total.T, total.C = total.T.Add(g.T), total.C.Add(g.C)
		}
		if s.use.InDifference && total != s.both {
			return history{}
		}
	}

	out := history{strata: used}
	so := make([]stats.Stratum, len(used))
	for d := range days {
		out.days = append(out.days, d)
	}
	slices.Sort(out.days)
	for _, d := range out.days {
		for i, s := range used {
			g := gains[s][d]
			so[i].T, so[i].C = so[i].T.Add(g.T), so[i].C.Add(g.C)
		}
		out.upTo = append(out.upTo, slices.Clone(so))
	}
	return out
}
