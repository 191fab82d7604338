package store

// A Scope says what a report asks about: one experiment, its phases, and the
// events dated in [Since, Until).
type Scope struct {
	Experiment string
	// Continues are the experiment ids whose phases come before, oldest first.
	Continues []string
	Since     Micros // inclusive; 0 = from the beginning
	Until     Micros // exclusive
	Phases    []Phase
	Roles     map[string]Role // overrides of event_types, by type code
	// TestClients and TestUsers are known test traffic: excluded and counted.
	TestClients []string
	TestUsers   []uint64
	// Covariates asks for what subjects did before the experiment, too.
	Covariates bool
}

// A Phase is a period with one set of weights in one experiment id.
type Phase struct {
	Number     int // 1, 2, … in order of time, over continued experiments too
	Experiment string
	From       Micros // inclusive
	Until      Micros // exclusive; 0 = still open
	Known      bool   // false: the weights of this period are not known
	Strategy   string // percentage or segment
	Arms       []Arm
	Source     string // "tenant", "config" or "events"
	// Level is the level of a ramp by levels that was in force, in percent, and Levels are all of them; without a schedule nil.
	Level  *int  `json:",omitempty"`
	Levels []int `json:",omitempty"`
}

// A Role is what an event type means for the questions.
type Role string

// The roles. A type without a role is not stored unless it carries an experiment.
const (
	RoleSuccess    Role = "success"    // a successful login
	RoleFailure    Role = "failure"    // a failed login attempt
	RoleEnrollment Role = "enrollment" // an authenticator was enrolled; a passkey when Authenticator says so
	RoleGuard      Role = "guard"      // watched, never part of a rate
	RoleSignup     Role = "signup"
	RoleStep       Role = "step" // a step inside a login: kept, not an attempt
	RoleIgnore     Role = "ignore"
)

// Metric names a row of sufficient statistics.
type Metric string

// The metrics of Sums.
const (
	Enroll         Metric = "enroll"           // y in {0,1} per subject, x = 1
	EnrollPerLogin Metric = "enroll_per_login" // y in {0,1}, x = the subject's successful logins
	LoginSuccess   Metric = "login_success"    // y = successful, x = attempted logins per (subject, variation)
)

// A SumsRow holds the sufficient statistics of one metric in one stratum arm.
type SumsRow struct {
	Phase, Origin       int
	Variation           string
	Metric              Metric
	N, Y, X, YY, XX, XY int64
}

// A CovariateRow goes with the SumsRow of login success of its arm: the sums of
// p, p², p·y and p·x over its subjects, p being a subject's failed attempts
// before the first phase. An arm without any has no row.
type CovariateRow struct {
	Phase, Origin int
	Variation     string
	P, PP, PY, PX int64
}

// An ArrivalRow counts, for one stratum, variation and UTC day, the subjects
// first seen in the stratum on that day by the variation they met first, the
// eligible ones among them (not enrolled before the stratum opened), and the
// eligible subjects whose enrollment became known on that day (the later of
// first exposure and enrollment).
type ArrivalRow struct {
	Phase, Origin                int
	Variation                    string
	Day                          Micros
	Subjects, Eligible, Enrolled int64
}

// A LoginDayRow counts, for one phase, variation and UTC day, the interactive
// logins that carry the experiment and succeeded: the pace at which evidence
// of login success comes in. Failed attempts are not in it.
type LoginDayRow struct {
	Phase     int
	Variation string
	Day       Micros
	Logins    int64
}

// A CrossRow counts the subjects of a phase and those seen in two or more of
// its variations; Control are those first seen in control, Left the ones of
// them who met a treatment in the same phase.
type CrossRow struct {
	Phase                            int
	Subjects, Crossed, Control, Left int64
}

// A ReturnRow says, of the subjects whose first variation in phase From was a
// treatment and who were seen again in phase To, how many were seen in a
// treatment first there, too.
type ReturnRow struct {
	From, To    int
	Seen, Still int64
}

// A RuleRow counts login attempts of one event type by the rule that gave
// them their variation: event, transaction, session, subject or none.
type RuleRow struct {
	Type  string
	Role  Role
	Rule  string
	Count int64
}

// A SeedRow is the plain recipe for one variation: events, not people.
type SeedRow struct {
	Phase         int
	Variation     string
	Logins        int64 // type s events that carry the variation
	SSO           int64 // of them without any login prompt
	PageCompleted int64 // completed page events that claim the variation
	LogEnrolled   int64 // subjects first seen in the variation with a tenant-log passkey enrollment in the phase
}

// A PageRow counts the page's events for one phase of the experiment and the
// variation that they claim.
type PageRow struct {
	Phase     int
	Variation string
	Event     PagePhase
	Day       Micros
	Events    int64 // distinct events
	WithUser  int64
	Verified  int64
}

// Quality holds the counts behind the data-quality flags. All are numbers of
// events unless said otherwise.
type Quality struct {
	Carried          int64 // events that carry the experiment
	UnknownVariation int64 // of them with a variation the experiment does not have
	MissingSubject   int64 // of them without a user, also by transaction and session
	Segment          int64 // of them allocated by segment
	Inactive         int64 // of them begun outside every phase
	InFlight         int64 // of Inactive, within the grace after a phase, or later of a session that began in it
	Late             int64 // of them logged more than five minutes after their date
	LoginsInScope    int64 // interactive logins that began while a phase was open, with any or no experiment
	LoginsWithout    int64 // of them without any experiment
	ForcedSubjects   int64 // subjects excluded as forced or test traffic
	ExposedSubjects  int64 // subjects exposed, forced ones included
	CarryOver        int64 // subjects once treated, seen again in a later phase and left out there
	UnplacedAttempts int64 // attempts with a variation or subject that fit no stratum
	NamelessFailures int64 // failed attempts whose variation is known and whose subject is not
	Lost             int64 // prompts shown to a known subject without a success within 30 minutes

	PageCompleted        int64 // distinct completed page events of the experiment
	PageCompletedUser    int64 // of them with a user
	PageUnmatched        int64 // of those, users never exposed
	PageControl          int64 // completed by a subject whose first variation is control
	PageVariationDiffers int64 // completed with another variation than the subject's
	LogEnrollments       int64 // exposed subjects with a tenant-log passkey enrollment
	BothEnrollments      int64 // subjects with both, page and tenant log
	PageOnlyEnrollments  int64 // subjects with the page's alone
	LogOnlyTreated       int64 `json:"LogOnlyEnrollments"` // subjects first seen in a treatment with the log's alone
	// Of subjects first seen in control. The first two are part of the totals above.
	BothControl, PageOnlyControl, LogOnlyControl int64

	FirstEvent, LastEvent Micros // of events that carry the experiment
	FirstLog              Micros // of any tenant log event
	LastLog               Micros // of any tenant log event
	LastPage              Micros
}

// Losses are what is known to be missing from the time of a scope.
type Losses struct {
	Gaps      []Gap           // that overlap the time, at their full length; StoredHours inside the time
	Rejects   []RejectCount   // records put aside that give a date in the time
	Undated   []UndatedCount  // records put aside whose date is not known: they may be of any time
	Conflicts []ConflictCount // copies dated in the time that differ from what came first
}

// An UndatedCount tells how many records without a readable date one run put aside.
type UndatedCount struct {
	Source string
	Run    Micros // when it began
	Count  int64
}

// A ConflictCount tells of how many events a source gave a copy that differs from what came first.
type ConflictCount struct {
	Source string
	Count  int64
}

// Begin is where the time of a scope begins: Since, or else the start of the first phase or the first event that
// carries the experiment, whichever is earlier. 0 means that nothing is known to have begun.
func (s Scope) Begin(firstEvent Micros) Micros {
	if s.Since != 0 {
		return s.Since
	}
	begin := firstEvent
	for _, p := range s.Phases {
		if p.From != 0 && (begin == 0 || p.From < begin) {
			begin = p.From
		}
	}
	return begin
}

// Counts is everything a report is made of. It holds integers only; rows come
// sorted by their leading columns, so equal data gives equal bytes.
type Counts struct {
	Sums      []SumsRow
	Uncrossed []SumsRow // the same without subjects seen in two variations of one phase
	Arrivals  []ArrivalRow
	Before    []CovariateRow // only when the scope asks for covariates
	LoginDays []LoginDayRow
	Crossed   []CrossRow
	Returns   []ReturnRow
	Rules     []RuleRow
	Seed      []SeedRow
	Page      []PageRow
	Quality   Quality
	Losses
	Roles map[string]Role // the set in force
}
