package stats

import (
	"math"
	"testing"
)

func TestPFromLogE(t *testing.T) {
	for _, c := range []struct{ logE, p float64 }{
		{math.Inf(-1), 1}, {-3, 1}, {0, 1}, {math.Log(20), 0.05}, {math.Log(100), 0.01}, {math.Inf(1), 0},
	} {
		if p := PFromLogE(c.logE); math.Abs(p-c.p) > 1e-15 {
			t.Errorf("PFromLogE(%v) = %v, want %v", c.logE, p, c.p)
		}
	}
}
