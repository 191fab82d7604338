package analysis

import "keyramp/stats"

// looks tells the enrollment comparison as it stood at the end of each day. Nothing of earlier looks is stored:
// they are rebuilt, and empty when they cannot be.
func (c *comparer) looks(h history) []Look {
	out := []Look{}
	var least *float64
	for i, d := range h.days {
		l := Look{Day: Time(d)}
		for _, s := range h.upTo[i] {
			l.TreatmentSubjects += s.T.N
			l.TreatmentEnrolled += s.T.Y
			l.ControlSubjects += s.C.N
			l.ControlEnrolled += s.C.Y
		}
		diff := stats.SequentialDifference(stats.Binary, h.upTo[i], c.plan.TauEnroll, c.alpha)
		if diff.Defined && c.plan.Mode == Sequential { // other plans have few looks, and these are not among them
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
