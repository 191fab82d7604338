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
		got, ok := IntervalPower(0.50, 0.52, n/2, n/2, 0, SequentialLook(tau, alpha))
		if !ok || math.Abs(got-planned) > 0.01 {
			t.Errorf("%v subjects: %v, planned %v", n, got, planned)
		}
		mirrored, _ := IntervalPower(1-0.52, 1-0.50, n/2, n/2, 0, SequentialLook(tau, alpha))
		if math.Abs(got-mirrored) > 1e-9 {
			t.Errorf("mirrored %v, %v", mirrored, got)
		}
	}
	each, _ = SequentialSize(1, 0.005, 0.06, 0.1, 1)
	planned, _ := SequentialPower(0.055, tau, alpha, 4000/each)
	if got, _ := IntervalPower(0.005, 0.06, 3600, 400, 0, SequentialLook(tau, alpha)); got < planned+0.1 {
		t.Errorf("%v, planned %v", got, planned)
	}
	for _, bad := range [][2]float64{{0, 10}, {10, 0}, {math.NaN(), 10}} {
		if _, ok := IntervalPower(0.1, 0.2, bad[0], bad[1], 0, SequentialLook(tau, alpha)); ok {
			t.Errorf("%v subjects have a power", bad)
		}
	}
	if _, ok := IntervalPower(0, 0, 10, 10, 0, SequentialLook(tau, alpha)); ok {
		t.Error("nothing varies")
	}
}

// Size and power are two readings of one search; a harder question needs more.
func TestIntervalSize(t *testing.T) {
	look := SequentialLook(0.01, 0.05)
	for _, c := range []struct{ pC, pT, share, margin float64 }{
		{0.01, 0.04, 0.1, -0.005}, {0.95, 0.95, 0.1, 0.02}, {0.95, 0.95, 0.5, 0.005}, {0.001, 0.05, 0.05, 0}, {0.99, 0.99, 0.25, 0.01},
	} {
		last := 0.0
		for _, power := range []float64{0.3, 0.5, 0.8, 0.95} {
			n, ok := IntervalSize(c.pC, c.pT, c.share, c.margin, power, look)
			got, _ := IntervalPower(c.pC, c.pT, n*(1-c.share), n*c.share, c.margin, look)
			// Whole counts make steps in the power where few events are expected.
			if !ok || got < power-0.05 || got > power+0.15 || n <= last {
				t.Errorf("%+v at power %v: %v subjects with %v", c, power, n, got)
			}
			last = n
		}
		once, ok := IntervalSize(c.pC, c.pT, c.share, c.margin, 0.8, FixedLook(0.05))
		if always, _ := IntervalSize(c.pC, c.pT, c.share, c.margin, 0.8, look); !ok || always <= once {
			t.Errorf("%+v: %v with one look, %v with any number", c, once, always)
		}
	}
	// Away from 0 and 1, with equal arms, it is the planning formula.
	i, _ := SequentialInformation(0.02, 0.01, 0.05, 0.8)
	want, _ := SequentialSize(i, 0.50, 0.52, 0.5, 1)
	if n, _ := IntervalSize(0.50, 0.52, 0.5, 0, 0.8, look); math.Abs(n/want-1) > 0.02 {
		t.Errorf("%v subjects, by the formula %v", n, want)
	}
	for _, bad := range [][5]float64{{0.1, 0.1, 0.5, 0, 0.8}, {0.1, 0.05, 0.5, 0.05, 0.8}, {0.1, 0.2, 0, 0, 0.8}, {0.1, 0.2, 0.5, 0, 1},
		{0.1, 1.2, 0.5, 0, 0.8}, {math.NaN(), 0.2, 0.5, 0, 0.8}, {0, 0, 0.5, 0.1, 0.8}} {
		if n, ok := IntervalSize(bad[0], bad[1], bad[2], bad[3], bad[4], look); ok {
			t.Errorf("%v gave %v", bad, n)
		}
	}
}

// So many times the same people put the limit where it was wanted; and half of the power is the limit itself.
func TestEvidenceNeeded(t *testing.T) {
	arm := func(y, x int64) Sums { return Sums{N: x / 2, Y: y, X: x, YY: 2 * y, XX: 2 * x, XY: 2 * y} }
	for _, c := range []struct {
		kind   Kind
		t, c   Sums
		effect float64
	}{
		{Binary, BinarySums(40, 1000), BinarySums(90, 9000), 0.025},
		{Ratio, arm(990, 1000), arm(8910, 9000), 0.02},
		{Ratio, arm(940, 1000), arm(8550, 9000), 0.005},
	} {
		times, ok := EvidenceNeeded(c.kind, []Stratum{{c.t, c.c}}, c.effect, 0.01, 0.05, 0.5)
		by := func(s Sums) Sums {
			of := func(n int64) int64 { return int64(math.Round(times * float64(n))) }
			return Sums{of(s.N), of(s.Y), of(s.X), of(s.YY), of(s.XX), of(s.XY)}
		}
		d := SequentialDifference(c.kind, []Stratum{{by(c.t), by(c.c)}}, 0.01, 0.05)
		if !ok || math.Abs(d.Diff-d.Lo-c.effect) > 0.05*c.effect { // V holds half an event, which does not grow
			t.Errorf("%+v: %v times the evidence give %v", c, times, d.Diff-d.Lo)
		}
		more, _ := EvidenceNeeded(c.kind, []Stratum{{c.t, c.c}}, c.effect, 0.01, 0.05, 0.8)
		harder, _ := EvidenceNeeded(c.kind, []Stratum{{c.t, c.c}}, c.effect/2, 0.01, 0.05, 0.5)
		if more <= times || harder <= times {
			t.Errorf("%v times; %v with more power, %v for half the effect", times, more, harder)
		}
	}
	for _, effect := range []float64{0, -1, math.NaN(), 1e-9} {
		if n, ok := EvidenceNeeded(Binary, []Stratum{{BinarySums(4, 100), BinarySums(9, 900)}}, effect, 0.01, 0.05, 0.8); ok {
			t.Errorf("effect %v: %v", effect, n)
		}
	}
	if n, ok := EvidenceNeeded(Binary, nil, 0.1, 0.01, 0.05, 0.8); ok {
		t.Errorf("nobody: %v", n)
	}
}
