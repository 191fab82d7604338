package analysis

import (
	"testing"

	"keyramp/queries/store"
)

// large is an experiment with ten phases of nine days, three treatments and control: ten strata and ninety daily looks.
func large() Input {
	const phases, length = 10, 9
	scope := store.Scope{Experiment: "e"}
	var groups []group
	for k := range phases {
		p := store.Phase{Number: k + 1, Experiment: "e", From: h(0) + store.Micros(k*length)*dayMicros,
			Until: h(0) + store.Micros((k+1)*length)*dayMicros, Known: true, Strategy: "percentage", Source: "tenant"}
		if k == phases-1 {
			p.Until = 0
		}
		w := 5 + k // of each treatment; what is left is control's
		for _, v := range []string{"t", "u", "v"} {
			p.Arms = append(p.Arms, store.Arm{Variation: v, Weight: w})
			groups = append(groups, group{k + 1, 0, v, k * length, length, int64(200 * w), int64(4 * w), int64(10 * w)})
		}
		p.Arms = append(p.Arms, store.Arm{Variation: "c", Weight: 100 - 3*w, Control: true})
		groups = append(groups, group{k + 1, 0, "c", k * length, length, int64(200 * (100 - 3*w)), int64(100 - 3*w), int64(10 * (100 - 3*w))})
		scope.Phases = append(scope.Phases, p)
	}
	end := h(0) + phases*length*dayMicros
	scope.Until = end
	c := counted(groups...)
	for _, a := range c.Arrivals {
		c.LoginDays = append(c.LoginDays, store.LoginDayRow{Phase: a.Phase, Variation: a.Variation, Day: a.Day, Logins: 2 * a.Subjects})
	}
	for k := range phases {
		c.Crossed = append(c.Crossed, store.CrossRow{Phase: k + 1, Subjects: 20_000, Crossed: 100, Control: 14_000, Left: 50})
	}
	c.Uncrossed = c.Sums
	c.Quality.LastEvent = end - 1
	return Input{Plan: DefaultPlan(), Counts: c, Scope: scope, AsOf: end}
}

// BenchmarkBuild is the whole inference of a large report, and its decision: 10 strata, 4 variations, 90 daily looks.
func BenchmarkBuild(b *testing.B) {
	in := large()
	if r := Build(in); len(r.Strata) != 10 || len(r.Comparisons) != 3 || len(r.Comparisons[0].Looks) != 90 {
		b.Fatalf("%d strata, %d comparisons, %d looks", len(r.Strata), len(r.Comparisons), len(r.Comparisons[0].Looks))
	}
	for b.Loop() {
		r := Build(in)
		Decide(r.Plan, r)
	}
}
