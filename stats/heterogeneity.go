package stats

// Heterogeneity asks whether the effect differs over strata (novelty, drift): q = sum (D_k - D)²/v_k on df =
// strata-1 degrees of freedom, with the variances of "no difference". It informs; it gates nothing. ok is false
// with fewer than 2 usable strata.
//
// Source: Cochran (1954), Biometrics 10, 101–129.
func Heterogeneity(kind Kind, strata []Stratum) (q float64, df int, p float64, ok bool) {
	all, _ := combine(kind, strata)
	if all.Used < 2 {
		return 0, 0, 0, false
	}
	for i := range strata {
		if one, _ := combine(kind, strata[i:i+1]); one.Defined {
			q += sq(one.Diff-all.Diff) / one.V
		}
	}
	df = all.Used - 1
	return q, df, ChiSquareSurvival(q, float64(df)), true
}
