package analysis

import (
	"keyramp/queries/store"
	"keyramp/stats"
)

// signal says which sources know of enrollments.
func signal(q store.Quality) Signal {
	switch {
	case q.LogEnrollments > 0 && q.PageCompletedUser > 0:
		return SignalBoth
	case q.LogEnrollments > 0:
		return SignalLog
	case q.PageCompletedUser > 0:
		return SignalPage
	case q.PageCompleted > 0:
		return SignalUnlinked
	}
	return SignalNone
}

// unlinkedCells counts enrollments without a join: a person enrolls once, so the page's `completed` events of
// a phase and claimed variation are its enrollments, and the subjects seen in the phase, however they came
// to it, are the people. Strata are phases alone: everybody in a phase was drawn with its weights.
func (c *comparer) unlinkedCells() []cell {
	side := c.against(c.treatment.ID)
	var out []cell
	for _, p := range c.phases {
		var arrived, done [2]int64 // control, treatment
		for _, a := range c.counts.Arrivals {
			if s := side(a.Phase, a.Variation); a.Phase == p.Number && s >= 0 {
				arrived[s] += a.Subjects
			}
		}
		people := arrived
		if len(c.treatments) == 1 { // Crossed counts carried-over people too, and knows control from the rest
			for _, r := range c.counts.Crossed {
				if r.Phase == p.Number {
					people = [2]int64{r.Control, r.Subjects - r.Control}
				}
			}
		}
		for _, r := range c.counts.Page {
			if s := side(r.Phase, r.Variation); r.Phase == p.Number && s >= 0 && r.Event == store.Completed {
				done[s] += r.Events
			}
		}
		if people[0]+people[1] == 0 {
			continue
		}
		out = append(out, cell{stratum{p.Number, 0},
			stats.Stratum{T: stats.BinarySums(done[1], people[1]), C: stats.BinarySums(done[0], people[0])},
			&StratumUse{Phase: p.Number, InDifference: true, InRatio: p.Known}})
	}
	return out
}
