package analysis

import (
	"cmp"
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// A design is what the phases say about who is compared with whom, and which
// strata can tell treatment from control.
type design struct {
	phases     []store.Phase
	treatments []Variation // in the order of the latest phase that has them
	controls   []Variation // the first one is control; the others are its twins
	alias      map[string]string
	uses       []StratumUse // by phase and origin
	process    stats.EProcess
}

// A stratum is a phase with the phase its subjects were last seen in as control; origin 0: never seen before.
type stratum struct{ phase, origin int }

func newDesign(phases []store.Phase, c *store.Counts) *design {
	d := &design{phases: phases, alias: aliases(phases)}
	add := func(list *[]Variation, a store.Arm) {
		id := d.canonical(a.Variation)
		if i := slices.IndexFunc(*list, func(v Variation) bool { return v.ID == id }); i < 0 {
			*list = append(*list, Variation{id, a.Name})
		} else if (*list)[i].Name == "" {
			(*list)[i].Name = a.Name
		}
	}
	for _, p := range slices.Backward(phases) {
		for _, a := range p.Arms {
			switch {
			case a.Control:
				add(&d.controls, a)
			case a.Weight != 0:
				add(&d.treatments, a)
			}
		}
	}
	d.uses = d.judge(c)
	return d
}

// aliases names the variations of continued experiments by those of the latest experiment: the treatments when each
// experiment tried exactly one, for a ramp that went on under a new id, perhaps with a new variation; and likewise the
// controls. Where a variation was both, every id stands for itself.
func aliases(phases []store.Phase) map[string]string {
	same := map[string]string{}
	for _, control := range []bool{false, true} {
		of, latest, several := map[string]string{}, "", false // by experiment
		for _, p := range phases {
			for _, a := range p.Arms {
				if a.Control != control || a.Weight == 0 && !control {
					continue
				}
				several = several || of[p.Experiment] != "" && of[p.Experiment] != a.Variation
				of[p.Experiment], latest = a.Variation, a.Variation
			}
		}
		if several {
			continue
		}
		for _, id := range of {
			if same[id] != "" {
				return nil
			}
			same[id] = latest
		}
	}
	return same
}

func (d *design) canonical(id string) string { return cmp.Or(d.alias[id], id) }

// phase returns the phase of a number, nil when there is none.
func (d *design) phase(number int) *store.Phase {
	if number < 1 || number > len(d.phases) {
		return nil
	}
	return &d.phases[number-1]
}

// arm finds a variation in a phase; ok is false when the phase does not have it.
func (d *design) arm(phase int, variation string) (arm store.Arm, ok bool) {
	if p := d.phase(phase); p != nil {
		for _, a := range p.Arms {
			if a.Variation == variation {
				return a, true
			}
		}
	}
	return store.Arm{}, false
}

// weights returns the summed weight of control and of one treatment in a phase, as
// fractions; ok is false when they are not known.
func (d *design) weights(phase int, treatment string) (t, c float64, ok bool) {
	p := d.phase(phase)
	if p == nil || !p.Known {
		return 0, 0, false
	}
	side := d.against(treatment)
	for _, a := range p.Arms {
		if a.Weight < 0 {
			return 0, 0, false
		}
		switch side(phase, a.Variation) {
		case 1:
			t += float64(a.Weight) / 100
		case 0:
			c += float64(a.Weight) / 100
		}
	}
	return t, c, true
}

// share is the chance that a subject of a stratum, if it is in treatment or
// control at all, belongs to treatment; ok is false when that is not known or one of the two gets nobody.
func (d *design) share(s stratum, treatment string) (float64, bool) {
	if s.origin > 0 {
		if u := d.use(s); u != nil && u.InRatio {
			return *u.Share, true
		}
		return 0, false
	}
	t, c, ok := d.weights(s.phase, treatment)
	if !ok || t <= 0 || c <= 0 {
		return 0, false
	}
	return t / (t + c), true
}

func (d *design) use(s stratum) *StratumUse {
	for i := range d.uses {
		if d.uses[i].Phase == s.phase && d.uses[i].Origin == s.origin {
			return &d.uses[i]
		}
	}
	return nil
}

// judge decides for every stratum with subjects where it takes part.
func (d *design) judge(c *store.Counts) []StratumUse {
	var uses []StratumUse
	subjects := map[stratum]int64{}
	for _, a := range c.Arrivals {
		subjects[stratum{a.Phase, a.Origin}] += a.Subjects
	}
	for _, r := range c.Sums { // strata that only attempts know of
		s := stratum{r.Phase, r.Origin}
		subjects[s] += 0
	}
	for s, n := range subjects {
		if d.phase(s.phase) == nil {
			continue
		}
		u := StratumUse{Phase: s.phase, Origin: s.origin, Subjects: n, Rule: FirstTime}
		if s.origin == 0 {
			d.judgeFirst(&u)
		} else {
			d.judgeReturning(&u, c.Returns)
		}
		uses = append(uses, u)
	}
	slices.SortFunc(uses, func(a, b StratumUse) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Origin, b.Origin))
	})
	return uses
}

func (d *design) judgeFirst(u *StratumUse) {
	u.InDifference = true
	if u.InRatio = d.phase(u.Phase).Known; !u.InRatio {
		u.Reason = "the weights of the phase are not known"
	} else if len(d.treatments) == 1 {
		if t, c, ok := d.weights(u.Phase, d.treatments[0].ID); ok && t+c > 0 {
			u.Share = ptr(t / (t + c))
		}
	}
}

// judgeReturning measures, rather than assumes, how returning subjects get their variation: by those that
// were seen as treated in the earlier phase and again in this one.
func (d *design) judgeReturning(u *StratumUse, returns []store.ReturnRow) {
	u.Rule = Unmeasured
	for _, r := range returns {
		if r.From == u.Origin && r.To == u.Phase {
			u.Seen, u.Still = r.Seen, r.Still
		}
	}
	if len(d.treatments) != 1 {
		u.Reason = "with several treatments the share of returning subjects is not known"
		return
	}
	treatment := d.treatments[0].ID
	now, _, ok := d.weights(u.Phase, treatment)
	then, _, known := d.weights(u.Origin, treatment)
	if !ok || !known {
		u.Reason = "the weights of this or of the earlier phase are not known"
		return
	}
	if d.fell(u.Origin, u.Phase, treatment) {
		u.Reason = "the weight fell before, or was not known: so the share of returning subjects is not known"
		return
	}
	if now <= 0 || now >= 1 || then >= 1 {
		u.Reason = "the weights leave one side empty"
		return
	}
	if u.Seen == 0 {
		u.Reason = "nobody treated in the earlier phase came back, so how returning subjects get their variation could not be measured"
		return
	}
	interval := stats.Wilson(u.Still, u.Seen, 0.01)
	u.Lower, u.Upper = ptr(interval.Lo), ptr(interval.Hi)
	fits := interval.Lo <= now && now <= interval.Hi
	switch still := float64(u.Still) / float64(u.Seen); {
	case still >= 0.995 && fits:
		u.Reason = "too few came back to tell kept buckets from a new draw"
	case still >= 0.995:
		u.Rule = Nested
		if now <= then {
			u.Reason = "the weight did not rise: all returning subjects stay in control"
			return
		}
		u.Share, u.InDifference, u.InRatio = ptr((now-then)/(1-then)), true, true
	case fits:
		u.Rule, u.Share, u.InDifference, u.InRatio = Independent, ptr(now), true, true
	case still >= 0.90:
		u.Rule, u.InDifference = PartNested, true
		u.Reason = "some returning subjects were drawn anew: differences only, and the decision is taken a second time without them"
	default:
		u.Reason = "returning subjects follow no known rule"
	}
}

// fell says whether the treatment's weight ever fell on the way to two phases of one
// experiment: then where a subject was last seen no longer tells its bucket.
func (d *design) fell(from, to int, treatment string) bool {
	highest := 0.0
	for k := 1; k <= to; k++ {
		if d.phase(k).Experiment != d.phase(to).Experiment {
			continue
		}
		t, _, ok := d.weights(k, treatment)
		if k <= from || k == to {
			if !ok || t < highest {
				return true
			}
			highest = t
		}
	}
	return false
}

// sides says for a variation of a phase on which side of a comparison it is: 1 treatment, 0 control, -1 neither.
type sides func(phase int, variation string) int

// against sets a treatment against all controls.
func (d *design) against(treatment string) sides {
	return func(phase int, variation string) int {
		a, ok := d.arm(phase, variation)
		switch {
		case !ok:
			return -1
		case a.Control:
			return 0
		case d.canonical(variation) == treatment:
			return 1
		}
		return -1
	}
}

// among sets one control against another.
func (d *design) among(twin, control string) sides {
	return func(phase int, variation string) int {
		a, ok := d.arm(phase, variation)
		switch {
		case !ok || !a.Control:
			return -1
		case d.canonical(variation) == control:
			return 0
		case d.canonical(variation) == twin:
			return 1
		}
		return -1
	}
}

// A cell is one stratum of a comparison in one metric.
type cell struct {
	stratum
	both stats.Stratum
	use  *StratumUse
}

// cells sums both sides of every stratum for one metric, in order of phase and origin.
func (d *design) cells(rows []store.SumsRow, metric store.Metric, side sides) []cell {
	var out []cell
	for _, u := range d.uses {
		c := cell{stratum{u.Phase, u.Origin}, stats.Stratum{}, d.use(stratum{u.Phase, u.Origin})}
		for _, r := range rows {
			if r.Metric != metric || r.Phase != u.Phase || r.Origin != u.Origin {
				continue
			}
			sums := stats.Sums{N: r.N, Y: r.Y, X: r.X, YY: r.YY, XX: r.XX, XY: r.XY}
			switch side(r.Phase, r.Variation) {
			case 1:
				c.both.T = c.both.T.Add(sums)
			case 0:
				c.both.C = c.both.C.Add(sums)
			}
		}
		out = append(out, c)
	}
	return out
}

// differing keeps the strata that take part in differences; firstOnly leaves returning subjects out.
func differing(cells []cell, firstOnly bool) []stats.Stratum {
	var out []stats.Stratum
	for _, c := range cells {
		if c.use.InDifference && !(firstOnly && c.origin > 0) {
			out = append(out, c.both)
		}
	}
	return out
}
