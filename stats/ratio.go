package stats

import "math"

// ClusterVariance returns the variance of the rate Y/X with subjects as clusters. ok is false without trials. A
// single subject shows no spread, so its variance is 0: judge it by PooledDeff.
//
// Source: Deng, Knoblich & Lu (2018), KDD, Applying the delta method in metric analytics.
func ClusterVariance(s Sums) (v float64, ok bool) {
	if !s.valid() {
		return 0, false
	}
	return small(s.N) * s.spread(s.Y, s.X) / sq(float64(s.X)), true
}

// RiskRatio returns the ratio of two rates, (sT/nT)/(sC/nC). It is +Inf if only control has no success; ok is false
// if neither has one or an arm is empty.
//
// Source: none needed; it is what Katz, Fieller and ScoreRatio put limits to.
func RiskRatio(sT, nT, sC, nC int64) (ratio float64, ok bool) {
	if !counts(sT, nT) || !counts(sC, nC) || sT == 0 && sC == 0 {
		return 0, false
	}
	if sC == 0 {
		return math.Inf(1), true
	}
	return float64(sT) / float64(nT) / (float64(sC) / float64(nC)), true
}

// Katz returns the interval of the ratio of two rates from the normal approximation of its logarithm. ok is false
// unless both arms have successes.
//
// Source: Katz, Baptista, Azen & Pike (1978), Biometrics 34, 469–474.
func Katz(sT, nT, sC, nC int64, alpha float64) (Interval, bool) {
	if !counts(sT, nT) || !counts(sC, nC) || sT == 0 || sC == 0 {
		return Interval{}, false
	}
	one := func(s, n int64) float64 { return float64(n-s) / float64(n) / float64(s) }
	ratio, _ := RiskRatio(sT, nT, sC, nC)
	half := criticalZ(alpha) * math.Sqrt(one(sT, nT)+one(sC, nC))
	return Interval{ratio * math.Exp(-half), ratio * math.Exp(half)}, true
}

// Fieller returns the interval of the ratio of two rates as of two independent means. ok is false when control is
// within z standard errors of 0: the set of ratios that fit is then not an interval. For comparison with other
// tools.
//
// Source: Fieller (1954), JRSS B 16, 175–185.
func Fieller(sT, nT, sC, nC int64, alpha float64) (Interval, bool) {
	pT, vT, pC, vC, g := ratioParts(sT, nT, sC, nC, alpha)
	if !(g < 1) {
		return Interval{}, false
	}
	z := criticalZ(alpha)
	mid := pT * pC
	half := z * math.Sqrt(math.Max(0, pT*pT*vC+pC*pC*vT-z*z*vT*vC))
	below := pC * pC * (1 - g)
	return Interval{(mid - half) / below, (mid + half) / below}, true
}

// DeltaRatio returns the first-order (delta method) interval of the ratio of two rates. It may reach below 0. ok is
// false when control is within z standard errors of 0. For comparison with other tools.
//
// Source: Deng, Knoblich & Lu (2018), KDD.
func DeltaRatio(sT, nT, sC, nC int64, alpha float64) (Interval, bool) {
	pT, vT, pC, vC, g := ratioParts(sT, nT, sC, nC, alpha)
	if !(g < 1) {
		return Interval{}, false
	}
	ratio := pT / pC
	half := criticalZ(alpha) * math.Sqrt(vT+ratio*ratio*vC) / pC
	return Interval{ratio - half, ratio + half}, true
}

// ratioParts returns rates and variances, and g: the squared number of critical values between control's rate and
// 0, inverted.
func ratioParts(sT, nT, sC, nC int64, alpha float64) (pT, vT, pC, vC, g float64) {
	if !counts(sT, nT) || !counts(sC, nC) || sC == 0 {
		return 0, 0, 0, 0, math.Inf(1)
	}
	one := func(s, n int64) (p, v float64) {
		p = float64(s) / float64(n)
		return p, p * (float64(n-s) / float64(n)) / float64(n)
	}
	pT, vT = one(sT, nT)
	pC, vC = one(sC, nC)
	return pT, vT, pC, vC, sq(criticalZ(alpha)/pC) * vC
}
