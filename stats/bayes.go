package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
)

// ProbabilityToBeat returns the posterior probability that treatment's rate is higher than control's, with
// independent Beta(priorA, priorB) priors; Beta(1, 1) is flat. For display: it depends on the prior, is not
// calibrated under repeated looks, and gates nothing. ok is false for counts out of range or prior parameters not
// above 0; empty arms are allowed and leave the prior.
//
// Source: Thompson (1933), Biometrika 25, 285–294.
func ProbabilityToBeat(sT, nT, sC, nC int64, priorA, priorB float64) (p float64, ok bool) {
	if sT < 0 || sT > nT || sC < 0 || sC > nC || !(priorA > 0) || !(priorB > 0) {
		return 0, false
	}
	aT, bT := priorA+float64(sT), priorB+float64(nT-sT)
	aC, bC := priorA+float64(sC), priorB+float64(nC-sC)
	// The integral of treatment's density times control's distribution function, cut where either of them bends.
	cuts := append(betaBends(aT, bT), betaBends(aC, bC)...)
	slices.Sort(cuts)
	lo, hi := cuts[0], cuts[len(cuts)-1]
	// Below and above all cuts one of the factors is 0 or 1; a density with a pole at 0 or 1 is integrated as a
	// whole there.
	p = BetaCDF(lo, aT, bT)*BetaCDF(lo, aC, bC) + BetaSurvival(hi, aT, bT)
	f := func(x float64) float64 {
		return math.Exp(betaLogMass(x, 1-x, aT, bT)) / (x * (1 - x)) * BetaCDF(x, aC, bC)
	}
	for i := 1; i < len(cuts); i++ {
		if cuts[i] > cuts[i-1] {
			p += quad.Fixed(f, cuts[i-1], cuts[i], 20, quad.Legendre{}, 0)
		}
	}
	return math.Min(1, math.Max(0, p)), true
}

// betaBends returns points, inside (0, 1), between which a Beta(a, b) density is smooth.
func betaBends(a, b float64) []float64 {
	n := a + b
	mean, sd := a/n, math.Sqrt(a/n*(b/n)/(n+1))
	var at []float64
	for _, k := range []float64{-40, -24, -12, -8, -5, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 5, 8, 12, 24, 40} {
		at = append(at, math.Min(1-1e-12, math.Max(1e-12, mean+k*sd)))
	}
	return at
}
