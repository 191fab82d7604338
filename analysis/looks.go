package analysis

import (
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// looks rebuilds the enrollment comparison as it stood at the end of each day, from the days on which
// subjects were first seen and on which enrollments became known. Nothing of earlier looks is stored.
// It is empty when the days do not add up to the cells, as with enrollments that are
// not linked to people once some subjects were carried over from an earlier phase.
func (c *comparer) looks(cells []cell) []Look {
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
			return []Look{}
		}
	}

	out := []Look{}
	so := make([]stats.Stratum, len(used))
	var least *float64
	order := make([]store.Micros, 0, len(days))
	for d := range days {
		order = append(order, d)
	}
	slices.Sort(order)
	for _, d := range order {
		l := Look{Day: Time(d)}
		for i, s := range used {
			g := gains[s][d]
			so[i].T, so[i].C = so[i].T.Add(g.T), so[i].C.Add(g.C)
			l.TreatmentSubjects += so[i].T.N
			l.TreatmentEnrolled += so[i].T.Y
			l.ControlSubjects += so[i].C.N
			l.ControlEnrolled += so[i].C.Y
		}
		diff := stats.SequentialDifference(stats.Binary, so, c.plan.TauEnroll, c.alpha)
		if diff.Defined {
			l.Diff, l.Lower, l.Upper = &diff.Diff, &diff.Lo, &diff.Hi
			if p, ok := stats.AlwaysValidP(diff); ok && (least == nil || p < *least) {
				least = &p
			}
		}
		l.P = least
		out = append(out, l)
	}
	return out
}
