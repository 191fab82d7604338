package render

import (
	"encoding/csv"
	"io"
	"strconv"

	"keyramp/analysis"
)

var tidyHead = []string{"experiment_id", "as_of", "phase", "origin", "variation_id", "metric", "field", "value"}

// A tidy writes one fact a row: raw numbers, fractions, RFC 3339 times, nothing for what could not be computed.
type tidy struct {
	w      *csv.Writer
	id, at string
	unsafe bool
}

func newTidy(w io.Writer, experiment string, asOf analysis.Time, unsafe bool) *tidy {
	t := &tidy{csv.NewWriter(w), experiment, asOf.String(), unsafe}
	_ = t.w.Write(tidyHead) // csv keeps the first error for Flush
	return t
}

// fact writes one row. Phase 0 means all phases, origin -1 all strata of the phase.
func (t *tidy) fact(phase, origin int, variation, metric, field, value string, text bool) {
	p, o := "", ""
	if phase > 0 {
		p = strconv.Itoa(phase)
	}
	if origin >= 0 {
		o = strconv.Itoa(origin)
	}
	row := []string{t.id, t.at, p, o, variation, metric, field, value}
	if !t.unsafe {
		for _, i := range []int{0, 4, 5, 6} {
			row[i] = csvSafe(row[i])
		}
		if text {
			row[7] = csvSafe(row[7])
		}
	}
	_ = t.w.Write(row)
}

func (t *tidy) number(phase, origin int, variation, metric, field string, v *float64) {
	s := ""
	if v != nil {
		s = strconv.FormatFloat(*v, 'g', -1, 64)
	}
	t.fact(phase, origin, variation, metric, field, s, false)
}

func (t *tidy) count(phase, origin int, variation, metric, field string, n int64) {
	t.fact(phase, origin, variation, metric, field, strconv.FormatInt(n, 10), false)
}

func (t *tidy) difference(phase int, variation, metric string, d analysis.Difference) {
	t.number(phase, -1, variation, metric, "difference", d.Diff)
	t.number(phase, -1, variation, metric, "difference_lower", d.Lower)
	t.number(phase, -1, variation, metric, "difference_upper", d.Upper)
	if phase == 0 {
		t.number(phase, -1, variation, metric, "p", d.P)
		t.number(phase, -1, variation, metric, "p_holm", d.PHolm)
	}
}

func (t *tidy) outcome(c *analysis.Comparison, first bool, metric string, o analysis.Outcome) {
	arm := func(id string, r analysis.Rate) {
		t.count(0, -1, id, metric, "subjects", r.Subjects)
		t.count(0, -1, id, metric, "numerator", r.Numerator)
		t.count(0, -1, id, metric, "denominator", r.Denominator)
		t.number(0, -1, id, metric, "rate", r.Rate)
		t.number(0, -1, id, metric, "rate_lower", r.Lower)
		t.number(0, -1, id, metric, "rate_upper", r.Upper)
	}
	if first { // with several treatments control is the same in each comparison but for its interval
		arm(c.Control.ID, o.Control)
	}
	arm(c.Treatment.ID, o.Treatment)
	t.difference(0, c.Treatment.ID, metric, o.Difference)
}

// writeTidy writes a report and its decision as rows.
func writeTidy(w io.Writer, r *analysis.Report, d analysis.Decision, unsafe bool) error {
	t := newTidy(w, r.Experiment, r.AsOf, unsafe)
	for _, p := range r.Phases {
		for _, a := range p.Arms {
			t.number(p.Number, -1, a.Variation, "phase", "weight", a.Weight)
		}
		t.fact(p.Number, -1, "", "phase", "from", p.From.String(), false)
		t.fact(p.Number, -1, "", "phase", "until", p.Until.String(), false)
		t.count(p.Number, -1, "", "phase", "subjects", p.Subjects)
		t.count(p.Number, -1, "", "phase", "subjects_in_two_variations", p.Crossed)
	}
	recipe := func(rows []analysis.RecipeRow) {
		for _, v := range rows {
			t.count(v.Phase, -1, v.Variation, "recipe", "logins", v.Logins)
			t.number(v.Phase, -1, v.Variation, "recipe", "share_of_logins", v.Share)
			t.count(v.Phase, -1, v.Variation, "recipe", "enrollments", v.Enrollments)
			t.number(v.Phase, -1, v.Variation, "recipe", "enrollments_per_login", v.Rate)
			t.count(v.Phase, -1, v.Variation, "recipe", "tenant_log_enrollments", v.LogEnrolled)
			t.number(v.Phase, -1, v.Variation, "recipe", "tenant_log_enrollments_per_login", v.LogRate)
		}
	}
	recipe(r.Recipe.Variations)
	for _, p := range r.Recipe.Phases {
		if p.Phase > 0 {
			recipe([]analysis.RecipeRow{p})
		}
	}
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		id := c.Treatment.ID
		if c.Descriptive {
			t.fact(0, -1, id, "comparison", "descriptive", "true", false)
		}
		t.outcome(c, i == 0, "enroll", c.Enrollment)
		t.outcome(c, i == 0, "login_success", c.Success)
		t.outcome(c, i == 0, "enroll_per_login", c.PerLogin)
		t.number(0, -1, id, "enroll", "rate_ratio_lower", c.RateRatio.Lower)
		t.number(0, -1, id, "enroll", "rate_ratio_upper", c.RateRatio.Upper)
		t.number(0, -1, id, "enroll", "expected_in_smaller_arm", &c.EnrollmentEvents)
		t.number(0, -1, id, "login_success", "effective_failures", &c.EffectiveFailures)
		t.number(0, -1, id, "login_success", "margin", c.Margin)
		t.number(0, -1, id, "exposure", "ratio_lower", c.ExposureRatio.Lower)
		t.number(0, -1, id, "exposure", "ratio_upper", c.ExposureRatio.Upper)
		for _, e := range c.ByPhase {
			t.difference(e.Phase, id, "enroll", e.Enrollment)
			t.difference(e.Phase, id, "login_success", e.Success)
		}
		for _, s := range c.Strata {
			if i == 0 { // as above: control is one arm, however many are set against it
				t.count(s.Phase, s.Origin, c.Control.ID, "enroll", "subjects", s.ControlSubjects)
				t.count(s.Phase, s.Origin, c.Control.ID, "enroll", "enrolled", s.ControlEnrolled)
			}
			t.count(s.Phase, s.Origin, id, "enroll", "subjects", s.TreatmentSubjects)
			t.count(s.Phase, s.Origin, id, "enroll", "enrolled", s.TreatmentEnrolled)
			t.number(s.Phase, s.Origin, id, "enroll", "share", s.Share)
		}
	}
	for _, s := range r.SampleRatio.Strata {
		for _, c := range s.Cells {
			t.count(s.Phase, s.Origin, c.Variation, "sample_ratio", "subjects", c.Subjects)
			t.number(s.Phase, s.Origin, c.Variation, "sample_ratio", "expected_share", &c.Expected)
		}
		t.number(s.Phase, s.Origin, "", "sample_ratio", "log_e", &s.LogE)
	}
	t.number(0, -1, "", "sample_ratio", "log_e_max", r.SampleRatio.MaxLogE)
	if c := r.Reconciliation; c != nil {
		t.number(0, -1, "", "reconciliation", "agreement", c.Agreement)
		for _, side := range []struct {
			name   string
			people analysis.Sources
		}{{"treatment", c.Treatment}, {"control", c.Control}} {
			t.count(0, -1, "", "reconciliation", side.name+"_both", side.people.Both)
			t.count(0, -1, "", "reconciliation", side.name+"_page_only", side.people.PageOnly)
			t.count(0, -1, "", "reconciliation", side.name+"_log_only", side.people.LogOnly)
		}
	}
	for _, f := range r.Flags {
		kind := "information"
		if f.Blocking {
			kind = "blocking"
		}
		v := f.Value
		if v == nil && f.Count != nil {
			n := float64(*f.Count)
			v = &n
		}
		t.number(0, -1, "", "flag_"+kind, f.Name, v)
	}
	t.decision(d)
	t.losses(d.Losses)
	t.w.Flush()
	return t.w.Error()
}

// losses writes what the verdict could not see. A gap is numbered in the place of its field.
func (t *tidy) losses(l analysis.Losses) {
	if !l.Any() {
		return
	}
	all := func(metric, field, value string, text bool) { t.fact(0, -1, "", metric, field, value, text) }
	for i, g := range l.Gaps {
		metric := "gap_" + strconv.Itoa(i+1)
		all(metric, "source", g.Source, true)
		all(metric, "from", g.From.String(), false)
		all(metric, "until", g.Until.String(), false)
		t.number(0, -1, "", metric, "hours", &g.Hours)
		t.count(0, -1, "", metric, "hours_stored", g.StoredHours)
		all(metric, "one_sided", strconv.FormatBool(g.OneSided), false)
	}
	t.number(0, -1, "", "lost", "gap_share", l.GapShare)
	t.number(0, -1, "", "lost", "page_gap_share", l.PageGapShare)
	for _, r := range l.Rejects {
		t.count(0, -1, "", "rejected", r.Reason, r.Count)
	}
	for _, u := range l.Undated {
		t.count(0, -1, "", "rejected_without_date", u.Source+" "+u.Run.String(), u.Count)
	}
	for _, c := range l.Conflicts {
		t.count(0, -1, "", "conflicts", c.Source, c.Count)
	}
}

func (t *tidy) decision(d analysis.Decision) {
	for _, v := range d.Treatments {
		t.fact(0, -1, v.Treatment.ID, "decision", "action", string(v.Action), true)
		for _, r := range v.Reasons {
			t.fact(0, -1, v.Treatment.ID, "decision", "reason", r, true)
		}
		t.number(0, -1, v.Treatment.ID, "decision", "current_share", v.CurrentShare)
		t.number(0, -1, v.Treatment.ID, "decision", "target_share", v.TargetShare)
		t.number(0, -1, v.Treatment.ID, "decision", "margin", v.Margin)
		for _, f := range v.Forecasts {
			t.number(0, -1, v.Treatment.ID, "decision", f.Gate+"_days_fast", f.Fast)
			t.number(0, -1, v.Treatment.ID, "decision", f.Gate+"_days", f.Mid)
			t.number(0, -1, v.Treatment.ID, "decision", f.Gate+"_days_slow", f.Slow)
		}
	}
	t.fact(0, -1, "", "decision", "action", string(d.Action), true)
	t.fact(0, -1, "", "decision", "recommended", d.Treatment.ID, true)
	for _, r := range d.Reasons {
		t.fact(0, -1, "", "decision", "reason", r, true)
	}
	if d.SignOff != nil {
		t.fact(0, -1, "", "decision", "accepted_"+d.SignOff.Accepts, d.SignOff.By, true)
	}
	for _, c := range d.PlanChanges {
		t.fact(0, -1, "", "decision", "plan_changed", c.String(), true)
	}
}

// writeTidyDecision writes a decision alone, with the numbers of its rules.
func writeTidyDecision(w io.Writer, d analysis.Decision, unsafe bool) error {
	t := newTidy(w, d.Experiment, d.AsOf, unsafe)
	t.decision(d)
	t.losses(d.Losses)
	for _, v := range d.Treatments {
		for _, r := range v.Rules {
			for _, c := range r.Conditions {
				metric := "rule_" + strconv.Itoa(r.Rule)
				t.number(0, -1, v.Treatment.ID, metric, c.Name, c.Value)
				t.number(0, -1, v.Treatment.ID, metric, c.Name+"_limit", c.Limit)
				t.fact(0, -1, v.Treatment.ID, metric, c.Name+"_met", strconv.FormatBool(c.Met), false)
			}
		}
	}
	t.w.Flush()
	return t.w.Error()
}
