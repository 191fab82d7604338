package stats

import (
	"flag"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// A fixed seed, so that a failure repeats; -rapid.seed=0 asks for fresh cases.
func TestMain(m *testing.M) {
	for name, v := range map[string]string{"rapid.seed": "20260101", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, v); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// edges are the counts at which formulas break.
var edges = []int64{0, 1, 2, 3, 9, 10, 99, 1000, 1_000_000, 1_000_000_000}

// drawTrials draws a number of trials, often an edge, and drawCount a number of successes within it, often 0, 1,
// n-1 or n.
func drawTrials(t *rapid.T, label string) int64 {
	return rapid.OneOf(rapid.SampledFrom(edges[1:]), rapid.Int64Range(1, 50), rapid.Int64Range(1, 1_000_000_000)).Draw(t, label)
}

func drawCount(t *rapid.T, n int64, label string) int64 {
	return rapid.OneOf(
		rapid.SampledFrom([]int64{0, min(1, n), max(0, n-1), n}), rapid.Int64Range(0, n), rapid.Int64Range(0, min(n, 20)),
	).Draw(t, label)
}

// drawSubjects draws subjects with up to 6 trials each.
func drawSubjects(t *rapid.T, label string) (s Sums) {
	for range rapid.IntRange(0, 12).Draw(t, label) {
		x := rapid.Int64Range(1, 6).Draw(t, label+".x")
		s = s.Add(SubjectSums(rapid.Int64Range(0, x).Draw(t, label+".y"), x))
	}
	return s
}

func drawBinary(t *rapid.T, label string) Sums {
	n := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 30), rapid.SampledFrom(edges)).Draw(t, label+".n")
	return BinarySums(drawCount(t, n, label+".k"), n)
}

// drawStrata draws strata of one kind, some of them with an empty arm.
func drawStrata(t *rapid.T, kind Kind) (strata []Stratum) {
	draw := drawBinary
	if kind == Ratio {
		draw = drawSubjects
	}
	for range rapid.IntRange(0, 5).Draw(t, "strata") {
		strata = append(strata, Stratum{draw(t, "t"), draw(t, "c")})
	}
	return strata
}

func drawKind(t *rapid.T) Kind { return rapid.SampledFrom([]Kind{Binary, Ratio}).Draw(t, "kind") }

func drawAlpha(t *rapid.T) float64 {
	return rapid.SampledFrom([]float64{1e-6, 0.01, 0.025, 0.05, 0.5}).Draw(t, "alpha")
}

func near(a, b, tolerance float64) bool {
	return a == b || math.Abs(a-b) <= tolerance*math.Max(1, math.Max(math.Abs(a), math.Abs(b)))
}

// inRange fails for a NaN, too.
func inRange(t interface{ Fatalf(string, ...any) }, what string, i Interval, lo, hi float64) {
	if !(lo <= i.Lo && i.Lo <= i.Hi && i.Hi <= hi) {
		t.Fatalf("%s = %v, want ordered within [%v, %v]", what, i, lo, hi)
	}
}
