package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// NormalCDF returns P(Z <= x) of a standard normal Z, accurate in both tails. ±Inf give 0 and 1.
//
// Source: Abramowitz & Stegun (1964), 26.2.29, through the complementary error function.
func NormalCDF(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// NormalSurvival returns P(Z > x) of a standard normal Z. It is computed as a tail of its own, since 1 -
// NormalCDF(x) has no digits left beyond x = 8.
//
// Source: Abramowitz & Stegun (1964), 26.2.29.
func NormalSurvival(x float64) float64 { return 0.5 * math.Erfc(x/math.Sqrt2) }

// NormalQuantile returns the x with NormalCDF(x) = p, for a probability p in [0, 1]; p <= 0 gives -Inf and p >= 1
// +Inf. For an upper tail ask for -NormalQuantile(tail): 1-tail rounds to 1 for small tails.
//
// Source: Wichura (1988), Applied Statistics 37, 477–484 (AS 241).
func NormalQuantile(p float64) float64 {
	switch {
	case !(p > 0):
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	}
	return mathext.NormalQuantile(p)
}

// criticalZ is the two-sided normal critical value: 1.96 for alpha 0.05, 0 for alpha >= 1, +Inf for alpha <= 0.
func criticalZ(alpha float64) float64 {
	if alpha >= 1 {
		return 0
	}
	return -NormalQuantile(alpha / 2)
}

// logNormalCDF is ln NormalCDF(x), also where NormalCDF is too small for a float64.
func logNormalCDF(x float64) float64 {
	if x > -30 {
		return math.Log(NormalCDF(x))
	}
	y := 1 / (x * x)
	return -x*x/2 - halfLog2Pi - math.Log(-x) + math.Log1p(-y*(1-y*(3-15*y)))
}
