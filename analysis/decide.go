package analysis

import "math"

// The gates of the evidence: below them an asymptotic interval does not decide alone.
const (
	enoughEvents   = 10 // enrollments expected in the smaller arm
	enoughFailures = 5  // effective failures expected in the smaller arm
)

// inputs are the numbers of one treatment that the decision table reads.
type inputs struct {
	current, next *float64 // shares of traffic; next nil: the ramp is complete
	margin        float64
	days, minDays int
	deltaMin      float64
	flags         []string // blocking, in order

	successKnown         bool
	successLo, successHi float64
	failures             float64 // effective

	enrollLo, enrollHi float64
	events             float64 // expected in the smaller arm
	ratioLo, ratioHi   float64

	signedOff    bool     // a person accepts a small proven drop
	exposureLo   *float64 // set when vanished subjects block a ramp
	exposureGate bool
	noLook       string // why the plan allows no look now
}

// outcome is what the table says.
type outcome struct {
	action  Action
	reasons []string
	target  *float64
	rules   []Ruling
}

// decide tries the rules from the top; the first that holds decides. Comparisons are strict exactly as written: a
// limit that is only reached has not been passed.
//
// The drop of login success stands before the flags, because going back to control is the safe act when logins
// fail, even when the data are also broken: a broken redirect causes both.
func decide(in inputs) outcome {
	m := in.margin
	failing := conditions{
		limit("effective_failures", in.failures, ">=", enoughFailures, Number),
		limit("login_success_upper", in.successHi, "<", 0, Points),
		limit("login_success_lower", in.successLo, "<=", -m, Points),
	}
	if !in.successKnown {
		failing = append(conditions{{Name: "guardrail_available", Op: "is", Met: false, Unit: Number}}, failing...)
	}
	var flags conditions
	for _, f := range in.flags {
		flags = append(flags, Condition{Name: f, Op: "raised", Met: true, Unit: Number})
	}
	manyEvents := limit("expected_enrollments", in.events, ">=", enoughEvents, Number)
	dwelt := limit("days_in_phase", float64(in.days), ">=", float64(in.minDays), Days)
	either := func(ratio Condition) Condition { // many events, or the exact ratio agrees
		if manyEvents.Met {
			return manyEvents
		}
		return ratio
	}
	lower := conditions{
		either(limit("rate_ratio_upper", in.ratioHi, "<", 1, Number)),
		limit("enrollment_upper", in.enrollHi, "<", 0, Points),
	}
	useless := conditions{dwelt, manyEvents, limit("enrollment_upper", in.enrollHi, "<", in.deltaMin, Points)}

	proven := conditions{
		either(limit("rate_ratio_lower", in.ratioLo, ">", 1, Number)),
		limit("enrollment_lower", in.enrollLo, ">", in.deltaMin, Points),
	}
	kept := limit("login_success_lower", in.successLo, ">", -m, Points)
	noDrop := limit("login_success_upper", in.successHi, ">=", 0, Points)
	var waiting []string
	if !dwelt.Met {
		waiting = append(waiting, "dwell")
	}
	if !kept.Met {
		waiting = append(waiting, "login_success_not_proven")
	} else if !noDrop.Met && !in.signedOff {
		waiting = append(waiting, "small_drop_needs_sign_off")
	}
	needed := append(conditions{dwelt, kept, noDrop}, proven...)
	if in.exposureGate {
		seen := Condition{Name: "exposure_ratio_lower", Value: in.exposureLo, Op: ">", Limit: ptr(1 - m), Unit: Number}
		seen.Met = in.exposureLo != nil && *in.exposureLo > 1-m
		needed = append(needed, seen)
		if !seen.Met {
			waiting = append(waiting, "exposure_ratio_not_proven")
		}
	}
	if in.noLook != "" {
		waiting = append([]string{in.noLook}, waiting...)
		needed = append(conditions{{Name: "look_is_open", Op: "is", Met: false, Unit: Number}}, needed...)
	}
	if !proven.all() {
		waiting = append(waiting, "enrollment_not_proven")
	}

	zero := 0.0
	complete := conditions{{Name: "next_share", Value: in.next, Op: "is none", Met: in.next == nil, Unit: Share}}
	table := []struct {
		Ruling
		reasons []string
		target  *float64
	}{
		{Ruling{Rule: 0, Action: Hold, Holds: in.next == nil, Conditions: complete}, []string{"ramp_complete"}, in.current},
		{Ruling{Rule: 1, Action: RollBack, Holds: in.successKnown && failing.all(), Conditions: failing}, append([]string{"login_success_drop"}, in.flags...), &zero},
		{Ruling{Rule: 2, Action: Investigate, Holds: len(in.flags) > 0, Conditions: flags}, in.flags, in.current},
		{Ruling{Rule: 3, Action: RollBack, Holds: lower.all(), Conditions: lower}, []string{"enrollment_lower"}, &zero},
		{Ruling{Rule: 4, Action: RollBack, Holds: useless.all(), Conditions: useless}, []string{"no_meaningful_benefit"}, &zero},
		{Ruling{Rule: 5, Action: Hold, Holds: len(waiting) > 0, Conditions: needed}, waiting, in.current},
		{Ruling{Rule: 6, Action: Ramp, Holds: len(waiting) == 0, Conditions: needed}, []string{"criteria_met"}, in.next},
	}
	out := outcome{}
	for _, row := range table {
		if row.Holds && out.action == "" {
			row.Decides = true
			out.action, out.reasons, out.target = row.Action, row.reasons, row.target
		}
		if row.Conditions == nil {
			row.Conditions = conditions{}
		}
		out.rules = append(out.rules, row.Ruling)
	}
	return out
}

type conditions []Condition

func (c conditions) all() bool {
	for _, one := range c {
		if !one.Met {
			return false
		}
	}
	return true
}

// limit compares a number with its limit. An infinite number is printed as absent.
func limit(name string, v float64, op string, to float64, unit Unit) Condition {
	c := Condition{Name: name, Op: op, Limit: &to, Unit: unit}
	if !math.IsInf(v, 0) {
		c.Value = &v
	}
	switch op {
	case "<":
		c.Met = v < to
	case "<=":
		c.Met = v <= to
	case ">":
		c.Met = v > to
	case ">=":
		c.Met = v >= to
	}
	return c
}
