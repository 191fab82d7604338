package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestOneRateLaws(t *testing.T) {
	for name, interval := range map[string]func(k, n int64, alpha float64) Interval{"Wilson": Wilson, "ClopperPearson": ClopperPearson} {
		rapid.Check(t, func(t *rapid.T) {
			n := drawTrials(t, "n")
			k := drawCount(t, n, "k")
			if name == "ClopperPearson" && n > 1_000_000 {
				n, k = n%1_000_000+1, 0
			}
			p, narrow, wide := float64(k)/float64(n), interval(k, n, 0.10), interval(k, n, 0.01)
			inRange(t, name, narrow, 0, 1)
			inRange(t, name, wide, 0, 1)
			if !(wide.Lo <= narrow.Lo && narrow.Lo <= p && p <= narrow.Hi && narrow.Hi <= wide.Hi) {
				t.Fatalf("%s of %d/%d: %v is not inside %v", name, k, n, narrow, wide)
			}
			if k == 0 && wide.Lo != 0 || k == n && wide.Hi != 1 {
				t.Fatalf("%s of %d/%d = %v does not touch its end", name, k, n, wide)
			}
			if k > 0 && wide.Lo == 0 || k < n && n < 1e9 && wide.Hi == 1 {
				t.Fatalf("%s of %d/%d = %v claims an end it cannot know", name, k, n, wide)
			}
			if other := interval(n-k, n, 0.01); !near(other.Lo, 1-wide.Hi, 1e-9) || !near(other.Hi, 1-wide.Lo, 1e-9) {
				t.Fatalf("%s of %d/%d = %v, failures give %v", name, k, n, wide, other)
			}
		})
		if got := interval(0, 0, 0.05); got != (Interval{0, 1}) {
			t.Errorf("%s without trials = %v", name, got)
		}
	}
}

// The Wilson limits are the rates whose score test sits exactly at the critical value.
func TestWilsonInvertsTheScoreTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, n, z := rapid.Float64Range(0.001, 0.999).Draw(t, "p"), rapid.Float64Range(0.5, 1e6).Draw(t, "n"), rapid.Float64Range(0.1, 50).Draw(t, "z")
		i := WilsonZ(p, n, z)
		for _, limit := range []float64{i.Lo, i.Hi} {
			if got := math.Abs(p-limit) / math.Sqrt(limit*(1-limit)/n); math.Abs(got-z) > 1e-6*z {
				t.Fatalf("p %v n %v: limit %v is %v standard errors away, want %v", p, n, limit, got, z)
			}
		}
	})
}

// The exact limits are the rates at which the tail beyond the count has probability alpha/2.
func TestClopperPearsonTails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 60).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		i := ClopperPearson(k, n, 0.05)
		var above, below float64
		for j := int64(0); j <= n; j++ {
			if j >= k {
				above += choose(n, j) * math.Pow(i.Lo, float64(j)) * math.Pow(1-i.Lo, float64(n-j))
			}
			if j <= k {
				below += choose(n, j) * math.Pow(i.Hi, float64(j)) * math.Pow(1-i.Hi, float64(n-j))
			}
		}
		if k > 0 && !near(above, 0.025, 1e-9) || k < n && !near(below, 0.025, 1e-9) {
			t.Fatalf("%d/%d: tails %v and %v", k, n, above, below)
		}
	})
}

func choose(n, k int64) float64 {
	c := 1.0
	for i := int64(1); i <= k; i++ {
		c *= float64(n-k+i) / float64(i)
	}
	return c
}

func TestWilsonZAtTheEnds(t *testing.T) {
	whole := Interval{0, 1}
	for _, c := range []struct {
		rate, trials, z float64
		want            Interval
	}{
		{0.5, 0, 2, whole}, {0.5, -1, 2, whole}, {0.5, 10, math.Inf(1), whole}, {0.5, 1e-300, 1e10, whole},
		{0.25, 10, 0, Interval{0.25, 0.25}}, {math.NaN(), 10, 2, whole}, {0.5, math.NaN(), 2, whole}, {0.5, 10, math.NaN(), whole},
		{0.5, math.Inf(1), 2, Interval{0.5, 0.5}},
	} {
		if got := WilsonZ(c.rate, c.trials, c.z); got != c.want {
			t.Errorf("WilsonZ(%v, %v, %v) = %v, want %v", c.rate, c.trials, c.z, got, c.want)
		}
	}
}

func TestArmRate(t *testing.T) {
	if _, ok := ArmRate(Ratio, Sums{}, 1, 2); ok {
		t.Error("a rate without trials")
	}
	// Nobody failed: the arm shows no spread, the pooled design effect speaks for it.
	all := SubjectSums(4, 4).Add(SubjectSums(6, 6))
	if r, ok := ArmRate(Ratio, all, 2.5, 2); !ok || r.Deff != 2.5 || r.EffectiveTrials != 4 || r.Interval != WilsonZ(1, 4, 2) {
		t.Errorf("10/10 with pooled design effect 2.5: %+v", r)
	}
	// Three subjects with 4 of 4, 0 of 4 and 4 of 4: R = 2/3, sum of squares 4/3² · (1+4+1) · … = 96/9, V = 3/2 ·
	// 96/9 / 144 = 1/9, the binomial variance is (2/9)/12 = 1/54: design effect 6, two effective trials.
	s := SubjectSums(4, 4).Add(SubjectSums(0, 4)).Add(SubjectSums(4, 4))
	if r, ok := ArmRate(Ratio, s, 1, 2); !ok || !near(r.Deff, 6, 1e-14) || !near(r.EffectiveTrials, 2, 1e-14) || !near(r.Rate, 2.0/3, 1e-15) {
		t.Errorf("clustered arm: %+v", r)
	}
	// Alternating outcomes spread less than coins; that is luck, not information.
	even := SubjectSums(2, 4).Add(SubjectSums(2, 4))
	if r, _ := ArmRate(Ratio, even, 1, 2); r.Deff != 1 || r.EffectiveTrials != 8 {
		t.Errorf("even arm: %+v", r)
	}
	// For a binary outcome the subjects are the trials.
	if r, _ := ArmRate(Binary, BinarySums(3, 10), 7, 2); r.Deff != 1 || r.Interval != WilsonZ(0.3, 10, 2) {
		t.Errorf("binary arm: %+v", r)
	}
}
