package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

type covered struct{ y, x, p int64 }

func coveredSums(subjects []covered) (s CovariateSums) {
	for _, one := range subjects {
		s = s.Add(CovariateSubject(one.y, one.x, one.p))
	}
	return s
}

func drawCovered(t *rapid.T, label string) (out []covered) {
	for range rapid.IntRange(0, 12).Draw(t, label) {
		x := rapid.Int64Range(1, 6).Draw(t, "x")
		out = append(out, covered{rapid.Int64Range(0, x).Draw(t, "y"), x, rapid.Int64Range(0, 9).Draw(t, "p")})
	}
	return out
}

// The sums give what the subjects give, one by one.
func TestCUPEDBySubject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arms := [2][]covered{drawCovered(t, "t"), drawCovered(t, "c")}
		s := CovariateStratum{coveredSums(arms[0]), coveredSums(arms[1])}
		d, thetas := CUPED([]CovariateStratum{s}, 0.02, 0.05)
		plain := Stratum{s.T.Sums, s.C.Sums}
		if d.Defined != plain.usable() {
			t.Fatalf("%+v", d)
		}
		if !d.Defined {
			return
		}
		inRange(t, "difference", Interval{d.Lo, d.Hi}, -1, 1)
		if !(d.Lo <= d.Diff && d.Diff <= d.Hi && d.V > 0) {
			t.Fatalf("%+v", d)
		}
		var cov, v, sumP, n float64
		for _, arm := range arms {
			a := coveredSums(arm)
			mean := float64(a.P) / float64(a.N)
			for _, one := range arm {
				cov += (float64(one.y) - a.rate()*float64(one.x)) * (float64(one.p) - mean)
				v += sq(float64(one.p) - mean)
				sumP, n = sumP+float64(one.p), n+1
			}
		}
		theta := 0.0
		if v > 1e-6 {
			theta = cov / v
		}
		if !near(thetas[0], theta, 1e-9) {
			t.Fatalf("theta %v, want %v", thetas[0], theta)
		}
		both := s.T.Add(s.C)
		var spread float64
		for _, arm := range arms {
			for _, one := range arm {
				spread += sq(float64(one.y) - both.rate()*float64(one.x) - theta*(float64(one.p)-sumP/n))
			}
		}
		pool := 1.0
		if r := both.rate(); r > 0 && r < 1 {
			pool = math.Max(1, small(both.N)*spread/(r*(1-r)*float64(both.X)))
		}
		if d.Deff[0][0] < pool-1e-9 || d.Deff[0][1] < pool-1e-9 {
			t.Fatalf("design effects %v, pooled %v", d.Deff, pool)
		}
		swapped, _ := CUPED([]CovariateStratum{{s.C, s.T}}, 0.02, 0.05)
		if !near(swapped.Diff, -d.Diff, 1e-12) || !near(swapped.Lo, -d.Hi, 1e-9) || !near(swapped.V, d.V, 1e-12) {
			t.Fatalf("swapped %+v, %+v", swapped, d)
		}
		// Another unit of the covariate is another theta and the same answer.
		var tenfold CovariateStratum
		for i, arm := range arms {
			for _, one := range arm {
				if i == 0 {
					tenfold.T = tenfold.T.Add(CovariateSubject(one.y, one.x, 10*one.p))
				} else {
					tenfold.C = tenfold.C.Add(CovariateSubject(one.y, one.x, 10*one.p))
				}
			}
		}
		if same, _ := CUPED([]CovariateStratum{tenfold}, 0.02, 0.05); !near(same.Diff, d.Diff, 1e-9) || !near(same.V, d.V, 1e-9) {
			t.Fatalf("in tenths %+v, %+v", same, d)
		}
	})
}

// A covariate that is the same for everybody changes nothing.
func TestCUPEDWithoutNews(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var plain []Stratum
		var strata []CovariateStratum
		p := rapid.Int64Range(0, 5).Draw(t, "p")
		for range rapid.IntRange(0, 4).Draw(t, "strata") {
			var arms [2]CovariateSums
			for i := range arms {
				for _, one := range drawCovered(t, "subjects") {
					arms[i] = arms[i].Add(CovariateSubject(one.y, one.x, p))
				}
			}
			strata, plain = append(strata, CovariateStratum{arms[0], arms[1]}), append(plain, Stratum{arms[0].Sums, arms[1].Sums})
		}
		d, _ := CUPED(strata, 0.02, 0.05)
		want := SequentialDifference(Ratio, plain, 0.02, 0.05)
		if d.Defined != want.Defined || d.Used != want.Used || !near(d.Diff, want.Diff, 1e-9) || !near(d.V, want.V, 1e-9) || !near(d.Lo, want.Lo, 1e-7) || !near(d.Hi, want.Hi, 1e-7) {
			t.Fatalf("%+v, without a covariate %+v", d, want)
		}
	})
}

// People who failed before fail again: with their history the same data say more, and no less truly.
func TestCUPEDGains(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const runs, people = 400, 2000
	var sum, sumPlain, squares, squaresPlain, v, vPlain float64
	for range runs {
		var s CovariateStratum
		for range people {
			bad := 0.02 // most people seldom fail
			if r.Float64() < 0.1 {
				bad = 0.6
			}
			fails := func(n int) (k int64) {
				for range n {
					if r.Float64() < bad {
						k++
					}
				}
				return k
			}
			before, now := fails(10), fails(8)
			one := CovariateSubject(8-now, 8, before)
			if r.Float64() < 0.3 {
				s.T = s.T.Add(one)
			} else {
				s.C = s.C.Add(one)
			}
		}
		d, _ := CUPED([]CovariateStratum{s}, 0.02, 0.05)
		plain := SequentialDifference(Ratio, []Stratum{{s.T.Sums, s.C.Sums}}, 0.02, 0.05)
		sum, squares, v = sum+d.Diff, squares+d.Diff*d.Diff, v+d.V
		sumPlain, squaresPlain, vPlain = sumPlain+plain.Diff, squaresPlain+plain.Diff*plain.Diff, vPlain+plain.V
	}
	seen, seenPlain := squares/runs-sq(sum/runs), squaresPlain/runs-sq(sumPlain/runs)
	if z := sum / runs / math.Sqrt(seen/runs); math.Abs(z) > 4 {
		t.Errorf("without an effect the mean difference is %v (z %v)", sum/runs, z)
	}
	if seen > 0.6*seenPlain {
		t.Errorf("variance %v, without the covariate %v", seen, seenPlain)
	}
	if ratio := v / runs / seen; ratio < 0.8 || ratio > 1.25 {
		t.Errorf("the stated variance is %v of the one seen", ratio)
	}
	t.Logf("variance of the difference: %.2g with the covariate, %.2g without", seen, seenPlain)
}
