package stats

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// Spending is how much of alpha may be used up to an information fraction t.
type Spending int

const (
	OBrienFleming Spending = iota // 4(1 - Phi(z_{alpha/4} / sqrt t)): next to nothing early, nearly all of alpha for the last look
	Pocock                        // alpha ln(1 + (e-1) t): about the same at each look
)

// maxBoundary caps critical values; a look that would need more spends its share later.
const maxBoundary = 8

func (s Spending) spent(t, alpha float64) float64 {
	t = math.Min(t, 1)
	if s == Pocock {
		return alpha * math.Log1p((math.E-1)*t)
	}
	return 4 * NormalSurvival(-NormalQuantile(alpha/4)/math.Sqrt(t))
}

// GroupSequential returns the two-sided critical values for looks at the given information fractions, which rise
// from above 0 and were declared before the start. Values are at most 8; looks after the fraction 1 may not reject:
// +Inf. ok is false if the fractions do not rise or alpha is not in (0, 1).
//
// Source: Lan & DeMets (1983), Biometrika 70, 659–663; recursion: Armitage, McPherson & Rowe (1969), JRSS A 132,
// 235–244.
func GroupSequential(information []float64, alpha float64, spending Spending) (z []float64, ok bool) {
	return GroupSequentialClock(information, information, alpha, spending)
}

// GroupSequentialClock is GroupSequential for a statistic whose alpha is spent by a clock that is not its own information,
// such as another metric's: one experiment then has one last look, the first with clock >= 1. clock and information
// have one entry a look and rise from above 0; of information only the ratios between looks matter, so it may have any
// unit. ok is also false if their lengths differ.
//
// Source: Lan & DeMets (1989), Stat. Med. 8, 1191–1198 (calendar versus information time).
func GroupSequentialClock(information, clock []float64, alpha float64, spending Spending) (z []float64, ok bool) {
	if !open(alpha) || len(information) != len(clock) {
		return nil, false
	}
	// The score process B(t) has variance t. at and mass are the nodes and weights of its density among the paths
	// still inside.
	at, mass := []float64{0}, []float64{1}
	var before, spent, told float64
	for look, t := range information {
		now := clock[look]
		if !(t > before) || !(now > told) || math.IsInf(t, 1) || math.IsInf(now, 1) {
			return nil, false
		}
		over := told >= 1
		told = now
		if over {
			z, before = append(z, math.Inf(1)), t
			continue
		}
		sd, root := math.Sqrt(t-before), math.Sqrt(t)
		due := spending.spent(now, alpha) - spent
		out := func(z float64) (sum float64) {
			for i, x := range at {
				sum += mass[i] * (NormalSurvival((z*root-x)/sd) + NormalSurvival((z*root+x)/sd))
			}
			return sum
		}
		b := bisect(0, maxBoundary, func(z float64) bool { return out(z) > due })
		z = append(z, b)
		spent += out(b)

		// Nodes enough to follow a kernel of width sd over the whole continuation region.
		n := 64 + int(6*2*b*root/sd)
		nodes, weights := make([]float64, n), make([]float64, n)
		quad.Legendre{}.FixedLocations(nodes, weights, -b*root, b*root)
		for j, y := range nodes {
			var density float64
			for i, x := range at {
				density += mass[i] * math.Exp(-sq((y-x)/sd)/2)
			}
			weights[j] *= density / (sd * math.Sqrt(2*math.Pi))
		}
		at, mass, before = nodes, weights, t
	}
	return z, true
}
