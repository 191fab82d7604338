package render

import (
	"strconv"
	"strings"

	"keyramp/analysis"
)

// reasons is the decision with the numbers that made it.
func reasons(d analysis.Decision) section {
	s := section{title: "Decision: " + headline(d)}
	for _, w := range d.Words {
		s.lines = append(s.lines, say(plain, "because  "+clean(w)))
	}
	for _, c := range deciding(d.Verdict) {
		l := condition(c)
		if d.Action == analysis.RollBack { // what is met here is no good news
			l.mark = stop
		}
		if d.Action == analysis.Ramp && !c.Met {
			l = say(info, l.text+", accepted")
		}
		s.lines = append(s.lines, l)
	}
	s.lines = append(s.lines, say(plain, "next     "+clean(d.Next)))
	for _, f := range d.Forecasts {
		s.lines = append(s.lines, say(plain, "when     "+clean(f.Words)))
	}
	for _, a := range d.Also {
		s.lines = append(s.lines, say(plain, "also     "+clean(a)))
	}
	if a := d.SignOff; a != nil {
		s.lines = append(s.lines, say(info, "accepted "+clean(a.Accepts)+" by "+clean(a.By)+": "+clean(a.Note)))
	}
	for _, c := range d.PlanChanges {
		s.lines = append(s.lines, say(info, "plan_changed "+clean(c.String())+", after the first recorded decision."))
	}
	for _, l := range lost(d.Losses) {
		s.lines = append(s.lines, say(info, "lost     "+l))
	}
	return s
}

// lost says what the verdict could not see.
func lost(l analysis.Losses) []string {
	var lines []string
	for _, g := range l.Gaps {
		s := "gap in " + clean(g.Source) + ": " + moment(g.From) + " to " + moment(g.Until)
		if hours := duration(g.Hours); hours != "" {
			s += ", " + hours + " of the analysed time"
		}
		if g.StoredHours > 0 {
			s += "; of " + count(g.StoredHours) + " of these hours something is stored"
		}
		if g.OneSided {
			s += "; of treatment alone"
		}
		lines = append(lines, s+".")
	}
	for _, r := range l.Rejects {
		lines = append(lines, count(r.Count)+" put aside: "+clean(r.Reason)+", dated in the analysed time.")
	}
	for _, u := range l.Undated {
		lines = append(lines, count(u.Count)+" put aside without a date that can be read: "+clean(u.Source)+", run of "+moment(u.Run)+".")
	}
	for _, c := range l.Conflicts {
		lines = append(lines, count(c.Count)+" told again with another content: "+clean(c.Source)+"; what came first counts.")
	}
	return lines
}

// duration writes hours; "" for less than a minute.
func duration(hours float64) string {
	short := func(v float64) string { return strings.TrimSuffix(fixed(v, 1), ".0") }
	switch {
	case hours < 1.0/60:
		return ""
	case hours < 1:
		return fixed(hours*60, 0) + " min"
	case hours < 48:
		return short(hours) + " h"
	}
	return short(hours/24) + " days"
}

// deciding are the conditions worth showing: all that were met for an act, and for HOLD what is met and what is missing.
func deciding(v analysis.Verdict) []analysis.Condition {
	if v.Action == analysis.Investigate || v.Reason == "ramp_complete" {
		return nil
	}
	for _, r := range v.Rules {
		if r.Decides {
			return r.Conditions
		}
	}
	return nil
}

var conditionWords = map[string]string{
	"next_share":           "no rung is left; next share",
	"guardrail_available":  "failed logins can be attributed",
	"effective_failures":   "failures expected in the smaller arm",
	"login_success_upper":  "login success difference, upper limit",
	"login_success_lower":  "login success difference, lower limit",
	"expected_enrollments": "enrollments expected in the smaller arm",
	"days_in_phase":        "complete days in the phase",
	"rate_ratio_upper":     "enrollment rate ratio, upper limit",
	"rate_ratio_lower":     "enrollment rate ratio, lower limit",
	"enrollment_upper":     "enrollment difference, upper limit",
	"enrollment_lower":     "enrollment difference, lower limit",
	"look_is_open":         "the plan allows a look now",
	"exposure_ratio_lower": "treated people seen over promised, lower limit",
}

// condition writes one number against its limit.
func condition(c analysis.Condition) line {
	m := stop
	if c.Met {
		m = okay
	}
	name := conditionWords[c.Name]
	if name == "" {
		return say(m, clean(c.Name)+" raised")
	}
	limit := analysis.Condition{Value: c.Limit, Unit: c.Unit}
	more := 0
	for c.Value != nil && c.Limit != nil && more < 12 && *c.Value != *c.Limit && conditionValue(c, more) == conditionValue(limit, more) {
		more++ // enough to see on which side of its limit the number is
	}
	text := name + " " + conditionValue(c, more)
	if c.Limit != nil && opWords[c.Op] != "" {
		text += " (needed: " + opWords[c.Op] + " " + conditionValue(limit, more) + ")"
	}
	return say(m, text)
}

// conditionValue writes a number with so many digits more than usual.
func conditionValue(c analysis.Condition, more int) string {
	switch {
	case c.Value == nil && c.Op == "is none":
		return "none"
	case c.Value == nil && strings.HasSuffix(c.Name, "_upper"):
		return "unbounded"
	case c.Value == nil:
		return absent
	case c.Unit == analysis.Points:
		return points(*c.Value, 2+more) + " pp"
	case c.Unit == analysis.Share:
		return share(c.Value)
	case c.Unit == analysis.Days:
		return fixed(*c.Value, 0)
	}
	if more > 0 {
		return strconv.FormatFloat(*c.Value, 'g', 3+more, 64)
	}
	return significant(c.Value)
}

var opWords = map[string]string{"<": "below", "<=": "at most", ">": "above", ">=": "at least"}

// rules is the whole table with every number.
func rules(v analysis.Verdict) section {
	s := section{title: "Rules, tried from the top", detail: true,
		explain: "The first rule that holds decides. Rules 1, 3, 4 and 6 hold when all their conditions are met, 2 when a flag is raised, 5 while one of its conditions is missing."}
	g := grid{name: "rules", left: 4, full: true, head: []string{"rule", "would say", "holds", "conditions"}}
	for _, r := range v.Rules {
		holds := "no"
		if r.Decides {
			holds = "decides"
		} else if r.Holds {
			holds = "yes"
		}
		number := string(rune('0' + r.Rule))
		if len(r.Conditions) == 0 {
			g.rows = append(g.rows, []string{number, string(r.Action), holds, "no flag is raised"})
		}
		if r.Action == analysis.Ramp {
			g.rows = append(g.rows, []string{number, string(r.Action), holds, "all conditions of rule 5"})
			continue
		}
		for i, c := range r.Conditions {
			met := "no:  "
			switch {
			case c.Met:
				met = "yes: "
			case r.Action == analysis.Hold && r.Rule > 0 && !r.Holds: // a drop that was accepted is not missing
				met = "accepted: "
			}
			row := []string{"", "", "", met + condition(c).text}
			if i == 0 {
				row[0], row[1], row[2] = number, string(r.Action), holds
			}
			g.rows = append(g.rows, row)
		}
	}
	s.grids = []grid{g}
	return s
}

// describeDecision is the document of a decision on its own.
func describeDecision(d analysis.Decision) document {
	doc := document{title: heading(d.Name, d.Experiment), verdict: headline(d), action: d.Action,
		lead:     []string{"as of " + moment(d.AsOf) + "; data until " + moment(d.DataUntil)},
		sections: []section{reasons(d)}}
	doc.sections[0].title = "Why"
	for _, v := range d.Treatments {
		s := rules(v)
		if len(d.Treatments) > 1 {
			s.title += ": " + clean(v.Treatment.Label())
		}
		doc.sections = append(doc.sections, s)
	}
	return doc
}
