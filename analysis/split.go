package analysis

import (
	"math"
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// trust is how many subjects' worth of trust the weights get against a mismatch.
const trust = 100

// sampleRatio asks whether subjects fell to the variations as the weights promise. The test runs over the
// whole life of the experiment: the flag is kept once it was raised at the end of any day.
func (d *design) sampleRatio(c *store.Counts, alpha float64) SampleRatio {
	out := SampleRatio{Threshold: -math.Log(alpha), Strata: []SplitStratum{}}
	for _, a := range c.Arrivals {
		if p := d.phase(a.Phase); p != nil && p.Known {
			if arm, ok := d.arm(a.Phase, a.Variation); !ok || arm.Weight == 0 {
				out.Zero += a.Subjects
			}
		}
	}
	splits, days := d.splits(c)
	if len(splits) == 0 {
		out.Reason = "no stratum with known weights and two variations"
		return out
	}

	running := make([]stats.Split, len(splits))
	for i, s := range splits {
		running[i] = stats.Split{Counts: make([]int64, len(s.cells)), Expected: s.expected()}
	}
	for _, day := range days {
		for i, s := range splits {
			for k, cell := range s.cells {
				running[i].Counts[k] += s.byDay[day][cell.Variation]
			}
		}
		logE := stats.SampleRatioLogE(running, trust)
		out.LogE = &logE
		if out.MaxLogE == nil || logE > *out.MaxLogE {
			out.MaxLogE = &logE
		}
		if logE >= out.Threshold && !out.Mismatch {
			out.Mismatch, out.Since = true, Time(day)
		}
	}
	if out.MaxLogE != nil {
		out.P = ptr(stats.PFromLogE(*out.MaxLogE))
	}

	worst := math.Inf(-1)
	for i, s := range splits {
		row := SplitStratum{Phase: s.phase, Origin: s.origin, Cells: s.cells,
			LogE: stats.SampleRatioLogE(running[i:i+1], trust)}
		if chi2, p, ok := stats.ChiSquareSplit(running[i]); ok {
			row.Chi2, row.ChiP = &chi2, &p
		}
		var n int64
		for _, count := range running[i].Counts {
			n += count
		}
		for k := range row.Cells {
			row.Cells[k].Subjects = running[i].Counts[k]
			if n > 0 {
				row.Cells[k].Observed = ptr(float64(running[i].Counts[k]) / float64(n))
			}
		}
		out.Strata = append(out.Strata, row)
		if row.LogE > worst {
			worst = row.LogE
			out.Driver = furthest(row.Cells)
		}
	}
	return out
}

// furthest is the cell whose share is off by most, measured against the share it should have.
func furthest(cells []SplitCell) *SplitCell {
	var out *SplitCell
	worst := -1.0
	for i := range cells {
		if cells[i].Observed == nil {
			continue
		}
		off := math.Abs(*cells[i].Observed-cells[i].Expected) / math.Sqrt(cells[i].Expected)
		if off > worst {
			worst, out = off, &cells[i]
		}
	}
	return out
}

// A split is one stratum of known shares, with the subjects of each day.
type split struct {
	stratum
	cells []SplitCell
	byDay map[store.Micros]map[string]int64
}

func (s *split) expected() []float64 {
	var out []float64
	for _, c := range s.cells {
		out = append(out, c.Expected)
	}
	return out
}

// splits collects the strata that the test is made of, and the days on which subjects were first seen.
func (d *design) splits(c *store.Counts) ([]split, []store.Micros) {
	var splits []split
	seen := map[store.Micros]bool{}
	for _, u := range d.uses {
		if !u.InRatio {
			continue
		}
		s := split{stratum: stratum{u.Phase, u.Origin}, byDay: map[store.Micros]map[string]int64{}}
		name := map[string]string{} // variation → cell
		for _, a := range d.phase(u.Phase).Arms {
			if a.Weight <= 0 {
				continue
			}
			expected, cell := float64(a.Weight)/100, a
			if u.Origin > 0 { // returning subjects: treatment against all controls
				if cell.Control {
					expected, cell.Variation, cell.Name = 1-*u.Share, d.controls[0].ID, d.controls[0].Name
				} else {
					expected = *u.Share
				}
			}
			name[a.Variation] = cell.Variation
			if !slices.ContainsFunc(s.cells, func(c SplitCell) bool { return c.Variation == cell.Variation }) {
				s.cells = append(s.cells, SplitCell{Phase: u.Phase, Origin: u.Origin,
					Variation: cell.Variation, Name: cell.Name, Expected: expected})
			}
		}
		for _, r := range c.Arrivals {
			if r.Phase != u.Phase || r.Origin != u.Origin {
				continue
			}
			cell, ok := name[r.Variation]
			if !ok {
				continue // at weight 0: told as impossible, not as a share
			}
			if s.byDay[r.Day] == nil {
				s.byDay[r.Day] = map[string]int64{}
			}
			s.byDay[r.Day][cell] += r.Subjects
			seen[r.Day] = true
		}
		if len(s.cells) > 1 {
			splits = append(splits, s)
		}
	}
	days := make([]store.Micros, 0, len(seen))
	for day := range seen {
		days = append(days, day)
	}
	slices.Sort(days)
	return splits, days
}
