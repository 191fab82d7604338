package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"keyramp/queries/store"
	"keyramp/stats"
)

// TestPlanningPower: people drawn in the planned number show the claim, by the interval of a report, as often as the
// planned power says.
func TestPlanningPower(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	draw := func(n float64, p float64) stats.Sums {
		all := math.Round(n)
		hits := distuv.Binomial{N: all, P: p, Src: random}.Rand()
		return stats.BinarySums(int64(hits), int64(all))
	}
	const draws = 2000
	plan := DefaultPlan()
	for _, success := range []float64{0.95, 0.98, 0.99} {
		rates := Rates{Success: &success, Deff: ptr(1.0), Enrollment: ptr(0.01), Effect: ptr(0.03)}
		p := NewPlanning(plan, rates, 0.8, 28)
		if len(p.Steps) != 3 {
			t.Fatal(len(p.Steps))
		}
		for _, s := range p.Steps {
			for _, g := range s.Gates {
				pC, pT, above := success, success, -s.Margin
				if g.Gate == "enrollment" {
					pC, pT, above = 0.01, 0.04, plan.DeltaMin
				}
				shown := 0
				for range draws {
					d := stats.SequentialDifference(stats.Binary, []stats.Stratum{
						{T: draw(*g.Needed*s.From, pT), C: draw(*g.Needed*(1-s.From), pC)}}, map[string]float64{"enrollment": p.Plan.TauEnroll, "login_success": p.Plan.TauSuccess}[g.Gate], p.Alpha)
					if d.Lo > above {
						shown++
					}
				}
				if share := float64(shown) / draws; share < 0.72 || share > 0.86 {
					t.Errorf("success %v, %v -> %v, %s: %v units show it in %v of the draws", success, s.From, s.To, g.Gate, *g.Needed, share)
				}
				if *g.Cost < 1.3 || *g.Cost > 2.5 || math.Abs(*g.Cost**g.Fixed-*g.Needed) > 1e-6**g.Needed {
					t.Errorf("cost %v", *g.Cost)
				}
			}
		}
		p = NewPlanning(plan, Rates{Success: &success}, 0.8, 28)
		for _, s := range p.Steps {
			if g := s.Gates[1]; g.Needed != nil || g.Reason == "" || s.Days != nil || s.Reason == "" {
				t.Errorf("enrollment from nowhere: %+v", g)
			}
			if need, one := *s.Gates[0].Needed, *NewPlanning(plan, rates, 0.8, 28).Steps[0].Gates[0].Needed; s.From == 0.1 && math.Abs(need/one-usualDeff) > 1e-9 {
				t.Errorf("%v attempts, %v of them without clusters", need, one)
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

// TestPlanningByLevels: where a level is the share of those who take part, half of them are treated at every level, more
// come at a higher one, and the steps are the tenant's levels.
func TestPlanningByLevels(t *testing.T) {
	in := Input{Plan: DefaultPlan(), AsOf: h(1) + 20*dayMicros, Scope: store.Scope{Experiment: "e", Until: h(1) + 20*dayMicros, Phases: []store.Phase{byLevel(1, 10)}},
		Counts: counted(group{1, 0, "c", 0, 20, 5000, 50, 90}, group{1, 0, "t", 0, 20, 5000, 150, 90})}
	r := Build(in)
	rates := RatesOf(in, r)
	if r.Exposure.Reading != Participation || *rates.Share != 0.05 || *rates.Within != 0.5 {
		t.Fatalf("%+v", rates)
	}
	p := NewPlanning(in.Plan, rates, 0.8, 28)
	even := rates
	even.Share, even.Within, even.Shares = ptr(0.5), nil, nil
	half := NewPlanning(in.Plan, even, 0.8, 28).Steps[0]
	if len(p.Steps) != 2 || p.Steps[0].To != 0.25 || p.Steps[1].To != 0.5 {
		t.Fatalf("%+v", p.Steps)
	}
	near(t, "people", p.Steps[0].Gates[1].Needed, *half.Gates[1].Needed)
	near(t, "days", p.Steps[0].Gates[1].Days, *half.Gates[1].Days)
	if slow, fast := *p.Steps[0].Gates[1].Days, *p.Steps[1].Gates[1].Days; math.Abs(fast-slow/5) > 1 {
		t.Errorf("%v days at level 10, %v at level 50", slow, fast)
	}
}

// TestPlanningAfterAStop: a treatment that was stopped keeps its part of alpha and takes no share.
func TestPlanningAfterAStop(t *testing.T) {
	p := steps(8, 10, 25)
	p[0].Arms[0].Weight = 80
	p[0].Arms = append(p[0].Arms, store.Arm{Variation: "u", Weight: 10})
	p[1].Arms = append(p[1].Arms, store.Arm{Variation: "u", Weight: 0})
	in := asked(p, counted(group{1, 0, "c", 0, 5, 8000, 80, 80}, group{1, 0, "t", 0, 5, 1000, 50, 10}, group{1, 0, "u", 0, 5, 1000, 50, 10},
		group{2, 0, "c", 8, 20, 7500, 75, 75}, group{2, 0, "t", 8, 20, 2500, 125, 25}))
	rates := RatesOf(in, Build(in))
	got := NewPlanning(in.Plan, rates, 0.8, 28)
	alone := in.Plan
	alone.Alpha /= 2
	rates.Treatments, rates.Running = 1, 0
	want := NewPlanning(alone, rates, 0.8, 28)
	if len(got.Steps) != 2 || got.Alpha != want.Alpha {
		t.Fatalf("%+v", got)
	}
	for i, s := range want.Steps {
		for k, g := range s.Gates {
			near(t, g.Gate, got.Steps[i].Gates[k].Needed, *g.Needed)
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
	in.Scope.Until = in.AsOf
	if r := RatesOf(in, Build(in)); r.SubjectsPerDay != nil || r.LoginsPerDay != nil || r.Success == nil {
		t.Errorf("%+v", r)
	}
	if r := RatesOf(Input{Plan: DefaultPlan()}, Build(Input{Plan: DefaultPlan()})); r.Enrollment != nil || r.Treatments != 0 {
		t.Errorf("%+v", r)
	}
}
