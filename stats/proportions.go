package stats

import "math"

// ZTest is a normal test of "no difference". PGreater is one-sided: treatment higher than control.
type ZTest struct{ Z, PTwoSided, PGreater float64 }

func zTest(z float64) ZTest {
	return ZTest{z, math.Min(1, 2*NormalSurvival(math.Abs(z))), NormalSurvival(z)}
}

// PooledZ is the usual two-proportion z test of sT successes in nT trials against sC in nC, with the variance of
// the common rate. ok is false if an arm is empty or the common rate is 0 or 1. It takes every trial for
// independent and the look for the only one: with repeated logins and daily looks it was wrong in up to 70% of
// simulated runs.
//
// Source: Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., chapter 3.
func PooledZ(sT, nT, sC, nC int64) (ZTest, bool) {
	if nT <= 0 || nC <= 0 || sT+sC <= 0 || sT+sC >= nT+nC {
		return ZTest{}, false
	}
	n := float64(nT + nC)
	p, q := float64(sT+sC)/n, float64(nT+nC-sT-sC)/n
	v := p * q * (1/float64(nT) + 1/float64(nC))
	return zTest((float64(sT)/float64(nT) - float64(sC)/float64(nC)) / math.Sqrt(v)), true
}

// UnpooledZ is the z test with each arm's own variance. ok is false if an arm is empty or both rates are 0 or 1.
//
// Source: Fleiss, Levin & Paik (2003), chapter 3.
func UnpooledZ(sT, nT, sC, nC int64) (ZTest, bool) {
	v, ok := unpooledVariance(sT, nT, sC, nC)
	if !ok {
		return ZTest{}, false
	}
	return zTest((float64(sT)/float64(nT) - float64(sC)/float64(nC)) / math.Sqrt(v)), true
}

// Wald returns the interval of the difference that goes with UnpooledZ, diff ± z·standard error, at two-sided level
// 1-alpha. It is not cut at ±1. ok is false where UnpooledZ is undefined. Kept to compare with other tools;
// Newcombe covers better.
//
// Source: Newcombe (1998), Stat. Med. 17, 873–890 (method 1), which shows how it fails.
func Wald(sT, nT, sC, nC int64, alpha float64) (Interval, bool) {
	v, ok := unpooledVariance(sT, nT, sC, nC)
	if !ok {
		return Interval{}, false
	}
	diff, half := float64(sT)/float64(nT)-float64(sC)/float64(nC), criticalZ(alpha)*math.Sqrt(v)
	return Interval{diff - half, diff + half}, true
}

func unpooledVariance(sT, nT, sC, nC int64) (v float64, ok bool) {
	if nT <= 0 || nC <= 0 {
		return 0, false
	}
	one := func(s, n int64) float64 { f := float64(n); return float64(s) / f * (float64(n-s) / f) / f }
	v = one(sT, nT) + one(sC, nC)
	return v, v > 0
}

// Newcombe returns the hybrid score interval of the difference of two rates at two-sided level 1-alpha, within [-1,
// 1]. An empty arm gives [-1, 1].
//
// Source: Newcombe (1998), Stat. Med. 17, 873–890 (method 10, without continuity correction).
func Newcombe(sT, nT, sC, nC int64, alpha float64) Interval {
	d := FixedDifference(Binary, []Stratum{{BinarySums(sT, nT), BinarySums(sC, nC)}}, alpha)
	return Interval{d.Lo, d.Hi}
}
