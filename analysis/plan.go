package analysis

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Mode says how often the data may be looked at.
type Mode string

// The modes of a plan.
const (
	Sequential Mode = "sequential" // any number of looks, at any time
	Fixed      Mode = "fixed"      // one look, at a time written down before the start
	// GroupSequential is looks at the ends of days, up to an amount of evidence written down before the start.
	GroupSequential Mode = "group_sequential"
)

// A Method is how the one look of a fixed plan makes its intervals.
type Method string

// The methods of a fixed plan.
const (
	MethodNewcombe Method = "newcombe" // defined at any count; "" means the same
	MethodScore    Method = "score"    // Miettinen-Nurminen; over strata Mantel-Haenszel with Sato's variance
)

// A Plan is what a team decides before it sees data. Rates, shares and
// differences are fractions: 0.005 is half a percentage point.
type Plan struct {
	Mode     Mode    `yaml:"mode" json:"mode"`
	Alpha    float64 `yaml:"alpha" json:"alpha"`         // two-sided, over the whole life of the experiment
	AlphaSRM float64 `yaml:"alpha_srm" json:"alpha_srm"` // false alarms of the sample ratio test, likewise

	DeltaMin     float64 `yaml:"delta_min" json:"delta_min"`                           // the smallest gain in the enrollment rate that is worth a ramp
	RiskBudget   float64 `yaml:"risk_budget" json:"risk_budget"`                       // tolerated loss of logins over the whole tenant
	MarginCap    float64 `yaml:"margin_cap" json:"margin_cap"`                         // tolerated drop of login success in treatment, at most
	MinDwellDays int     `yaml:"min_dwell_days" json:"min_dwell_days"`                 // complete days in a phase before a ramp; whole weeks see every weekday
	Rungs        []int   `yaml:"rungs" json:"rungs"`                                   // treatment shares in percent, rising
	MDE          float64 `yaml:"mde" json:"mde"`                                       // the effect to look for when delta_min is 0
	TauEnroll    float64 `yaml:"tau_enroll" json:"tau_enroll"`                         // scale of effects; 0 = twice delta_min, or twice mde
	TauSuccess   float64 `yaml:"tau_success" json:"tau_success"`                       // scale of effects; 0 = twice risk_budget
	Limits       Limits  `yaml:"limits" json:"limits"`                                 // data quality
	ExposureGate bool    `yaml:"require_exposure_ratio" json:"require_exposure_ratio"` // vanished subjects block a ramp

	// SignOff names the person who accepts a proven drop of login success
	// that is proven smaller than the margin; "" = nobody does.
	SignOff string `yaml:"small_drop_accepted_by" json:"small_drop_accepted_by"`

	// CUPED takes out of login success what people failed before the experiment; it needs history of two weeks.
	CUPED bool `yaml:"cuped" json:"cuped,omitempty"`

	// Horizon is the time of the one look of a fixed plan, and HorizonInformation the evidence (1/variance of the
	// enrollment difference) at which a group-sequential plan ends. Both are written down before the start.
	Horizon            *time.Time `yaml:"horizon" json:"horizon,omitempty"`
	HorizonInformation float64    `yaml:"horizon_information" json:"horizon_information,omitempty"`
	Method             Method     `yaml:"method" json:"method,omitempty"` // of a fixed plan
}

// Limits are the shares (fractions) above which a data-quality flag blocks.
type Limits struct {
	Crossover           float64 `yaml:"crossover" json:"crossover"`                       // subjects of a phase seen in two variations
	ForcedAssignment    float64 `yaml:"forced_assignment" json:"forced_assignment"`       // exposed subjects that are forced or test traffic
	UnknownVariation    float64 `yaml:"unknown_variation" json:"unknown_variation"`       // experiment events with a foreign variation
	MissingSubject      float64 `yaml:"missing_subject" json:"missing_subject"`           // experiment events without a user
	UnmatchedEnrollment float64 `yaml:"unmatched_enrollment" json:"unmatched_enrollment"` // enrollments of users who were never exposed
	Gap                 float64 `yaml:"gap" json:"gap"`                                   // analysed time that gaps of the tenant log cover
	PageGap             float64 `yaml:"page_gap" json:"page_gap"`                         // likewise of the page's events, which only treatment has
	StaleHours          int     `yaml:"stale_hours" json:"stale_hours"`                   // hours without an event while active
}

// DefaultPlan returns the plan of a team that states nothing: half a
// percentage point of gain, half a point of tenant-wide risk, whole weeks.
func DefaultPlan() Plan {
	return Plan{
		Mode: Sequential, Alpha: 0.05, AlphaSRM: 0.01,
		DeltaMin: 0.005, RiskBudget: 0.005, MarginCap: 0.02, MinDwellDays: 7,
		Rungs: []int{10, 25, 50, 100},
		Limits: Limits{
			Crossover: 0.20, ForcedAssignment: 0.005, UnknownVariation: 0.005,
			MissingSubject: 0.05, UnmatchedEnrollment: 0.05, Gap: 0.20, PageGap: 0.02, StaleHours: 48,
		},
	}
}

// Validate reports every fault of the plan at once, each with the name that
// the configuration file uses and what is allowed there.
func (p Plan) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("plan: "+format, args...))
		}
	}
	within := func(name string, v, lo, hi float64) { // lo < v < hi; NaN is outside
		check(v > lo && v < hi, "%s is %v: give a fraction above %v and below %v (0.05 is 5 percent)", name, v, lo, hi)
	}
	share := func(name string, v float64) {
		check(v >= 0 && v < 1, "%s is %v: give a fraction from 0 to below 1 (0.005 is half a percentage point)", name, v)
	}
	check(p.Mode == Sequential || p.Mode == Fixed || p.Mode == GroupSequential,
		"mode is %q: give %q, %q or %q", p.Mode, Sequential, Fixed, GroupSequential)
	check(p.Mode != Fixed || p.Horizon != nil,
		"horizon is missing: mode %q has one look, so write down its time before the start (horizon: 2026-12-01)", Fixed)
	check(p.Mode != GroupSequential || p.HorizonInformation > 0 && !math.IsInf(p.HorizonInformation, 1),
		"horizon_information is %v: mode %q ends at an amount of evidence, so write it down before the start (1/variance of the enrollment difference)",
		p.HorizonInformation, GroupSequential)
	check(p.Mode == Fixed || p.Horizon == nil, "horizon is given, and only mode %q has one", Fixed)
	check(p.Mode == GroupSequential || p.HorizonInformation == 0, "horizon_information is given, and only mode %q has one", GroupSequential)
	check(p.Method == "" || p.Method == MethodNewcombe || p.Method == MethodScore,
		"method is %q: give %q or %q", p.Method, MethodNewcombe, MethodScore)
	check(p.Mode == Fixed || p.Method == "", "method is given, and only mode %q has a choice", Fixed)
	check(p.Mode == Sequential || !p.CUPED, "cuped is on, and only mode %q has it", Sequential)
	within("alpha", p.Alpha, 0, 0.5)
	within("alpha_srm", p.AlphaSRM, 0, 0.5)
	share("delta_min", p.DeltaMin)
	share("mde", p.MDE)
	within("risk_budget", p.RiskBudget, 0, 1)
	within("margin_cap", p.MarginCap, 0, 1)
	share("tau_enroll", p.TauEnroll)
	share("tau_success", p.TauSuccess)
	check(p.DeltaMin > 0 || p.MDE > 0 || p.TauEnroll > 0,
		"delta_min is 0: give mde, the effect that the experiment should be able to find")
	check(p.MinDwellDays >= 0, "min_dwell_days is %d: give 0 or more", p.MinDwellDays)
	check(len(p.Rungs) > 0, "rungs is empty: give the treatment shares in percent, such as [10, 25, 50, 100]")
	for i, r := range p.Rungs {
		check(r > 0 && r <= 100, "rungs[%d] is %d: give a percentage from 1 to 100", i, r)
		check(i == 0 || r > p.Rungs[i-1], "rungs[%d] is %d, not above the rung before it: give rising shares", i, r)
	}
	l := p.Limits
	share("limits.crossover", l.Crossover)
	share("limits.forced_assignment", l.ForcedAssignment)
	share("limits.unknown_variation", l.UnknownVariation)
	share("limits.missing_subject", l.MissingSubject)
	share("limits.unmatched_enrollment", l.UnmatchedEnrollment)
	share("limits.gap", l.Gap)
	share("limits.page_gap", l.PageGap)
	check(l.StaleHours > 0, "limits.stale_hours is %d: give 1 or more", l.StaleHours)
	return errors.Join(faults...)
}

// resolved fills the scales of effects that the plan leaves to be derived, so
// that the report shows the ones in force.
func (p Plan) resolved() Plan {
	if p.TauEnroll == 0 {
		if p.TauEnroll = 2 * p.DeltaMin; p.DeltaMin == 0 {
			p.TauEnroll = 2 * p.MDE
		}
	}
	if p.TauSuccess == 0 {
		p.TauSuccess = 2 * p.RiskBudget
	}
	return p
}

// next returns the rung above a treatment share; ok is false when there is none.
func (p Plan) next(share float64) (rung float64, ok bool) {
	for _, r := range p.Rungs {
		if float64(r)/100 > share {
			return float64(r) / 100, true
		}
	}
	return 0, false
}

// margin is the drop of login success that is tolerated on the way to a share:
// a step to few people may cost each of them more.
func (p Plan) margin(next float64) float64 { return math.Min(p.MarginCap, p.RiskBudget/next) }
