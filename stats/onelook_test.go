package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func binary(sT, nT, sC, nC int64) Stratum { return Stratum{BinarySums(sT, nT), BinarySums(sC, nC)} }

// The counts choose the test: 5 expected of everything, in both arms, keep a normal test safe.
func TestOneLookChooses(t *testing.T) {
	for name, c := range map[string]struct {
		strata []Stratum
		want   string
	}{
		"enough, one stratum":      {[]Stratum{binary(10, 100, 90, 900)}, MethodScore},
		"exactly 5":                {[]Stratum{binary(0, 100, 50, 900)}, MethodScore},
		"4.9 successes":            {[]Stratum{binary(4, 100, 45, 900)}, MethodBoschloo},
		"few failures":             {[]Stratum{binary(97, 100, 898, 900)}, MethodBoschloo},
		"few, too many tables":     {[]Stratum{binary(1, 1000, 2, 9000)}, MethodFisher},
		"few in each, enough":      {[]Stratum{binary(3, 100, 27, 900), binary(3, 100, 27, 900)}, MethodCMH},
		"few in several":           {[]Stratum{binary(1, 100, 9, 900), binary(1, 100, 9, 900)}, MethodStratifiedExact},
		"only one stratum tells":   {[]Stratum{binary(1, 10, 0, 90), binary(0, 10, 0, 90), binary(5, 5, 0, 0)}, MethodBoschloo},
		"failures only in a stray": {[]Stratum{binary(10, 100, 90, 900), binary(7, 7, 3, 3)}, MethodScore},
	} {
		got, ok := OneLookTest(c.strata)
		if !ok || got.Method != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	// Published in section 9: the score test is not safe there.
	got, _ := OneLookTest([]Stratum{binary(1, 10, 0, 90)})
	z, _ := PooledZ(1, 10, 0, 90)
	if !near(z.Z, 3.015, 1e-3) || !near(got.PGreater, 0.057, 0.01) {
		t.Errorf("1/10 against 0/90: z %v, Boschloo %v", z.Z, got.PGreater)
	}
	for _, none := range [][]Stratum{nil, {binary(0, 10, 0, 90)}, {binary(10, 10, 90, 90)}, {binary(1, 10, 0, 0)}} {
		if got, ok := OneLookTest(none); ok {
			t.Errorf("%v: %+v", none, got)
		}
	}
}

// By hand: two strata of 2 and 2 with one success each leave 1/4, 1/2, 1/4 for 0, 1 and 2 of them in treatment.
func TestStratifiedExactByHand(t *testing.T) {
	e, ok := StratifiedExact([]Stratum{binary(1, 2, 0, 2), binary(1, 2, 0, 2)})
	if !ok || !near(e.Greater, 0.25, 1e-14) || !near(e.Less, 1, 1e-14) || !near(e.TwoSided, 0.5, 1e-14) {
		t.Errorf("%+v", e)
	}
	if _, ok := StratifiedExact([]Stratum{{}}); ok {
		t.Error("nobody is tested")
	}
	big := binary(500_000, 1_000_000, 500_000, 1_000_000)
	if _, ok := StratifiedExact([]Stratum{big, big}); ok {
		t.Error("a million by a million is convolved")
	}
}

func TestOneLookLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() Stratum {
			nT, nC := rapid.Int64Range(1, 60).Draw(t, "nT"), rapid.Int64Range(1, 60).Draw(t, "nC")
			return binary(drawCount(t, nT, "sT"), nT, drawCount(t, nC, "sC"), nC)
		}
		a, b, c := draw(), draw(), draw()
		// One stratum is Fisher's.
		e, ok := StratifiedExact([]Stratum{a})
		f, _ := Fisher(a.T.Y, a.T.N, a.C.Y, a.C.N)
		if !ok || !near(e.Greater, f.Greater, 1e-10) || !near(e.Less, f.Less, 1e-10) || !near(e.TwoSided, f.TwoSided, 1e-6) {
			t.Fatalf("%+v, Fisher %+v", e, f)
		}
		for _, strata := range [][]Stratum{{a}, {a, b}, {a, b, c}} {
			one, ok := OneLookTest(strata)
			swapped := make([]Stratum, len(strata))
			for i, s := range strata {
				swapped[len(strata)-1-i] = Stratum{s.C, s.T}
			}
			two, okay := OneLookTest(swapped)
			if ok != okay || one.Method != two.Method || !near(one.PTwoSided, two.PTwoSided, 1e-6) || !near(one.Z, -two.Z, 1e-9) {
				t.Fatalf("swapped and reversed: %+v and %+v", one, two)
			}
			if ok && !(one.PTwoSided >= 0 && one.PTwoSided <= 1 && one.PGreater >= 0 && one.PGreater <= 1) {
				t.Fatalf("%+v", one)
			}
			d, method := ScoreDifference(Binary, strata, 0.05)
			wide, _ := ScoreDifference(Binary, strata, 0.01)
			if !d.Defined || method == "" {
				t.Fatalf("%+v %q", d, method)
			}
			inRange(t, method, Interval{d.Lo, d.Hi}, -1, 1)
			if d.Lo > d.Diff || d.Hi < d.Diff || wide.Lo > d.Lo || wide.Hi < d.Hi {
				t.Fatalf("%s: %+v, 99%% %+v", method, d, wide)
			}
			mirror, _ := ScoreDifference(Binary, swapped, 0.05)
			if !near(mirror.Lo, -d.Hi, 1e-8) || !near(mirror.Hi, -d.Lo, 1e-8) {
				t.Fatalf("%s: %v to %v, swapped %v to %v", method, d.Lo, d.Hi, mirror.Lo, mirror.Hi)
			}
		}
	})
}

// An exact test is one: under no effect p <= alpha has probability alpha at most, given the successes of each stratum.
func TestStratifiedExactKeepsItsLevel(t *testing.T) {
	for _, m := range [][2]int64{{2, 3}, {4, 1}, {3, 3}} {
		first, second := newHypergeometric(5, 20, m[0]), newHypergeometric(8, 12, m[1])
		for _, alpha := range []float64{0.01, 0.05, 0.2} {
			var size [3]float64
			for i := first.lo; i <= first.hi; i++ {
				for k := second.lo; k <= second.hi; k++ {
					e, _ := StratifiedExact([]Stratum{binary(i, 5, m[0]-i, 20), binary(k, 8, m[1]-k, 12)})
					p := math.Exp(first.log(i) + second.log(k))
					for j, v := range []float64{e.Greater, e.Less, e.TwoSided} {
						if v <= alpha {
							size[j] += p
						}
					}
				}
			}
			for j, v := range size {
				if v > alpha+1e-12 {
					t.Errorf("%v at %v: side %d rejects %v", m, alpha, j, v)
				}
			}
		}
	}
}

// The test of a ratio and its plug-in interval say the same, and everybody alone in a cluster is the pooled test, but for the
// half event in the variance.
func TestOneLookClusters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strata := drawStrata(t, Ratio)
		test, ok := OneLookClusters(strata)
		d, method := ScoreDifference(Ratio, strata, 0.05)
		if ok != d.Defined {
			t.Fatalf("%v, %+v", ok, d)
		}
		if ok && method != MethodPlugIn {
			t.Fatal(method)
		}
		if ok && math.Abs(test.PTwoSided-0.05) > 1e-9 && (test.PTwoSided < 0.05) != (d.Lo > 0 || d.Hi < 0) {
			t.Fatalf("p %v, interval %v to %v", test.PTwoSided, d.Lo, d.Hi)
		}
	})
	one := Stratum{BinarySums(9_000, 10_000), BinarySums(27_300, 30_000)}
	got, _ := OneLookClusters([]Stratum{one})
	want, _ := PooledZ(9_000, 10_000, 27_300, 30_000)
	if math.Abs(got.Z-want.Z) > 1e-3*math.Abs(want.Z) {
		t.Errorf("z %v, pooled %v", got.Z, want.Z)
	}
}

// The interval at any critical value is the fixed one at its own, and at +Inf nothing is ruled out.
func TestDifferenceAt(t *testing.T) {
	s := []Stratum{binary(10, 100, 5, 900)}
	if a, b := DifferenceAt(Binary, s, criticalZ(0.05)), FixedDifference(Binary, s, 0.05); a.Lo != b.Lo || a.Hi != b.Hi || a.Z != b.Z {
		t.Errorf("%+v, %+v", a, b)
	}
	if d := DifferenceAt(Binary, s, math.Inf(1)); d.Lo > -0.9 || d.Hi < 0.9 {
		t.Errorf("a look that may not reject says %v to %v", d.Lo, d.Hi)
	}
}

// A clock of its own spends as it says, information has any unit, and the last look is the clock's.
func TestGroupSequentialClock(t *testing.T) {
	info := []float64{0.2, 0.5, 0.7, 1}
	own, _ := GroupSequential(info, 0.05, OBrienFleming)
	scaled, ok := GroupSequentialClock([]float64{200, 500, 700, 1000}, info, 0.05, OBrienFleming)
	if !ok {
		t.Fatal("undefined")
	}
	for i := range own {
		if !near(own[i], scaled[i], 1e-9) {
			t.Errorf("look %d: %v, with information in another unit %v", i, own[i], scaled[i])
		}
	}
	// The first look spends what its clock says, whatever its information.
	first, _ := GroupSequentialClock([]float64{7}, []float64{0.5}, 0.05, OBrienFleming)
	if p := 2 * NormalSurvival(first[0]); !near(p, OBrienFleming.spent(0.5, 0.05), 1e-9) {
		t.Errorf("spent %v", p)
	}
	late, _ := GroupSequentialClock([]float64{1, 2, 3}, []float64{0.4, 1.1, 1.2}, 0.05, OBrienFleming)
	if !math.IsInf(late[2], 1) || math.IsInf(late[1], 1) {
		t.Errorf("%v: no look may reject after the clock has run out", late)
	}
	for _, bad := range [][2][]float64{{{1, 2}, {0.5}}, {{2, 1}, {0.4, 0.5}}, {{1, 2}, {0.5, 0.5}}, {{1, 1, 1}, {0.5, 1, 1.5}}} {
		if z, ok := GroupSequentialClock(bad[0], bad[1], 0.05, OBrienFleming); ok {
			t.Errorf("%v: %v", bad, z)
		}
	}
}

// Without an effect the boundaries of a clock of its own are crossed with probability alpha, over all looks together.
func TestGroupSequentialClockKeepsItsLevel(t *testing.T) {
	information, clock := []float64{3, 4, 9, 11, 12}, []float64{0.1, 0.45, 0.5, 0.9, 1.3}
	z, ok := GroupSequentialClock(information, clock, 0.05, OBrienFleming)
	if !ok {
		t.Fatal("undefined")
	}
	r := rand.New(rand.NewPCG(7, 11))
	const runs = 40_000
	crossed := 0
	for range runs {
		var score, before float64
		for i, v := range information {
			score += r.NormFloat64() * math.Sqrt(v-before)
			before = v
			if math.Abs(score)/math.Sqrt(v) > z[i] {
				crossed++
				break
			}
		}
	}
	if share := float64(crossed) / runs; math.Abs(share-0.05) > 4*math.Sqrt(0.05*0.95/runs) {
		t.Errorf("crossed in %v of %d runs at %v", share, runs, z)
	}
}
