package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"keyramp/analysis"
	"keyramp/stats"
)

// tallyError is the error level of the intervals around simulated shares.
const tallyError = 0.05

// A tally is the result of a simulation.
type tally struct {
	SchemaVersion int             `json:"schema_version"`
	Kind          string          `json:"kind"` // aa or power
	Version       string          `json:"keyramp_version"`
	Seed          uint64          `json:"seed"`
	Runs          int             `json:"runs"` // finished
	Asked         int             `json:"runs_asked"`
	People        int             `json:"people"`
	Own           bool            `json:"own_control_subjects"`
	Weights       []int           `json:"weights"`
	Days          []int           `json:"days"`
	Success       *float64        `json:"success,omitempty"` // of generated people; likewise the three below
	ICC           *float64        `json:"icc,omitempty"`
	Enroll        *float64        `json:"enroll_per_login,omitempty"`
	Drift         bool            `json:"drift"`
	Gain          float64         `json:"planted_gain"`
	Drop          float64         `json:"planted_drop"`
	Plan          analysis.Plan   `json:"plan"`
	Events        int64           `json:"events"`
	Seconds       float64         `json:"seconds"`
	Outcomes      []tallyOutcome  `json:"outcomes"`
	Predictions   []tallyForecast `json:"predictions"` // power only

	courses []course
}

// A tallyOutcome is how many runs ever came to a verdict, or raised a flag beside any verdict.
type tallyOutcome struct {
	Verdict   string   `json:"verdict"`
	Reason    string   `json:"reason"` // "" = any
	Runs      int      `json:"runs"`
	Share     float64  `json:"share"`
	Lower     float64  `json:"lower"`
	Upper     float64  `json:"upper"`
	Limit     *float64 `json:"limit"` // stated for false verdicts; null where the verdict would be right, or none is stated
	Kept      *bool    `json:"kept"`  // false: over the limit by more than chance explains
	MedianDay *int     `json:"median_day_of_first"`
}

func newTally(s *simulation, h *rehearsal) *tally {
	t := &tally{SchemaVersion: 1, Kind: s.kind, Version: keyrampVersion(), Seed: s.seed, Asked: s.runs,
		People: s.people, Own: s.own, Weights: h.ramp.Weights, Days: h.ramp.Days, Drift: s.drift,
		Gain: s.gain, Drop: s.drop, Plan: h.plan, Outcomes: []tallyOutcome{}, Predictions: []tallyForecast{}}
	if s.own {
		t.People = len(h.own)
	} else {
		t.Success, t.ICC, t.Enroll = &s.success, &s.icc, &s.enroll
	}
	return t
}

func (t *tally) add(c course) {
	t.Runs++
	t.Events += c.events
	t.courses = append(t.courses, c)
}

// finish counts. A verdict is false when the planted effect does not call for
// it; only false verdicts have limits. Alpha is two-sided, so each direction has half of it.
func (t *tally) finish(took time.Duration) {
	t.Seconds = took.Seconds()
	half := t.Plan.Alpha / 2
	unless := func(right bool, limit float64) *float64 {
		if right {
			return nil
		}
		return &limit
	}
	gains, drops := t.Gain > t.Plan.DeltaMin, t.Drop > 0
	t.count("RAMP", "", unless(gains, half), func(c course) int { return c.ramp })

	reasons := map[string]bool{"login_success_drop": true, "enrollment_lower": true, "no_meaningful_benefit": true}
	for _, c := range t.courses {
		for reason := range c.rollBack {
			reasons[reason] = true
		}
	}
	right := map[string]bool{"login_success_drop": drops, "no_meaningful_benefit": !gains}
	t.count("ROLL_BACK", "false", &half, func(c course) int {
		day := 0
		for reason, d := range c.rollBack {
			if !right[reason] && (day == 0 || d < day) {
				day = d
			}
		}
		return day
	})
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.count("ROLL_BACK", reason, unless(right[reason], half), func(c course) int { return c.rollBack[reason] })
	}
	t.count("any", "sample_ratio_mismatch", &t.Plan.AlphaSRM, func(c course) int { return c.sampleRatio })
	causes := map[string]bool{}
	for _, c := range t.courses {
		for reason := range c.investigate {
			causes[reason] = true
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(causes)) {
		if reason != "sample_ratio_mismatch" { // counted above, also where it was not the verdict
			t.count("INVESTIGATE", reason, nil, func(c course) int { return c.investigate[reason] })
		}
	}
	if t.Kind == "power" {
		t.forecast()
	}
}

// count adds one outcome; day tells on which day a run came to it, 0 for never.
func (t *tally) count(verdict, reason string, limit *float64, day func(course) int) {
	o := tallyOutcome{Verdict: verdict, Reason: reason, Limit: limit}
	var days []int
	for _, c := range t.courses {
		if d := day(c); d > 0 {
			days = append(days, d)
		}
	}
	o.Runs = len(days)
	o.Share = float64(o.Runs) / float64(t.Runs)
	interval := stats.Wilson(int64(o.Runs), int64(t.Runs), tallyError)
	o.Lower, o.Upper = interval.Lo, interval.Hi
	if limit != nil {
		kept := o.Lower <= *limit
		o.Kept = &kept
	}
	if middle, ok := stats.Median(days); ok {
		o.MedianDay = &middle
	}
	t.Outcomes = append(t.Outcomes, o)
}

// writer renders the tally. CSV has the outcomes alone, as raw numbers; JSON has everything.
func (t *tally) writer(format string, width int) func(io.Writer) error {
	return func(w io.Writer) error {
		switch format {
		case "json":
			return writeJSON(w, t)
		case "csv":
			return t.raw().write(w, format, width, nil)
		}
		if _, err := fmt.Fprintf(w, "%s\n\n", t.title()); err != nil {
			return err
		}
		if err := t.outcomes().write(w, format, width, nil); err != nil || len(t.Predictions) == 0 {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		return t.forecasts().write(w, format, width, nil)
	}
}

// outcomes is the table for people.
func (t *tally) outcomes() *listing {
	l := &listing{head: []string{"verdict", "reason", "runs", "share", "95 % interval", "limit", "", "day"}, right: []int{2, 3, 4, 5, 7}}
	for _, o := range t.Outcomes {
		limit, kept, day := "", "", ""
		if o.Limit != nil {
			limit = percent(*o.Limit)
			switch {
			case !*o.Kept:
				kept = "OVER"
			case o.Share > *o.Limit:
				kept = "by chance"
			default:
				kept = "kept"
			}
		}
		if o.MedianDay != nil {
			day = strconv.Itoa(*o.MedianDay)
		}
		l.add(o.Verdict, o.Reason, strconv.Itoa(o.Runs), percent(o.Share), percent(o.Lower)+" to "+percent(o.Upper), limit, kept, day)
	}
	return l
}

// raw is the table for spreadsheets: shares are fractions.
func (t *tally) raw() *listing {
	l := &listing{head: []string{"verdict", "reason", "runs", "share", "lower", "upper", "limit", "kept", "median_day_of_first"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, o := range t.Outcomes {
		limit, kept, day := "", "", ""
		if o.Limit != nil {
			limit, kept = number(*o.Limit), strconv.FormatBool(*o.Kept)
		}
		if o.MedianDay != nil {
			day = strconv.Itoa(*o.MedianDay)
		}
		l.add(o.Verdict, o.Reason, strconv.Itoa(o.Runs), number(o.Share), number(o.Lower), number(o.Upper), limit, kept, day)
	}
	return l
}

// title says what was simulated.
func (t *tally) title() string {
	who := fmt.Sprintf("%s generated people", group(int64(t.People)))
	if t.Own {
		who = fmt.Sprintf("%s people of the store who were only in control", group(int64(t.People)))
	}
	effect := "no effect"
	switch {
	case t.Gain > 0 && t.Drop > 0:
		effect = fmt.Sprintf("a gain of %s and a drop of %s", percent(t.Gain), percent(t.Drop))
	case t.Gain > 0:
		effect = "a gain of " + percent(t.Gain)
	case t.Drop > 0:
		effect = "a drop of login success by " + percent(t.Drop)
	}
	short := ""
	if t.Runs < t.Asked {
		short = fmt.Sprintf(" (stopped; %d were asked for)", t.Asked)
	}
	return fmt.Sprintf("%s: %d runs%s, %s, weights %v over days %v, seed %d\n%s events in %.0f s, %.2f s a run; a look every day\nshares are of runs that ever said so; day is the median of their first",
		effect, t.Runs, short, who, t.Weights, t.Days, t.Seed, group(t.Events), t.Seconds, t.Seconds/float64(max(1, t.Runs)))
}

func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) + " %" }
