package analysis

import (
	"math"
	"testing"
)

// TestPlanningTable: the attempts that login success needs at 80 % power, with a design effect of 1.9.
func TestPlanningTable(t *testing.T) {
	for success, want := range map[float64][3]float64{
		0.95: {38_700, 73_200, 237_900},
		0.98: {16_000, 30_200, 98_200},
		0.99: {8_100, 15_300, 49_600},
	} {
		p := NewPlanning(DefaultPlan(), Rates{Success: &success}, 0.8, 28)
		if len(p.Steps) != 3 {
			t.Fatal(len(p.Steps))
		}
		for i, s := range p.Steps {
			if g := s.Gates[0]; g.Needed == nil || math.Abs(*g.Needed-want[i]) > 50.5 {
				t.Errorf("success %v, %v -> %v: %v, want %v", success, s.From, s.To, text(g.Needed), want[i])
			}
			if g := s.Gates[0]; g.Cost == nil || *g.Cost < 1.5 || *g.Cost > 2.5 || math.Abs(*g.Cost**g.Fixed-*g.Needed) > 1e-6**g.Needed {
				t.Errorf("cost %v", text(g.Cost))
			}
			if g := s.Gates[1]; g.Needed != nil || g.Reason == "" || s.Days != nil || s.Reason == "" {
				t.Errorf("enrollment from nowhere: %+v", g)
			}
		}
	}
}

// TestPlanningDays: the steps last as long as their slowest gate, and keep what was learned before.
func TestPlanningDays(t *testing.T) {
	r := Rates{Success: ptr(0.95), Enrollment: ptr(0.01), Effect: ptr(0.03), LoginsPerDay: ptr(3000.0), SubjectsPerDay: ptr(500.0)}
	p := NewPlanning(DefaultPlan(), r, 0.8, 28)
	alone, ramp := 0.0, 0.0
	for _, s := range p.Steps {
		g := s.Gates[0]
		if want := math.Ceil(*g.Needed / 3000); *g.Days != want {
			t.Errorf("%v days, want %v", *g.Days, want)
		}
		alone, ramp = alone+math.Max(7, math.Max(*g.Days, *s.Gates[1].Days)), ramp+*s.Days
		if *s.Until != ramp || *s.Days < 7 {
			t.Errorf("%v days until %v, want %v", *s.Days, *s.Until, ramp)
		}
	}
	if ramp >= alone {
		t.Errorf("%v days with what was learned, %v without", ramp, alone)
	}
	// What can be found in the days that a gate needs is the effect it was planned for.
	g := p.Steps[0].Gates
	again := NewPlanning(DefaultPlan(), r, 0.8, int(*g[0].Days))
	if found := *again.Steps[0].Gates[0].Found; found > 0.02 || found < 0.019 {
		t.Errorf("found %v in %v days, planned for 0.02", found, *g[0].Days)
	}
	again = NewPlanning(DefaultPlan(), r, 0.8, int(*g[1].Days))
	if found := *again.Steps[0].Gates[1].Found; found > 0.03 || found < 0.025 {
		t.Errorf("found %v in %v days, planned for 0.03", found, *g[1].Days)
	}
}

// TestPlanningLaws: less effect, more power and a smaller share need more; the plan starts at the present share.
func TestPlanningLaws(t *testing.T) {
	of := func(change func(*Rates, *float64)) float64 {
		r, power := Rates{Success: ptr(0.95), Enrollment: ptr(0.01), Effect: ptr(0.03)}, 0.8
		change(&r, &power)
		return *NewPlanning(DefaultPlan(), r, power, 28).Steps[0].Gates[1].Needed
	}
	base := of(func(*Rates, *float64) {})
	if of(func(r *Rates, _ *float64) { r.Effect = ptr(0.02) }) <= base || of(func(_ *Rates, p *float64) { *p = 0.9 }) <= base ||
		of(func(r *Rates, _ *float64) { r.Share = ptr(0.05) }) <= base {
		t.Error("a harder question needs no more")
	}
	for share, steps := range map[float64]int{0.02: 4, 0.10: 3, 0.3: 2, 0.5: 1, 1: 0} {
		if n := len(NewPlanning(DefaultPlan(), Rates{Share: &share}, 0.8, 28).Steps); n != steps {
			t.Errorf("from %v: %d steps, want %d", share, n, steps)
		}
	}
	for _, effect := range []float64{0, 0.005, -0.1, 0.995} {
		g := NewPlanning(DefaultPlan(), Rates{Enrollment: ptr(0.01), Effect: &effect}, 0.8, 28).Steps[0].Gates[1]
		if g.Needed != nil || g.Reason == "" {
			t.Errorf("gain %v: %+v", effect, g)
		}
	}
}

// TestRatesOf: the rates of control, and the pace of the last complete days.
func TestRatesOf(t *testing.T) {
	in := slow(8, 3)
	r := RatesOf(in, Build(in))
	near(t, "enrollment", r.Enrollment, 0.01)
	near(t, "gain", r.Effect, 0.02)
	near(t, "success", r.Success, 0.95)
	near(t, "people a day", r.SubjectsPerDay, 1000)
	near(t, "attempts a day", r.LoginsPerDay, 1900/0.95)
	near(t, "share", r.Share, 0.1)
	in.AsOf += 30 * dayMicros
	if r := RatesOf(in, Build(in)); r.SubjectsPerDay != nil || r.LoginsPerDay != nil || r.Success == nil {
		t.Errorf("%+v", r)
	}
	if r := RatesOf(Input{Plan: DefaultPlan()}, Build(Input{Plan: DefaultPlan()})); r.Enrollment != nil || r.Treatments != 0 {
		t.Errorf("%+v", r)
	}
}
