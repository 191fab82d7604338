package stats

import "math"

// PFromLogE returns the p-value that goes with an e-value, given as its natural logarithm: min(1, 1/e). It is valid at every
// look if the e-value is.
//
// Source: Vovk & Wang (2021), Ann. Stat. 49, 1736–1754.
func PFromLogE(logE float64) float64 { return math.Min(1, math.Exp(-logE)) }
