package store

// Micros is a moment as microseconds since 1970-01-01 UTC. Zero means that no
// time is known; every stored time fits, and no time zone can slip in.
type Micros = int64

// A Tri is a truth value that may be missing, as a field of a log event may be.
type Tri int8

// The three values of a Tri.
const (
	Unknown Tri = iota
	No
	Yes
)

// An Event is one tenant log event as keyramp keeps it. Personal data never
// reaches this type: users, sessions and transactions are keyed pseudonyms,
// and names, addresses and user agents were left at the door.
type Event struct {
	LogID uint64 // pseudonym of the log_id text; the identity of the event

	At       Micros // `date` of the event
	Assigned Micros // when the login transaction began (details.initiatedAt), else At
	Logged   Micros // the time inside the log_id; 0 when the id has another form

	User        uint64 // pseudonyms; 0 means absent
	Session     uint64
	Transaction uint64

	Shape
}

// A Shape is what an event tells besides who and when. Millions of events have
// few different ones, so that a store need keep each only once.
type Shape struct {
	Type       Word // Auth0's code, verbatim
	ClientID   Word
	Connection Word
	Strategy   Word
	Device     Word // "mobile", "other" or "" when not told

	Experiment Word // "" when the event carries no experiment
	Variation  Word
	Allocation Word // "percentage", "segment" or ""
	Segment    Word

	Authenticator Word // authenticator type of an enrollment event, else ""
	Control       Tri
	Interactive   Tri  // login prompts were not empty
	PasskeyUsed   bool // performed_amr has phr
	Test          bool // from an address that the configuration names as test traffic
}

// A PagePhase is what the enrollment page tells about one visit.
type PagePhase string

// The phases of the enrollment page's events.
const (
	Shown     PagePhase = "shown"
	Started   PagePhase = "started"
	Completed PagePhase = "completed"
	Failed    PagePhase = "failed"
	Skipped   PagePhase = "skipped"
)

// A PageEvent is one event of the enrollment page.
type PageEvent struct {
	ID uint64 // hash of source and id: the identity of the event

	At    Micros
	Phase PagePhase

	Experiment string
	Variation  string // as the page claims it: evidence, never the assignment

	User        uint64 // 0: the page knows only the two ids
	Session     uint64
	Transaction uint64

	Verified bool // the ids came from a signed token
	Future   bool // dated more than five minutes after its arrival
}

// A Reject is a record that could not become an event. It keeps the place and
// the rule, never the payload: log lines hold addresses.
type Reject struct {
	Record uint64 // keyed hash of the raw bytes, so that a re-read adds nothing
	Source string // a file's path, or the source's name
	Place  string // "line 12", "byte 4711", "page after 9002…, item 3"
	Reason string // one of the Reason… codes of package ingest
	Detail string // the rule in words, without payload
	Bytes  int64  // size of the raw record
	At     Micros // when the run began that put it aside
	Dated  Micros // the date that the record gives; 0 when it cannot be read
	Kind   string // KindLog or KindPage: what it was read as; "" when an older keyramp put it aside
}

// What a rejected record was read as.
const (
	KindLog  = "log"  // a tenant log event
	KindPage = "page" // an event of the enrollment page
)

// A Retrial is what became of rejects of one source that were read again.
type Retrial struct {
	Source  string
	Batch   Batch    // what is usable now; its Received is their number, and it has no Rejects
	Settled []uint64 // the Records of the rejects that became it, as many
	Gone    []uint64 // the Records of those that Still replaces
	Still   []Reject // what stays on the list, with the reason of today
}

// A FilterKey names what was counted instead of stored.
type FilterKey struct {
	Type string // event type code, FilterForgotten or FilterPurged
	Day  Micros // UTC midnight; of what was forgotten the day on which it came again
}

// A Batch is what one commit stores: rows and the account of how they came.
type Batch struct {
	Events   []Event
	Pages    []PageEvent
	Rejects  []Reject
	Filtered map[FilterKey]int64
	Received int64  // records read: len(Events)+len(Pages)+len(Rejects)+sum(Filtered)
	Calls    []Call // what some records tell, whether they are stored or filtered
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Events, b.Pages, b.Rejects, b.Calls = b.Events[:0], b.Pages[:0], b.Rejects[:0], b.Calls[:0]
	clear(b.Filtered)
	b.Received = 0
}

// Loaded is what became of a batch:
// Received = Stored + Duplicate + Filtered + Rejected.
// Conflicts are the duplicates whose content differs from what was stored
// first; they are part of Duplicate.
type Loaded struct {
	Received, Stored, Duplicate, Filtered, Rejected, Conflicts int64
}

// Add sums two accounts.
func (l Loaded) Add(o Loaded) Loaded {
	return Loaded{l.Received + o.Received, l.Stored + o.Stored, l.Duplicate + o.Duplicate,
		l.Filtered + o.Filtered, l.Rejected + o.Rejected, l.Conflicts + o.Conflicts}
}

// A Cursor says how far a source has been read. It is stored in the
// transaction of the rows that it stands behind.
type Cursor struct {
	Source    string // "auth0:acme.example", "page:…", or "file:PATH"
	Position  string // opaque to the store: a log_id, a page cursor, "done"
	Watermark Micros // everything the source dated before this has been read
	Complete  bool   // the source had nothing more when it was last asked
	At        Micros // when this was written, by the source's clock if it has one
}

// A Gap is a stretch that a source no longer holds: what happened in it may be
// missing for ever.
type Gap struct {
	Source   string
	From     Micros // watermark of the last event that was read
	Until    Micros // the oldest that the source still had
	Noticed  Micros
	Position string // the cursor that was refused
	// StoredHours is of how many whole UTC hours of the gap something is stored all the same, as after an import of
	// what the source had lost. A store fills it in when it is asked.
	StoredHours int64
}

// An Observation is what the tenant said of one experiment at one time.
type Observation struct {
	Experiment string
	Seen       Micros // by the tenant's clock
	Name       string
	Status     string // draft, active, paused, completed, archived
	Strategy   string // percentage or segment
	Flag       string // id of the feature flag; "" when it was not told, as by an older keyramp
	Flow       string // authentication flow, likewise
	Subject    string // what is drawn (device, user or session), as the first publication of the API tells; else ""
	Started    Micros // first activation; 0 when never
	Ended      Micros
	Updated    Micros
	Level      int // current ramp level; -1 when there is no schedule
	Levels     []int
	Editable   []string
	Arms       []Arm
	Logged     bool // made of a Call and the observation before it; such ones are not stored
}

// A Call is a call of the tenant's Management API that changed an experiment, as the tenant's log tells it.
type Call struct {
	ID         uint64 // pseudonym of the log_id
	At         Micros
	Experiment string
	Status     string // asked for; "" = as it was
	Level      int    // of a ramp, likewise; -1 = as it was
	Arms       []Arm  // the new allocations, without names; nil = as they were
}

// An Arm is one variation of an experiment with its weight in percent.
type Arm struct {
	Variation string
	Name      string
	Weight    int // -1 when the allocation has none (segments, levels)
	Control   bool
	Segment   string
}
