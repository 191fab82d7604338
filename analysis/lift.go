package analysis

import (
	"math"

	"keyramp/stats"
)

// A Lift is the ratio of enrollment rates, treatment over control, by methods of other tools. They are for one look and
// for comparison; what decides is RateRatio.
type Lift struct {
	Ratio     *float64     `json:"ratio"` // over strata Mantel-Haenszel's
	RatioWord string       `json:"ratio_word,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Methods   []LiftMethod `json:"methods"`
}

// A LiftMethod is one interval of the ratio.
type LiftMethod struct {
	Method    string   `json:"method"`
	Lower     *float64 `json:"lower"`
	Upper     *float64 `json:"upper"`
	UpperWord string   `json:"upper_word,omitempty"`
	Reason    string   `json:"reason,omitempty"` // why it is undefined
}

// A Belief is the posterior probability that treatment's enrollment rate is above control's, from flat priors. It is for
// display: it depends on the prior and is not calibrated when one looks again and again.
type Belief struct {
	Probability *float64 `json:"probability"`
	Reason      string   `json:"reason,omitempty"`
}

const unbounded = "unbounded"

// lift compares the methods on the strata in use.
func (c *comparer) lift(strata []stats.Stratum) Lift {
	out := Lift{Methods: []LiftMethod{}}
	only, reason := c.single(strata)
	switch ratio, ok := stats.MantelHaenszelRiskRatio(strata); {
	case c.look.code != "":
		out.Reason = c.look.why
	case !ok:
		out.Reason = "nobody enrolled in a stratum with both variations"
	case math.IsInf(ratio, 1):
		out.RatioWord = unbounded
	default:
		out.Ratio = &ratio
	}
	sT, nT, sC, nC := only.T.Y, only.T.N, only.C.Y, only.C.N
	near := "control is within the critical value's number of standard errors of 0"
	add := func(method string, i stats.Interval, ok bool, undefined string) {
		m := LiftMethod{Method: method}
		switch {
		case reason != "":
			m.Reason = reason
		case !ok:
			m.Reason = undefined
		case math.IsInf(i.Hi, 1):
			m.Lower, m.UpperWord = &i.Lo, unbounded
		default:
			m.Lower, m.Upper = &i.Lo, &i.Hi
		}
		out.Methods = append(out.Methods, m)
	}
	if reason != "" {
		for _, method := range []string{"score", "katz", "delta", "fieller"} {
			add(method, stats.Interval{}, false, "")
		}
		return out
	}
	add("score", stats.ScoreRatio(sT, nT, sC, nC, c.alpha), sT+sC > 0, "nobody enrolled")
	katz, ok := stats.Katz(sT, nT, sC, nC, c.alpha)
	add("katz", katz, ok, "a variation has no enrollment")
	delta, ok := stats.DeltaRatio(sT, nT, sC, nC, c.alpha)
	add("delta", delta, ok, near)
	fieller, ok := stats.Fieller(sT, nT, sC, nC, c.alpha)
	add("fieller", fieller, ok, near)
	return out
}

// belief is the probability to beat control.
func (c *comparer) belief(strata []stats.Stratum) Belief {
	only, reason := c.single(strata)
	if reason != "" {
		return Belief{Reason: reason}
	}
	p, ok := stats.ProbabilityToBeat(only.T.Y, only.T.N, only.C.Y, only.C.N, 1, 1)
	if !ok {
		return Belief{Reason: "the counts are out of range"}
	}
	return Belief{Probability: &p}
}

// single is the one stratum with both variations, for methods that know no strata, or the reason why there is none.
func (c *comparer) single(strata []stats.Stratum) (only stats.Stratum, reason string) {
	if c.look.code != "" {
		return only, c.look.why
	}
	found := 0
	for _, s := range strata {
		if s.T.X > 0 && s.C.X > 0 && s.T.Y <= s.T.X && s.C.Y <= s.C.X {
			only = s
			found++
		}
	}
	switch found {
	case 0:
		return only, undefined(stats.Binary, strata)
	case 1:
		return only, ""
	}
	return only, "the method knows no strata, and phases added together would mislead"
}
