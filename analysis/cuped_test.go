package analysis

import (
	"strings"
	"testing"

	"keyramp/queries/store"
	"keyramp/stats"
)

// remembered is a tenant whose people failed before the experiment as they do in it.
func remembered(days int64) Input {
	in := slow(8, 2)
	in.Plan.CUPED = true
	in.Counts.Quality.FirstLog = in.Scope.Phases[0].From - days*dayMicros
	for i := range in.Counts.Sums {
		r := &in.Counts.Sums[i]
		if r.Metric != store.LoginSuccess {
			continue
		}
		// Who failed once before fails once of two attempts now; the others succeed twice.
		failing := r.X - r.Y
		r.YY, r.XX, r.XY = 4*(r.N-failing)+failing, 4*r.N, 4*(r.N-failing)+2*failing
		in.Counts.Before = append(in.Counts.Before, store.CovariateRow{Phase: r.Phase, Origin: r.Origin, Variation: r.Variation,
			P: failing, PP: failing, PY: failing, PX: 2 * failing})
	}
	return in
}

// TestCUPED: a past that foretells everything takes the clustering out; the rates stay as counted.
func TestCUPED(t *testing.T) {
	in := remembered(20)
	r := Build(in)
	c := r.Comparisons[0]
	plain := in
	plain.Plan.CUPED = false
	before := Build(plain).Comparisons[0]
	d := c.Success.Difference
	if d.Method != "cuped" || d.P == nil || c.SuccessPlain == nil || *c.SuccessPlain.Lower != *before.Success.Difference.Lower {
		t.Fatalf("%+v, plain %+v", d, c.SuccessPlain)
	}
	if *d.Upper-*d.Lower > *before.Success.Difference.Upper-*before.Success.Difference.Lower {
		t.Errorf("[%v, %v] is wider than [%v, %v]", *d.Lower, *d.Upper, *before.Success.Difference.Lower, *before.Success.Difference.Upper)
	}
	if *c.Success.Treatment.Rate != *before.Success.Treatment.Rate {
		t.Error("the rate of an arm was adjusted")
	}
	if len(r.Notes) == 0 || r.Notes[len(r.Notes)-1].Code != "cuped" {
		t.Error(r.Notes)
	}
	// It is what stats makes of the same sums.
	arm := func(variation string) (s stats.CovariateSums) {
		for _, row := range in.Counts.Sums {
			if row.Metric == store.LoginSuccess && row.Variation == variation {
				s.Sums = stats.Sums{N: row.N, Y: row.Y, X: row.X, YY: row.YY, XX: row.XX, XY: row.XY}
			}
		}
		for _, row := range in.Counts.Before {
			if row.Variation == variation {
				s = s.Add(stats.CovariateSums{P: row.P, PP: row.PP, PY: row.PY, PX: row.PX})
			}
		}
		return s
	}
	want, _ := stats.CUPED([]stats.CovariateStratum{{T: arm("t"), C: arm("c")}}, r.Plan.TauSuccess, c.Alpha)
	near(t, "difference", d.Diff, want.Diff)
	near(t, "lower", d.Lower, want.Lo)
	near(t, "upper", d.Upper, want.Hi)
}

// TestCUPEDNeedsHistory: less than two weeks before the start change nothing, and that is said.
func TestCUPEDNeedsHistory(t *testing.T) {
	for _, days := range []int64{0, 13} {
		r := Build(remembered(days))
		if c := r.Comparisons[0]; c.SuccessPlain != nil || c.Success.Difference.Method != "" {
			t.Errorf("%d days: %+v", days, c.Success.Difference)
		}
		if n := r.Notes; len(n) == 0 || !strings.Contains(n[len(n)-1].Words, "two weeks") {
			t.Error(n)
		}
	}
}
