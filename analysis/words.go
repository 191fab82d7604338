package analysis

import "fmt"

// reasonWords are the reasons of the decision table for people. Numbers are in the rules; flags bring their own words.
var reasonWords = map[string]string{
	"ramp_complete":             "The last rung is reached: there is no next share.",
	"login_success_drop":        "Login success is proven lower in treatment, and a drop beyond the margin is not ruled out.",
	"enrollment_lower":          "Enrollment is proven lower in treatment than in control.",
	"no_meaningful_benefit":     "The gain in enrollment is proven smaller than the one that is worth a ramp.",
	"dwell":                     "The phase has not lasted the planned number of complete days yet.",
	"login_success_not_proven":  "It is not shown yet that login success stays within the margin.",
	"small_drop_needs_sign_off": "Login success is proven lower, and the drop is proven smaller than the margin: a person has to accept it by name (`keyramp decide --accept small_drop`).",
	"exposure_ratio_not_proven": "It is not shown yet that treated people come back as often as the weights promise.",
	"enrollment_not_proven":     "It is not shown yet that the gain in enrollment is above the smallest one worth a ramp.",
	"criteria_met":              "Enrollment is proven higher by more than the smallest gain worth a ramp, and login success stays within the margin.",
	"no_horizon":                "The plan declares an end, and does not say where it is.",
	"horizon_not_reached":       "Not yet: the plan has one look, and its time has not come.",
	"horizon_passed":            "The last look of the plan is over: what comes later may not decide.",
	"between_looks":             "Not yet: this is none of the plan's looks.",
	"returning_disagree":        "With and without returning subjects the table gives different answers; the one that does not ramp stands.",
	"no_comparison":             "There is nothing to compare yet.",
}

var nextWords = map[Action]string{
	Ramp:        "Raise treatment to the next share, and decide again after the phase has lasted its days.",
	Hold:        "Keep the share and look again tomorrow; looking every day costs nothing.",
	RollBack:    "Send everybody back to control, then look for the cause.",
	Investigate: "Keep the share, and settle what the flags say before anything is concluded.",
}

// holdWords replace the next step of a HOLD where the plan has an end: the first reason says which.
var holdWords = map[string]string{
	"no_horizon":          "Write the end of the plan down, before the start of an experiment; or use mode sequential.",
	"horizon_not_reached": "Keep the share until the one look of the plan.",
	"horizon_passed":      "Ask as of the last look of the plan; a new step needs a new plan, written down before it starts.",
	"between_looks":       "Keep the share until the next look of the plan.",
}

// explain fills the first reason, its words and what to do next.
func (v *Verdict) explain(r *Report) {
	v.Reason, v.Next = v.Reasons[0], nextWords[v.Action]
	if words, ok := holdWords[v.Reason]; ok {
		v.Next = words
	} else if v.Action == Hold && r.Plan.Mode == Fixed {
		v.Next = "Keep the share: the one look is taken. A new step needs a new plan, written down before it starts."
	} else if v.Action == Hold && r.Plan.Mode == GroupSequential {
		v.Next = holdWords["between_looks"]
	}
	if v.TargetLevel != nil {
		v.Next = fmt.Sprintf("Advance the ramp to level %d, and decide again after the phase has lasted its days.", *v.TargetLevel)
	}
	v.Words = []string{}
	for _, name := range v.Reasons {
		words, ok := reasonWords[name]
		for _, f := range r.Flags {
			if f.Name == name {
				words, ok = f.Words, true
			}
		}
		if name == "no_comparison" && r.Missing != "" {
			words = "There is nothing to compare: " + r.Missing + "."
		}
		if ok {
			v.Words = append(v.Words, words)
		}
	}
	if v.Reason == "ramp_complete" {
		v.Next = "Nothing: everybody has the treatment. Close the experiment when the team is content."
		if rest := 1 - *v.CurrentShare; rest > 0 {
			v.Next = fmt.Sprintf("The last step of the ramp is reached, and %.4g %% of the logins stay without the treatment. To go on, write a higher one down; nothing more is concluded until then.", 100*rest)
		}
	}
}
