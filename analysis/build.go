package analysis

import (
	"cmp"
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// Input is everything a report is made of. Build reads nothing else. Its JSON form is kept in records of decisions, so
// no member is renamed.
type Input struct {
	Plan      Plan          `json:"plan"`
	Name      string        `json:"name"` // of the experiment; "" when nobody told
	Scope     store.Scope   `json:"scope"`
	Counts    *store.Counts `json:"counts"`
	AsOf      store.Micros  `json:"as_of_us"`            // exclusive
	Watermark store.Micros  `json:"watermark_us"`        // sources are read completely up to here; 0 = up to AsOf
	Purged    store.Micros  `json:"purged_us,omitempty"` // what was dated before was purged; 0 = nothing was
	Version   string        `json:"keyramp_version"`     // of keyramp
	Notes     []Note        `json:"notes"`               // from Phases

	PlanChanges []PlanChange `json:"plan_changes,omitempty"` // since the first recorded decision
	SignOff     *SignOff     `json:"sign_off,omitempty"`     // nil: nobody accepts anything in this decision
}

// unit says what one observation is: the hashed device is not in the logs.
const unit = "user (proxy for device)"

// Build computes the report. It is pure: equal input gives an equal report.
// Scope.Phases must be numbered 1, 2, … as Phases returns them.
func Build(in Input) *Report {
	c := in.Counts
	if c == nil {
		c = &store.Counts{}
		in.Counts = c
	}
	q, plan := c.Quality, in.Plan.resolved()
	phases, exposure := measured(in.Scope.Phases, c)
	d := newDesign(phases, c)
	r := &Report{
		SchemaVersion: SchemaVersion, Version: in.Version,
		Experiment: in.Scope.Experiment, Name: in.Name, Continues: append([]string{}, in.Scope.Continues...),
		AsOf: Time(in.AsOf), DataUntil: Time(q.LastLog), FirstEvent: Time(q.FirstEvent), LastEvent: Time(q.LastEvent),
		LastPage: Time(q.LastPage), Watermark: Time(in.Watermark), PurgedBefore: Time(in.Purged),
		Unit: unit, Plan: plan, Roles: c.Roles,
		Phases: d.describe(in), EnrollmentSignal: signal(q), Reconciliation: d.reconcile(c), Recipe: d.recipe(c.Seed),
		Comparisons: []Comparison{}, Twins: []Twin{}, Strata: append([]StratumUse{}, d.uses...),
		SampleRatio: d.sampleRatio(c, plan.AlphaSRM), Attribution: attribution(c.Rules),
		Losses: losses(c.Losses, in.Scope.Begin(q.FirstEvent), cmp.Or(in.Scope.Until, in.AsOf)), Notes: append([]Note{}, in.Notes...),
		PlanChanges: in.PlanChanges, SignOff: in.SignOff, Exposure: exposure,
	}
	if exposure != nil {
		r.Notes = append(r.Notes, exposure.note())
	}
	if r.Roles == nil {
		r.Roles = map[string]store.Role{}
	}

	if closed := fixedOpening(plan, in); plan.Mode == Fixed && closed.code != "" { // the plain test would be a look, too
		for i, z := range r.Recipe.Tests {
			r.Recipe.Tests[i] = RecipeZ{Treatment: z.Treatment, Source: z.Source, Reason: closed.why}
		}
	}
	unlinked := r.EnrollmentSignal == SignalUnlinked
	if r.Missing = d.missing(); r.Missing == "" {
		for _, t := range d.treatments {
			k := &comparer{d, c, plan, plan.Alpha / float64(len(d.treatments)), t, unlinked, opening{}}
			k.look = k.opening(in)
			one := k.compare()
			d.place(&one, plan, in, r.Losses, exposure)
			one.Forecasts = k.forecasts(&one, in)
			r.Comparisons = append(r.Comparisons, one)
			if len(r.Comparisons) == 1 {
				r.Notes = append(r.Notes, k.adjusting()...)
			}
		}
		holm(r.Comparisons)
	}
	if len(d.controls) > 1 {
		r.Twins = d.twins(in, plan)
	}
	r.Flags = d.quality(r, in, unlinked)
	return r
}

// missing says why there is nothing to compare; "" when there is.
func (d *design) missing() string {
	switch {
	case len(d.phases) == 0:
		return "the experiment has no phase, since it was never seen active and no event carries it"
	case len(d.controls) == 0:
		return "no variation is marked as control"
	case len(d.treatments) == 0:
		return "no variation besides control takes traffic"
	}
	return ""
}

// seen is the part of a phase that is asked about and that the sources are known to tell of, half-open.
func (in *Input) seen(p store.Phase) (from, until store.Micros) {
	from, until = max(p.From, in.Scope.Since), in.AsOf
	for _, end := range []store.Micros{in.Watermark, in.Scope.Until, p.Until} {
		if end > 0 {
			until = min(until, end)
		}
	}
	return from, until
}

// place adds where in the ramp a treatment stands: share, next rung, margin and complete days in the phase, of which
// only those count that could be seen.
func (d *design) place(c *Comparison, plan Plan, in Input, lost Losses, x *Exposure) {
	last := d.phases[len(d.phases)-1]
	from, until := in.seen(last)
	if length := until - from - lost.unseen(from, until); length > 0 {
		c.Days = int(length / day.Microseconds())
	}
	share, _, ok := d.weights(last.Number, c.Treatment.ID)
	if !ok {
		return
	}
	next, more := plan.next(share)
	if x != nil && last.Level != nil { // a ramp by levels has its own rungs
		share = x.Reading.ofTraffic(*last.Level)
		if level, ok := nextLevel(&last); ok {
			next, more, c.NextLevel = x.Reading.ofTraffic(level), true, &level
		} else {
			next, more = plan.next(share)
		}
	}
	c.CurrentShare = &share
	if more {
		c.NextShare, c.Margin = &next, ptr(plan.margin(next))
	}
}

// holm adjusts the p-values of several treatments for each other: those of the two metrics that decide by Holm's
// procedure, those of the one that only describes by Benjamini and Hochberg's, which bounds the share of false
// findings and not the chance of any.
func holm(all []Comparison) {
	var p []float64
	var from []*Difference
	for i := range all {
		if d := &all[i].PerLogin.Difference; d.P != nil {
			p, from = append(p, *d.P), append(from, d)
		}
	}
	for i, v := range stats.BenjaminiHochberg(p) {
		if len(all) > 1 {
			from[i].PBH = &v
		}
	}
	adjust := func(of func(*Comparison) *Difference) {
		var p []float64
		var from []*Difference
		for i := range all {
			if d := of(&all[i]); d.P != nil {
				p, from = append(p, *d.P), append(from, d)
			}
		}
		for i, v := range stats.Holm(p) {
			from[i].PHolm = &v
		}
	}
	adjust(func(c *Comparison) *Difference { return &c.Enrollment.Difference })
	adjust(func(c *Comparison) *Difference { return &c.Success.Difference })
}

// twins sets each further control against the first one.
func (d *design) twins(in Input, plan Plan) []Twin {
	out, c := []Twin{}, in.Counts
	for _, v := range d.controls[1:] {
		k := (&comparer{design: d, counts: c, plan: plan, alpha: plan.Alpha}).always()
		k.look = k.opening(in)
		side := d.among(v.ID, d.controls[0].ID)
		out = append(out, Twin{Control: d.controls[0], Twin: v,
			Enrollment: k.outcome(store.Enroll, stats.Binary, differing(d.cells(c.Sums, store.Enroll, side), false), plan.TauEnroll),
			Success:    k.outcome(store.LoginSuccess, stats.Ratio, differing(d.cells(c.Sums, store.LoginSuccess, side), false), plan.TauSuccess)})
	}
	return out
}

// describe tells the phases with their weights and people.
func (d *design) describe(in Input) []Phase {
	out := []Phase{}
	for _, p := range d.phases {
		row := Phase{Number: p.Number, Experiment: p.Experiment, From: Time(p.From), Until: Time(p.Until),
			Known: p.Known, Strategy: p.Strategy, Source: p.Source, Arms: []Arm{}, Level: p.Level, Levels: p.Levels}
		end := in.AsOf
		if p.Until > 0 {
			end = min(end, p.Until)
		}
		row.Days = float64(max(0, end-p.From)) / float64(day.Microseconds())
		for _, a := range p.Arms {
			arm := Arm{Variation: a.Variation, Name: a.Name, Control: a.Control}
			if p.Known && a.Weight >= 0 {
				arm.Weight = ptr(float64(a.Weight) / 100)
			}
			row.Arms = append(row.Arms, arm)
		}
		for _, c := range in.Counts.Crossed {
			if c.Phase == p.Number {
				row.Subjects, row.Crossed, row.FromControl, row.LeftControl = c.Subjects, c.Crossed, c.Control, c.Left
			}
		}
		out = append(out, row)
	}
	return out
}

// attribution gathers the rules of each event type in one row.
func attribution(rows []store.RuleRow) []Attribution {
	out := []Attribution{}
	for _, r := range rows {
		i := slices.IndexFunc(out, func(a Attribution) bool { return a.Type == r.Type && a.Role == r.Role })
		if i < 0 {
			i, out = len(out), append(out, Attribution{Type: r.Type, Role: r.Role})
		}
		a := &out[i]
		a.Total += r.Count
		switch r.Rule {
		case "event":
			a.Event += r.Count
		case "transaction":
			a.Transaction += r.Count
		case "session":
			a.Session += r.Count
		case "subject":
			a.Subject += r.Count
		default:
			a.None += r.Count
		}
	}
	return out
}
