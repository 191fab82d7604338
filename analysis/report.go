package analysis

import "keyramp/queries/store"

// SchemaVersion is the version of the JSON form of Report and Decision. It
// grows when a field changes its meaning or goes away, not when one is added.
const SchemaVersion = 1

// A Report is everything that may be printed about one experiment. It is
// computed once; every format renders the same one. Pointers are nil, null in
// JSON, where a number could not be computed; a reason stands beside them.
type Report struct {
	SchemaVersion int      `json:"schema_version"`
	Version       string   `json:"keyramp_version"`
	Experiment    string   `json:"experiment_id"`
	Name          string   `json:"name"`
	Continues     []string `json:"continues"` // experiments whose phases come before, oldest first

	AsOf       Time `json:"as_of"`      // exclusive: what happened later is not in the report
	DataUntil  Time `json:"data_until"` // the last tenant log event that was counted
	FirstEvent Time `json:"first_event"`
	LastEvent  Time `json:"last_event"` // of the experiment
	LastPage   Time `json:"last_page_event"`
	Watermark  Time `json:"watermark"` // sources are read completely up to here
	// PurgedBefore is left out unless events were purged; those dated before it are in no number.
	PurgedBefore Time `json:"purged_before,omitempty"`

	Unit string `json:"unit"` // what one observation is
	Plan Plan   `json:"plan"` // in force, derived scales filled in
	// PlanChanges are the settings of the plan that were changed after the first recorded decision.
	PlanChanges []PlanChange          `json:"plan_changes,omitempty"`
	SignOff     *SignOff              `json:"sign_off,omitempty"` // of the decision that is taken on this report
	Roles       map[string]store.Role `json:"roles"`
	Phases      []Phase               `json:"phases"`
	Exposure    *Exposure             `json:"level_meaning,omitempty"` // what the levels of the phases mean; left out without levels

	EnrollmentSignal Signal `json:"enrollment_signal"`
	// Reconciliation is left out unless page and tenant log both tell of enrollments.
	Reconciliation *Reconciliation `json:"reconciliation,omitempty"`
	Recipe         Recipe          `json:"recipe"`
	Comparisons    []Comparison    `json:"comparisons"` // one per treatment
	Missing        string          `json:"no_comparison_reason,omitempty"`
	Twins          []Twin          `json:"control_twins"`
	Strata         []StratumUse    `json:"strata"`
	SampleRatio    SampleRatio     `json:"sample_ratio"`

	Attribution []Attribution `json:"attribution"`
	Flags       []Flag        `json:"flags"` // in order of weight; blocking ones make the decision INVESTIGATE
	Losses
	Notes []Note `json:"notes"`
}

// A Phase is a period with one set of weights.
type Phase struct {
	Number      int     `json:"phase"`
	Experiment  string  `json:"experiment_id"`
	From        Time    `json:"from"`
	Until       Time    `json:"until"` // exclusive; null = still open
	Known       bool    `json:"weights_known"`
	Strategy    string  `json:"strategy"`
	Source      string  `json:"source"`
	Arms        []Arm   `json:"arms"`
	Days        float64 `json:"days"` // length so far
	Subjects    int64   `json:"subjects"`
	Crossed     int64   `json:"subjects_in_two_variations"`
	FromControl int64   `json:"subjects_first_in_control"`
	LeftControl int64   `json:"of_these_seen_in_treatment"`
	// Level and Levels are those of a ramp by levels, in percent; left out without a schedule.
	Level  *int  `json:"level_percent,omitempty"`
	Levels []int `json:"levels_percent,omitempty"`
}

// An Arm is a variation with its weight in one phase.
type Arm struct {
	Variation string   `json:"variation_id"`
	Name      string   `json:"name"`
	Control   bool     `json:"is_control"`
	Weight    *float64 `json:"weight"` // fraction
}

// A Variation names one side of a comparison.
type Variation struct {
	ID   string `json:"variation_id"`
	Name string `json:"name"`
}

// Label is the name a person knows the variation by, else its id.
func (v Variation) Label() string {
	if v.Name != "" {
		return v.Name
	}
	return v.ID
}

// A Signal says which sources know of enrollments.
type Signal string

// The enrollment signals. Only the tenant log sees enrollments of both arms.
const (
	SignalBoth     Signal = "tenant_log_and_page"
	SignalLog      Signal = "tenant_log"
	SignalPage     Signal = "page_only"     // control is 0 by construction: differences are gross yield
	SignalUnlinked Signal = "unlinked_page" // page events name no user: counted, not joined
	SignalNone     Signal = "none"
)

// A Recipe is the plain one: count logins and enrollments per variation and
// divide. Events, not people, over all phases together.
type Recipe struct {
	Method     string      `json:"method"`
	Logins     int64       `json:"logins"` // `s` events that carry the experiment
	Variations []RecipeRow `json:"variations"`
	Phases     []RecipeRow `json:"by_phase"`
	Tests      []RecipeZ   `json:"tests"`
}

// A RecipeRow is one variation of the recipe.
type RecipeRow struct {
	Phase       int      `json:"phase"` // 0 in the totals, and for events outside every phase
	Variation   string   `json:"variation_id"`
	Name        string   `json:"name"`
	Control     bool     `json:"is_control"`
	Logins      int64    `json:"logins"`
	SSO         int64    `json:"logins_without_prompt"`
	Share       *float64 `json:"share_of_logins"`
	Enrollments int64    `json:"enrollments"`            // `completed` events of the page that claim the variation
	LogEnrolled int64    `json:"tenant_log_enrollments"` // people, by the variation they were first seen in
	Rate        *float64 `json:"enrollments_per_login"`
	LogRate     *float64 `json:"tenant_log_enrollments_per_login"`
}

// A RecipeZ is the usual test between a treatment and control. It describes;
// it decides nothing.
type RecipeZ struct {
	Treatment string   `json:"treatment"`
	Source    string   `json:"enrollments_from"` // page or tenant_log
	Z         *float64 `json:"z"`
	P         *float64 `json:"p"`
	Reason    string   `json:"reason,omitempty"`
}

// A Rate is one variation on its own, with a Wilson interval at the critical
// value of its comparison.
type Rate struct {
	Subjects    int64    `json:"subjects"`
	Numerator   int64    `json:"numerator"`
	Denominator int64    `json:"denominator"`
	Rate        *float64 `json:"rate"`
	Lower       *float64 `json:"lower"`
	Upper       *float64 `json:"upper"`
	Deff        *float64 `json:"design_effect"`
}

// A Difference is treatment minus control over strata.
type Difference struct {
	Diff   *float64 `json:"diff"`
	Lower  *float64 `json:"lower"`
	Upper  *float64 `json:"upper"`
	Z      *float64 `json:"critical_value"`
	P      *float64 `json:"p"`              // always-valid: the smallest one over the looks so far
	PHolm  *float64 `json:"p_holm"`         // adjusted for several treatments
	PBH    *float64 `json:"p_bh,omitempty"` // Benjamini-Hochberg, over the secondary metric of all treatments; never of a deciding one
	Strata int      `json:"strata_used"`
	Method string   `json:"method,omitempty"` // of the interval, where a plan has a choice
	Test   string   `json:"test,omitempty"`   // that P is from; "" = always-valid
	Reason string   `json:"reason,omitempty"` // why it is undefined
}

// An Outcome is one metric in both arms, and the difference.
type Outcome struct {
	Treatment  Rate       `json:"treatment"`
	Control    Rate       `json:"control"`
	Difference Difference `json:"difference"`
}

// A Ratio is treatment over control, with limits that hold at every look.
type Ratio struct {
	Lower     *float64 `json:"lower"`
	Upper     *float64 `json:"upper"` // null with UpperWord "unbounded" when control has none
	UpperWord string   `json:"upper_word,omitempty"`
	LogE      *float64 `json:"log_e"` // evidence against a ratio of 1
	P         *float64 `json:"p"`
	Treatment int64    `json:"treatment_count"`
	Control   int64    `json:"control_count"`
	Reason    string   `json:"reason,omitempty"`
}

// Evidence is what a decision is made of.
type Evidence struct {
	Enrollment       Outcome `json:"enrollment"`
	EnrollmentEvents float64 `json:"enrollments_expected_in_smaller_arm"`
	RateRatio        Ratio   `json:"rate_ratio"`
	Success          Outcome `json:"login_success"`
	// SuccessPlain is the difference in login success as counted, where the plan has taken out of Success what people
	// failed before the experiment.
	SuccessPlain      *Difference `json:"login_success_unadjusted,omitempty"`
	EffectiveFailures float64     `json:"effective_failures"`
}

// A Comparison sets one treatment against control.
type Comparison struct {
	Treatment    Variation `json:"treatment"`
	Control      Variation `json:"control"`
	Descriptive  bool      `json:"descriptive,omitempty"` // allocated by segment: numbers describe who is in a variation, no difference is an effect
	Alpha        float64   `json:"alpha"`                 // two-sided, the plan's divided by the number of treatments
	CurrentShare *float64  `json:"current_share"`         // treatment's weight in the last phase
	NextShare    *float64  `json:"next_share"`            // null: the last rung is reached, or the share is unknown
	NextLevel    *int      `json:"next_level,omitempty"`  // of a ramp by levels, in percent; NextShare is treatment's share of all logins there
	Margin       *float64  `json:"margin"`                // tolerated drop of login success
	Days         int       `json:"days_in_phase"`         // complete ones, without the time that gaps of the tenant log hide
	// NoLook says why this report is none of the looks that the plan declared: no_horizon, horizon_not_reached,
	// horizon_passed or between_looks. Clock is how much of horizon_information is in (fraction).
	NoLook string   `json:"no_look,omitempty"`
	Clock  *float64 `json:"information_fraction,omitempty"`

	Evidence
	PerLogin      Outcome `json:"enrollment_per_login"`
	ExposureRatio Ratio   `json:"exposure_ratio"` // subjects seen over subjects expected, treatment over control

	Pooled          *float64 `json:"pooled_difference"` // of enrollment, ignoring phases
	SimpsonReversal bool     `json:"simpson_reversal"`
	AboveMargin     *float64 `json:"p_gain_above_delta_min,omitempty"` // one-sided, by Farrington & Manning's test
	Dilution        *float64 `json:"control_seen_in_treatment"`        // c_C: share of control-first subjects
	Undiluted       *float64 `json:"undiluted_difference"`             // diff / (1 - c_C)

	Lift   Lift   `json:"lift_by_other_methods"`
	Belief Belief `json:"probability_to_beat_control"`

	ByPhase        []PhaseEffect   `json:"by_phase"`
	Heterogeneity  *Heterogeneity  `json:"heterogeneity"`
	Strata         []StratumCounts `json:"strata"`
	WithoutCrossed *Sensitivity    `json:"without_crossed_subjects"`
	// WithoutReturning is set when some returning stratum takes part in
	// differences alone: the decision is then taken a second time without them.
	WithoutReturning *Evidence `json:"without_returning_subjects"`
	Looks            []Look    `json:"looks"` // enrollment, day by day, cumulative
	// Forecasts are the times to decision of the conditions that are not met yet.
	Forecasts []Forecast `json:"time_to_decision"`
}

// A PhaseEffect is the enrollment and login success difference of one phase.
type PhaseEffect struct {
	Phase      int        `json:"phase"`
	Enrollment Difference `json:"enrollment"`
	Success    Difference `json:"login_success"`
}

// Heterogeneity asks whether the enrollment effect differs over strata.
type Heterogeneity struct {
	Q  float64 `json:"q"`
	DF int     `json:"degrees_of_freedom"`
	P  float64 `json:"p"`
}

// StratumCounts are the enrollment counts of one stratum of a comparison.
type StratumCounts struct {
	Phase             int      `json:"phase"`
	Origin            int      `json:"origin"` // 0: first seen in this phase; j: last seen as control in phase j
	Share             *float64 `json:"share"`  // chance of treatment, when known
	InDifference      bool     `json:"in_difference"`
	InRatio           bool     `json:"in_ratio"`
	TreatmentSubjects int64    `json:"treatment_subjects"`
	TreatmentEnrolled int64    `json:"treatment_enrolled"`
	ControlSubjects   int64    `json:"control_subjects"`
	ControlEnrolled   int64    `json:"control_enrolled"`
	Reason            string   `json:"reason,omitempty"`
}

// Sensitivity repeats the differences on other data.
type Sensitivity struct {
	Enrollment Difference `json:"enrollment"`
	Success    Difference `json:"login_success"`
}

// A Look is the enrollment comparison as it stood at the end of a day.
type Look struct {
	Day               Time     `json:"day"`
	TreatmentSubjects int64    `json:"treatment_subjects"`
	TreatmentEnrolled int64    `json:"treatment_enrolled"`
	ControlSubjects   int64    `json:"control_subjects"`
	ControlEnrolled   int64    `json:"control_enrolled"`
	Diff              *float64 `json:"diff"`
	Lower             *float64 `json:"lower"`
	Upper             *float64 `json:"upper"`
	P                 *float64 `json:"p"` // smallest so far
}

// A Twin is a second control: nothing differs, so a difference between the
// two tells of broken data, not of an effect.
type Twin struct {
	Control    Variation `json:"control"`
	Twin       Variation `json:"twin"`
	Enrollment Outcome   `json:"enrollment"`
	Success    Outcome   `json:"login_success"`
}

// A Rule of returning says how subjects that come back in a later phase get
// their variation.
type Rule string

// The rules, as measured.
const (
	FirstTime   Rule = "first_time"    // nobody returns: drawn with the phase's weights
	Nested      Rule = "nested"        // buckets stay: raising the weight only adds subjects to treatment
	Independent Rule = "independent"   // drawn anew
	PartNested  Rule = "partly_nested" // 90 to 99.5 percent stay: differences only
	Unmeasured  Rule = "unknown"
)

// A StratumUse says where one stratum takes part, and why.
type StratumUse struct {
	Phase        int      `json:"phase"`
	Origin       int      `json:"origin"`
	Rule         Rule     `json:"rule"`
	Share        *float64 `json:"share"` // chance of treatment, with one treatment
	Subjects     int64    `json:"subjects"`
	InDifference bool     `json:"in_difference"`
	InRatio      bool     `json:"in_ratio_and_sample_ratio"`
	Seen         int64    `json:"treated_seen_again"`
	Still        int64    `json:"of_these_still_treated"`
	Lower        *float64 `json:"still_lower"` // 99 % Wilson
	Upper        *float64 `json:"still_upper"`
	Reason       string   `json:"reason,omitempty"`
}

// SampleRatio compares how subjects fell to the variations with the weights.
type SampleRatio struct {
	LogE      *float64       `json:"log_e"`     // now
	MaxLogE   *float64       `json:"log_e_max"` // the highest at the end of any day; the flag is kept once raised
	Threshold float64        `json:"threshold"` // ln(1/alpha_srm)
	P         *float64       `json:"p"`         // always-valid
	Mismatch  bool           `json:"mismatch"`
	Since     Time           `json:"mismatch_since"`
	Strata    []SplitStratum `json:"strata"`
	Driver    *SplitCell     `json:"driver"`               // the cell that is furthest from its weight
	Zero      int64          `json:"subjects_at_weight_0"` // in a variation that the phase does not give out
	Reason    string         `json:"reason,omitempty"`
}

// A SplitStratum is the sample ratio of one stratum.
type SplitStratum struct {
	Phase  int         `json:"phase"`
	Origin int         `json:"origin"`
	LogE   float64     `json:"log_e"`
	Chi2   *float64    `json:"chi_square"` // information: valid for a single look
	ChiP   *float64    `json:"chi_square_p"`
	Cells  []SplitCell `json:"variations"`
}

// A SplitCell is one variation of a stratum.
type SplitCell struct {
	Phase     int      `json:"phase"`
	Origin    int      `json:"origin"`
	Variation string   `json:"variation_id"`
	Name      string   `json:"name"`
	Subjects  int64    `json:"subjects"`
	Observed  *float64 `json:"observed_share"`
	Expected  float64  `json:"expected_share"`
}

// An Attribution says by which rule the login attempts of one event type got
// their variation. None counts those of which no person of the experiment is known.
type Attribution struct {
	Type        string     `json:"type"`
	Role        store.Role `json:"role"`
	Total       int64      `json:"total"`
	Event       int64      `json:"by_event"`
	Transaction int64      `json:"by_transaction"`
	Session     int64      `json:"by_session"`
	Subject     int64      `json:"by_subject"`
	None        int64      `json:"not_attributed"`
}

// A Flag is one observation about the data.
type Flag struct {
	Name     string   `json:"flag"`
	Blocking bool     `json:"blocking"`
	Count    *int64   `json:"count"`
	Of       *int64   `json:"of"`
	Value    *float64 `json:"value"`
	Limit    *float64 `json:"limit"` // raised above it
	Words    string   `json:"words"`
	Do       string   `json:"do"`
}

// A Note is something that Phases or Build could not take as it stood.
type Note struct {
	Code  string `json:"code"`
	Words string `json:"words"`
}

func ptr[T any](v T) *T { return &v }
