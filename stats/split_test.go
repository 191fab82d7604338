package stats

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// An e-value has mean 1 if the split is as expected: exactly, over all outcomes of three arms.
func TestSampleRatioHasMeanOne(t *testing.T) {
	const n = 25
	p := []float64{0.1, 0.3, 0.6}
	var mean float64
	for a := int64(0); a <= n; a++ {
		for b := int64(0); a+b <= n; b++ {
			c := n - a - b
			mass := lgamma(n+1) - lgamma(float64(a+1)) - lgamma(float64(b+1)) - lgamma(float64(c+1)) +
				float64(a)*math.Log(p[0]) + float64(b)*math.Log(p[1]) + float64(c)*math.Log(p[2])
			mean += math.Exp(mass + SampleRatioLogE([]Split{{[]int64{a, b, c}, p}}, 100))
		}
	}
	if !near(mean, 1, 1e-12) {
		t.Errorf("mean e-value %v", mean)
	}
}

func TestSampleRatioLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Split{Expected: []float64{0.1, 0.2, 0.7}}
		for range a.Expected {
			a.Counts = append(a.Counts, rapid.OneOf(rapid.Int64Range(0, 20), rapid.SampledFrom(edges)).Draw(t, "count"))
		}
		e := SampleRatioLogE([]Split{a}, 100)
		turned := Split{[]int64{a.Counts[2], a.Counts[0], a.Counts[1]}, []float64{0.7, 0.1, 0.2}}
		if math.IsNaN(e) || !near(e, SampleRatioLogE([]Split{turned}, 100), 1e-7) {
			t.Fatalf("%v: ln e %v, in another order %v", a, e, SampleRatioLogE([]Split{turned}, 100))
		}
		b := Split{[]int64{7, 3}, []float64{0.5, 0.5}}
		if both := SampleRatioLogE([]Split{a, b}, 100); both != e+SampleRatioLogE([]Split{b}, 100) {
			t.Fatalf("strata do not add")
		}
		if chi2, p, ok := PearsonSplit(a); ok && !(chi2 >= 0 && p >= 0 && p <= 1) {
			t.Fatalf("chi-square %v, p %v", chi2, p)
		}
	})
}

// Built one subject at a time in rational numbers: e grows by the predictive probability of the arm over the
// expected one.
func TestSampleRatioExactly(t *testing.T) {
	e := big.NewRat(1, 1)
	var counts [2]int64
	for i := range int64(400) {
		arm := b2i(i%3 == 0)
		e.Mul(e, big.NewRat(2*(5+counts[arm]), 10+i))
		counts[arm]++
	}
	f, _ := new(big.Float).SetRat(e).Float64()
	if got := SampleRatioLogE([]Split{{counts[:], []float64{0.5, 0.5}}}, 10); !near(got, math.Log(f), 1e-12) {
		t.Errorf("ln e = %v, exactly %v", got, math.Log(f))
	}
}

// The same step at a thousand million subjects, where a sum of ln Γ would drown it in rounding.
func TestSampleRatioKeepsItsDigits(t *testing.T) {
	counts, p := []int64{100_050_000, 899_950_000}, []float64{0.1, 0.9}
	for arm := range counts {
		more := []int64{counts[0], counts[1]}
		more[arm]++
		step := SampleRatioLogE([]Split{{more, p}}, 100) - SampleRatioLogE([]Split{{counts, p}}, 100)
		want := math.Log((100*p[arm] + float64(counts[arm])) / (100 + 1e9) / p[arm])
		if math.Abs(step-want) > 1e-8 {
			t.Errorf("one more subject in arm %d: ln e rose by %v, want %v", arm, step, want)
		}
	}
}

func TestSplitEdges(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Split
		want float64
	}{
		{"nobody", Split{[]int64{0, 0}, []float64{0.1, 0.9}}, 0},
		{"impossible", Split{[]int64{1, 9}, []float64{0, 1}}, math.Inf(1)},
		{"weight 0, nobody there", Split{[]int64{0, 9}, []float64{0, 1}}, 0},
	} {
		if got := SampleRatioLogE([]Split{c.s}, 100); !near(got, c.want, 1e-12) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if e := SampleRatioLogE(nil, 100); e != 0 {
		t.Errorf("no strata: %v", e)
	}
	if chi2, p, ok := PearsonSplit(Split{[]int64{1, 9}, []float64{0, 1}}); !ok || !math.IsInf(chi2, 1) || p != 0 {
		t.Errorf("impossible: chi-square %v, p %v, %v", chi2, p, ok)
	}
	for _, s := range []Split{{}, {[]int64{0, 0}, []float64{0.5, 0.5}}, {[]int64{5}, []float64{1}}, {[]int64{0, 9}, []float64{0, 1}}} {
		if _, _, ok := PearsonSplit(s); ok {
			t.Errorf("%v can be tested", s)
		}
	}
}

func TestChiSquareSplitMerges(t *testing.T) {
	equal := func(name string, got, want Split) {
		t.Helper()
		chi2, p, ok := ChiSquareSplit(got)
		wantChi2, wantP, wantOK := PearsonSplit(want)
		if ok != wantOK || !near(chi2, wantChi2, 1e-12) || !near(p, wantP, 1e-12) {
			t.Errorf("%s: chi-square %v p %v %v, want %v %v %v", name, chi2, p, ok, wantChi2, wantP, wantOK)
		}
	}
	equal("nothing below 5", Split{[]int64{7, 93}, []float64{0.05, 0.95}}, Split{[]int64{7, 93}, []float64{0.05, 0.95}})
	equal("two small cells make a large one",
		Split{[]int64{1, 60, 8, 31}, []float64{0.03, 0.6, 0.04, 0.33}}, Split{[]int64{60, 31, 9}, []float64{0.6, 0.33, 0.07}})
	equal("a small rest joins the smallest of the others",
		Split{[]int64{1, 60, 39}, []float64{0.01, 0.6, 0.39}}, Split{[]int64{60, 40}, []float64{0.6, 0.4}})
	equal("a weight of 0 joins with its subjects", Split{[]int64{2, 58, 40}, []float64{0, 0.6, 0.4}}, Split{[]int64{58, 42}, []float64{0.6, 0.4}})
	for _, s := range []Split{{[]int64{1, 3}, []float64{0.1, 0.9}}, {[]int64{3, 20}, []float64{0.1, 0.9}}, {}} {
		if _, _, ok := ChiSquareSplit(s); ok {
			t.Errorf("%v leaves two cells", s)
		}
	}
}
