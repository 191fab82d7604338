package main

import (
	"strconv"

	"keyramp/analysis"
	"keyramp/stats"
)

// plannedPower is the power for which a sample is told.
const plannedPower = 0.80

// A tallyForecast sets what plan says of the last look beside what the
// runs did.
type tallyForecast struct {
	Claim   string   `json:"claim"`
	Effect  float64  `json:"effect"`        // a fraction, as measured over all runs
	Units   float64  `json:"units"`         // subjects or attempts at the last look, mean over the runs
	Deff    float64  `json:"design_effect"` // 1 for subjects
	Planned *float64 `json:"planned_power"` // as plan computes it
	Needed  *float64 `json:"units_for_80_percent"`
	Runs    int      `json:"runs"` // whose last look made the claim
	Share   float64  `json:"share"`
	Lower   float64  `json:"lower"`
	Upper   float64  `json:"upper"`
	Agrees  *bool    `json:"agrees"` // the planned power lies in the interval
}

// forecast compares the last look of the runs with what plan says. It
// speaks of one phase; over several a claim is counted, not predicted.
func (t *tally) forecast() {
	if len(t.Weights) != 1 {
		return
	}
	plan := t.courses[0].last.Plan
	m := plan.MarginCap
	if c := lastComparison(t.courses[0]); c != nil && c.Margin != nil {
		m = *c.Margin
	}
	enroll := func(c *analysis.Comparison) *analysis.Outcome { return &c.Enrollment }
	success := func(c *analysis.Comparison) *analysis.Outcome { return &c.Success }
	if t.Gain > 0 {
		t.predict(claim{"gain > 0", enroll, plan.TauEnroll, 1, 1, 0})
		t.predict(claim{"gain > " + percent(plan.DeltaMin), enroll, plan.TauEnroll, 1, 1, -plan.DeltaMin})
	}
	deff := t.deff()
	if t.Drop > 0 {
		t.predict(claim{"drop > 0", success, plan.TauSuccess, deff, -1, 0})
	} else {
		t.predict(claim{"drop < " + percent(m), success, plan.TauSuccess, deff, 1, m})
	}
}

// A claim is that sign times the difference is shown to be above -margin.
type claim struct {
	name         string
	of           func(*analysis.Comparison) *analysis.Outcome
	tau, deff    float64
	sign, margin float64
}

// made says whether an interval shows it.
func (c claim) made(d analysis.Difference) bool {
	if d.Diff == nil {
		return false
	}
	if c.sign < 0 {
		return -*d.Upper > -c.margin
	}
	return *d.Lower > -c.margin
}

// predict adds one claim.
func (t *tally) predict(c claim) {
	f := tallyForecast{Claim: c.name, Deff: c.deff}
	var nT, nC, yT, yC, n float64
	for _, run := range t.courses {
		one := lastComparison(run)
		if one == nil {
			continue
		}
		o := c.of(one)
		n++
		nT, yT = nT+float64(o.Treatment.Denominator), yT+float64(o.Treatment.Numerator)
		nC, yC = nC+float64(o.Control.Denominator), yC+float64(o.Control.Numerator)
		if c.made(o.Difference) {
			f.Runs++
		}
	}
	if n == 0 || nT == 0 || nC == 0 {
		return
	}
	pT, pC, share := yT/nT, yC/nC, nT/(nT+nC)
	nT, nC = nT/n, nC/n
	alpha := lastComparison(t.courses[0]).Alpha
	f.Units, f.Effect = nT+nC, c.sign*(pT-pC)+c.margin
	f.Share = float64(f.Runs) / n
	interval := stats.Wilson(int64(f.Runs), int64(n), tallyError)
	f.Lower, f.Upper = interval.Lo, interval.Hi
	if c.sign < 0 {
		pT, pC = 1-pT, 1-pC
	}
	look := stats.SequentialLook(c.tau, alpha)
	if p, ok := stats.IntervalPower(pC, pT, nC/c.deff, nT/c.deff, c.margin, look); ok {
		agrees := f.Lower <= p && p <= f.Upper
		f.Planned, f.Agrees = &p, &agrees
	}
	if n, ok := stats.IntervalSize(pC, pT, share, c.margin, plannedPower, look); ok {
		needed := n * c.deff
		f.Needed = &needed
	}
	t.Predictions = append(t.Predictions, f)
}

// deff is the mean design effect of control's login attempts over the runs; 1 where none is known.
func (t *tally) deff() float64 {
	sum, n := 0.0, 0.0
	for _, c := range t.courses {
		if one := lastComparison(c); one != nil && one.Success.Control.Deff != nil {
			sum, n = sum+*one.Success.Control.Deff, n+1
		}
	}
	if n == 0 {
		return 1
	}
	return sum / n
}

// lastComparison is the last look's; nil when there was none.
func lastComparison(c course) *analysis.Comparison {
	if c.last == nil || len(c.last.Comparisons) == 0 {
		return nil
	}
	return &c.last.Comparisons[0]
}

// forecasts is the table of predictions.
func (t *tally) forecasts() *listing {
	l := &listing{head: []string{"at the end", "effect", "units", "planned", "found", "95 % interval", "agree", "80 % at"},
		right: []int{1, 2, 3, 4, 5, 7}}
	for _, f := range t.Predictions {
		power := func(p *float64) string {
			if p == nil {
				return "unknown"
			}
			return percent(*p)
		}
		agrees, needed := "", "unknown"
		if f.Agrees != nil {
			agrees = map[bool]string{true: "yes", false: "no"}[*f.Agrees]
		}
		if f.Needed != nil {
			needed = group(int64(*f.Needed))
		}
		l.add(f.Claim, strconv.FormatFloat(100*f.Effect, 'f', 2, 64)+" pp", group(int64(f.Units)), power(f.Planned),
			percent(f.Share), percent(f.Lower)+" to "+percent(f.Upper), agrees, needed)
	}
	return l
}
