package stats

import (
	"math"
	"slices"
)

// Bonferroni returns p-values adjusted for their number: n·p, at most 1. Input order is kept.
//
// Source: Dunn (1961), JASA 56, 52–64.
func Bonferroni(p []float64) []float64 {
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = math.Min(1, v*float64(len(p)))
	}
	return out
}

// Holm returns step-down adjusted p-values, in input order: never larger than Bonferroni's and as safe, whatever
// the dependence.
//
// Source: Holm (1979), Scand. J. Stat. 6, 65–70.
func Holm(p []float64) []float64 {
	out, order := make([]float64, len(p)), ascending(p)
	least := 0.0
	for rank, i := range order {
		least = math.Max(least, math.Min(1, p[i]*float64(len(p)-rank)))
		out[i] = least
	}
	return out
}

// BenjaminiHochberg returns step-up adjusted p-values, in input order. They bound the share of false discoveries,
// not the chance of any, so they are for lists of secondary metrics and never for a decision.
//
// Source: Benjamini & Hochberg (1995), JRSS B 57, 289–300.
func BenjaminiHochberg(p []float64) []float64 {
	out, order := make([]float64, len(p)), ascending(p)
	most := 1.0
	for rank := len(order) - 1; rank >= 0; rank-- {
		i := order[rank]
		most = math.Min(most, p[i]*float64(len(p))/float64(rank+1))
		out[i] = most
	}
	return out
}

// ascending returns the indices of p from its smallest value to its largest.
func ascending(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if p[a] < p[b] {
			return -1
		} else if p[a] > p[b] {
			return 1
		}
		return 0
	})
	return order
}
