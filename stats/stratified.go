package stats

import "math"

// CMHTest is the Cochran-Mantel-Haenszel test of "no difference in any stratum": a chi-square on 1 degree of
// freedom without continuity correction, its p-value, and the corrected statistic for comparison.
type CMHTest struct{ Chi2, P, Corrected float64 }

// CochranMantelHaenszel tests strata of a binary outcome, of which N and Y are read. ok is false if no stratum has
// two arms and both outcomes.
//
// Source: Mantel & Haenszel (1959), JNCI 22, 719–748.
func CochranMantelHaenszel(strata []Stratum) (CMHTest, bool) {
	var off, v float64
	for _, s := range strata {
		nT, nC, n := float64(s.T.N), float64(s.C.N), float64(s.T.N+s.C.N)
		if !s.binary() || n < 2 {
			continue
		}
		m := float64(s.T.Y + s.C.Y)
		off += (float64(s.T.Y)*nC - float64(s.C.Y)*nT) / n // seen less expected
		v += nT / n * (nC / n) * m * ((n - m) / (n - 1))
	}
	if !(v > 0) {
		return CMHTest{}, false
	}
	chi2 := off * off / v
	return CMHTest{chi2, ChiSquareSurvival(chi2, 1), sq(math.Max(0, math.Abs(off)-0.5)) / v}, true
}

// MHDifference is the Mantel-Haenszel risk difference, treatment minus control as a fraction, with two variances:
// Sato's holds both in few large and in many sparse strata, Greenland & Robins' is the usual one and is 0 when
// every arm is all or nothing.
type MHDifference struct{ Diff, VarGreenlandRobins, VarSato float64 }

// MantelHaenszelDifference pools the differences of strata of a binary outcome, of which N and Y are read. ok is
// false if no stratum has both arms.
//
// Source: Greenland & Robins (1985), Biometrics 41, 55–68; Sato (1989), Biometrics 45, 1323–1324.
func MantelHaenszelDifference(strata []Stratum) (MHDifference, bool) {
	var d MHDifference
	var total, p, q float64
	for _, s := range strata {
		if !s.binary() {
			continue
		}
		a, c := float64(s.T.Y), float64(s.C.Y)
		nT, nC, n := float64(s.T.N), float64(s.C.N), float64(s.T.N+s.C.N)
		total += nT * nC / n
		d.Diff += (a*nC - c*nT) / n
		d.VarGreenlandRobins += sq(nT/n*nC) * (a/nT*(1-a/nT)/nT + c/nC*(1-c/nC)/nC)
		p += (sq(nT)*c - sq(nC)*a + nT*nC*(nC-nT)/2) / sq(n)
		q += (a*(nC-c) + c*(nT-a)) / (2 * n)
	}
	if total == 0 {
		return MHDifference{}, false
	}
	d.Diff /= total
	d.VarGreenlandRobins /= sq(total)
	d.VarSato = math.Max(0, d.Diff*p+q) / sq(total)
	return d, true
}

// MantelHaenszelOddsRatio pools the odds ratios of strata of a binary outcome. +Inf if only its denominator is 0;
// ok is false if both are.
//
// Source: Mantel & Haenszel (1959), JNCI 22, 719–748.
func MantelHaenszelOddsRatio(strata []Stratum) (ratio float64, ok bool) {
	return pooledRatio(strata, func(s Stratum) (above, below float64) {
		return float64(s.T.Y) * float64(s.C.N-s.C.Y), float64(s.T.N-s.T.Y) * float64(s.C.Y)
	})
}

// MantelHaenszelRiskRatio pools the ratios of rates of strata of a binary outcome. +Inf if only control has no
// event; ok is false if neither arm has one.
//
// Source: Greenland & Robins (1985), Biometrics 41, 55–68.
func MantelHaenszelRiskRatio(strata []Stratum) (ratio float64, ok bool) {
	return pooledRatio(strata, func(s Stratum) (above, below float64) {
		return float64(s.T.Y) * float64(s.C.N), float64(s.C.Y) * float64(s.T.N)
	})
}

func pooledRatio(strata []Stratum, parts func(Stratum) (above, below float64)) (float64, bool) {
	var above, below float64
	for _, s := range strata {
		if s.binary() {
			a, b := parts(s)
			n := float64(s.T.N + s.C.N)
			above, below = above+a/n, below+b/n
		}
	}
	switch {
	case below > 0:
		return above / below, true
	case above > 0:
		return math.Inf(1), true
	}
	return 0, false
}

// binary says whether both arms have subjects and counts of 0/1 outcomes.
func (s Stratum) binary() bool { return counts(s.T.Y, s.T.N) && counts(s.C.Y, s.C.N) }
