package stats

import (
	"math"
	"slices"
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
func Median(values []int) (middle int, ok bool) {
	if len(values) == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2], true
}
