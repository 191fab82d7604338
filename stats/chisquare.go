package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ChiSquareSurvival returns P(Q > x) for chi-square Q with df > 0 degrees of freedom. x <= 0 gives 1, +Inf 0.
//
// Source: Abramowitz & Stegun (1964), 26.4.19, through the incomplete gamma function.
func ChiSquareSurvival(x, df float64) float64 {
	switch {
	case !(x > 0):
		return 1
	case math.IsInf(x, 1):
		return 0
	case df == 1:
		return math.Erfc(math.Sqrt(x / 2)) // exact far beyond where the series gives out
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}

// ChiSquareCDF returns P(Q <= x) for chi-square Q with df > 0 degrees of freedom.
//
// Source: Abramowitz & Stegun (1964), 26.4.19, through the incomplete gamma function.
func ChiSquareCDF(x, df float64) float64 {
	switch {
	case !(x > 0):
		return 0
	case math.IsInf(x, 1):
		return 1
	}
	return mathext.GammaIncReg(df/2, x/2)
}

// ChiSquareQuantile returns the x with ChiSquareCDF(x, df) = p, for p in [0, 1].
//
// Source: Abramowitz & Stegun (1964), 26.4.19, through the incomplete gamma function.
func ChiSquareQuantile(p, df float64) float64 {
	switch {
	case !(p > 0):
		return 0
	case p >= 1:
		return math.Inf(1)
	}
	return 2 * mathext.GammaIncRegInv(df/2, p)
}
