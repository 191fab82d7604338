package analysis

import (
	"math"
	"slices"
)

// An Action is what a decision recommends.
type Action string

// The actions. ROLL_BACK aims at share 0; HOLD and INVESTIGATE keep the share.
const (
	Ramp        Action = "RAMP"
	Hold        Action = "HOLD"
	RollBack    Action = "ROLL_BACK"
	Investigate Action = "INVESTIGATE"
)

// A Decision is a recommendation with every number behind it. Nothing acts on
// it by itself.
type Decision struct {
	SchemaVersion int      `json:"schema_version"`
	Version       string   `json:"keyramp_version"`
	Experiment    string   `json:"experiment_id"`
	Name          string   `json:"name"`
	AsOf          Time     `json:"as_of"`
	DataUntil     Time     `json:"data_until"`
	Verdict                // of the recommended treatment
	Also          []string `json:"also"` // about other treatments, in words
	// AlsoRollBack are the treatments that go back to control although another one is recommended: their share returns to
	// control, which starts a new phase.
	AlsoRollBack []Variation `json:"also_roll_back,omitempty"`
	Treatments   []Verdict   `json:"treatments"`
	// PlanChanges are the settings of the plan that were changed after the first recorded decision. They stand beside
	// the verdict for ever.
	PlanChanges []PlanChange `json:"plan_changes,omitempty"`
	SignOff     *SignOff     `json:"sign_off,omitempty"` // what a person accepts in this decision
	Losses                   // of the report: what the verdict could not see
}

// A Verdict is the decision about one treatment.
type Verdict struct {
	Treatment Variation `json:"treatment"`
	Action    Action    `json:"action"`
	Reason    string    `json:"reason"`  // the first of Reasons
	Reasons   []string  `json:"reasons"` // in order
	Words     []string  `json:"words"`   // Reasons, for people
	Next      string    `json:"next"`    // what to do now
	// Forecasts say when the reasons of a HOLD can be gone.
	Forecasts    []Forecast `json:"time_to_decision"`
	CurrentShare *float64   `json:"current_share"`
	TargetShare  *float64   `json:"target_share"`
	TargetLevel  *int       `json:"target_level,omitempty"` // of a RAMP by levels: the next one, in percent
	Margin       *float64   `json:"margin"`
	Rules        []Ruling   `json:"rules"`
}

// A Ruling is one rule of the decision table with the numbers that met or
// missed it. The first rule that holds decides.
type Ruling struct {
	Rule       int         `json:"rule"`
	Action     Action      `json:"action"`
	Holds      bool        `json:"holds"`
	Decides    bool        `json:"decides"`
	Conditions []Condition `json:"conditions"`
}

// A Condition compares one number with its limit. Value is nil when the
// number could not be computed.
type Condition struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Op    string   `json:"op"`
	Limit *float64 `json:"limit"`
	Met   bool     `json:"met"`
	Unit  Unit     `json:"unit"`
}

// A Unit tells a renderer how to print a number.
type Unit string

// The units of a condition.
const (
	Share  Unit = "share"  // fraction of traffic
	Points Unit = "points" // difference of fractions
	Number Unit = "number"
	Days   Unit = "days"
)

// Decide weighs a report against the plan written before the data came in. It
// reads no clock, flag or file, so any past decision can be replayed.
//
// Treatments pass or fail on their own. Among those that may ramp, the one with the largest lower limit of the
// enrollment difference is recommended; else the most urgent verdict speaks for
// the experiment: ROLL_BACK before INVESTIGATE before HOLD.
func Decide(p Plan, r *Report) Decision {
	p = p.resolved()
	d := Decision{SchemaVersion: SchemaVersion, Version: r.Version, Experiment: r.Experiment, Name: r.Name,
		AsOf: r.AsOf, DataUntil: r.DataUntil, Also: []string{}, Treatments: []Verdict{}, Losses: r.Losses,
		PlanChanges: r.PlanChanges, SignOff: r.SignOff}
	var flags []string
	for _, f := range r.Flags {
		if f.Blocking {
			flags = append(flags, f.Name)
		}
	}
	best := -1
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		if c.CurrentShare != nil && *c.CurrentShare == 0 && anyRunning(r) {
			d.Also = append(d.Also, c.Treatment.Label()+" takes no traffic any more; nothing is decided about it.")
			continue
		}
		d.Treatments = append(d.Treatments, verdict(p, r, c, flags))
		if n := len(d.Treatments) - 1; best < 0 || before(r, d.Treatments[n], d.Treatments[best]) {
			best = n
		}
	}
	if best < 0 {
		d.Verdict = Verdict{Action: Investigate, Reasons: append([]string{"no_comparison"}, flags...), Rules: []Ruling{}, Forecasts: []Forecast{}}
		d.Verdict.explain(r)
		return d
	}
	everybody := !slices.ContainsFunc(d.Treatments, func(v Verdict) bool { return v.Action != RollBack }) // goes back
	for i, v := range d.Treatments {
		if v.Action == RollBack && !everybody {
			d.Treatments[i].Next = "Send " + v.Treatment.Label() + " back to control, then look for the cause."
		}
	}
	d.Verdict = d.Treatments[best]
	for i, v := range d.Treatments {
		if i == best {
			continue
		}
		line := v.Treatment.Label() + ": " + string(v.Action) + " (" + v.Reason + ")."
		if v.Action == Ramp && overlaps(r, d.Verdict.Treatment.ID, v.Treatment.ID) {
			line = v.Treatment.Label() + " may ramp too; its difference lies within the interval of the recommended one."
		}
		d.Also = append(d.Also, line)
		if v.Action == RollBack {
			d.AlsoRollBack = append(d.AlsoRollBack, v.Treatment)
			if !everybody {
				d.Next = "Send " + v.Treatment.Label() + " back to control. " + d.Next
			}
		}
	}
	return d
}

// anyRunning says whether some treatment takes traffic in the last phase.
func anyRunning(r *Report) bool {
	for _, c := range r.Comparisons {
		if c.CurrentShare == nil || *c.CurrentShare > 0 {
			return true
		}
	}
	return false
}

// verdict decides about one treatment.
func verdict(p Plan, r *Report, c *Comparison, flags []string) Verdict {
	in := inputs{current: c.CurrentShare, days: c.Days, minDays: p.MinDwellDays,
		deltaMin: p.DeltaMin, flags: flags, signedOff: p.SignOff != "" || r.SignOff.accepts(SmallDrop),
		exposureGate: p.ExposureGate, exposureLo: c.ExposureRatio.Lower, margin: p.MarginCap,
		noLook: c.NoLook}
	in.successKnown = true
	for _, f := range flags {
		in.successKnown = in.successKnown && f != "guardrail_unavailable"
	}
	v := Verdict{Treatment: c.Treatment, CurrentShare: c.CurrentShare}
	if c.CurrentShare == nil {
		// Without a share there is no next one: weights_unknown says so. A drop beyond the widest
		// margin still asks for control.
		in.next, v.Margin = ptr(1.0), &p.MarginCap
	} else if c.NextShare != nil {
		in.next, in.margin = c.NextShare, *c.Margin
		v.Margin = &in.margin
	}
	in.take(c.Evidence)
	first := decide(in)
	out := first
	if c.WithoutReturning != nil {
		in.take(*c.WithoutReturning)
		second := decide(in)
		if (first.action == Ramp) != (second.action == Ramp) {
			if out = second; second.action == Ramp {
				out = first
			}
			out.reasons = append(append([]string{}, out.reasons...), "returning_disagree")
		}
	}
	v.Action, v.Reasons, v.TargetShare, v.Rules = out.action, out.reasons, out.target, out.rules
	if v.Action == Ramp {
		v.TargetLevel = c.NextLevel
	}
	v.explain(r)
	v.wait(c.Forecasts)
	return v
}

// take fills in the intervals. An undefined difference says nothing: it reaches from -1 to 1.
func (in *inputs) take(e Evidence) {
	limits := func(d Difference) (lo, hi float64) {
		if d.Diff == nil {
			return -1, 1
		}
		return *d.Lower, *d.Upper
	}
	in.successLo, in.successHi = limits(e.Success.Difference)
	in.enrollLo, in.enrollHi = limits(e.Enrollment.Difference)
	in.failures, in.events = e.EffectiveFailures, e.EnrollmentEvents
	in.ratioLo, in.ratioHi = 0, math.Inf(1)
	if e.RateRatio.Lower != nil {
		in.ratioLo = *e.RateRatio.Lower
	}
	if e.RateRatio.Upper != nil {
		in.ratioHi = *e.RateRatio.Upper
	}
}

// before says whether verdict a speaks for the experiment rather than b.
func before(r *Report, a, b Verdict) bool {
	urgency := map[Action]int{Ramp: 3, RollBack: 2, Investigate: 1, Hold: 0}
	if x, y := urgency[a.Action], urgency[b.Action]; x != y {
		return x > y
	}
	if a.Action != Ramp {
		return false
	}
	return *difference(r, a.Treatment.ID).Lower > *difference(r, b.Treatment.ID).Lower
}

// overlaps says whether the difference of treatment b lies within the interval of a's.
func overlaps(r *Report, a, b string) bool {
	x, y := difference(r, a), difference(r, b)
	return *y.Diff >= *x.Lower
}

// difference finds the enrollment difference of a treatment that may ramp, so it is defined.
func difference(r *Report, treatment string) Difference {
	for _, c := range r.Comparisons {
		if c.Treatment.ID == treatment {
			return c.Enrollment.Difference
		}
	}
	return Difference{}
}
