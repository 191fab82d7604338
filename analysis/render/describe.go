package render

import (
	"fmt"
	"strings"

	"keyramp/analysis"
)

// describe puts a report and its decision into words and grids.
func describe(r *analysis.Report, d analysis.Decision) document {
	doc := document{title: heading(r.Name, r.Experiment), verdict: headline(d), action: d.Action}
	doc.lead = append(doc.lead, standing(r)...)
	doc.sections = append(doc.sections, recipe(r))
	for i := range r.Comparisons {
		doc.sections = append(doc.sections, conclusion(r, &r.Comparisons[i]))
	}
	if r.Missing != "" {
		doc.sections = append(doc.sections, section{title: "What may be concluded",
			lines: []line{say(stop, "There is nothing to compare: "+r.Missing+".")}})
	}
	doc.sections = append(doc.sections, checks(r), reasons(d))
	for _, s := range []section{phases(r), twins(r), returning(r), ratio(r), attribution(r), reconciliation(r), others(r), plan(r)} {
		if len(s.grids)+len(s.lines) > 0 {
			s.detail = true
			doc.sections = append(doc.sections, s)
		}
	}
	return doc
}

func heading(name, id string) string {
	if name == "" {
		return clean(id)
	}
	return clean(name) + " (" + clean(id) + ")"
}

// headline is the verdict in a few words.
func headline(d analysis.Decision) string {
	s := verdictLine(d.Verdict, len(d.Treatments) > 1)
	for _, v := range d.AlsoRollBack {
		s += "; " + string(analysis.RollBack) + "  (" + clean(v.Label()) + ")"
	}
	return s
}

func verdictLine(v analysis.Verdict, named bool) string {
	s := string(v.Action)
	if v.Action == analysis.Ramp || v.Action == analysis.RollBack {
		s += "  " + share(v.CurrentShare) + " -> " + share(v.TargetShare)
	} else if v.CurrentShare != nil {
		s += "  at " + share(v.CurrentShare)
	}
	if named {
		s += "  (" + clean(v.Treatment.Label()) + ")"
	}
	return s
}

// standing says which phase runs and how far the data reach.
func standing(r *analysis.Report) []string {
	var lines []string
	if n := len(r.Phases); n > 0 {
		p := r.Phases[n-1]
		s := fmt.Sprintf("phase %d since %s", p.Number, moment(p.From))
		if p.Until != 0 {
			s += " until " + moment(p.Until)
		}
		if len(r.Comparisons) > 0 {
			s += ", complete: " + days(r.Comparisons[0].Days)
		}
		s += "; " + weights(p)
		lines = append(lines, s)
	}
	if len(r.Continues) > 0 {
		var ids []string
		for _, id := range r.Continues {
			ids = append(ids, clean(id))
		}
		lines = append(lines, "continues "+strings.Join(ids, ", "))
	}
	return append(lines, "as of "+moment(r.AsOf)+"; data until "+moment(r.DataUntil)+"; one observation: "+r.Unit)
}

// weights lists the arms of a phase with their shares.
func weights(p analysis.Phase) string {
	if p.Strategy == "segment" {
		return "by segment"
	}
	var parts []string
	for _, a := range p.Arms {
		parts = append(parts, clean(label(a.Name, a.Variation))+" "+share(a.Weight))
	}
	return strings.Join(parts, ", ")
}

func label(name, id string) string { return analysis.Variation{ID: id, Name: name}.Label() }

// recipe is the plain count.
func recipe(r *analysis.Report) section {
	s := section{title: "The plain recipe",
		explain: "Enrollments / logins x 100, as counted: events, not people, all phases together. It describes and does not decide."}
	byLog := false
	for _, v := range r.Recipe.Variations {
		byLog = byLog || v.LogEnrolled > 0
	}
	g := grid{name: "recipe", left: 1, head: []string{"variation", "logins", "share", "by page", "per 100"}}
	if byLog {
		g.head = append(g.head, "by tenant log", "per 100")
	}
	per100 := func(v *float64) string {
		if v == nil {
			return absent
		}
		return fixed(*v*100, 2)
	}
	for _, v := range r.Recipe.Variations {
		row := []string{clean(label(v.Name, v.Variation)), count(v.Logins), percent(v.Share, 1), count(v.Enrollments), per100(v.Rate)}
		if byLog {
			row = append(row, count(v.LogEnrolled), per100(v.LogRate))
		}
		g.rows = append(g.rows, row)
	}
	if len(g.rows) == 0 {
		s.lines = append(s.lines, say(plain, "No event carries the experiment."))
		return s
	}
	s.grids = append(s.grids, g)
	several := len(r.Comparisons) > 1
	for _, t := range r.Recipe.Tests {
		of := "page"
		if t.Source == "tenant_log" {
			of = "tenant log"
		}
		if several {
			of += ", " + clean(named(r, t.Treatment))
		}
		if t.Z == nil {
			s.lines = append(s.lines, say(plain, "z ("+of+"): not computed, "+t.Reason+"."))
			continue
		}
		s.lines = append(s.lines, say(plain, "z ("+of+") = "+significant(t.Z)+", p "+pValue(t.P)+"."))
	}
	if len(r.Recipe.Tests) > 0 {
		s.lines = append(s.lines, say(plain, "z: "+r.Recipe.Method+"."))
	}
	if len(r.Phases) > 1 {
		s.lines = append(s.lines, say(plain, "The share changed: numbers of several phases together can point the wrong way. See below."))
	}
	return s
}

func named(r *analysis.Report, id string) string {
	for _, v := range r.Recipe.Variations {
		if v.Variation == id {
			return label(v.Name, id)
		}
	}
	return id
}

// conclusion is what may be said about one treatment.
func conclusion(r *analysis.Report, c *analysis.Comparison) section {
	s := section{title: "What may be concluded", explain: "People, compared within phases. Intervals are " +
		level(c.Alpha) + " and hold however often one looks; differences are treatment minus control."}
	if r.Plan.Mode == analysis.Fixed {
		s.explain = "People, compared within phases. Intervals are " + level(c.Alpha) +
			" and hold for one look, at the time that was written down before the start."
	}
	if r.Plan.Mode == analysis.GroupSequential {
		s.explain = "People, compared within phases. Intervals are " + level(c.Alpha) +
			" and hold at the looks of the plan, which ends at an amount of evidence that was written down before the start."
	}
	if c.Clock != nil {
		s.lines = append(s.lines, say(plain, percent(c.Clock, 1)+" of the planned evidence is in."))
	}
	if c.Descriptive {
		s.title = "What was counted, by segment"
		s.explain = "Descriptive: variations were given out by segment, so people in them differ in more than the prompt, and no difference below is its effect. " + s.explain
	}
	if len(r.Comparisons) > 1 {
		s.title += ": " + clean(c.Treatment.Label())
	}
	g := grid{name: "comparison", left: 1, head: []string{"", clean(c.Control.Label()), clean(c.Treatment.Label()), "difference"}}
	outcome := func(name, of string, o analysis.Outcome) {
		g.rows = append(g.rows, []string{name, rateOf(o.Control, o.Difference), rateOf(o.Treatment, o.Difference), difference(o.Difference)})
		if of != "" {
			g.rows = append(g.rows, []string{"  " + of,
				count(o.Control.Numerator) + " / " + count(o.Control.Denominator),
				count(o.Treatment.Numerator) + " / " + count(o.Treatment.Denominator), ""})
		}
		if o.Difference.Diff == nil && o.Difference.Reason != "" {
			s.lines = append(s.lines, say(plain, name+": no difference, "+o.Difference.Reason+"."))
		}
	}
	outcome("enrolled", "of people", c.Enrollment)
	outcome("login success", "of attempts", c.Success)
	outcome("per login", "", c.PerLogin)
	s.grids = append(s.grids, g)

	s.lines = append(s.lines, lift(c)...)
	if p := c.Enrollment.Difference.P; p != nil {
		text := "p of the enrollment difference " + pValue(p) + " (" + testWords[c.Enrollment.Difference.Test] + ")"
		if a := c.Enrollment.Difference.PHolm; a != nil && len(r.Comparisons) > 1 {
			text += "; " + pValue(a) + " adjusted for " + count(int64(len(r.Comparisons))) + " treatments"
		}
		s.lines = append(s.lines, say(plain, text+"."))
	}
	if p := c.AboveMargin; p != nil {
		s.lines = append(s.lines, say(plain, "p of a gain no larger than "+fixed(r.Plan.DeltaMin*100, 2)+" pp "+pValue(p)+
			" (one-sided, Farrington and Manning's test)."))
	}
	if c.Margin != nil {
		s.lines = append(s.lines, say(plain, "On the way to "+share(c.NextShare)+
			" login success in treatment may drop by less than "+fixed(*c.Margin*100, 2)+" pp."))
	}
	if e := c.ExposureRatio; e.Lower != nil && e.Reason == "" {
		s.lines = append(s.lines, say(plain, "Treated people seen, over those the weights promise: "+ratioWords(e)+
			". Below 1 they vanish without any failure event."))
	}
	if c.Undiluted != nil && *c.Dilution > 0 {
		s.lines = append(s.lines, say(info, percent(c.Dilution, 1)+" of control people also met the treatment; without that the difference would be about "+
			points(*c.Undiluted, places(halfWidth(c.Enrollment.Difference.Lower, c.Enrollment.Difference.Upper)))+" pp."))
	}
	if w := c.WithoutCrossed; w != nil && w.Enrollment.Diff != nil {
		s.lines = append(s.lines, say(info, "Without people seen in two variations: enrollment "+difference(w.Enrollment)+
			", login success "+difference(w.Success)+"."))
	}
	if w := c.WithoutReturning; w != nil {
		s.lines = append(s.lines, say(info, "Without returning people: enrollment "+difference(w.Enrollment.Difference)+
			", login success "+difference(w.Success.Difference)+"."))
	}
	if c.Pooled != nil && len(c.ByPhase) > 1 {
		line := "Pooled over phases the enrollment difference would be " + points(*c.Pooled, 2) + " pp"
		if c.SimpsonReversal {
			line += ", with the other sign (simpson_reversal)"
		}
		s.lines = append(s.lines, say(info, line+". It mixes the effect with what else changed between phases."))
	}
	if c.EnrollmentEvents < 10 {
		expected := significant(&c.EnrollmentEvents)
		if expected == "10" {
			expected = "just below 10"
		}
		s.lines = append(s.lines, say(info, "Few enrollments yet ("+expected+" expected in the smaller arm): the exact rate ratio has to agree before anything is concluded."))
	}
	return s
}

func level(alpha float64) string {
	v := (1 - alpha) * 100
	s := fixed(v, apart(v, 100, 2)) // never 100
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + " %"
}

// testWords name the test that a p-value is from.
var testWords = map[string]string{
	"":                 "always-valid, the smallest so far",
	"score":            "score test, one look",
	"cmh":              "Cochran-Mantel-Haenszel test over strata, one look",
	"boschloo":         "Boschloo's exact test, one look",
	"fisher":           "Fisher's exact test, one look",
	"stratified_exact": "exact test over strata, one look",
}

// lift is the relative gain, from the exact test.
func lift(c *analysis.Comparison) []line {
	e := c.RateRatio
	switch {
	case e.Lower == nil:
		return []line{say(plain, "Relative lift: not computed, "+e.Reason+".")}
	case e.Reason != "":
		return []line{say(plain, "Relative lift: not computed, "+e.Reason+".")}
	}
	text := "Enrollment rate in treatment over control: " + ratioWords(e) + " (exact at any count)."
	return []line{say(plain, text)}
}

// ratioWords writes the limits of a ratio.
func ratioWords(e analysis.Ratio) string {
	lo := significant(e.Lower) + "x"
	if e.Upper == nil {
		return "at least " + lo
	}
	return lo + " to " + significant(e.Upper) + "x"
}

// checks says whether the data can be trusted.
func checks(r *analysis.Report) section {
	s := section{title: "Checks", explain: "!! stops the decision, -- is worth knowing."}
	sr := r.SampleRatio
	switch {
	case sr.MaxLogE == nil:
		s.lines = append(s.lines, say(info, "sample ratio: not judged, "+orElse(sr.Reason, "no subject yet")+"."))
	case !sr.Mismatch:
		s.lines = append(s.lines, say(okay, "sample ratio as promised: p "+pValue(sr.P)+" over all looks (alarm at "+
			significant(&r.Plan.AlphaSRM)+"); "+splitWords(r)+"."))
	}
	for _, f := range r.Flags {
		m := info
		if f.Blocking {
			m = stop
		}
		text := f.Name + flagNumbers(f) + ": " + f.Words
		if sr.Mismatch && f.Name == "sample_ratio_mismatch" {
			text += " p " + pValue(sr.P) + ", alarm since " + dayOf(sr.Since) + "; " + splitWords(r) + "."
		}
		s.lines = append(s.lines, line{m, clean(text), f.Do})
	}
	for _, n := range r.Notes {
		s.lines = append(s.lines, say(info, clean(n.Words)))
	}
	s.lines = append(s.lines, say(plain, signalWords[r.EnrollmentSignal]+agreement(r.Reconciliation)))
	if failures, attributed := attributedFailures(r); failures > 0 {
		v := float64(attributed) / float64(failures)
		s.lines = append(s.lines, say(plain, count(attributed)+" of "+count(failures)+" failed attempts ("+percent(&v, 1)+
			") have a person and a variation; the rest were people outside the experiment or unknown."))
	}
	return s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// splitWords tells the cell of the sample ratio that is furthest from its weight.
func splitWords(r *analysis.Report) string {
	c := r.SampleRatio.Driver
	if c == nil || c.Observed == nil {
		return "no people yet"
	}
	where := fmt.Sprintf("phase %d", c.Phase)
	if c.Origin > 0 {
		where += fmt.Sprintf(", back from phase %d", c.Origin)
	}
	return "furthest off: " + clean(label(c.Name, c.Variation)) + " " + percent(c.Observed, 2) + " of people, promised " +
		percent(&c.Expected, 2) + " (" + where + ")"
}

func flagNumbers(f analysis.Flag) string {
	switch {
	case f.Name == "sample_ratio_mismatch" || f.Value == nil && f.Count == nil:
		return ""
	case f.Name == "stale":
		n := apart(*f.Value, *f.Limit, 0)
		return " (" + fixed(*f.Value, n) + " hours, limit " + fixed(*f.Limit, n) + ")"
	case f.Value != nil && f.Of == nil:
		value, limit := besideLimit(f)
		return " (" + count(*f.Count) + ", " + value + " of the time, limit " + limit + ")"
	case f.Value == nil:
		if *f.Count == 0 {
			return ""
		}
		return " (" + count(*f.Count) + ")"
	}
	of := " (" + count(*f.Count) + " of " + count(*f.Of) + " = "
	if f.Limit == nil {
		return of + percent(f.Value, 2) + ")"
	}
	value, limit := besideLimit(f)
	return of + value + ", limit " + limit + ")"
}

// besideLimit writes the share of a flag and its limit, with decimals enough to see which is larger.
func besideLimit(f analysis.Flag) (value, limit string) {
	n := apart(*f.Value*100, *f.Limit*100, 2)
	if n == 2 {
		return percent(f.Value, n), share(f.Limit)
	}
	return percent(f.Value, n), percent(f.Limit, n)
}

var signalWords = map[analysis.Signal]string{
	analysis.SignalBoth:     "Enrollments are known from tenant log and page.",
	analysis.SignalLog:      "Enrollments are known from the tenant log, in both variations.",
	analysis.SignalPage:     "Enrollments are known from the page alone.",
	analysis.SignalUnlinked: "Enrollments are known from the page alone, without users.",
	analysis.SignalNone:     "No enrollment was seen yet.",
}

// agreement says how far page and tenant log agree.
func agreement(r *analysis.Reconciliation) string {
	if r == nil || r.Agreement == nil {
		return ""
	}
	byPage := r.Treatment.Both + r.Treatment.PageOnly + r.Control.Both + r.Control.PageOnly
	return " Of " + count(byPage) + " people enrolled by the page's word, the log knows " + percent(r.Agreement, 1) + "."
}

func attributedFailures(r *analysis.Report) (failures, attributed int64) {
	for _, a := range r.Attribution {
		if a.Role == "failure" {
			failures, attributed = failures+a.Total, attributed+a.Total-a.None
		}
	}
	return failures, attributed
}
