package stats

import "gonum.org/v1/gonum/stat/distuv"

// PoissonAtMost returns the probability of k events or fewer where mean are expected. It is 1 where mean is not above 0.
//
// Source: Poisson (1837), Recherches sur la probabilité des jugements; computed as gonum's distuv does, by the incomplete gamma function.
func PoissonAtMost(k int64, mean float64) float64 {
	switch {
	case k < 0:
		return 0
	case !(mean > 0):
		return 1
	}
	return distuv.Poisson{Lambda: mean}.CDF(float64(k))
}
