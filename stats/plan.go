package stats

import "math"

// Size is a number of subjects (or trials) per arm and in all. It is not rounded.
type Size struct{ T, C, Total float64 }

// FixedSize returns the sample with which a single two-sided level-alpha z test tells the rates pT and pC apart
// with the wanted power, when share of the subjects, in (0, 1), are in treatment. ok is false if the rates are
// equal or anything is outside its range.
//
// Source: Fleiss, Tytun & Ury (1980), Biometrics 36, 343–346, without continuity correction.
func FixedSize(pC, pT, share, alpha, power float64) (Size, bool) {
	if !(share > 0 && share < 1) || pC == pT || !fraction(pC) || !fraction(pT) || !open(alpha) || !open(power) {
		return Size{}, false
	}
	k := (1 - share) / share
	mean := share*pT + (1-share)*pC
	root := criticalZ(alpha)*math.Sqrt((1+1/k)*mean*(1-mean)) + NormalQuantile(power)*math.Sqrt(pT*(1-pT)+pC*(1-pC)/k)
	if root <= 0 {
		return Size{}, false
	}
	n := sq(root / (pT - pC))
	return Size{n, k * n, n * (1 + k)}, true
}

// FixedPower returns the probability that a single two-sided level-alpha z test rejects, either way, with nT and nC
// subjects at the rates pT and pC. ok is false if an arm is empty, or a rate or alpha is outside its range, or both
// rates are the same 0 or 1.
//
// Source: Fleiss, Tytun & Ury (1980), Biometrics 36, 343–346.
func FixedPower(pC, pT, nT, nC, alpha float64) (power float64, ok bool) {
	mean := (nT*pT + nC*pC) / (nT + nC)
	alone := math.Sqrt(pT*(1-pT)/nT + pC*(1-pC)/nC)
	if !(nT > 0 && nC > 0) || !fraction(pC) || !fraction(pT) || !open(alpha) || !(mean*(1-mean) > 0) {
		return 0, false
	}
	reject := criticalZ(alpha) * math.Sqrt(mean*(1-mean)*(1/nT+1/nC))
	if alone == 0 {
		return b2f(math.Abs(pT-pC) > reject), true
	}
	return NormalCDF((pT-pC-reject)/alone) + NormalCDF((pC-pT-reject)/alone), true
}

// SequentialInformation returns the information (1/variance of the difference) at which the always-valid interval
// excludes 0 with the wanted power, at that look, if the difference is effect > 0 (a fraction; for non-inferiority,
// the margin). It is an upper bound: the looks before it add power. ok is false if an argument is outside its
// range.
//
// Source: the power of one look at the boundary of Robbins (1970), Ann. Math. Stat. 41, 1397–1409.
func SequentialInformation(effect, tau, alpha, power float64) (information float64, ok bool) {
	if !(effect > 0) || !(tau > 0) || !open(alpha) || !open(power) || math.IsInf(effect, 1) || math.IsInf(tau, 1) {
		return 0, false
	}
	short := func(log float64) bool {
		i := math.Exp(log)
		return effect*math.Sqrt(i) < SequentialZ(tau*tau*i, alpha)+NormalQuantile(power)
	}
	around := -2 * math.Log(effect)
	return math.Exp(bisect(around-100, around+100, short)), true
}

// SequentialSize turns information into a number of subjects (or trials, with the design effect deff >= 1 of trials
// within subjects) over both arms, at rates pT and pC with share of them in treatment. It is not rounded. ok is false if
// an argument is outside its range.
//
// Source: Rao & Scott (1992), Biometrics 48, 577–585, for the design effect.
func SequentialSize(information, pC, pT, share, deff float64) (total float64, ok bool) {
	if !(information > 0) || !open(share) || !fraction(pC) || !fraction(pT) || !(deff > 0) {
		return 0, false
	}
	return information * deff * (pT*(1-pT)/share + pC*(1-pC)/(1-share)), true
}

// DetectableEffect returns the difference (a fraction) that the always-valid interval tells from 0 with the wanted
// power at one look with the given information. With little information it may be above 1, which no difference is. ok is
// false if an argument is outside its range.
//
// Source: as SequentialInformation, solved for the effect.
func DetectableEffect(information, tau, alpha, power float64) (effect float64, ok bool) {
	if !(information > 0) || !(tau > 0) || !open(alpha) || !open(power) {
		return 0, false
	}
	return (SequentialZ(tau*tau*information, alpha) + NormalQuantile(power)) / math.Sqrt(information), true
}

// DaysToDecision returns how many more days of information it takes to get from now to needed, given the gains of
// the last complete days: Mid at their mean, and a range at the mean plus and minus their standard deviation; Slow
// is +Inf when gains vary as much as they amount to. All 0 when the information is there already. ok is false
// without gains or if they do not add up to more than 0.
//
// Source: none; it takes tomorrow for a day like the last ones.
func DaysToDecision(needed, now float64, gains []float64) (d Days, ok bool) {
	if now >= needed {
		return Days{}, true
	}
	var sum, squares float64
	for _, g := range gains {
		sum += g
	}
	mean := sum / float64(len(gains))
	if !(mean > 0) {
		return Days{}, false
	}
	for _, g := range gains {
		squares += sq(g - mean)
	}
	sd := math.Sqrt(squares / math.Max(1, float64(len(gains)-1)))
	missing := needed - now
	d = Days{Fast: missing / (mean + sd), Mid: missing / mean, Slow: math.Inf(1)}
	if mean > sd {
		d.Slow = missing / (mean - sd)
	}
	return d, true
}

// Days is a time to decision, in days, as a range.
type Days struct{ Fast, Mid, Slow float64 }

func fraction(p float64) bool { return p >= 0 && p <= 1 }
func open(p float64) bool     { return p > 0 && p < 1 }
