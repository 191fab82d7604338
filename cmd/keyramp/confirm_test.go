package main

import (
	"testing"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// TestConfirmedSeveral: a treatment that was to go back to control beside the recommended one is compared, too.
func TestConfirmedSeveral(t *testing.T) {
	target := 0.25
	ramp := analysis.Decision{Verdict: analysis.Verdict{Action: analysis.Ramp, Treatment: analysis.Variation{ID: "t"}, TargetShare: &target},
		AlsoRollBack: []analysis.Variation{{ID: "u", Name: "loud"}}}
	for _, c := range []struct {
		weight int // of u
		as     bool
		found  string
	}{{0, true, "t 25 %"}, {10, false, "t 25 %, loud 10 %"}} {
		got := confirmed(ramp, store.Observation{Status: "active", Level: -1, Arms: []store.Arm{
			{Variation: "c", Weight: 75 - c.weight, Control: true}, {Variation: "t", Weight: 25}, {Variation: "u", Weight: c.weight}}})
		if got.AsDecided != c.as || got.Found != c.found || got.Recommended != "t 25 %, loud 0 %" {
			t.Errorf("%+v", got)
		}
	}
}
