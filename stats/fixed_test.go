package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func drawTable(t *rapid.T, most int64) (sT, nT, sC, nC int64) {
	nT, nC = rapid.Int64Range(1, most).Draw(t, "nT"), rapid.Int64Range(1, most).Draw(t, "nC")
	return drawCount(t, nT, "sT"), nT, drawCount(t, nC, "sC"), nC
}

func TestDistributionLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-12, 12).Draw(t, "x")
		if !near(NormalCDF(x)+NormalSurvival(x), 1, 1e-15) || NormalCDF(x) != NormalSurvival(-x) {
			t.Fatalf("normal tails at %v", x)
		}
		if x < 0 && !near(NormalQuantile(NormalCDF(x)), x, 1e-12) {
			t.Fatalf("normal quantile at %v", x)
		}
		if !near(logNormalCDF(x), math.Log(NormalCDF(x)), 1e-12) {
			t.Fatalf("ln Phi(%v)", x)
		}
		a, b := math.Exp(rapid.Float64Range(-3, 14).Draw(t, "ln a")), math.Exp(rapid.Float64Range(-3, 14).Draw(t, "ln b"))
		p := rapid.Float64Range(1e-6, 1-1e-6).Draw(t, "p")
		q := BetaQuantile(p, a, b)
		if !near(BetaCDF(q, a, b)+BetaSurvival(q, a, b), 1, 1e-12) {
			t.Fatalf("Beta(%v, %v) tails at %v: %v + %v", a, b, q, BetaCDF(q, a, b), BetaSurvival(q, a, b))
		}
		if q > 1e-9 && q < 1-1e-6 && math.Abs(BetaCDF(q, a, b)-p) > 1e-6 {
			t.Fatalf("Beta(%v, %v) quantile of %v is %v, whose probability is %v", a, b, p, q, BetaCDF(q, a, b))
		}
		if x > 0.001 && x < 0.999 && !near(BetaCDF(x, a, b), BetaSurvival(1-x, b, a), 1e-9) {
			t.Fatalf("Beta(%v, %v) mirrored at %v", a, b, x)
		}
		df := float64(rapid.IntRange(1, 40).Draw(t, "df"))
		if y := x * x; !near(ChiSquareCDF(y, df)+ChiSquareSurvival(y, df), 1, 1e-12) {
			t.Fatalf("chi-square %v on %v", y, df)
		}
	})
	inf := math.Inf(1)
	for name, c := range map[string][2]float64{
		"quantile of 0": {NormalQuantile(0), -inf}, "of 1": {NormalQuantile(1), inf}, "of NaN": {NormalQuantile(math.NaN()), -inf},
		"chi2 at 0": {ChiSquareSurvival(0, 3), 1}, "at Inf": {ChiSquareSurvival(inf, 3), 0}, "cdf at -1": {ChiSquareCDF(-1, 3), 0},
		"cdf at Inf": {ChiSquareCDF(inf, 3), 1}, "quantile 0": {ChiSquareQuantile(0, 3), 0}, "quantile 1": {ChiSquareQuantile(1, 3), inf},
		"beta at 0": {BetaCDF(0, 2, 3), 0}, "at 1": {BetaCDF(1, 2, 3), 1}, "beta quantile 0": {BetaQuantile(0, 2, 3), 0}, "beta quantile 1": {BetaQuantile(1, 2, 3), 1},
		"ln Phi far out": {logNormalCDF(-1e4), -50000000 - halfLog2Pi - math.Log(1e4)},
		"empty sum":      {logSumExp(nil), -inf},
	} {
		if !near(c[0], c[1], 1e-9) {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
	for _, x := range []float64{-30, -33, -36} { // where both the series and the function itself still work
		if got, want := logNormalCDF(x), math.Log(NormalCDF(x)); math.Abs(got-want) > 1e-9 {
			t.Errorf("ln Phi(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestTwoProportionLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nT, nC := drawTrials(t, "nT"), drawTrials(t, "nC")
		sT, sC := drawCount(t, nT, "sT"), drawCount(t, nC, "sC")
		alpha := drawAlpha(t)
		for name, f := range map[string]func(sT, nT, sC, nC int64, alpha float64) Interval{"Newcombe": Newcombe, "MiettinenNurminen": MiettinenNurminen} {
			i, m := f(sT, nT, sC, nC, alpha), f(sC, nC, sT, nT, alpha)
			inRange(t, name, i, -1, 1)
			if !near(i.Lo, -m.Hi, 1e-7) || !near(i.Hi, -m.Lo, 1e-7) {
				t.Fatalf("%s: %v, swapped %v", name, i, m)
			}
			if d := float64(sT)/float64(nT) - float64(sC)/float64(nC); i.Lo > d || i.Hi < d {
				t.Fatalf("%s: %v misses the difference %v", name, i, d)
			}
		}
		for name, f := range map[string]func(sT, nT, sC, nC int64) (ZTest, bool){"pooled": PooledZ, "unpooled": UnpooledZ} {
			z, ok := f(sT, nT, sC, nC)
			m, okM := f(sC, nC, sT, nT)
			if ok != okM || z.Z != -m.Z || z.PTwoSided != m.PTwoSided || ok && !near(z.PGreater+m.PGreater, 1, 1e-15) {
				t.Fatalf("%s: %+v, swapped %+v", name, z, m)
			}
			if !ok && z != (ZTest{}) || math.IsNaN(z.Z+z.PTwoSided+z.PGreater) {
				t.Fatalf("%s: %+v", name, z)
			}
		}
		if w, ok := Wald(sT, nT, sC, nC, 0.05); ok {
			z, _ := UnpooledZ(sT, nT, sC, nC)
			if math.Abs(z.PTwoSided-0.05) > 1e-6 && (z.PTwoSided < 0.05) != (w.Lo > 0 || w.Hi < 0) {
				t.Fatalf("Wald %v, but p = %v", w, z.PTwoSided)
			}
		}
		r := ScoreRatio(sT, nT, sC, nC, 0.05)
		inRange(t, "score ratio", r, 0, math.Inf(1))
		if m := ScoreRatio(sC, nC, sT, nT, 0.05); r.Lo > 0 && !near(r.Lo*m.Hi, 1, 1e-5) || m.Lo > 0 && !near(m.Lo*r.Hi, 1, 1e-5) {
			t.Fatalf("score ratio %v, swapped %v", r, m)
		}
	})
	if (Newcombe(0, 0, 1, 2, 0.05) != Interval{-1, 1}) || (MiettinenNurminen(0, 0, 1, 2, 0.05) != Interval{-1, 1}) {
		t.Error("an empty arm says something about the difference")
	}
	if got := ScoreRatio(1, 2, 0, 0, 0.05); got != (Interval{0, math.Inf(1)}) {
		t.Errorf("an empty arm says %v about the ratio", got)
	}
}

// A limit of the score interval is a margin whose test sits at the critical value.
func TestMiettinenNurminenInvertsTheScoreTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sT, nT, sC, nC := drawTable(t, 500)
		i := MiettinenNurminen(sT, nT, sC, nC, 0.05)
		for _, limit := range []float64{i.Lo, i.Hi} {
			m, ok := ScoreTest(sT, nT, sC, nC, limit)
			if d := float64(sT)/float64(nT) - float64(sC)/float64(nC); math.Abs(limit) < 0.999 && d != limit && (!ok || math.Abs(math.Abs(m.ZMN)-1.959963984540054) > 1e-4) {
				t.Fatalf("%d/%d %d/%d: margin %v has z %+v", sT, nT, sC, nC, limit, m)
			}
			if m.ZFM != 0 && !near(m.ZMN/m.ZFM, math.Sqrt(1-1/float64(nT+nC)), 1e-12) {
				t.Fatalf("factors: %+v", m)
			}
		}
	})
	for _, c := range []struct {
		sT, nT, sC, nC int64
		margin         float64
	}{{0, 0, 1, 2, 0}, {3, 2, 1, 2, 0}, {1, 2, -1, 2, 0}, {1, 2, 1, 2, 1}, {1, 2, 1, 2, math.NaN()}} {
		if m, ok := ScoreTest(c.sT, c.nT, c.sC, c.nC, c.margin); ok {
			t.Errorf("%+v has a test: %+v", c, m)
		}
	}
}

func TestRatioIntervalLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sT, nT, sC, nC := drawTable(t, 100_000)
		ratio, ok := RiskRatio(sT, nT, sC, nC)
		for name, f := range map[string]func(sT, nT, sC, nC int64, alpha float64) (Interval, bool){"Katz": Katz, "Fieller": Fieller, "DeltaRatio": DeltaRatio} {
			i, defined := f(sT, nT, sC, nC, 0.05)
			if !defined {
				continue
			}
			if !ok || math.IsInf(ratio, 0) {
				t.Fatalf("%s: an interval without a ratio", name)
			}
			inRange(t, name, i, math.Inf(-1), math.Inf(1))
			if i.Lo > ratio*(1+1e-12) || i.Hi < ratio*(1-1e-12) {
				t.Fatalf("%s: %v misses %v", name, i, ratio)
			}
		}
	})
}

// Exact tests keep their level: at any common rate, and any alpha, p <= alpha has probability at most alpha.
// Boschloo is never behind Fisher.
func TestExactTestsKeepTheirLevel(t *testing.T) {
	const nT, nC = 6, 11
	type table struct {
		mass   [9]float64
		fisher ExactTest
		bosch  ExactTest
	}
	var tables []table
	for a := int64(0); a <= nT; a++ {
		for c := int64(0); c <= nC; c++ {
			var one table
			for r := range one.mass {
				p := float64(r+1) / 10
				one.mass[r] = choose(nT, a) * choose(nC, c) * math.Pow(p, float64(a+c)) * math.Pow(1-p, float64(nT+nC-a-c))
			}
			one.fisher, _ = Fisher(a, nT, c, nC)
			one.bosch, _ = Boschloo(a, nT, c, nC)
			if one.bosch.Greater > one.fisher.Greater*(1+1e-9) || one.bosch.Less > one.fisher.Less*(1+1e-9) {
				t.Errorf("%d %d: Boschloo %+v, Fisher %+v", a, c, one.bosch, one.fisher)
			}
			if mirror, _ := Fisher(c, nC, a, nT); !near(mirror.Greater, one.fisher.Less, 1e-12) || !near(mirror.TwoSided, one.fisher.TwoSided, 1e-12) {
				t.Errorf("%d %d: swapped %+v, want the mirror of %+v", a, c, mirror, one.fisher)
			}
			tables = append(tables, one)
		}
	}
	for name, p := range map[string]func(table) float64{
		"Fisher greater": func(x table) float64 { return x.fisher.Greater }, "Fisher less": func(x table) float64 { return x.fisher.Less },
		"Fisher": func(x table) float64 { return x.fisher.TwoSided }, "Boschloo greater": func(x table) float64 { return x.bosch.Greater },
		"Boschloo less": func(x table) float64 { return x.bosch.Less }, "Boschloo": func(x table) float64 { return x.bosch.TwoSided },
	} {
		for _, at := range tables {
			alpha := p(at)
			for r := range at.mass {
				var level float64
				for _, x := range tables {
					if p(x) <= alpha {
						level += x.mass[r]
					}
				}
				if level > alpha*(1+1e-6) {
					t.Errorf("%s: p <= %v has probability %v", name, alpha, level)
				}
			}
		}
	}
}

func TestExactTestEdges(t *testing.T) {
	for _, c := range [][4]int64{{0, 0, 1, 2}, {3, 2, 1, 2}, {-1, 2, 1, 2}, {1, 2, 1, 0}} {
		_, fisher := Fisher(c[0], c[1], c[2], c[3])
		_, boschloo := Boschloo(c[0], c[1], c[2], c[3])
		if fisher || boschloo {
			t.Errorf("%v has a test", c)
		}
	}
	if _, ok := Boschloo(1, 2000, 1, 2000); ok {
		t.Error("Boschloo on 4e6 tables")
	}
	for _, c := range []struct {
		k, n int64
		p    float64
	}{{0, 0, 0.5}, {-1, 5, 0.5}, {6, 5, 0.5}, {1, 5, 0}, {1, 5, 1}, {1, 5, math.NaN()}, {5, 1e9, 0.5}} {
		if p, ok := BinomialTest(c.k, c.n, c.p); ok {
			t.Errorf("%+v has p = %v", c, p)
		}
	}
	// Fisher at sizes where factorials are long gone: the normal test is close there.
	z, _ := PooledZ(100_300_000, 1_000_000_000, 100_000_000, 1_000_000_000)
	if f, ok := Fisher(100_300_000, 1_000_000_000, 100_000_000, 1_000_000_000); !ok || math.Abs(math.Log(f.TwoSided/z.PTwoSided)) > 0.01 {
		t.Errorf("Fisher %v, normal %v", f.TwoSided, z.PTwoSided)
	}
}

// The two-sided binomial p-value against a plain sum over all outcomes.
func TestBinomialTestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 60).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		p := rapid.SampledFrom([]float64{0.01, 0.1, 0.3, 0.5, 0.9}).Draw(t, "p")
		mass := func(j int64) float64 { return choose(n, j) * math.Pow(p, float64(j)) * math.Pow(1-p, float64(n-j)) }
		var want float64
		for j := int64(0); j <= n; j++ {
			if mass(j) <= mass(k)*(1+1e-7) {
				want += mass(j)
			}
		}
		if got, ok := BinomialTest(k, n, p); !ok || !near(got, want, 1e-10) {
			t.Fatalf("%d of %d at %v: %v, want %v", k, n, p, got, want)
		}
	})
}

func TestStratifiedLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strata := drawStrata(t, Binary)
		swapped := make([]Stratum, len(strata))
		for i, s := range strata {
			swapped[i] = Stratum{s.C, s.T}
		}
		d, ok := MantelHaenszelDifference(strata)
		m, _ := MantelHaenszelDifference(swapped)
		if f := FixedDifference(Binary, strata, 0.05); ok != f.Defined || ok && !near(f.Diff, d.Diff, 1e-9) {
			t.Fatalf("%+v, but the interval is around %+v", d, f)
		}
		if !near(d.Diff, -m.Diff, 1e-12) || !near(d.VarSato, m.VarSato, 1e-9) || !near(d.VarGreenlandRobins, m.VarGreenlandRobins, 1e-12) || d.VarSato < 0 {
			t.Fatalf("%+v, swapped %+v", d, m)
		}
		h, okH := CochranMantelHaenszel(strata)
		if hm, _ := CochranMantelHaenszel(swapped); okH && (!near(h.Chi2, hm.Chi2, 1e-6) || h.Corrected > h.Chi2) {
			t.Fatalf("%+v, swapped %+v", h, hm)
		}
		for name, f := range map[string]func([]Stratum) (float64, bool){"odds": MantelHaenszelOddsRatio, "risk": MantelHaenszelRiskRatio} {
			r, okR := f(strata)
			inverse, _ := f(swapped)
			if math.IsNaN(r) || okR && r > 0 && r < math.Inf(1) && !near(r*inverse, 1, 1e-9) {
				t.Fatalf("%s ratio %v, swapped %v", name, r, inverse)
			}
		}
	})
	// With one stratum the test is the pooled z test, but for its N/(N-1).
	one := []Stratum{{BinarySums(12, 100), BinarySums(50, 900)}}
	h, _ := CochranMantelHaenszel(one)
	if z, _ := PooledZ(12, 100, 50, 900); !near(h.Chi2, z.Z*z.Z*999/1000, 1e-12) {
		t.Errorf("CMH %v, z² %v", h.Chi2, z.Z*z.Z)
	}
	for _, none := range [][]Stratum{nil, {{T: BinarySums(1, 2)}}, {{BinarySums(0, 5), BinarySums(0, 5)}}} {
		if _, ok := CochranMantelHaenszel(none); ok {
			t.Errorf("%v can be tested", none)
		}
	}
}

func TestPlanLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pC := rapid.Float64Range(0.01, 0.5).Draw(t, "pC")
		pT := pC + rapid.Float64Range(0.002, 0.2).Draw(t, "effect")
		share, power := rapid.Float64Range(0.1, 0.9).Draw(t, "share"), rapid.Float64Range(0.9, 0.99).Draw(t, "power")
		n, ok := FixedSize(pC, pT, share, 0.05, power)
		if !ok || !near(n.T/n.Total, share, 1e-12) || !near(n.T+n.C, n.Total, 1e-12) {
			t.Fatalf("%+v", n)
		}
		if got, ok := FixedPower(pC, pT, n.T, n.C, 0.05); !ok || got < power-1e-9 || got > power+0.01 { // the other tail adds a little
			t.Fatalf("the planned size has power %v, want %v", got, power)
		}
		tau := rapid.Float64Range(0.001, 0.1).Draw(t, "tau")
		i, ok := SequentialInformation(pT-pC, tau, 0.05, power)
		effect, okE := DetectableEffect(i, tau, 0.05, power)
		if !ok || !okE || !near(effect, pT-pC, 1e-9) {
			t.Fatalf("information %v detects %v, want %v", i, effect, pT-pC)
		}
		if more, _ := SequentialInformation((pT-pC)/2, tau, 0.05, power); more <= i {
			t.Fatalf("half the effect needs %v, the whole %v", more, i)
		}
		total, ok := SequentialSize(i, pC, pT, share, 1.9)
		if v := 1.9 * (pT*(1-pT)/(share*total) + pC*(1-pC)/((1-share)*total)); !ok || !near(v*i, 1, 1e-9) {
			t.Fatalf("%v trials have variance %v, planned %v", total, v, 1/i)
		}
	})
	for name, ok := range map[string]bool{
		"no effect": second(FixedSize(0.1, 0.1, 0.5, 0.05, 0.8)), "share 0": second(FixedSize(0.1, 0.2, 0, 0.05, 0.8)),
		"rate above 1": second(FixedSize(0.1, 1.2, 0.5, 0.05, 0.8)), "power 1": second(FixedSize(0.1, 0.2, 0.5, 0.05, 1)),
		"empty arm": second(FixedPower(0.1, 0.2, 0, 5, 0.05)), "nothing ever": second(FixedPower(0, 0, 5, 5, 0.05)),
		"effect 0": second(SequentialInformation(0, 0.01, 0.05, 0.8)), "tau 0": second(SequentialInformation(0.01, 0, 0.05, 0.8)),
		"no information": second(DetectableEffect(0, 0.01, 0.05, 0.8)), "share 1": second(SequentialSize(1, 0.1, 0.2, 1, 1)),
		"NaN": second(SequentialInformation(math.NaN(), 0.01, 0.05, 0.8)),
	} {
		if ok {
			t.Errorf("%s has a plan", name)
		}
	}
	if p, ok := FixedPower(0, 1, 50, 50, 0.05); !ok || p != 1 {
		t.Errorf("nothing against everything: power %v", p)
	}
}

func second[T any](_ T, ok bool) bool { return ok }

func TestDaysToDecision(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		needed, now float64
		gains       []float64
		want        Days
		ok          bool
	}{
		{100, 100, nil, Days{}, true},
		{100, 40, []float64{10, 10, 10}, Days{6, 6, 6}, true},
		{100, 40, []float64{8, 10, 12}, Days{5, 6, 7.5}, true}, // standard deviation 2
		{100, 40, []float64{0, 20}, Days{60 / (10 + math.Sqrt(200)), 6, inf}, true},
		{100, 40, []float64{5}, Days{12, 12, 12}, true},
		{100, 40, []float64{0, 0}, Days{}, false},
		{100, 40, []float64{-1}, Days{}, false},
		{100, 40, nil, Days{}, false},
	} {
		if got, ok := DaysToDecision(c.needed, c.now, c.gains); ok != c.ok || !near(got.Fast, c.want.Fast, 1e-12) || !near(got.Mid, c.want.Mid, 1e-12) || !near(got.Slow, c.want.Slow, 1e-12) {
			t.Errorf("%v of %v, %v a day: %+v %v, want %+v %v", c.now, c.needed, c.gains, got, ok, c.want, c.ok)
		}
	}
}

func TestGroupSequential(t *testing.T) {
	if z, ok := GroupSequential([]float64{0.5, 1, 1.2, 2}, 0.05, OBrienFleming); !ok || !math.IsInf(z[2], 1) || !math.IsInf(z[3], 1) || z[1] > 2 {
		t.Errorf("looks after the end: %v %v", z, ok)
	}
	if z, ok := GroupSequential(nil, 0.05, Pocock); !ok || z != nil {
		t.Errorf("no looks: %v %v", z, ok)
	}
	if z, _ := GroupSequential([]float64{0.5, 1}, 0.05, Pocock); !near(z[0], 2.157, 1e-3) || !near(z[1], 2.201, 1e-3) { // the usual published values
		t.Errorf("Pocock, two looks: %v", z)
	}
	// With many looks the score process meets a straight line at z_{alpha/4}, less Siegmund's 0.5826 steps for
	// looking only once a day.
	days := make([]float64, 90)
	for i := range days {
		days[i] = float64(i+1) / 90
	}
	z, ok := GroupSequential(days, 0.05, OBrienFleming)
	if !ok || z[0] != maxBoundary || math.Abs(z[89]-(-NormalQuantile(0.05/4)-0.5826/math.Sqrt(90))) > 0.005 {
		t.Errorf("ninety looks: first %v, last %v", z[0], z[89])
	}
	for i := 1; i < len(z); i++ {
		if z[i] > z[i-1] {
			t.Errorf("look %d: the boundary rises from %v to %v", i, z[i-1], z[i])
		}
	}
	for _, bad := range [][]float64{{0}, {0.5, 0.5}, {0.5, 0.4}, {math.NaN()}, {math.Inf(1)}, {-0.1}} {
		if z, ok := GroupSequential(bad, 0.05, Pocock); ok {
			t.Errorf("%v has boundaries %v", bad, z)
		}
	}
	if _, ok := GroupSequential([]float64{1}, 0, Pocock); ok {
		t.Error("alpha 0 has boundaries")
	}
}

func TestMultiplicityLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 8).Draw(t, "p")
		b, h, f := Bonferroni(p), Holm(p), BenjaminiHochberg(p)
		for i := range p {
			if !(p[i] <= f[i]*(1+1e-12) && f[i] <= h[i]*(1+1e-12) && h[i] <= b[i]*(1+1e-12) && b[i] <= 1) {
				t.Fatalf("p %v: BH %v, Holm %v, Bonferroni %v", p, f, h, b)
			}
			for j := range p {
				if p[i] < p[j] && (h[i] > h[j] || f[i] > f[j]) {
					t.Fatalf("p %v: the order is lost in %v or %v", p, h, f)
				}
			}
		}
	})
}

func TestProbabilityToBeatLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nT, nC := drawTrials(t, "nT"), drawTrials(t, "nC")
		sT, sC := drawCount(t, nT, "sT"), drawCount(t, nC, "sC")
		p, ok := ProbabilityToBeat(sT, nT, sC, nC, 1, 1)
		q, _ := ProbabilityToBeat(sC, nC, sT, nT, 1, 1)
		if !ok || !(p >= 0 && p <= 1) || math.Abs(p+q-1) > 1e-6 {
			t.Fatalf("%d/%d %d/%d: %v and %v", sT, nT, sC, nC, p, q)
		}
	})
	if p, ok := ProbabilityToBeat(0, 0, 0, 0, 0.5, 0.5); !ok || math.Abs(p-0.5) > 0.02 {
		t.Errorf("priors alone: %v %v", p, ok)
	}
	if _, ok := ProbabilityToBeat(1, 2, 1, 2, 0, 1); ok {
		t.Error("a prior with parameter 0")
	}
	if _, ok := ProbabilityToBeat(3, 2, 1, 2, 1, 1); ok {
		t.Error("more successes than trials")
	}
}

// Whatever the sums say, even those that no subjects could have: intervals are ordered, and nothing is NaN.
func TestHostileSums(t *testing.T) {
	any := rapid.OneOf(rapid.Int64Range(-3, 10), rapid.SampledFrom(edges), rapid.Int64Range(-1e12, 1e12))
	draw := func(t *rapid.T, label string) Sums {
		v := rapid.SliceOfN(any, 6, 6).Draw(t, label)
		return Sums{v[0], v[1], v[2], v[3], v[4], v[5]}
	}
	rapid.Check(t, func(t *rapid.T) {
		kind, tau := drawKind(t), rapid.SampledFrom([]float64{-1, 0, 1e-300, 0.01, 1e300, math.Inf(1), math.NaN()}).Draw(t, "tau")
		alpha := rapid.SampledFrom([]float64{-1, 0, 1e-300, 0.05, 1, 2, math.NaN()}).Draw(t, "alpha")
		strata := []Stratum{{draw(t, "t"), draw(t, "c")}, {draw(t, "t2"), draw(t, "c2")}}
		for _, d := range []Difference{SequentialDifference(kind, strata, tau, alpha), FixedDifference(kind, strata, alpha)} {
			inRange(t, "difference", Interval{d.Lo, d.Hi}, -1, 1)
			if math.IsNaN(d.Diff+d.R+d.V) || math.IsNaN(d.Z) {
				t.Fatalf("%+v", d)
			}
			if p, ok := AlwaysValidP(d); ok && !(p >= 0 && p <= 1) {
				t.Fatalf("%+v: p = %v", d, p)
			}
		}
		s := strata[0]
		if r, ok := ArmRate(kind, s.T, PooledDeff(kind, s.T, s.C), SequentialZ(tau, alpha)); ok {
			inRange(t, "arm", r.Interval, 0, 1)
			if !(r.Deff >= 1) || !(r.EffectiveTrials > 0) || math.IsNaN(r.Rate) {
				t.Fatalf("%+v", r)
			}
		}
		if q, df, p, ok := Heterogeneity(kind, strata); ok && !(q >= 0 && df == 1 && p >= 0 && p <= 1) {
			t.Fatalf("heterogeneity %v %v %v", q, df, p)
		}
		inRange(t, "Wilson", Wilson(s.T.Y, s.T.N, alpha), 0, 1)
		inRange(t, "Newcombe", Newcombe(s.T.Y, s.T.N, s.C.Y, s.C.N, alpha), -1, 1)
		r := RateRatioEProcess([]Converters{{s.T.Y, s.C.Y, rapid.SampledFrom([]float64{-1, 0, 1e-9, 0.5, 1, math.NaN()}).Draw(t, "share")}}, alpha)
		inRange(t, "ratio", Interval{r.Lo, r.Hi}, 0, math.Inf(1))
		if math.IsNaN(EventsInSmallerArm(strata)) || math.IsNaN(EffectiveFailures(strata)) || math.IsNaN(r.LogE) {
			t.Fatal("NaN")
		}
	})
}
