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

// With equal arms and rates in the middle the interval is what the planning formula takes it for; with a tenth of
// the subjects in treatment and rates near 0 it finds more.
func TestIntervalPower(t *testing.T) {
	const tau, alpha = 0.01, 0.05
	each, _ := SequentialSize(1, 0.50, 0.52, 0.5, 1)
	for _, n := range []float64{20_000, 40_000, 80_000} {
		planned, _ := SequentialPower(0.02, tau, alpha, n/each)
		got, ok := IntervalPower(0.50, 0.52, n/2, n/2, 0, tau, alpha)
		if !ok || math.Abs(got-planned) > 0.01 {
			t.Errorf("%v subjects: %v, planned %v", n, got, planned)
		}
		mirrored, _ := IntervalPower(1-0.52, 1-0.50, n/2, n/2, 0, tau, alpha)
		if math.Abs(got-mirrored) > 1e-9 {
			t.Errorf("mirrored %v, %v", mirrored, got)
		}
	}
	each, _ = SequentialSize(1, 0.005, 0.06, 0.1, 1)
	planned, _ := SequentialPower(0.055, tau, alpha, 4000/each)
	if got, _ := IntervalPower(0.005, 0.06, 3600, 400, 0, tau, alpha); got < planned+0.1 {
		t.Errorf("%v, planned %v", got, planned)
	}
	for _, bad := range [][2]float64{{0, 10}, {10, 0}, {math.NaN(), 10}} {
		if _, ok := IntervalPower(0.1, 0.2, bad[0], bad[1], 0, tau, alpha); ok {
			t.Errorf("%v subjects have a power", bad)
		}
	}
	if _, ok := IntervalPower(0, 0, 10, 10, 0, tau, alpha); ok {
		t.Error("nothing varies")
	}
}
