package stats

import "gonum.org/v1/gonum/mathext"

// BetaCDF returns P(B <= x) for B ~ Beta(a, b), a, b > 0.
func BetaCDF(x, a, b float64) float64 {
	switch {
	case !(x > 0):
		return 0
	case x >= 1:
		return 1
	}
	return mathext.RegIncBeta(a, b, x)
}

// BetaSurvival returns P(B > x) for B ~ Beta(a, b), a, b > 0, as a tail of its own.
func BetaSurvival(x, a, b float64) float64 { return BetaCDF(1-x, b, a) }

// BetaQuantile returns the x with BetaCDF(x, a, b) = p.
func BetaQuantile(p, a, b float64) float64 {
	switch {
	case !(p > 0):
		return 0
	case p >= 1:
		return 1
	}
	return mathext.InvRegIncBeta(a, b, p)
}
