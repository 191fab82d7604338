package render

import (
	"testing"

	"keyramp/analysis"
)

// A condition never looks met when it is not.
func TestConditionShowsItsSide(t *testing.T) {
	for _, c := range []struct {
		value, limit float64
		op           string
		unit         analysis.Unit
		want         string
	}{
		{4.996, 5, ">=", analysis.Number, "4.996 (needed: at least 5)"},
		{0.9996, 1, ">", analysis.Number, "0.9996 (needed: above 1)"},
		{1.0004, 1, ">", analysis.Number, "1.0004 (needed: above 1)"},
		{132.25, 5, ">=", analysis.Number, "132 (needed: at least 5)"},
		{-0.0099999, -0.01, ">", analysis.Points, "-0.99999 pp (needed: above -1.00000 pp)"},
		{1, 1, ">", analysis.Number, "1 (needed: above 1)"},
	} {
		got := condition(analysis.Condition{Name: "rate_ratio_lower", Value: &c.value, Op: c.op, Limit: &c.limit, Unit: c.unit}).text
		if want := "enrollment rate ratio, lower limit " + c.want; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A flag never looks as if it had reached its limit alone.
func TestFlagShowsItsSide(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	n := func(v int64) *int64 { return &v }
	for _, c := range []struct {
		f    analysis.Flag
		want string
	}{
		{analysis.Flag{Name: "stale", Value: p(48.25), Limit: p(48)}, " (48.2 hours, limit 48.0)"},
		{analysis.Flag{Name: "stale", Value: p(49), Limit: p(48)}, " (49 hours, limit 48)"},
		{analysis.Flag{Name: "crossover", Count: n(20001), Of: n(100000), Value: p(0.20001), Limit: p(0.2)}, " (20,001 of 100,000 = 20.001 %, limit 20.000 %)"},
		{analysis.Flag{Name: "crossover", Count: n(21), Of: n(100), Value: p(0.21), Limit: p(0.2)}, " (21 of 100 = 21.00 %, limit 20 %)"},
		{analysis.Flag{Name: "page_gap", Count: n(1), Value: p(0.0199999), Limit: p(0.02)}, " (1, 1.99999 % of the time, limit 2.00000 %)"},
		{analysis.Flag{Name: "carry_over", Count: n(1), Of: n(4), Value: p(0.25)}, " (1 of 4 = 25.00 %)"},
	} {
		if got := flagNumbers(c.f); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// A RAMP in spite of a small drop says of the condition that is not met that it was accepted, whoever did: the plan, too.
func TestAcceptedDrop(t *testing.T) {
	value, limit := -0.006, 0.0
	drop := []analysis.Condition{{Name: "login_success_upper", Value: &value, Op: ">=", Limit: &limit, Unit: analysis.Points}}
	of := func(action analysis.Action, holds bool) (line, string) {
		v := analysis.Verdict{Action: action, Rules: []analysis.Ruling{{Rule: 5, Action: analysis.Hold, Holds: holds, Decides: holds, Conditions: drop},
			{Rule: 6, Action: analysis.Ramp, Holds: !holds, Decides: !holds, Conditions: drop}}}
		return reasons(analysis.Decision{Verdict: v}).lines[0], rules(v).grids[0].rows[0][3]
	}
	const words = "login success difference, upper limit -0.60 pp (needed: at least 0.00 pp)"
	if l, row := of(analysis.Ramp, false); l.mark != info || l.text != words+", accepted" || row != "accepted: "+words {
		t.Errorf("%+v, %q", l, row)
	}
	if l, row := of(analysis.Hold, true); l.mark != stop || l.text != words || row != "no:  "+words {
		t.Errorf("%+v, %q", l, row)
	}
}

func TestNumbers(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "-1,234,567"},
		{difference(analysis.Difference{Diff: p(0.0519), Lower: p(0.045), Upper: p(0.059)}), "+5.19 pp [+4.50, +5.90]"},
		{difference(analysis.Difference{Diff: p(-0.002), Lower: p(-0.07), Upper: p(0.05)}), "-0.2 pp [-7.0, +5.0]"},
		{difference(analysis.Difference{Diff: p(-0.000001), Lower: p(-0.007), Upper: p(0.005)}), "0.00 pp [-0.70, +0.50]"},
		{difference(analysis.Difference{Diff: p(0), Lower: p(-1), Upper: p(1)}), "0 pp [-100, +100]"},
		{difference(analysis.Difference{}), absent},
		{percent(p(0.12345), 1), "12.3 %"}, {percent(nil, 1), absent},
		{share(p(0.25)), "25 %"}, {share(p(0.005)), "0.5 %"}, {share(nil), "unknown"},
		{pValue(p(0.00001)), "< 0.0001"}, {pValue(p(0.0321)), "= 0.032"},
		{significant(p(0)), "0"}, {significant(p(12345)), "12,345"}, {significant(p(2.8e-48)), "2.8e-48"},
		{level(0.05), "95 %"}, {level(0.025), "97.5 %"}, {level(0.01), "99 %"},
		{level(0.00001), "99.999 %"}, {level(0.00005), "99.995 %"}, {level(0.1), "90 %"},
		{clean("a\x1b[31m\u202eb"), `a\x1b[31m\u{202e}b`},
		{csvSafe("=1"), "'=1"}, {csvSafe("＋1"), "'＋1"}, {csvSafe("a=1"), "a=1"}, {csvSafe(""), ""},
		{inMarkdown("a|b`c`<d>"), "a\\|b\\`c\\`&lt;d&gt;"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
