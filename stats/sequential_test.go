package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestSumsOfAUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawSubjects(t, "a"), drawSubjects(t, "b"), drawSubjects(t, "c")
		if a.Add(b) != b.Add(a) || a.Add(b).Add(c) != a.Add(b.Add(c)) || a.Add(Sums{}) != a {
			t.Fatalf("%v %v %v do not add like sets", a, b, c)
		}
	})
	if SubjectSums(1, 1).Add(SubjectSums(0, 1)) != BinarySums(1, 2) {
		t.Error("a binary metric is a ratio with one trial a subject")
	}
}

// The spread is the sum of squares it stands for, and keeps its digits at rates near 1.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Sums
		var ys, xs []float64
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			x := rapid.Int64Range(1, 10_000).Draw(t, "x")
			y := x - min(x, rapid.Int64Range(0, 3).Draw(t, "failed"))
			s = s.Add(SubjectSums(y, x))
			ys, xs = append(ys, float64(y)), append(xs, float64(x))
		}
		var want float64
		q := float64(s.X-s.Y) / float64(s.X)
		for i := range ys {
			want += sq(q*ys[i] - (1-q)*(xs[i]-ys[i]))
		}
		if got := s.spread(s.Y, s.X); math.Abs(got-want) > 1e-10*want+1e-14*q*q*float64(s.YY) {
			t.Fatalf("%+v: spread %v, sum of squares %v", s, got, want)
		}
	})
}

func TestDifferenceLaws(t *testing.T) {
	type infer func(Kind, []Stratum, float64) Difference
	for name, f := range map[string]infer{
		"sequential": func(k Kind, s []Stratum, alpha float64) Difference { return SequentialDifference(k, s, 0.01, alpha) },
		"fixed":      FixedDifference,
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			kind := drawKind(t)
			strata := drawStrata(t, kind)
			d := f(kind, strata, 0.05)
			inRange(t, "difference", Interval{d.Lo, d.Hi}, -1, 1)
			if !d.Defined {
				if d.Lo != -1 || d.Hi != 1 || d.Used != 0 {
					t.Fatalf("undefined, but %+v", d)
				}
				return
			}
			if !(d.Lo <= d.Diff && d.Diff <= d.Hi) || !(d.V > 0) || !(d.Z > 0) || len(d.Deff) != d.Used {
				t.Fatalf("%+v", d)
			}
			wide := f(kind, strata, 0.01)
			if !(wide.Lo <= d.Lo && d.Hi <= wide.Hi) {
				t.Fatalf("99%% [%v, %v] does not hold 95%% [%v, %v]", wide.Lo, wide.Hi, d.Lo, d.Hi)
			}

			// Arms swapped: the mirror image, bit by bit.
			swapped := make([]Stratum, len(strata))
			for i, s := range strata {
				swapped[i] = Stratum{T: s.C, C: s.T}
			}
			m := f(kind, swapped, 0.05)
			if m.Diff != -d.Diff || m.Lo != -d.Hi || m.Hi != -d.Lo || m.V != d.V || m.Z != d.Z {
				t.Fatalf("swapped arms: %+v, want the mirror of %+v", m, d)
			}
			for i := range d.Deff {
				if d.Deff[i] != [2]float64{m.Deff[i][1], m.Deff[i][0]} {
					t.Fatalf("swapped arms: design effects %v and %v", d.Deff, m.Deff)
				}
			}

			// Failures counted instead of successes: the mirror image, too.
			failed := make([]Stratum, len(strata))
			for i, s := range strata {
				failed[i] = Stratum{s.T.failures(), s.C.failures()}
			}
			m = f(kind, failed, 0.05)
			if !near(m.Diff, -d.Diff, 1e-9) || !near(m.Lo, -d.Hi, 1e-9) || !near(m.Hi, -d.Lo, 1e-9) || !near(m.V, d.V, 1e-9) {
				t.Fatalf("failures: %+v, want the mirror of %+v", m, d)
			}

			// The order of strata, and strata with an empty arm, change nothing.
			shuffled := append([]Stratum{{T: strata[0].T}, {C: strata[0].C}, {}}, strata...)
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if diff := cmp.Diff(d, f(kind, shuffled, 0.05), cmpopts.EquateApprox(1e-12, 1e-15), cmpopts.IgnoreFields(d, "Deff")); diff != "" {
				t.Fatalf("shuffled strata: %s", diff)
			}
		}))
	}
}

// failures are the sums with y replaced by x - y.
func (s Sums) failures() Sums {
	return Sums{s.N, s.X - s.Y, s.X, s.XX - 2*s.XY + s.YY, s.XX, s.XX - s.XY}
}

// One stratum, one trial a subject: the ratio is the binary metric, up to the small-sample factor.
func TestRatioOfSingleTrials(t *testing.T) {
	s := []Stratum{{BinarySums(120, 1000), BinarySums(900, 9000)}}
	b, r := SequentialDifference(Binary, s, 0.01, 0.05), SequentialDifference(Ratio, s, 0.01, 0.05)
	if b.Diff != r.Diff || !near(b.V, r.V, 2e-4) || !near(b.Lo, r.Lo, 2e-4) || b.Deff[0] != [2]float64{1, 1} || r.Deff[0][0] <= 1 {
		t.Errorf("binary %+v\nratio %+v", b, r)
	}
}

// Whoever is more certain of nothing has the wider interval: clusters count as fewer trials.
func TestClustersWiden(t *testing.T) {
	var t1, c1 Sums
	for i := range int64(100) {
		t1, c1 = t1.Add(SubjectSums(10*(i%2), 10)), c1.Add(SubjectSums(10*(i%2), 10))
	}
	d := FixedDifference(Ratio, []Stratum{{t1, c1}}, 0.05)
	want := Newcombe(50, 100, 50, 100, 0.05) // each subject is one coin
	if !near(d.Lo, want.Lo, 0.01) || !near(d.Hi, want.Hi, 0.01) || !near(d.Deff[0][0], 10, 0.02) {
		t.Errorf("100 all-or-nothing subjects an arm: %+v, want about %v", d, want)
	}
}

func TestSequentialZ(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ r, alpha, want float64 }{
		{0, 0.05, inf}, {-1, 0.05, inf}, {1, 0, inf}, {1, -1, inf}, {math.NaN(), 0.05, inf}, {1, math.NaN(), inf}, {inf, 0.05, inf},
		{1e-320, 0.05, inf},
	} {
		if got := SequentialZ(c.r, c.alpha); got != c.want {
			t.Errorf("SequentialZ(%v, %v) = %v, want %v", c.r, c.alpha, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := math.Exp(rapid.Float64Range(-20, 40).Draw(t, "ln r"))
		alpha := drawAlpha(t)
		z := SequentialZ(r, alpha)
		if !(z > criticalZ(alpha)) {
			t.Fatalf("r %v: looking for ever (%v) costs less than looking once (%v)", r, z, criticalZ(alpha))
		}
		if SequentialZ(r, alpha/2) <= z {
			t.Fatalf("r %v: smaller alpha, smaller z", r)
		}
		// At the boundary the mixture is exactly 1/alpha.
		v := 1e-6
		p, ok := AlwaysValidP(Difference{Defined: true, Diff: z * math.Sqrt(v), V: v, R: r})
		if !ok || !near(math.Log(p), math.Log(alpha), 1e-9) {
			t.Fatalf("r %v: p at the boundary is %v, want %v", r, p, alpha)
		}
	})
}

func TestAlwaysValidP(t *testing.T) {
	for _, d := range []Difference{{}, {Defined: true, V: 1}, {Defined: true, V: 1, R: math.Inf(1)}, FixedDifference(Binary, []Stratum{{BinarySums(1, 2), BinarySums(1, 2)}}, 0.05)} {
		if p, ok := AlwaysValidP(d); ok {
			t.Errorf("%+v has p %v", d, p)
		}
	}
	if p, ok := AlwaysValidP(Difference{Defined: true, V: 1, R: 3}); !ok || p != 1 {
		t.Errorf("no difference: p = %v", p)
	}
}

// A process looked at 400 times crosses its boundary in fewer than alpha of the runs; a fixed boundary is crossed
// many times as often.
func TestSequentialErrorOverAllLooks(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	const runs, looks, alpha = 2000, 400, 0.05
	var always, fixed int
	for range runs {
		var b float64
		var hitAlways, hitFixed bool
		for k := 1; k <= looks; k++ {
			b += rng.NormFloat64()
			z := math.Abs(b) / math.Sqrt(float64(k))
			hitAlways = hitAlways || z > SequentialZ(0.05*float64(k), alpha)
			hitFixed = hitFixed || z > criticalZ(alpha)
		}
		always += int(b2f(hitAlways))
		fixed += int(b2f(hitFixed))
	}
	if Wilson(int64(always), runs, 0.001).Lo > alpha || always < runs/200 || fixed < runs/4 {
		t.Errorf("crossed in %d of %d runs, the fixed boundary in %d", always, runs, fixed)
	}
}

func TestHeterogeneity(t *testing.T) {
	one := Stratum{BinarySums(10, 100), BinarySums(50, 900)}
	if _, _, _, ok := Heterogeneity(Binary, []Stratum{one, {T: one.T}}); ok {
		t.Error("one usable stratum cannot differ from itself")
	}
	if q, df, p, ok := Heterogeneity(Binary, []Stratum{one, one, one}); !ok || df != 2 || q > 1e-20 || p != 1 {
		t.Errorf("equal strata: q %v df %d p %v ok %v", q, df, p, ok)
	}
	// Two strata of equal size and equal common rate 10.05%, effects +0.1 and -0.1: each is 0.1 from the mean of 0.
	up, down := Stratum{BinarySums(150, 1000), BinarySums(50, 1000)}, Stratum{BinarySums(50, 1000), BinarySums(150, 1000)}
	v := (200.5 / 2001) * (1800.5 / 2001) * (2.0 / 1000)
	if q, df, p, ok := Heterogeneity(Binary, []Stratum{up, down}); !ok || df != 1 || !near(q, 2*0.01/v, 1e-12) || p > 1e-20 {
		t.Errorf("opposite strata: q %v want %v, df %d p %v", q, 2*0.01/v, df, p)
	}
}
