package analysis

import (
	"fmt"
	"math"
	"slices"

	"keyramp/queries/store"
)

// A Reading is what the level of a ramp means. The tenant's documentation calls it the exposure and leaves open of what.
type Reading string

// The readings of a level of L percent, in an experiment of one treatment.
const (
	TreatmentShare Reading = "treatment_share" // L percent get treatment, all others control
	Participation  Reading = "participation"   // L percent take part, half of them in treatment; the others carry no experiment
	UnknownReading Reading = "unknown"         // too few people were seen to tell
)

// An Exposure is what the levels of the phases were measured to mean, by the people who were first seen at a level at
// which the readings differ.
type Exposure struct {
	Reading  Reading `json:"reading"`
	Subjects int64   `json:"subjects"`
	Treated  int64   `json:"in_treatment"`
	// LogRatio is the logarithm of how much more likely these people are by treatment_share than by participation.
	LogRatio float64 `json:"log_likelihood_ratio"`
}

// sureReading is the LogRatio from which on a reading is taken: the other one is a thousand times less likely. At a
// level of 10 percent some twenty people are enough.
var sureReading = math.Log(1000)

// trace is the share of people who may be seen in a variation that nobody draws: shared devices, logins in flight.
const trace = 0.005

// percentages are the weights of treatment and control, summing to 100, that a reading gives a level.
func (r Reading) percentages(level int) (treatment, control int) {
	if r == Participation {
		return 50, 50
	}
	return level, 100 - level
}

// ofTraffic is treatment's share of all logins at a level.
func (r Reading) ofTraffic(level int) float64 {
	share := float64(level) / 100
	if r == Participation {
		share /= 2
	}
	return share
}

// byLevels tells whether a phase has a level in the place of weights, and one treatment against one control.
func byLevels(p *store.Phase) (treatment, control string, ok bool) {
	if p.Level == nil || p.Known || p.Strategy == "segment" || len(p.Arms) != 2 {
		return "", "", false
	}
	for _, a := range p.Arms {
		if a.Control {
			control = a.Variation
		} else {
			treatment = a.Variation
		}
	}
	return treatment, control, treatment != "" && control != ""
}

// measured finds out what the levels mean, and returns the phases with the weights that follow. The two readings are
// far apart, so taking the likelier one leaves the sample ratio its power: a share of 9 percent at a level of 10 is
// still a mismatch. It returns no exposure when no phase has a level in the place of weights.
func measured(phases []store.Phase, c *store.Counts) ([]store.Phase, *Exposure) {
	var x *Exposure
	for i := range phases {
		p := &phases[i]
		treatment, control, ok := byLevels(p)
		if !ok {
			continue
		}
		if x == nil {
			x = &Exposure{Reading: UnknownReading}
		}
		a, _ := TreatmentShare.percentages(*p.Level)
		b, _ := Participation.percentages(*p.Level)
		if a == b {
			continue // these people tell nothing
		}
		for _, row := range c.Arrivals {
			if row.Phase != p.Number || row.Origin != 0 {
				continue
			}
			chance := func(percent int) float64 { return min(max(float64(percent)/100, trace), 1-trace) }
			switch row.Variation {
			case treatment:
				x.Treated += row.Subjects
				x.LogRatio += float64(row.Subjects) * math.Log(chance(a)/chance(b))
			case control:
				x.LogRatio += float64(row.Subjects) * math.Log(chance(100-a)/chance(100-b))
			default:
				continue
			}
			x.Subjects += row.Subjects
		}
	}
	switch {
	case x == nil:
		return phases, nil
	case x.LogRatio >= sureReading:
		x.Reading = TreatmentShare
	case x.LogRatio <= -sureReading:
		x.Reading = Participation
	}
	phases = slices.Clone(phases)
	for i := range phases {
		p := &phases[i]
		treatment, _, ok := byLevels(p)
		if !ok {
			continue
		}
		t, c := x.Reading.percentages(*p.Level)
		if other, _ := Participation.percentages(*p.Level); x.Reading == UnknownReading && t != other {
			continue
		}
		p.Known, p.Arms = true, slices.Clone(p.Arms)
		for k := range p.Arms {
			if p.Arms[k].Variation == treatment {
				p.Arms[k].Weight = t
			} else {
				p.Arms[k].Weight = c
			}
		}
	}
	return phases, x
}

// note says what the levels were taken to mean, and by what.
func (x *Exposure) note() Note {
	if x.Reading == UnknownReading {
		return Note{"level_meaning_unknown", fmt.Sprintf("The ramp goes by levels, and whether a level is treatment's share or the share of those who take part is not documented. "+
			"It is measured by the people who are seen; %d are too few to tell.", x.Subjects)}
	}
	means := "treatment's share"
	if x.Reading == Participation {
		means = "the share of those who take part, half of them in treatment; the others carry no experiment"
	}
	return Note{"level_meaning", fmt.Sprintf("The ramp goes by levels. Measured, not documented: a level is %s. Of %d people first seen where that matters, %d were in treatment.",
		means, x.Subjects, x.Treated)}
}

// nextLevel is the level after the one of a phase; ok is false without a schedule and on its last level.
func nextLevel(p *store.Phase) (level int, ok bool) {
	if p.Level == nil {
		return 0, false
	}
	for _, l := range p.Levels {
		if l > *p.Level {
			return l, true
		}
	}
	return 0, false
}
