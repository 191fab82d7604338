package render

import (
	"fmt"

	"keyramp/analysis"
)

// phases shows the ramp step by step.
func phases(r *analysis.Report) section {
	s := section{title: "Phases", explain: "The comparison in each period with one set of weights; together they make the one above."}
	many := len(r.Comparisons) != 1
	g := grid{name: "phases", left: 3, head: []string{"phase", "from", "weights", "people"}}
	if !many {
		g.head = append(g.head, "enrolled (pp)", "login success (pp)")
	}
	for i, p := range r.Phases {
		row := []string{fmt.Sprint(p.Number), dayOf(p.From), short(p), count(p.Subjects)}
		if !many {
			e := r.Comparisons[0].ByPhase[i]
			row = append(row, bare(e.Enrollment), bare(e.Success))
		}
		g.rows = append(g.rows, row)
	}
	if len(g.rows) < 2 { // one phase is the whole comparison
		return section{}
	}
	s.grids = append(s.grids, g)
	for _, c := range r.Comparisons {
		if h := c.Heterogeneity; h != nil {
			s.lines = append(s.lines, say(plain, "Does the enrollment effect differ over strata? Q = "+significant(&h.Q)+
				" on "+fmt.Sprint(h.DF)+" degrees of freedom, p "+pValue(&h.P)+" (information)."))
		}
	}
	return s
}

// short lists the weights of a phase as numbers, in the order of its arms.
func short(p analysis.Phase) string {
	if !p.Known {
		return "unknown"
	}
	s := ""
	for i, a := range p.Arms {
		if i > 0 {
			s += "/"
		}
		if a.Weight == nil {
			return "unknown"
		}
		s += fixed(*a.Weight*100, 0)
	}
	return s
}

// bare is a difference without its unit, for a column that names it.
func bare(d analysis.Difference) string {
	if d.Diff == nil {
		return absent
	}
	n := places(halfWidth(d.Lower, d.Upper))
	return points(*d.Diff, n) + " " + interval(points(*d.Lower, n), points(*d.Upper, n))
}

// twins is the live A/A test.
func twins(r *analysis.Report) section {
	s := section{title: "Control against its twin", explain: "Nothing differs between them, so a difference tells of broken data."}
	g := grid{name: "twins", left: 1, head: []string{"twin", "enrolled", "login success"}}
	for _, t := range r.Twins {
		g.rows = append(g.rows, []string{clean(t.Twin.Label()), difference(t.Enrollment.Difference), difference(t.Success.Difference)})
	}
	if len(g.rows) == 0 {
		return section{}
	}
	s.grids = []grid{g}
	return s
}

var ruleWords = map[analysis.Rule]string{
	analysis.Nested: "buckets kept", analysis.Independent: "drawn anew", analysis.PartNested: "mostly kept", analysis.Unmeasured: "unknown",
}

// returning says what becomes of people who come back in a later phase.
func returning(r *analysis.Report) section {
	s := section{title: "Returning people", explain: "Control people of an earlier phase. How they get their variation is measured by the treated ones who came back."}
	g := grid{name: "returning", left: 1, head: []string{"phase <- from", "people", "treated seen again", "still treated", "rule", "counted in"}}
	for _, u := range r.Strata {
		if u.Origin == 0 {
			continue
		}
		use := "nothing"
		if u.InRatio {
			use = "everything"
		} else if u.InDifference {
			use = "differences"
		}
		still := absent
		if u.Seen > 0 {
			v := float64(u.Still) / float64(u.Seen)
			still = percent(&v, 1)
		}
		g.rows = append(g.rows, []string{fmt.Sprintf("%d <- %d", u.Phase, u.Origin), count(u.Subjects), count(u.Seen), still, ruleWords[u.Rule], use})
		if u.Reason != "" {
			s.lines = append(s.lines, say(info, fmt.Sprintf("%d <- %d: %s.", u.Phase, u.Origin, u.Reason)))
		}
	}
	if len(g.rows) == 0 {
		return section{}
	}
	s.grids = []grid{g}
	return s
}

// ratio shows how people fell to the variations.
func ratio(r *analysis.Report) section {
	s := section{title: "Sample ratio", explain: "People by the variation they met first. The alarm looks at log e; chi-square is for comparison and valid for one look."}
	g := grid{name: "sample_ratio", left: 2, head: []string{"stratum", "variation", "people", "share", "promised", "log e", "chi-square p"}}
	for _, st := range r.SampleRatio.Strata {
		for i, c := range st.Cells {
			where, e, p := "", "", ""
			if i == 0 {
				where = fmt.Sprint(st.Phase)
				if st.Origin > 0 {
					where += fmt.Sprintf(" <- %d", st.Origin)
				}
				e, p = significant(&st.LogE), significant(st.ChiP)
			}
			g.rows = append(g.rows, []string{where, clean(label(c.Name, c.Variation)), count(c.Subjects), percent(c.Observed, 2), percent(&c.Expected, 2), e, p})
		}
	}
	if len(g.rows) == 0 {
		return section{}
	}
	s.grids = []grid{g}
	if sr := r.SampleRatio; sr.LogE != nil {
		s.lines = append(s.lines, say(plain, "log e over all strata "+significant(sr.LogE)+", highest "+significant(sr.MaxLogE)+", alarm at "+significant(&sr.Threshold)+"."))
	}
	return s
}

// attribution shows by which rule attempts got their variation.
func attribution(r *analysis.Report) section {
	s := section{title: "Attribution of login attempts", explain: "By the event itself, else its transaction, session or person."}
	g := grid{name: "attribution", left: 2, head: []string{"type", "role", "attempts", "event", "transaction", "session", "person", "none"}}
	for _, a := range r.Attribution {
		of := func(n int64) string {
			v := float64(n) / float64(max(a.Total, 1))
			return percent(&v, 1)
		}
		g.rows = append(g.rows, []string{clean(a.Type), string(a.Role), count(a.Total), of(a.Event), of(a.Transaction), of(a.Session), of(a.Subject), of(a.None)})
	}
	if len(g.rows) == 0 {
		return section{}
	}
	s.grids = []grid{g}
	return s
}

// reconciliation sets the enrollments of page and tenant log side by side.
func reconciliation(r *analysis.Report) section {
	c := r.Reconciliation
	if c == nil {
		return section{}
	}
	s := section{title: "Enrollments of page and tenant log",
		explain: "People by the variation they met first. Who enrolls from the settings or another device is known to the log alone."}
	g := grid{name: "reconciliation", left: 1, head: []string{"known to", "control", "treatment"}}
	for _, row := range []struct {
		name               string
		control, treatment int64
	}{
		{"page and tenant log", c.Control.Both, c.Treatment.Both},
		{"page alone", c.Control.PageOnly, c.Treatment.PageOnly},
		{"tenant log alone", c.Control.LogOnly, c.Treatment.LogOnly},
	} {
		g.rows = append(g.rows, []string{row.name, count(row.control), count(row.treatment)})
	}
	s.grids = []grid{g}
	s.lines = []line{say(plain, "Completed events of the page: "+count(c.PageCompleted)+"; without a user "+count(c.WithoutUser)+
		", of people never seen "+count(c.NeverSeen)+", of people in control "+count(c.OfControl)+
		", with another variation than the person's "+count(c.OtherVariation)+
		". Page events of any kind with edited ids: "+count(c.EditedIDs)+".")}
	return s
}

var liftWords = map[string]string{
	"score": "Miettinen-Nurminen (score)", "katz": "Katz (logarithm)", "delta": "delta method", "fieller": "Fieller",
}

// others sets what other tools print beside what is used here.
func others(r *analysis.Report) section {
	s := section{title: "Other methods, for comparison",
		explain: "For one look, without the care that looking again needs. Nothing is decided by them."}
	several := len(r.Comparisons) > 1
	g := grid{name: "other_methods", left: 1, head: []string{"enrollment rate ratio", "lower", "upper"}}
	for _, c := range r.Comparisons {
		of := ""
		if several {
			of = ", " + clean(c.Treatment.Label())
		}
		reasons := map[string]bool{}
		for _, m := range c.Lift.Methods {
			row := []string{liftWords[m.Method] + of, significant(m.Lower), significant(m.Upper)}
			if m.UpperWord != "" {
				row[2] = m.UpperWord
			}
			if m.Reason == "" {
				g.rows = append(g.rows, row)
			} else if !reasons[m.Reason] {
				reasons[m.Reason] = true
				names := ""
				for _, o := range c.Lift.Methods {
					if o.Reason == m.Reason {
						names += ", " + liftWords[o.Method]
					}
				}
				s.lines = append(s.lines, say(plain, "Undefined"+of+": "+names[2:]+", because "+m.Reason+"."))
			}
		}
		if c.Lift.Ratio != nil {
			s.lines = append(s.lines, say(plain, "Ratio"+of+": "+significant(c.Lift.Ratio)+"x (Mantel-Haenszel over strata)."))
		}
		if p := c.Belief.Probability; p != nil {
			s.lines = append(s.lines, say(plain, "Probability that treatment enrolls more"+of+": "+percent(p, 1)+" (flat priors)."))
		}
		if t, k := c.Success.Treatment.Deff, c.Success.Control.Deff; t != nil && k != nil {
			s.lines = append(s.lines, say(plain, "Design effect of login attempts"+of+": "+significant(t)+", control "+significant(k)+
				" (so many attempts tell as much as one of a person of its own)."))
		}
		if d := c.PerLogin.Difference; d.P != nil && d.PBH != nil {
			s.lines = append(s.lines, say(plain, "p of enrollments per login"+of+": "+pValue(d.P)+", "+pValue(d.PBH)+" by Benjamini and Hochberg."))
		}
	}
	if len(g.rows) > 0 {
		s.grids = []grid{g}
	}
	return s
}

// plan repeats what was decided before the data.
func plan(r *analysis.Report) section {
	p := r.Plan
	rungs := ""
	for i, v := range p.Rungs {
		if i > 0 {
			rungs += ", "
		}
		rungs += fmt.Sprint(v)
	}
	text := "mode " + string(p.Mode) + "; alpha " + significant(&p.Alpha) + "; sample ratio alpha " + significant(&p.AlphaSRM) +
		"; smallest gain " + fixed(p.DeltaMin*100, 2) + " pp; risk budget " + fixed(p.RiskBudget*100, 2) + " pp; margin at most " +
		fixed(p.MarginCap*100, 2) + " pp; at least " + days(p.MinDwellDays) + "; rungs " + rungs + " %; effect scales " +
		fixed(p.TauEnroll*100, 2) + " and " + fixed(p.TauSuccess*100, 2) + " pp."
	s := section{title: "Plan in force", lines: []line{say(plain, text)}}
	if p.Horizon != nil {
		s.lines = append(s.lines, say(plain, "The one look is at "+moment(analysis.Time(p.Horizon.UnixMicro()))+"."))
	}
	if p.HorizonInformation > 0 {
		s.lines = append(s.lines, say(plain, "The last look is at an information of "+significant(&p.HorizonInformation)+" (1/variance of the enrollment difference)."))
	}
	if p.SignOff != "" {
		s.lines = append(s.lines, say(info, "A small proven drop of login success was accepted by "+clean(p.SignOff)+"."))
	}
	return s
}
