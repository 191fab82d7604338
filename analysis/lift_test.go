package analysis

import (
	"slices"
	"strings"
	"testing"

	"keyramp/queries/store"
	"keyramp/stats"
)

// TestLiftMethods: each of the other tools' intervals is there or says why it is not.
func TestLiftMethods(t *testing.T) {
	of := func(phases []store.Phase, groups ...group) Comparison {
		return Build(asked(phases, counted(groups...))).Comparisons[0]
	}
	defined := func(name string, c Comparison, want ...string) {
		t.Helper()
		for _, m := range c.Lift.Methods {
			have := m.Lower != nil
			if have == (m.Reason != "") || have != slices.Contains(want, m.Method) || have && m.Upper == nil && m.UpperWord != "unbounded" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if len(c.Lift.Methods) != 4 || (c.Belief.Probability == nil) != (c.Belief.Reason != "") {
			t.Errorf("%s: %+v %+v", name, c.Lift, c.Belief)
		}
	}
	c := of(steps(0, 10), group{1, 0, "c", 0, 5, 9000, 90, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10})
	defined("enough", c, "score", "katz", "delta", "fieller")
	near(t, "ratio", c.Lift.Ratio, 4)
	score := stats.ScoreRatio(40, 1000, 90, 9000, 0.05)
	near(t, "score", c.Lift.Methods[0].Lower, score.Lo)
	p, _ := stats.ProbabilityToBeat(40, 1000, 90, 9000, 1, 1)
	near(t, "belief", c.Belief.Probability, p)

	c = of(steps(0, 10), group{1, 0, "c", 0, 5, 9000, 2, 90}, group{1, 0, "t", 0, 5, 1000, 4, 10})
	defined("control near 0", c, "score", "katz")
	c = of(steps(0, 10), group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 4, 10})
	defined("control at 0", c, "score")
	if c.Lift.Ratio != nil || c.Lift.RatioWord != "unbounded" || c.Lift.Methods[0].UpperWord != "unbounded" {
		t.Errorf("control at 0: %+v", c.Lift)
	}
	c = of(steps(0, 10), group{1, 0, "c", 0, 5, 9000, 0, 90}, group{1, 0, "t", 0, 5, 1000, 0, 10})
	defined("nobody", c)
	if c.Lift.Ratio != nil || c.Lift.Reason == "" {
		t.Errorf("nobody: %+v", c.Lift)
	}
	c = of(steps(10, 10, 25), group{1, 0, "c", 0, 5, 9000, 90, 90}, group{1, 0, "t", 0, 5, 1000, 40, 10},
		group{2, 0, "c", 10, 5, 7500, 150, 75}, group{2, 0, "t", 10, 5, 2500, 200, 25})
	defined("two phases", c)
	near(t, "ratio over strata", c.Lift.Ratio, 4)
}

// TestRollBackBesideRamp: a treatment that must go back is in the verdict, whatever is recommended of another.
func TestRollBackBesideRamp(t *testing.T) {
	p := steps(0, 20)
	p[0].Arms[1].Weight = 10
	p[0].Arms = append(p[0].Arms, store.Arm{Variation: "u", Name: "loud", Weight: 10})
	r := Build(asked(p, counted(group{1, 0, "c", 0, 5, 8000, 8, 80}, group{1, 0, "t", 0, 5, 1000, 50, 10}, group{1, 0, "u", 0, 5, 1000, 90, 600})))
	d := Decide(r.Plan, r)
	if d.Action != Ramp || d.Treatment.ID != "t" || len(d.AlsoRollBack) != 1 || d.AlsoRollBack[0].ID != "u" ||
		!strings.HasPrefix(d.Next, "Send loud back to control.") || len(d.Also) != 1 || !strings.Contains(d.Also[0], "login_success_drop") {
		t.Errorf("%s %+v %q %v", d.Action, d.AlsoRollBack, d.Next, d.Also)
	}
	// Nobody leaves the treatment that may stay, unless all of them go back.
	groups := []group{{1, 0, "c", 0, 5, 8000, 8, 80}, {1, 0, "t", 0, 5, 1000, 1, 10}, {1, 0, "u", 0, 5, 1000, 90, 600}}
	if d := Decide(r.Plan, Build(asked(p, counted(groups...)))); d.Action != RollBack || d.Treatment.ID != "u" || d.Treatments[0].Action != Hold ||
		d.Next != "Send loud back to control, then look for the cause." || d.Treatments[1].Next != d.Next {
		t.Errorf("%s %s %q", d.Action, d.Treatment.ID, d.Next)
	}
	groups[1].failed = 600
	if d := Decide(r.Plan, Build(asked(p, counted(groups...)))); d.Action != RollBack || len(d.AlsoRollBack) != 1 ||
		d.Next != "Send everybody back to control, then look for the cause." {
		t.Errorf("%s %+v %q", d.Action, d.AlsoRollBack, d.Next)
	}
	// Each treatment has its part of alpha, and is adjusted for the other.
	a, b := r.Comparisons[0], r.Comparisons[1]
	holm := stats.Holm([]float64{*a.Enrollment.Difference.P, *b.Enrollment.Difference.P})
	near(t, "alpha", &a.Alpha, 0.025)
	near(t, "Holm", a.Enrollment.Difference.PHolm, holm[0])
	near(t, "Holm", b.Enrollment.Difference.PHolm, holm[1])
	bh := stats.BenjaminiHochberg([]float64{*a.PerLogin.Difference.P, *b.PerLogin.Difference.P})
	near(t, "BH", a.PerLogin.Difference.PBH, bh[0])
	near(t, "BH", b.PerLogin.Difference.PBH, bh[1])
	for _, c := range r.Comparisons {
		if c.Enrollment.Difference.PBH != nil || c.Success.Difference.PBH != nil || c.PerLogin.Difference.PHolm != nil {
			t.Error("an adjustment on the wrong metric")
		}
	}
	// Neither share nor ROLL_BACK of one touches the other's numbers: alone against control they are the same.
	alone := steps(0, 10)
	alone[0].Arms[0].Weight, alone[0].Arms[1].Weight = 80, 10
	alone[0].Arms = append(alone[0].Arms, store.Arm{Variation: "x", Weight: 10, Control: false})
	same := Build(asked(alone, counted(group{1, 0, "c", 0, 5, 8000, 8, 80}, group{1, 0, "t", 0, 5, 1000, 50, 10})))
	near(t, "difference", same.Comparisons[0].Enrollment.Difference.Lower, *a.Enrollment.Difference.Lower)
}
