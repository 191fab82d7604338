package stats

import "math"

// BetaCDF returns P(B <= x) for B ~ Beta(a, b), a, b > 0. It keeps its relative accuracy in the tails and with
// parameters of 1e9, where the common implementations lose it or stop early.
//
// Source: the continued fraction of DLMF 8.17.22; its factor is written as in Loader (2000), Fast and accurate
// computation of binomial probabilities.
func BetaCDF(x, a, b float64) float64 { return incompleteBeta(x, 1-x, a, b) }

// BetaSurvival returns P(B > x) for B ~ Beta(a, b), a, b > 0, as a tail of its own.
//
// Source: as BetaCDF.
func BetaSurvival(x, a, b float64) float64 { return incompleteBeta(1-x, x, b, a) }

// BetaQuantile returns the x in [0, 1] with BetaCDF(x, a, b) = p; p <= 0 gives 0 and p >= 1 gives 1.
//
// Source: bisection of BetaCDF.
func BetaQuantile(p, a, b float64) float64 {
	switch {
	case !(p > 0):
		return 0
	case p >= 1:
		return 1
	}
	return bisect(0, 1, func(x float64) bool { return BetaCDF(x, a, b) < p })
}

// betaUpperQuantile returns the x with BetaSurvival(x, a, b) = tail. For an x close to 0 it has digits that 1 -
// BetaQuantile(tail, b, a) has not.
func betaUpperQuantile(tail, a, b float64) float64 {
	switch {
	case !(tail > 0):
		return 1
	case tail >= 1:
		return 0
	}
	return bisect(0, 1, func(x float64) bool { return BetaSurvival(x, a, b) > tail })
}

// incompleteBeta is the regularised incomplete beta function at x, with y = 1-x given by whoever knows it best.
func incompleteBeta(x, y, a, b float64) float64 {
	switch {
	case !(x > 0):
		return 0
	case !(y > 0):
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - betaBelow(y, x, b, a) // the fraction converges quickly below the mean
	}
	return betaBelow(x, y, a, b)
}

func betaBelow(x, y, a, b float64) float64 {
	return math.Min(1, math.Exp(betaLogMass(x, y, a, b))/a*betaFraction(x, a, b))
}

// betaLogMass is ln of x^a y^b / B(a, b). Written around the mean, its large terms cancel on paper.
func betaLogMass(x, y, a, b float64) float64 {
	n, off := a+b, x*b-y*a
	return logShare(a, off) + logShare(b, -off) +
		0.5*math.Log(a*(b/n)) - halfLog2Pi + stirling(n) - stirling(a) - stirling(b)
}

// logShare is a·ln(1 + off/a).
func logShare(a, off float64) float64 {
	if off <= -a {
		return math.Inf(-1)
	}
	return a * math.Log1p(off/a)
}

// betaFraction is the continued fraction of the incomplete beta function by Lentz's method. It needs about
// sqrt(max(a, b)) steps.
func betaFraction(x, a, b float64) float64 {
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 1e6; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	return f
}
