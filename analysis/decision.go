package analysis

// An Action is what a decision recommends.
type Action string

// The actions. ROLL_BACK aims at share 0; HOLD and INVESTIGATE keep the share.
const (
	Ramp        Action = "RAMP"
	Hold        Action = "HOLD"
	RollBack    Action = "ROLL_BACK"
	Investigate Action = "INVESTIGATE"
)

// A Decision is a recommendation with every number behind it. Nothing acts on
// it by itself.
type Decision struct {
	SchemaVersion int       `json:"schema_version"`
	Version       string    `json:"keyramp_version"`
	Experiment    string    `json:"experiment_id"`
	Name          string    `json:"name"`
	AsOf          Time      `json:"as_of"`
	DataUntil     Time      `json:"data_until"`
	Verdict                 // of the recommended treatment
	Also          []string  `json:"also"` // about other treatments, in words
	Treatments    []Verdict `json:"treatments"`
}

// A Verdict is the decision about one treatment.
type Verdict struct {
	Treatment    Variation `json:"treatment"`
	Action       Action    `json:"action"`
	Reason       string    `json:"reason"`  // the first of Reasons
	Reasons      []string  `json:"reasons"` // in order
	Words        []string  `json:"words"`   // Reasons, for people
	Next         string    `json:"next"`    // what to do now
	CurrentShare *float64  `json:"current_share"`
	TargetShare  *float64  `json:"target_share"`
	Margin       *float64  `json:"margin"`
	Rules        []Ruling  `json:"rules"`
}

// A Ruling is one rule of the decision table with the numbers that met or
// missed it. The first rule that holds decides.
type Ruling struct {
	Rule       int         `json:"rule"`
	Action     Action      `json:"action"`
	Holds      bool        `json:"holds"`
	Decides    bool        `json:"decides"`
	Conditions []Condition `json:"conditions"`
}

// A Condition compares one number with its limit. Value is nil when the
// number could not be computed.
type Condition struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Op    string   `json:"op"`
	Limit *float64 `json:"limit"`
	Met   bool     `json:"met"`
	Unit  Unit     `json:"unit"`
}

// A Unit tells a renderer how to print a number.
type Unit string

// The units of a condition.
const (
	Share  Unit = "share"  // fraction of traffic
	Points Unit = "points" // difference of fractions
	Number Unit = "number"
	Days   Unit = "days"
)

// Decide weighs a report against the plan written before the data came in. It
// reads no clock, flag or file, so any past decision can be replayed.
func Decide(p Plan, r *Report) Decision { return Decision{} }
