package stats

import (
	"math"
	"testing"
)

// Values by hand: e^-mean times the sum of mean^i / i!.
func TestPoissonAtMost(t *testing.T) {
	for _, c := range []struct {
		k    int64
		mean float64
		want float64
	}{
		{0, 1, math.Exp(-1)}, {1, 1, 2 * math.Exp(-1)}, {2, 2, 5 * math.Exp(-2)}, {0, 40, math.Exp(-40)}, {3, 15, 691 * math.Exp(-15)},
		{-1, 3, 0}, {5, 0, 1}, {5, math.NaN(), 1},
	} {
		if got := PoissonAtMost(c.k, c.mean); math.Abs(got-c.want) > 1e-12*math.Max(1, c.want) && math.Abs(got/c.want-1) > 1e-10 {
			t.Errorf("P(%d or fewer of %v) = %v, want %v", c.k, c.mean, got, c.want)
		}
	}
}
