package analysis

import (
	"fmt"
	"math"
	"sort"

	"keyramp/queries/store"
	"keyramp/stats"
)

// A Forecast says when a condition of a ramp that is not met yet can be decided, if evidence keeps coming in as on
// the last complete days and the difference stays as it is.
type Forecast struct {
	Gate   string   `json:"gate"`      // dwell, login_success or enrollment
	Fast   *float64 `json:"days_fast"` // from as_of on; at the mean gain of a day plus its day-to-day standard deviation
	Mid    *float64 `json:"days"`
	Slow   *float64 `json:"days_slow"` // minus it; null with Fast set: gains vary as much as they amount to
	Words  string   `json:"words"`
	Reason string   `json:"reason,omitempty"` // why there is no number
}

// forecastPower is the chance that a condition is met at the end of its forecast. Looks on the way add to it.
const forecastPower = 0.8

// paceDays are the complete days whose gains make the pace: a whole week sees every weekday.
const paceDays = 7

// yearDays ends what is foreseen: nothing stays as it is for longer.
const yearDays = 365

// forecasts tells the time to decision of each condition that still blocks a ramp. It is empty without a next rung.
func (c *comparer) forecasts(of *Comparison, in Input) []Forecast {
	out := []Forecast{}
	if of.NextShare == nil {
		return out
	}
	days, over := c.paceWindow(in)
	if in.Scope.Until > 0 && in.Scope.Until < in.AsOf { // nothing that comes later is in this answer
		over = askedOver
	}
	if missing := float64(c.plan.MinDwellDays - of.Days); missing > 0 && (over == phaseOver || over == askedOver) {
		out = append(out, unforeseen("dwell", over))
	} else if missing > 0 {
		out = append(out, foreseen("dwell", stats.Days{Fast: missing, Mid: missing, Slow: missing}))
	}
	if d := of.Success.Difference; d.Diff == nil || *d.Lower <= -*of.Margin {
		out = append(out, c.forecastSuccess(of, days, over))
	}
	few := of.EnrollmentEvents < enoughEvents && (of.RateRatio.Lower == nil || *of.RateRatio.Lower <= 1)
	if d := of.Enrollment.Difference; few || d.Diff == nil || *d.Lower <= c.plan.DeltaMin {
		out = append(out, c.forecastEnrollment(of, few, days, over))
	}
	return out
}

// forecastSuccess asks when login success is shown to stay within the margin. A treatment that looks better than
// control is taken to be its equal, so that luck does not promise an early end.
func (c *comparer) forecastSuccess(of *Comparison, days []store.Micros, over string) Forecast {
	const gate = "login_success"
	d := of.Success.Difference
	switch {
	case over != "":
		return unforeseen(gate, over)
	case d.Diff == nil:
		return unforeseen(gate, d.Reason)
	case *d.Diff <= -*of.Margin:
		return unforeseen(gate, "the difference as it stands is a drop beyond the margin")
	case len(c.counts.LoginDays) == 0:
		return unforeseen(gate, "no login is known by its day")
	}
	now := differing(c.cells(c.counts.Sums, store.LoginSuccess, c.against(c.treatment.ID)), false)
	upTo := func(end store.Micros) float64 { return information(stats.Ratio, c.attemptsUntil(end)) }
	return c.forecastInformation(gate, *of.Margin+math.Min(*d.Diff, 0), c.plan.TauSuccess, stats.Ratio, now, gainsOf(days, upTo))
}

// attemptsUntil estimates the strata of login success as they stood at the end of a day. How attempts spread over
// the days is taken from the successful logins, which know their variation and day; rates and clustering are today's.
func (c *comparer) attemptsUntil(end store.Micros) []stats.Stratum {
	side := c.against(c.treatment.ID)
	type arm struct{ phase, side int }
	before, all := map[arm]int64{}, map[arm]int64{}
	for _, l := range c.counts.LoginDays {
		a := arm{l.Phase, side(l.Phase, l.Variation)}
		all[a] += l.Logins
		if l.Day < end {
			before[a] += l.Logins
		}
	}
	part := func(s stats.Sums, a arm) stats.Sums {
		if all[a] == 0 {
			return stats.Sums{}
		}
		f := float64(before[a]) / float64(all[a])
		of := func(n int64) int64 { return int64(math.Round(f * float64(n))) }
		return stats.Sums{N: of(s.N), Y: of(s.Y), X: of(s.X), YY: of(s.YY), XX: of(s.XX), XY: of(s.XY)}
	}
	cells := c.cells(c.counts.Sums, store.LoginSuccess, side)
	for i := range cells {
		s := &cells[i]
		s.both.T, s.both.C = part(s.both.T, arm{s.phase, 1}), part(s.both.C, arm{s.phase, 0})
	}
	return differing(cells, false)
}

// forecastEnrollment asks when the gain in enrollment is shown to be above the smallest one worth a ramp. few says
// that enrollments in the smaller arm are not enough yet, whatever the difference.
func (c *comparer) forecastEnrollment(of *Comparison, few bool, days []store.Micros, over string) Forecast {
	const gate = "enrollment"
	d := of.Enrollment.Difference
	cells := c.enrollments(c.counts.Sums)
	h := c.history(cells)
	switch {
	case over != "":
		return unforeseen(gate, over)
	case d.Diff == nil:
		return unforeseen(gate, d.Reason)
	case *d.Diff <= c.plan.DeltaMin:
		return unforeseen(gate, "the gain as it stands is not above the smallest one worth a ramp")
	case len(h.days) == 0:
		return unforeseen(gate, "enrollments are not known by day")
	}
	until := func(end store.Micros) []stats.Stratum {
		if i := sort.Search(len(h.days), func(i int) bool { return h.days[i] >= end }); i > 0 {
			return h.upTo[i-1]
		}
		return nil
	}
	var out Forecast
	if *d.Lower <= c.plan.DeltaMin {
		out = c.forecastInformation(gate, *d.Diff-c.plan.DeltaMin, c.plan.TauEnroll, stats.Binary, differing(cells, false),
			gainsOf(days, func(end store.Micros) float64 { return information(stats.Binary, until(end)) }))
	}
	if few && out.Reason == "" {
		if more := c.forecastFew(gate, of, days, h, until); out.Mid == nil || more.Mid == nil || *more.Mid > *out.Mid {
			out = more
		}
	}
	return out
}

// forecastFew asks when there are enrollments enough for the difference to count, or when the exact ratio agrees with
// it: the sooner of the two.
func (c *comparer) forecastFew(gate string, of *Comparison, days []store.Micros, h history, until func(store.Micros) []stats.Stratum) Forecast {
	many := forecast(gate, enoughEvents, of.EnrollmentEvents,
		gainsOf(days, func(end store.Micros) float64 { return stats.EventsInSmallerArm(until(end)) }))
	if of.RateRatio.LogE == nil {
		return many
	}
	logE := func(end store.Micros) float64 {
		var converters []stats.Converters
		for i, s := range until(end) {
			if share, ok := c.share(h.strata[i], c.treatment.ID); ok {
				converters = append(converters, stats.Converters{T: s.T.Y, C: s.C.Y, Share: share})
			}
		}
		return c.process.LogE(converters)
	}
	exact := forecast(gate, -math.Log(c.alpha), *of.RateRatio.LogE, gainsOf(days, logE))
	if exact.Mid == nil || many.Mid != nil && *many.Mid <= *exact.Mid {
		return many
	}
	return exact
}

// forecastInformation asks when an interval leaves a limit that is effect away from the difference.
func (c *comparer) forecastInformation(gate string, effect, tau float64, kind stats.Kind, now []stats.Stratum, gains []float64) Forecast {
	if c.plan.Mode != Sequential {
		return unforeseen(gate, "the plan has an end that was written down before the start")
	}
	times, ok := stats.EvidenceNeeded(kind, now, effect, tau, c.alpha, forecastPower)
	if !ok {
		return unforeseen(gate, "the difference as it stands lies at its limit")
	}
	have := information(kind, now)
	return forecast(gate, times*have, have, gains)
}

func forecast(gate string, needed, now float64, gains []float64) Forecast {
	d, ok := stats.DaysToDecision(needed, now, gains)
	if !ok {
		return unforeseen(gate, "nothing was learned on the last complete days")
	}
	return foreseen(gate, d)
}

// Why what is asked about gains neither days nor evidence: its phase was ended, or the question ends before its as-of time.
const (
	phaseOver = "the last phase is over"
	askedOver = "the time that is asked about is over"
)

// paceWindow lists the starts of the last complete UTC days of the running phase, at most seven, and says why
// there are none.
func (d *design) paceWindow(in Input) (days []store.Micros, none string) {
	last := d.phases[len(d.phases)-1]
	if last.Until > 0 && last.Until <= in.AsOf {
		return nil, phaseOver
	}
	from, until := in.seen(last)
	one := store.Micros(day.Microseconds())
	until -= until % one
	for at := until - one; at >= from && len(days) < paceDays; at -= one {
		days = append(days, at)
	}
	if len(days) == 0 {
		return nil, "the phase has no complete day (UTC) yet"
	}
	return days, ""
}

// gainsOf are the differences over each day of a value that is known at the end of any day.
func gainsOf(days []store.Micros, upTo func(end store.Micros) float64) []float64 {
	gains := make([]float64, len(days))
	for i, d := range days {
		gains[i] = upTo(d+day.Microseconds()) - upTo(d)
	}
	return gains
}

// information is 1/variance of a difference; 0 while it is undefined.
func information(kind stats.Kind, strata []stats.Stratum) float64 {
	d := stats.FixedDifference(kind, strata, 0.05) // the level does not enter the variance
	if !d.Defined || !(d.V > 0) {
		return 0
	}
	return 1 / d.V
}

var gateWords = map[string]string{"login_success": "login success", "enrollment": "the gain in enrollment"}

func unforeseen(gate, reason string) Forecast {
	f := Forecast{Gate: gate, Reason: reason,
		Words: "When " + gateWords[gate] + " can be decided is not foreseeable: " + reason + "."}
	if gate == "dwell" {
		f.Words = "The phase will not reach its planned days: " + reason + "."
	}
	return f
}

// foreseen puts a time into words, in whole days.
func foreseen(gate string, d stats.Days) Forecast {
	f := Forecast{Gate: gate, Fast: &d.Fast, Mid: &d.Mid}
	if !math.IsInf(d.Slow, 1) {
		f.Slow = &d.Slow
	}
	if gate == "dwell" {
		f.Words = "The phase will have lasted its planned days in " + dayWord(d.Mid) + "."
		return f
	}
	when := "in " + fmt.Sprint(whole(d.Fast)) + " to " + dayWord(d.Slow)
	switch {
	case d.Fast > yearDays:
		when = "in no less than a year"
	case d.Slow > yearDays:
		when = "in " + dayWord(d.Fast) + " at the earliest"
	case d.Slow == 0:
		when = "any day"
	case whole(d.Fast) == whole(d.Slow):
		when = "in about " + dayWord(d.Slow)
	}
	f.Words = "At the present pace " + gateWords[gate] + " can be decided " + when + "."
	return f
}

func whole(days float64) int { return int(math.Ceil(days)) }

func dayWord(days float64) string {
	if n := whole(days); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "1 day"
}

// gateOf names the condition behind a reason to hold.
var gateOf = map[string]string{"dwell": "dwell", "login_success_not_proven": "login_success", "enrollment_not_proven": "enrollment"}

// wait keeps the forecasts of the conditions that a verdict holds for.
func (v *Verdict) wait(forecasts []Forecast) {
	v.Forecasts = []Forecast{}
	if v.Action != Hold {
		return
	}
	for _, reason := range v.Reasons {
		for _, f := range forecasts {
			if f.Gate == gateOf[reason] {
				v.Forecasts = append(v.Forecasts, f)
			}
		}
	}
}
