package stats

import "math"

// A OneLook is a test of "no difference" that may be taken once, at a time written down before the start. Method names
// the test that the counts allowed. Z is the standardised difference; it is 0 for the exact tests, which have none.
type OneLook struct {
	Method                 string
	Z, PTwoSided, PGreater float64
}

// The methods of OneLookTest.
const (
	MethodScore           = "score"            // pooled two-proportion z test
	MethodCMH             = "cmh"              // Cochran-Mantel-Haenszel over strata, no continuity correction
	MethodBoschloo        = "boschloo"         // exact, unconditional
	MethodFisher          = "fisher"           // exact, given the number of successes
	MethodStratifiedExact = "stratified_exact" // the same over strata
	MethodClusters        = "clusters"         // normal test of a ratio metric with subjects as clusters
)

// enoughExpected is the number of successes and failures that each arm must expect before a normal test is safe.
const enoughExpected = 5

// OneLookTest tests strata of a binary outcome, of which N and Y are read, by the most powerful test that the counts
// keep valid. With 5 or more successes and failures expected in each arm, summed over strata, it is the score test in
// one stratum and Cochran-Mantel-Haenszel in several. With fewer it is exact: in one stratum Boschloo's test while it
// can be computed, else Fisher's; in several StratifiedExact. Sparse counts in several strata are not left to the
// Mantel-Haenszel difference with Sato's variance: that holds with many strata of few subjects each, and not with few
// events in all of them together. ok is false if no stratum has two arms and both outcomes.
//
// 1 of 10 against 0 of 90 has z = 3.0, and one-sided p = 0.001 by the score test; Boschloo says 0.057 and Fisher 0.10.
//
// Source: Mantel & Fleiss (1980), Am. J. Epidemiol. 112, 129–134, for the count of 5; the tests name their own.
func OneLookTest(strata []Stratum) (OneLook, bool) {
	var used []Stratum
	var least [4]float64 // expected successes and failures of treatment and control
	for _, s := range strata {
		n, m := s.T.N+s.C.N, s.T.Y+s.C.Y
		if !s.binary() || m == 0 || m == n {
			continue
		}
		used = append(used, s)
		for i, arm := range []int64{s.T.N, s.C.N} {
			least[2*i] += float64(arm) * float64(m) / float64(n)
			least[2*i+1] += float64(arm) * float64(n-m) / float64(n)
		}
	}
	if len(used) == 0 {
		return OneLook{}, false
	}
	one := used[0]
	sT, nT, sC, nC := one.T.Y, one.T.N, one.C.Y, one.C.N
	if math.Min(math.Min(least[0], least[1]), math.Min(least[2], least[3])) < enoughExpected {
		if len(used) > 1 {
			if e, ok := StratifiedExact(used); ok {
				return OneLook{MethodStratifiedExact, 0, e.TwoSided, e.Greater}, true
			}
		} else if e, ok := Boschloo(sT, nT, sC, nC); ok {
			return OneLook{MethodBoschloo, 0, e.TwoSided, e.Greater}, true
		} else if e, ok := Fisher(sT, nT, sC, nC); ok {
			return OneLook{MethodFisher, 0, e.TwoSided, e.Greater}, true
		}
	}
	if len(used) == 1 {
		z, ok := PooledZ(sT, nT, sC, nC)
		return OneLook{MethodScore, z.Z, z.PTwoSided, z.PGreater}, ok
	}
	c, ok := CochranMantelHaenszel(used)
	d, _ := MantelHaenszelDifference(used)
	z := math.Copysign(math.Sqrt(c.Chi2), d.Diff)
	return OneLook{MethodCMH, z, c.P, NormalSurvival(z)}, ok
}

// OneLookClusters tests "no difference" of a ratio metric over strata with subjects as clusters: the difference over the
// square root of its variance without an effect. ok is false if no stratum has trials in both arms.
//
// Source: Deng, Knoblich & Lu (2018), KDD, with the common rate of both arms as in the score test.
func OneLookClusters(strata []Stratum) (OneLook, bool) {
	d, _ := combine(Ratio, strata)
	if !d.Defined {
		return OneLook{}, false
	}
	z := zTest(d.Diff / math.Sqrt(d.V))
	return OneLook{MethodClusters, z.Z, z.PTwoSided, z.PGreater}, true
}

// exactLimit bounds the products that StratifiedExact computes.
const exactLimit = 20_000_000

// StratifiedExact returns the exact conditional test of strata of a binary outcome, of which N and Y are read: given the
// successes of each stratum, the probability of as many in treatment, summed over strata, without an effect in any
// of them. TwoSided sums all totals that are no more likely than the one seen. With one stratum it is Fisher's test.
// ok is false if no stratum has both arms, and for counts too large to be convolved.
//
// Source: Birch (1964), JRSS B 26, 313–324; two-sided as R's mantelhaen.test(exact = TRUE).
func StratifiedExact(strata []Stratum) (ExactTest, bool) {
	var lo, seen int64
	mass := []float64{1} // by successes in treatment, from lo on
	found := false
	for _, s := range strata {
		if !s.binary() {
			continue
		}
		found = true
		seen += s.T.Y
		h := newHypergeometric(s.T.N, s.C.N, s.T.Y+s.C.Y)
		wide := h.hi - h.lo + 1
		if wide > exactLimit/int64(len(mass)) {
			return ExactTest{}, false
		}
		next := make([]float64, int64(len(mass))+wide-1)
		for k := range wide {
			p := math.Exp(h.log(h.lo + k))
			for i, q := range mass {
				next[int64(i)+k] += p * q
			}
		}
		mass, lo = next, lo+h.lo
	}
	if !found {
		return ExactTest{}, false
	}
	var out ExactTest
	limit := mass[seen-lo] * (1 + 1e-7) // equal probabilities reached by different roundings count as equal
	for i, p := range mass {
		if k := lo + int64(i); k >= seen {
			out.Greater += p
		}
		if k := lo + int64(i); k <= seen {
			out.Less += p
		}
		if p <= limit {
			out.TwoSided += p
		}
	}
	return ExactTest{math.Min(1, out.Greater), math.Min(1, out.Less), math.Min(1, out.TwoSided)}, true
}

// The methods of ScoreDifference.
const (
	MethodNewcombe          = "newcombe"             // FixedDifference
	MethodMiettinenNurminen = "miettinen_nurminen"   // score interval of one table
	MethodSato              = "mantel_haenszel_sato" // Mantel-Haenszel difference with Sato's variance
	MethodPlugIn            = "plug_in"              // difference ± z times the root of its variance without an effect
)

// ScoreDifference returns the difference at two-sided level 1-alpha with the interval of the test families, for a single look
// at a time written down before the start, and which method that is: Miettinen & Nurminen's for one stratum of a
// binary outcome, the Mantel-Haenszel difference with Sato's variance over several, and for a ratio metric the plug-in
// interval. Where Sato's variance is 0 there is no such interval, and FixedDifference stands. Defined is false if no
// stratum has trials in both arms.
//
// Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226; Sato (1989), Biometrics 45, 1323–1324; Deng, Knoblich & Lu
// (2018), KDD.
func ScoreDifference(kind Kind, strata []Stratum, alpha float64) (d Difference, method string) {
	d = FixedDifference(kind, strata, alpha)
	if !d.Defined {
		return d, MethodNewcombe
	}
	plugIn := func(v float64) {
		half := d.Z * math.Sqrt(v)
		d.Lo, d.Hi, d.V = math.Max(-1, d.Diff-half), math.Min(1, d.Diff+half), v
	}
	if kind == Ratio {
		plugIn(d.V)
		return d, MethodPlugIn
	}
	var used []Stratum
	for _, s := range strata {
		if s.usable() {
			used = append(used, s)
		}
	}
	if len(used) == 1 {
		i := MiettinenNurminen(used[0].T.Y, used[0].T.N, used[0].C.Y, used[0].C.N, alpha)
		d.Lo, d.Hi = i.Lo, i.Hi
		return d, MethodMiettinenNurminen
	}
	if m, ok := MantelHaenszelDifference(used); ok && m.VarSato > 0 {
		plugIn(m.VarSato)
		return d, MethodSato
	}
	return d, MethodNewcombe
}
