package analysis

import (
	"cmp"
	"math"
	"sort"

	"keyramp/queries/store"
	"keyramp/stats"
)

// Rates are what a sample size depends on besides the plan. Rates and shares are fractions; nil is unknown.
type Rates struct {
	Enrollment     *float64 `json:"control_enrollment_rate"` // people of control who enroll
	Effect         *float64 `json:"enrollment_gain"`         // by which treatment is above it
	Success        *float64 `json:"login_success"`           // successful of attempted logins
	Deff           *float64 `json:"design_effect"`           // of attempts, which cluster in people; 1 or more
	LoginsPerDay   *float64 `json:"login_attempts_per_day"`  // of all variations together
	SubjectsPerDay *float64 `json:"new_people_per_day"`      // likewise, first seen on that day
	Share          *float64 `json:"share"`                   // of treatment now, of all logins; nil = the first rung
	// Within is treatment's share among those who take part, where the others carry no experiment and are not counted
	// by day; nil = everybody takes part.
	Within     *float64  `json:"share_within,omitempty"`
	Shares     []float64 `json:"next_shares,omitempty"` // rising; what the ramp goes by in the place of the plan's rungs
	Treatments int       `json:"treatments"`            // each set against control; 0 = 1
	// Running is how many of them still take traffic, where some were stopped: these keep their part of alpha and take no
	// share. 0 = all.
	Running int `json:"treatments_running,omitempty"`
}

// usualDeff is the design effect of six logins a person with a correlation of 0.05 among them, and some heavy users.
const usualDeff = 1.9

// A Planning is the evidence that each step of a ramp needs, before or without looking at the outcome.
type Planning struct {
	SchemaVersion int     `json:"schema_version"`
	Version       string  `json:"keyramp_version"`
	Experiment    string  `json:"experiment_id,omitempty"`
	Plan          Plan    `json:"plan"`
	Alpha         float64 `json:"alpha"`        // of each treatment
	Power         float64 `json:"power"`        // at one look; looks before it add to it
	HorizonDays   int     `json:"horizon_days"` // for the detectable difference
	Rates         Rates   `json:"rates"`
	Steps         []Step  `json:"steps"`
}

// A Step is the way from one share to the next.
type Step struct {
	From   float64    `json:"share"`
	To     float64    `json:"next_share"`
	Margin float64    `json:"margin"` // tolerated drop of login success
	Gates  []GateSize `json:"gates"`
	// Days is how long the step lasts when the evidence of the steps before is kept, as it is: the slowest gate, and
	// never less than min_dwell_days. Until is its end, counted from the start of the first step.
	Days   *float64 `json:"days"`
	Until  *float64 `json:"until_day"`
	Reason string   `json:"reason,omitempty"`
}

// A GateSize is the evidence that one condition needs at one share, starting from none.
type GateSize struct {
	Gate    string   `json:"gate"`          // login_success or enrollment
	Unit    string   `json:"unit"`          // what is counted, over both arms
	Effect  *float64 `json:"effect"`        // distance of the assumed difference from the limit that it must leave
	Needed  *float64 `json:"needed"`        // with a look as often as one likes
	Fixed   *float64 `json:"needed_fixed"`  // with one look, at a time written down before the start
	Cost    *float64 `json:"cost"`          // Needed over Fixed
	Days    *float64 `json:"days"`          // to Needed
	DaysFix *float64 `json:"days_fixed"`    // to Fixed
	Found   *float64 `json:"found_in_days"` // the difference that horizon_days can tell from none (login success) or from delta_min (enrollment)
	Reason  string   `json:"reason,omitempty"`
}

// NewPlanning computes the steps from the present share on. Power is a fraction, horizon in days.
//
// The sizes are those with which one look, at the interval that reports print, shows the claim with the stated power;
// whoever looks every day needs 9 to 15 percent less in simulations, since each look adds a chance.
func NewPlanning(plan Plan, r Rates, power float64, horizon int) *Planning {
	plan = plan.resolved()
	r.Treatments = max(1, r.Treatments)
	if r.Deff == nil {
		r.Deff = ptr(usualDeff)
	}
	p := &Planning{SchemaVersion: SchemaVersion, Plan: plan, Alpha: plan.Alpha / float64(r.Treatments), Power: power,
		HorizonDays: horizon, Rates: r, Steps: []Step{}}
	from := float64(plan.Rungs[0]) / 100
	if r.Share != nil {
		from = *r.Share
	}
	have := map[string]float64{} // information kept from earlier steps
	start := ptr(0.0)
	for {
		to, ok := r.next(plan, from)
		if !ok {
			return p
		}
		s := Step{From: from, To: to, Margin: plan.margin(to)}
		days := ptr(float64(plan.MinDwellDays))
		perDay := map[string]float64{}
		for _, g := range []gate{p.guardrail(s), p.gain(s)} {
			size, needed, gained := p.size(g, s)
			s.Gates = append(s.Gates, size)
			if needed == 0 || gained == 0 {
				days, s.Reason = nil, size.Reason
				if s.Reason == "" {
					s.Reason = "how many come each day is not known"
				}
			} else if perDay[g.name] = gained; days != nil {
				days = ptr(math.Max(*days, math.Ceil((needed-have[g.name])/gained)))
			}
		}
		if days != nil && start != nil {
			start = ptr(*start + *days)
			s.Days, s.Until = days, start
			for name, gained := range perDay {
				have[name] += gained * *days
			}
		} else {
			start = nil
			if s.Reason == "" {
				s.Reason = "when the step before ends is not known"
			}
		}
		p.Steps = append(p.Steps, s)
		from = to
	}
}

// next is the share after one; ok is false when there is none.
func (r Rates) next(plan Plan, share float64) (next float64, ok bool) {
	for _, s := range r.Shares {
		if s > share {
			return s, true
		}
	}
	if len(r.Shares) > 0 {
		return 0, false
	}
	return plan.next(share)
}

// A gate is one condition at one share, ready for the formulas.
type gate struct {
	name, unit   string
	margin, tau  float64 // the claim is a difference above -margin
	pC, pT, deff float64
	perDay       *float64
	missing      string
}

// guardrail asks for login success within the margin, when treatment changes nothing.
func (p *Planning) guardrail(s Step) gate {
	g := gate{name: "login_success", unit: "login attempts", margin: s.Margin, tau: p.Plan.TauSuccess,
		deff: *p.Rates.Deff, perDay: p.Rates.LoginsPerDay}
	if p.Rates.Success == nil {
		g.missing = "the login success rate is not known"
		return g
	}
	g.pC, g.pT = *p.Rates.Success, *p.Rates.Success
	return g
}

// gain asks for a gain in enrollment above the smallest one worth a ramp.
func (p *Planning) gain(Step) gate {
	g := gate{name: "enrollment", unit: "people", tau: p.Plan.TauEnroll, margin: -p.Plan.DeltaMin, deff: 1, perDay: p.Rates.SubjectsPerDay}
	switch r := p.Rates; {
	case r.Enrollment == nil:
		g.missing = "the enrollment rate of control is not known"
	case r.Effect == nil:
		g.missing = "the gain in enrollment is not stated"
	case *r.Effect <= p.Plan.DeltaMin:
		g.missing = "the gain is not above the smallest one worth a ramp (delta_min)"
	case *r.Enrollment+*r.Effect > 1:
		g.missing = "rate and gain together are above 1"
	default:
		g.pC, g.pT = *r.Enrollment, *r.Enrollment+*r.Effect
	}
	return g
}

// size also returns the information that the gate needs and what a day adds to it; 0 when unknown.
func (p *Planning) size(g gate, s Step) (out GateSize, needed, gained float64) {
	out = GateSize{Gate: g.name, Unit: g.unit, Reason: g.missing}
	if g.missing != "" {
		return out, 0, 0
	}
	each := cmp.Or(p.Rates.Running, p.Rates.Treatments)
	share := s.From / (1 - s.From*float64(each-1)) // of treatment and control alone; each treatment has the same weight
	if p.Rates.Within != nil {
		share = *p.Rates.Within
	}
	one, ok := stats.SequentialSize(1, g.pC, g.pT, share, g.deff) // units for an information of 1
	if !ok || !(one > 0) {
		out.Reason = "with these rates and shares nothing can vary"
		return out, 0, 0
	}
	always, once := stats.SequentialLook(g.tau, p.Alpha), stats.FixedLook(p.Alpha)
	total, ok := stats.IntervalSize(g.pC, g.pT, share, g.margin, p.Power, always)
	fixed, okay := stats.IntervalSize(g.pC, g.pT, share, g.margin, p.Power, once)
	if !ok || !okay {
		out.Reason = "no sample is large enough"
		return out, 0, 0
	}
	total, fixed = total*g.deff, fixed*g.deff
	out.Effect, out.Needed, out.Fixed, out.Cost = ptr(g.pT-g.pC+g.margin), &total, &fixed, ptr(total/fixed)
	if g.perDay == nil {
		return out, total / one, 0
	}
	counted := *g.perDay * s.From / share // those of treatment and control
	if p.Rates.Within != nil {
		counted = *g.perDay * s.From / *p.Rates.Share // more take part at a higher share
	}
	out.Days, out.DaysFix = ptr(math.Ceil(total/counted)), ptr(math.Ceil(fixed/counted))
	out.Found = g.found(counted*float64(p.HorizonDays)/g.deff, share, p.Power, always)
	return out, total / one, counted / one
}

// found is the smallest effect that a look at n effective units shows with the wanted power: a margin of login success,
// or a gain in enrollment, to a thousandth of a point. nil when there is none.
func (g gate) found(n, share, power float64, look stats.Look) *float64 {
	const grid = 1e5
	enough := func(effect float64) bool {
		pT, margin := g.pC+effect, g.margin
		if g.name == "login_success" {
			pT, margin = g.pT, effect
		}
		p, ok := stats.IntervalPower(g.pC, pT, n*(1-share), n*share, margin, look)
		return ok && p >= power
	}
	most := int((1 - g.pC) * grid)
	if g.name == "login_success" {
		most = grid
	}
	if i := 1 + sort.Search(most, func(i int) bool { return enough(float64(i+1) / grid) }); i <= most {
		return ptr(float64(i) / grid)
	}
	return nil
}

// RatesOf are the tenant's own: of control, as reported, and of the last complete days of the running phase, at
// most seven. With several treatments the gain is the first one's. What the data do not tell is nil.
func RatesOf(in Input, r *Report) Rates {
	out := Rates{Treatments: len(r.Comparisons)}
	if len(r.Comparisons) == 0 {
		return out
	}
	running := 0
	for _, c := range r.Comparisons {
		if c.CurrentShare == nil || *c.CurrentShare > 0 {
			running++
		}
	}
	if running < out.Treatments {
		out.Running = running
	}
	c := r.Comparisons[0]
	out.Enrollment, out.Effect, out.Share = c.Enrollment.Control.Rate, c.Enrollment.Difference.Diff, c.CurrentShare
	if s := c.Success.Control; s.Rate != nil && *s.Rate > 0 && *s.Rate < 1 {
		out.Success, out.Deff = s.Rate, s.Deff
	}
	if x, last := r.Exposure, in.Scope.Phases[len(in.Scope.Phases)-1]; x != nil && last.Level != nil && out.Share != nil {
		if x.Reading == Participation {
			out.Within = ptr(0.5)
		}
		for _, l := range last.Levels {
			out.Shares = append(out.Shares, x.Reading.ofTraffic(l))
		}
	}
	d := &design{phases: in.Scope.Phases}
	days, none := d.paceWindow(in)
	if none != "" {
		return out
	}
	from, until := days[len(days)-1], days[0]+store.Micros(day.Microseconds())
	var people, logins int64
	for _, a := range in.Counts.Arrivals {
		if a.Day >= from && a.Day < until {
			people += a.Eligible
		}
	}
	for _, l := range in.Counts.LoginDays {
		if l.Day >= from && l.Day < until {
			logins += l.Logins
		}
	}
	if people > 0 {
		out.SubjectsPerDay = ptr(float64(people) / float64(len(days)))
	}
	if logins > 0 && out.Success != nil { // failed attempts are not counted by day
		out.LoginsPerDay = ptr(float64(logins) / float64(len(days)) / *out.Success)
	}
	return out
}
