package stats

import (
	"math"
	"testing"
)

// TestFixedInformation: (1.959964 + 0.841621)² = 7.848880 for an effect of 1; and where the rates are nearly equal it
// is the sample of FixedSize.
func TestFixedInformation(t *testing.T) {
	if i, ok := FixedInformation(1, 0.05, 0.8); !ok || math.Abs(i-7.848880) > 1e-5 {
		t.Error(i, ok)
	}
	i, _ := FixedInformation(0.001, 0.05, 0.8)
	n, _ := SequentialSize(i, 0.4995, 0.5005, 0.5, 1)
	if want, _ := FixedSize(0.4995, 0.5005, 0.5, 0.05, 0.8); math.Abs(n/want.Total-1) > 1e-5 {
		t.Errorf("%v, want %v", n, want.Total)
	}
	for _, effect := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, ok := FixedInformation(effect, 0.05, 0.8); ok {
			t.Error(effect)
		}
	}
	if _, ok := FixedInformation(1, 0, 0.8); ok {
		t.Error("alpha 0")
	}
	if _, ok := FixedInformation(1, 0.05, 1); ok {
		t.Error("power 1")
	}
}
