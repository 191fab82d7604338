package stats

import (
	"math"
	"slices"
	"sort"
)

// SequentialPower returns the probability that the always-valid interval excludes 0 at one look with the given
// information (1/variance of the difference), when the difference is effect > 0 (a fraction): the inverse of
// SequentialInformation. Looks before it add to the chance that some look shows the effect. ok is false if an
// argument is outside its range.
//
// Source: the power of one look at the boundary of Robbins (1970), Ann. Math. Stat. 41, 1397–1409.
func SequentialPower(effect, tau, alpha, information float64) (power float64, ok bool) {
	if !(effect > 0) || !(tau > 0) || !open(alpha) || !(information > 0) || math.IsInf(effect, 1) ||
		math.IsInf(tau, 1) || math.IsInf(information, 1) {
		return 0, false
	}
	return NormalCDF(effect*math.Sqrt(information) - SequentialZ(tau*tau*information, alpha)), true
}

// Median returns the middle of the values, the lower one of two; ok is false when there is none.
//
// Source: none needed.
func Median(values []int) (middle int, ok bool) {
	if len(values) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2], true
}

// A Look is the interval that one look at a difference of binary outcomes gives.
type Look func(strata []Stratum) Difference

// SequentialLook is one of any number of looks, with the interval of SequentialDifference.
//
// Source: as SequentialDifference.
func SequentialLook(tau, alpha float64) Look {
	return func(strata []Stratum) Difference { return SequentialDifference(Binary, strata, tau, alpha) }
}

// FixedLook is the only look there will be, with the interval of FixedDifference.
//
// Source: as FixedDifference.
func FixedLook(alpha float64) Look {
	return func(strata []Stratum) Difference { return FixedDifference(Binary, strata, alpha) }
}

// IntervalPower returns the probability that a look puts the lower end of its interval above -margin, with nT and nC
// subjects at the rates pT and pC; for trials, effective numbers (trials over design effect). Other than SequentialPower
// it knows that the interval pools the variance and is not symmetrical, which matters where the arms are unequal and
// the rates near 0 or 1. For the upper end below margin exchange successes and failures: rates 1-pT and 1-pC. ok is
// false without data, or if nothing can vary.
//
// Source: the smallest count of treatment that shows it beside the expected count of control, and the normal
// approximation of the difference with a correction for continuity.
func IntervalPower(pC, pT, nC, nT, margin float64, look Look) (power float64, ok bool) {
	count := func(x float64) int64 { return int64(math.Round(x)) }
	if !fraction(pC) || !fraction(pT) || !(nC >= 1) || !(nT >= 1) || nC > maxSubjects || nT > maxSubjects {
		return 0, false
	}
	control := BinarySums(count(pC*nC), count(nC))
	subjects := int(count(nT))
	shown := func(enrolled int) bool {
		d := look([]Stratum{{T: BinarySums(int64(enrolled), int64(subjects)), C: control}})
		return d.Defined && d.Lo > -margin
	}
	sd := math.Sqrt(pT*(1-pT)/nT + pC*(1-pC)/nC)
	if !(sd > 0) {
		return 0, false
	}
	needed := sort.Search(subjects+1, shown) // the lower end rises with the count
	return NormalCDF((pT - (float64(needed)-0.5)/nT) / sd), true
}

// maxSubjects is far above the number of people; counts up to it are exact.
const maxSubjects = 1e15

// IntervalSize returns the number of subjects over both arms, share of them in treatment, with which one look shows
// by its interval, with the wanted power, that treatment's rate is above control's by more than -margin; for trials,
// their effective number. It is the inverse of IntervalPower, not rounded. Counts are whole, so a few subjects
// more may have a little less power. ok is false if the claim is not true of the rates, or no size is enough.
//
// Source: as IntervalPower.
func IntervalSize(pC, pT, share, margin, power float64, look Look) (total float64, ok bool) {
	if !open(share) || !open(power) || !(pT-pC > -margin) || !fraction(pC) || !fraction(pT) {
		return 0, false
	}
	few := func(log float64) bool {
		n := math.Exp(log)
		p, ok := IntervalPower(pC, pT, n*(1-share), n*share, margin, look)
		return !ok || p < power
	}
	least, most := -math.Log(math.Min(share, 1-share)), math.Log(maxSubjects)
	if few(most) {
		return 0, false
	}
	return math.Exp(bisect(least, most, few)), true
}

// EvidenceNeeded returns how many times the evidence of strata it takes until the lower limit of SequentialDifference
// comes within effect > 0 (a fraction) of the difference with the wanted power at that look, if rates, design effects
// and the shares of strata and arms stay as they are. It is below 1 when there is enough already. ok is false without
// usable strata, or when a billion times the evidence is not enough.
//
// Source: as IntervalPower, without the correction for continuity.
func EvidenceNeeded(kind Kind, strata []Stratum, effect, tau, alpha, power float64) (times float64, ok bool) {
	now, arms := combine(kind, strata)
	if !now.Defined || !(effect > 0) || !(tau > 0) || !open(alpha) || !open(power) {
		return 0, false
	}
	scaled := slices.Clone(arms)
	short := func(log float64) bool {
		d, f := now, math.Exp(log)
		d.V /= f
		d.Z = SequentialZ(tau*tau/d.V, alpha)
		for i, a := range arms {
			scaled[i].trialT, scaled[i].trialC = a.trialT*f, a.trialC*f
		}
		d.limits(scaled)
		return d.Diff-d.Lo+NormalQuantile(power)*math.Sqrt(d.V) >= effect
	}
	const most = 20.7 // e^20.7 is a billion
	if short(most) {
		return 0, false
	}
	return math.Exp(bisect(-most, most, short)), true
}
