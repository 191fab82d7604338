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

// IntervalPower returns the probability that one look puts the lower end of the always-valid interval above
// -margin, with nT and nC subjects at the rates pT and pC; effective numbers (trials over design effect) for
// trials. Other than SequentialPower it knows that the interval pools the variance and is not symmetrical, which
// matters where the arms are unequal and the rates differ: there the planning formula asks for too much. For the
// upper end below margin exchange successes and failures: rates 1-pT and 1-pC. ok is false without data.
//
// Source: the smallest count of treatment that shows it beside the expected count of control, and the normal
// approximation of the difference with a correction for continuity.
func IntervalPower(pC, pT, nC, nT, margin, tau, alpha float64) (power float64, ok bool) {
	count := func(x float64) int64 { return int64(math.Round(x)) }
	if !fraction(pC) || !fraction(pT) || !(nC >= 1) || !(nT >= 1) || nC > 1e15 || nT > 1e15 || !(tau > 0) || !open(alpha) {
		return 0, false
	}
	control := BinarySums(count(pC*nC), count(nC))
	subjects := int(count(nT))
	shown := func(enrolled int) bool {
		d := SequentialDifference(Binary, []Stratum{{T: BinarySums(int64(enrolled), int64(subjects)), C: control}}, tau, alpha)
		return d.Defined && d.Lo > -margin
	}
	sd := math.Sqrt(pT*(1-pT)/nT + pC*(1-pC)/nC)
	if !(sd > 0) {
		return 0, false
	}
	needed := sort.Search(subjects+1, shown) // the lower end rises with the count
	return NormalCDF((pT - (float64(needed)-0.5)/nT) / sd), true
}
