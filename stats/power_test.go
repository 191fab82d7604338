package stats

import (
	"math"
	"testing"
)

// Power and information are two readings of one equation.
func TestSequentialPowerInvertsInformation(t *testing.T) {
	for _, effect := range []float64{0.001, 0.01, 0.2} {
		for _, tau := range []float64{0.002, 0.01} {
			for _, power := range []float64{0.1, 0.5, 0.8, 0.99} {
				i, ok := SequentialInformation(effect, tau, 0.05, power)
				if got, fine := SequentialPower(effect, tau, 0.05, i); !ok || !fine || math.Abs(got-power) > 1e-9 {
					t.Errorf("effect %v, tau %v: power %v came back as %v", effect, tau, power, got)
				}
			}
		}
	}
	for _, bad := range [][4]float64{{0, 1, 0.05, 1}, {-1, 1, 0.05, 1}, {1, 0, 0.05, 1}, {1, 1, 1, 1}, {1, 1, 0.05, 0},
		{math.NaN(), 1, 0.05, 1}, {1, 1, 0.05, math.Inf(1)}} {
		if p, ok := SequentialPower(bad[0], bad[1], bad[2], bad[3]); ok || p != 0 {
			t.Errorf("%v gave %v", bad, p)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []int
		want   int
	}{{[]int{3}, 3}, {[]int{9, 1, 5}, 5}, {[]int{4, 1, 2, 3}, 2}} {
		if got, ok := Median(c.values); !ok || got != c.want {
			t.Errorf("%v: %d", c.values, got)
		}
	}
	if _, ok := Median(nil); ok {
		t.Error("nothing has a median")
	}
}
