package analysis

import (
	"math"
	"strings"
	"testing"

	"keyramp/queries/store"
	"keyramp/stats"
)

// slow is a tenant at 10 % for so many days: 900 control and 100 treated people a day, each trying to log in twice; 9 and
// so many treated ones enroll.
func slow(days int, enrolled int64) Input {
	c := counted()
	for d := range days {
		one := counted(group{1, 0, "c", d, 1, 900, 9, 90}, group{1, 0, "t", d, 1, 100, enrolled, 10})
		c.Arrivals = append(c.Arrivals, one.Arrivals...)
		if c.Sums == nil {
			c.Sums = one.Sums
		} else {
			for i, r := range one.Sums {
				s := &c.Sums[i]
				s.N, s.Y, s.X, s.YY, s.XX, s.XY = s.N+r.N, s.Y+r.Y, s.X+r.X, s.YY+r.YY, s.XX+r.XX, s.XY+r.XY
			}
		}
		for v, n := range map[string]int64{"c": 1710, "t": 190} {
			c.LoginDays = append(c.LoginDays, store.LoginDayRow{Phase: 1, Variation: v, Day: h(0) - h(0)%dayMicros + store.Micros(d)*dayMicros, Logins: n})
		}
	}
	phases := steps(0, 10)
	phases[0].From = h(0) - h(0)%dayMicros
	for i := range c.Arrivals {
		c.Arrivals[i].Day -= h(0) % dayMicros
	}
	in := asked(phases, c)
	in.AsOf = phases[0].From + store.Micros(days)*dayMicros
	in.Scope.Until = in.AsOf
	return in
}

func forecastOf(t *testing.T, c Comparison, gate string) *Forecast {
	t.Helper()
	for i := range c.Forecasts {
		if c.Forecasts[i].Gate == gate {
			return &c.Forecasts[i]
		}
	}
	return nil
}

// TestForecastByHand: with the same people every day, the time to decision is what is missing over a day's gain.
func TestForecastByHand(t *testing.T) {
	in := slow(8, 2)
	c := Build(in).Comparisons[0]
	f := forecastOf(t, c, "login_success")
	if f == nil || f.Mid == nil {
		t.Fatalf("%+v", c.Forecasts)
	}
	var cells []stats.Stratum
	for _, s := range (&comparer{design: newDesign(in.Scope.Phases, in.Counts), counts: in.Counts}).cells(in.Counts.Sums, store.LoginSuccess,
		func(_ int, v string) int { return map[string]int{"c": 0, "t": 1}[v] }) {
		cells = append(cells, s.both)
	}
	times, _ := stats.EvidenceNeeded(stats.Ratio, cells, 0.02, 0.01, 0.05, 0.8)
	if want := 8 * (times - 1); math.Abs(*f.Mid-want) > 0.02*want {
		t.Errorf("%v days, want %v", *f.Mid, want)
	}
	if *f.Fast > *f.Mid || f.Slow == nil || *f.Slow < *f.Mid {
		t.Errorf("%v %v %v", *f.Fast, *f.Mid, f.Slow)
	}
	if !strings.HasPrefix(f.Words, "At the present pace login success can be decided in ") {
		t.Error(f.Words)
	}

	e := forecastOf(t, c, "enrollment")
	if e == nil || e.Mid == nil {
		t.Fatalf("%+v", c.Forecasts)
	}
	times, _ = stats.EvidenceNeeded(stats.Binary, []stats.Stratum{{T: stats.BinarySums(16, 800), C: stats.BinarySums(72, 7200)}},
		0.02-0.01-0.005, 0.01, 0.05, 0.8)
	if want := 8 * (times - 1); math.Abs(*e.Mid-want) > 0.02*want {
		t.Errorf("%v days, want %v", *e.Mid, want)
	}
	if d := Decide(in.Plan, Build(in)); d.Action != Hold || len(d.Forecasts) != 2 || d.Forecasts[0].Gate != "login_success" {
		t.Error(d.Action, d.Reasons, d.Forecasts)
	}
}

// TestForecastComesTrue: a tenant that goes on as it was passes its gate no later than the forecast.
func TestForecastComesTrue(t *testing.T) {
	f := forecastOf(t, Build(slow(8, 2)).Comparisons[0], "enrollment")
	if f == nil || f.Slow == nil {
		t.Fatal(f)
	}
	if later := forecastOf(t, Build(slow(8+whole(*f.Slow), 2)).Comparisons[0], "enrollment"); later != nil {
		t.Errorf("after %v days still %+v", *f.Slow, later)
	}
	if later := forecastOf(t, Build(slow(8+whole(*f.Mid)/2, 2)).Comparisons[0], "enrollment"); later == nil || later.Mid == nil || *later.Mid >= *f.Mid {
		t.Errorf("half way: %+v of %v", later, *f.Mid)
	}
}

// TestForecastSaysWhyNot: what cannot be foreseen has a reason and no number.
func TestForecastSaysWhyNot(t *testing.T) {
	for _, c := range []struct {
		name, gate, reason string
		change             func(*Input)
	}{
		{"no gain", "enrollment", "not above the smallest", func(in *Input) { *in = slow(8, 1) }},
		{"no days of logins", "login_success", "by its day", func(in *Input) { in.Counts.LoginDays = nil }},
		{"a big drop", "login_success", "beyond the margin", func(in *Input) { in.Counts.Sums[5].Y -= 200 }},
		{"a pause", "login_success", "the last phase is over", func(in *Input) { in.Scope.Phases[0].Until = in.AsOf }},
		{"a pause before the planned days", "dwell", "the last phase is over", func(in *Input) {
			in.Plan.MinDwellDays, in.Scope.Phases[0].Until = 14, in.AsOf
		}},
		{"a question that ends before", "login_success", "asked about is over", func(in *Input) { in.Scope.Until = in.AsOf - 2*dayMicros }},
		{"and before the planned days", "dwell", "asked about is over", func(in *Input) { in.Scope.Until = in.AsOf - 2*dayMicros }},
		{"a new phase", "enrollment", "no complete day", func(in *Input) { in.Scope.Phases[0].From = in.AsOf - 1 }},
		{"silence", "login_success", "nothing was learned", func(in *Input) { in.AsOf += 20 * dayMicros; in.Scope.Until = in.AsOf }},
		{"one look", "enrollment", "one look", func(in *Input) { in.Plan.Mode = Fixed }},
		{"nobody", "login_success", "no login attempts yet", func(in *Input) { in.Counts.Sums = nil }},
	} {
		in := slow(8, 2)
		c.change(&in)
		f := forecastOf(t, Build(in).Comparisons[0], c.gate)
		if f == nil || f.Fast != nil || f.Mid != nil || f.Slow != nil || !strings.Contains(f.Reason, c.reason) || !strings.Contains(f.Words, f.Reason) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	complete := slow(8, 3)
	complete.Scope.Phases[0].Arms = arms(100)
	if c := Build(complete).Comparisons; len(c) > 0 && len(c[0].Forecasts) != 0 {
		t.Error("a forecast without a next rung:", c[0].Forecasts)
	}
}

// TestForecastWords: whole days, rounded up, and no promise beyond a year.
func TestForecastWords(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		d    stats.Days
		want string
	}{
		{stats.Days{Fast: 8.2, Mid: 11, Slow: 13.9}, "in 9 to 14 days."},
		{stats.Days{Fast: 0.2, Mid: 0.5, Slow: 0.9}, "in about 1 day."},
		{stats.Days{}, "any day."},
		{stats.Days{Fast: 3, Mid: 8, Slow: inf}, "in 3 days at the earliest."},
		{stats.Days{Fast: 300, Mid: 330, Slow: 400}, "in 300 days at the earliest."},
		{stats.Days{Fast: 400, Mid: 500, Slow: 900}, "in no less than a year."},
	} {
		f := foreseen("login_success", c.d)
		if !strings.HasSuffix(f.Words, "can be decided "+c.want) || (f.Slow == nil) != math.IsInf(c.d.Slow, 1) {
			t.Error(f.Words)
		}
	}
}
