package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func drawConverters(t *rapid.T) (strata []Converters) {
	for range rapid.IntRange(0, 4).Draw(t, "strata") {
		strata = append(strata, Converters{
			T:     rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 100_000)).Draw(t, "t"),
			C:     rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 100_000)).Draw(t, "c"),
			Share: rapid.SampledFrom([]float64{0.01, 0.1, 0.25, 1.0 / 6, 0.5, 0.95}).Draw(t, "share"),
		})
	}
	return strata
}

// An e-value has mean 1 if there is no effect. Here the mean over all outcomes is taken exactly.
func TestRateRatioHasMeanOne(t *testing.T) {
	for _, share := range []float64{0.01, 0.1, 0.5, 0.9} {
		const n = 40
		var mean float64
		for k := int64(0); k <= n; k++ {
			e := RateRatioEProcess([]Converters{{k, n - k, share}}, 0.05).LogE
			mean += math.Exp(e + binomialLog(k, n, share))
		}
		if !near(mean, 1, 1e-12) {
			t.Errorf("share %v: mean e-value %v", share, mean)
		}
	}
}

func TestRateRatioLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strata := drawConverters(t)
		r := RateRatioEProcess(strata, 0.05)
		if math.IsNaN(r.LogE) || math.IsInf(r.LogE, 0) {
			t.Fatalf("%+v", r)
		}
		inRange(t, "ratio", Interval{r.Lo, r.Hi}, 0, math.Inf(1))
		var a, c int64
		for _, s := range strata {
			a, c = a+s.T, c+s.C
		}
		if (a == 0) != (r.Lo == 0) || (c == 0) != math.IsInf(r.Hi, 1) {
			t.Fatalf("%d and %d enrolled: %+v", a, c, r)
		}
		if wide := RateRatioEProcess(strata, 0.01); wide.Lo > r.Lo || wide.Hi < r.Hi || wide.LogE != r.LogE {
			t.Fatalf("99%% %+v does not hold 95%% %+v", wide, r)
		}
		// The interval and the e-value tell the same story about R = 1.
		if math.Abs(r.LogE-math.Log(20)) > 1e-9 && (r.LogE > math.Log(20)) != (r.Lo > 1 || r.Hi < 1) {
			t.Fatalf("ln e = %v, but [%v, %v]", r.LogE, r.Lo, r.Hi)
		}
		swapped := make([]Converters, len(strata))
		for i, s := range strata {
			swapped[len(strata)-1-i] = Converters{s.C, s.T, 1 - s.Share} // and the order reversed
		}
		m := RateRatioEProcess(swapped, 0.05)
		if !near(m.LogE, r.LogE, 1e-9) || !near(m.Lo*r.Hi, 1, 1e-8) && r.Hi < math.Inf(1) || !near(m.Hi*r.Lo, 1, 1e-8) && r.Lo > 0 {
			t.Fatalf("swapped arms: %+v, want the inverse of %+v", m, r)
		}
		// Strata of one share merge; those that say nothing do not count.
		if len(strata) > 0 {
			s := strata[0]
			part := Converters{s.T / 2, s.C / 3, s.Share}
			split := append([]Converters{part, {s.T - part.T, s.C - part.C, s.Share}, {5, 5, 0}, {5, 5, 1}}, strata[1:]...)
			if m := RateRatioEProcess(split, 0.05); !near(m.LogE, r.LogE, 1e-9) || !near(m.Lo, r.Lo, 1e-9) {
				t.Fatalf("split stratum: %+v, want %+v", m, r)
			}
		}
	})
}

// What is kept over looks changes nothing: in any order of looks and shares the answers are those of a first look.
func TestEProcessOverLooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p EProcess
		for range rapid.IntRange(1, 4).Draw(t, "looks") {
			strata := drawConverters(t)
			alpha := drawAlpha(t)
			fresh := RateRatioEProcess(strata, alpha)
			if e := p.LogE(strata); e != fresh.LogE && !near(e, fresh.LogE, 1e-12) {
				t.Fatalf("ln e = %v at a later look, %v at a first one", e, fresh.LogE)
			}
			if r := p.RateRatio(strata, alpha); r != fresh {
				t.Fatalf("%+v at a later look, %+v at a first one", r, fresh)
			}
		}
	})
}

// Published in the doc comment: with a tenth in treatment, four to none are e = 224 and three are 32.
func TestRateRatioWithAnEmptyControl(t *testing.T) {
	for n, want := range map[int64]float64{3: 32, 4: 224} {
		r := RateRatioEProcess([]Converters{{n, 0, 0.1}}, 0.05)
		if math.Round(math.Exp(r.LogE)) != want || r.Lo <= 1 || !math.IsInf(r.Hi, 1) {
			t.Errorf("%d to 0: e = %v, %+v, want %v", n, math.Exp(r.LogE), r, want)
		}
	}
	if r := RateRatioEProcess(nil, 0.05); r != (RateRatio{0, 0, math.Inf(1)}) {
		t.Errorf("nobody enrolled: %+v", r)
	}
}

func TestEvidenceGates(t *testing.T) {
	strata := []Stratum{
		{BinarySums(5, 100), BinarySums(15, 900)}, // 20 · 100/1000 = 2
		{BinarySums(6, 300), BinarySums(4, 100)},  // 10 · 100/400 = 2.5
		{BinarySums(6, 300), Sums{}},              // no smaller arm
		{},
	}
	if got := EventsInSmallerArm(strata); !near(got, 4.5, 1e-15) {
		t.Errorf("events in the smaller arm: %v, want 4.5", got)
	}
	var tt, c Sums
	for range 10 { // one failure in ten tries, always in the same way: no clustering beyond the floor of 1
		tt, c = tt.Add(SubjectSums(9, 10)), c.Add(SubjectSums(9, 10)).Add(SubjectSums(9, 10))
	}
	if got := EffectiveFailures([]Stratum{{tt, c}, {T: tt}, {}}); !near(got, 10, 1e-12) {
		t.Errorf("effective failures: %v, want 10", got)
	}
	// All or nothing: each subject is one trial, worth a tenth.
	tt, c = Sums{}, Sums{}
	for i := range int64(1000) {
		s := SubjectSums(10*b2i(i%10 != 0), 10)
		tt, c = tt.Add(s), c.Add(s).Add(s)
	}
	if got := EffectiveFailures([]Stratum{{tt, c}}); !near(got, 100, 1e-3) {
		t.Errorf("effective failures of clusters: %v, want about 100", got)
	}
}

func b2i(b bool) int64 { return int64(b2f(b)) }

// The mean of the half-normal e-value at no effect is 1, by quadrature over the score.
func TestHalfNormalHasMeanOne(t *testing.T) {
	for _, c := range []struct{ info, tau float64 }{{1, 1}, {50, 0.1}, {1000, 0.01}} {
		var mean float64
		sd, h := math.Sqrt(c.info), 0.01
		for x := -12.0; x <= 12; x += h {
			e, ok := HalfNormalLogE(x*sd, c.info, c.tau)
			if !ok {
				t.Fatal("undefined")
			}
			mean += h * math.Exp(e-x*x/2) / math.Sqrt(2*math.Pi)
		}
		if !near(mean, 1, 1e-9) {
			t.Errorf("%+v: mean e-value %v", c, mean)
		}
	}
	if e, ok := HalfNormalLogE(-1e6, 1e6, 1); !ok || math.IsInf(e, 0) || math.IsNaN(e) {
		t.Errorf("far below 0: %v", e)
	}
	for _, c := range [][3]float64{{1, -1, 1}, {1, 1, 0}, {math.NaN(), 1, 1}, {math.Inf(1), 1, 1}} {
		if _, ok := HalfNormalLogE(c[0], c[1], c[2]); ok {
			t.Errorf("%v is defined", c)
		}
	}
}
