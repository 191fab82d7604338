package duckdb

import (
	"slices"
	"strings"

	"keyramp/queries/store"
)

// A View is something that questions may be asked of: a view or a table of the
// store whose columns stay as they are from release to release.
type View struct {
	Name    string
	Doc     string
	Columns []store.Column
}

// Views are the documented ones. A test holds them against a store.
func Views() []View { return slices.Clone(documented) }

// undocumented are the tables and views that may change with any release.
var undocumented = []string{"events", "page_events", "words", "shapes", "meta", "ev_ids", "page_ids", "log_times", "page_times", "tombstones"}

const (
	userKey        = "user_key UBIGINT pseudonym of the user; 0 = none"
	sessionKey     = "session_key UBIGINT pseudonym of the session; 0 = none"
	transactionKey = "transaction_key UBIGINT pseudonym of the login transaction; 0 = none"
	atUTC          = "at_utc TIMESTAMP when it happened, UTC"
	atUS           = "at_us BIGINT the same, microseconds since 1970"
	experimentID   = "experiment_id VARCHAR experiment that the event carries; '' = none"
	variationID    = "variation_id VARCHAR variation that the event carries; '' = none"
	control        = "control UTINYINT marked as control: 0 unknown, 1 no, 2 yes"
	allocation     = "allocation VARCHAR percentage or segment; '' = unknown"
	interactive    = "interactive UTINYINT the login prompted: 0 unknown, 1 no, 2 yes"
	usedPasskey    = "passkey_used BOOLEAN a passkey was used to log in"
	authenticator  = "authenticator VARCHAR authenticator type of an enrollment event, else ''"
	test           = "test BOOLEAN from an address that the settings name as test traffic"
	logID          = "log_id UBIGINT keyed hash of the log_id"
	assigned       = "assigned_us BIGINT when the login transaction began, else as at_us"
	logged         = "logged_us BIGINT time inside the log_id: when Auth0 wrote the event; 0 = unknown"
	eventType      = "type VARCHAR Auth0's event type code"
	client         = "client_id VARCHAR application"
)

var documented = []View{
	view("ev_full", "a row a tenant log event, with every kept field",
		logID, atUTC, atUS, assigned, logged, eventType, client,
		"connection VARCHAR connection", "strategy VARCHAR strategy of the connection", "device VARCHAR mobile or other; '' = unknown",
		userKey, sessionKey, transactionKey, experimentID, variationID, control, allocation,
		"segment_id VARCHAR segment that chose the variation", interactive, usedPasskey, authenticator, test),
	view("ev", "the same rows with the fields that reports use; faster",
		logID, atUTC, atUS, assigned, logged, eventType, client, userKey, sessionKey, transactionKey,
		experimentID, variationID, control, allocation, interactive, usedPasskey, authenticator, test),
	view("page", "a row an event of the enrollment page",
		"event_id UBIGINT keyed hash of source and id", atUTC, atUS,
		"phase VARCHAR shown, started, completed, failed or skipped", experimentID, variationID, userKey, sessionKey, transactionKey,
		"verified BOOLEAN the ids came from a signed token", "future BOOLEAN dated more than five minutes after its arrival"),
	view("observations", "what the tenant said of an experiment, when it differed from before",
		"experiment VARCHAR experiment id", "seen_us BIGINT when, by the clock of the tenant; microseconds since 1970", "name VARCHAR its name",
		"status VARCHAR draft, active, paused, completed or archived", "strategy VARCHAR percentage or segment", "started_us BIGINT first activation; 0 = none",
		"ended_us BIGINT its end; 0 = not told", "updated_us BIGINT its last change; 0 = not told", "level INTEGER current step of the ramp; -1 = no ramp",
		"levels VARCHAR steps of the ramp, a JSON array", "editable VARCHAR fields that may be changed, a JSON array",
		"arms VARCHAR variations and weights, a JSON array",
		"flag VARCHAR id of its feature flag",
		"flow VARCHAR its authentication flow",
		"subject VARCHAR what is drawn, as the first publication of the API tells; '' = not told"),
	view("sources", "a row a source: how far it was read, and its account over all runs",
		"source VARCHAR name of the source", "position VARCHAR where the next run goes on", "watermark_us BIGINT everything dated before this was read; 0 = not known",
		"complete BOOLEAN nothing was left when it was last asked", "at_us BIGINT when this was written, by the clock of the source", "runs BIGINT how many runs",
		"received BIGINT = stored + duplicate + filtered + rejected", "stored BIGINT rows that are new", "duplicate BIGINT known already",
		"filtered BIGINT counted by type and day only", "rejected BIGINT put aside", "conflicts BIGINT duplicates with other content",
		"marker BIGINT of the last commit"),
	view("gaps", "a row a stretch of time that a source no longer held",
		"source VARCHAR name of the source", "from_us BIGINT until where it had been read", "until_us BIGINT the oldest that it still had", "noticed_us BIGINT when it was noticed",
		"position VARCHAR cursor that was refused"),
	view("rejects", "a row a record that was put aside: where and why, never what it held",
		"record UBIGINT keyed hash of the record", "source VARCHAR name of the source", "place VARCHAR file and line, or page and item",
		"reason VARCHAR which rule, by name", "detail VARCHAR the rule in words", "bytes BIGINT size of the record", "at_us BIGINT when the run began that put it aside",
		"dated_us BIGINT the date that the record gives; 0 = not readable", "kind VARCHAR log or page: what it was read as; '' = not noted"),
	view("conflicts", "a row a copy of an event that differs from what came first",
		"record UBIGINT log_id or event_id", "content UINTEGER hash of the copy's kept fields", "source VARCHAR source of the copy", "at_us BIGINT the date that the copy gives"),
	view("calls", "calls of the Management API that changed an experiment, as the log tells them",
		"call UBIGINT pseudonym of its log_id",
		"experiment VARCHAR experiment id",
		"at_us BIGINT its date; microseconds since 1970",
		"status VARCHAR status asked for; '' = as it was",
		"level INTEGER level of the ramp asked for; -1 = as it was",
		"arms VARCHAR new allocations, a JSON array; [] = as they were"),
	view("decisions", "a row an answer of decide, never changed",
		"decision VARCHAR id; equal for equal questions with equal answers", "experiment VARCHAR experiment id", "made_us BIGINT when it was asked for; microseconds since 1970",
		"as_of_us BIGINT the time that it is about", "phase INTEGER last phase of the experiment; 0 = none", "action VARCHAR RAMP, HOLD, ROLL_BACK or INVESTIGATE",
		"signed_by VARCHAR who accepted what held a ramp back; '' = nobody", "version VARCHAR of keyramp", "plan VARCHAR the plan in force, JSON",
		"record VARCHAR all that it was made of and what was printed, JSON"),
	view("filtered", "events that were counted instead of stored",
		"source VARCHAR name of the source", "type VARCHAR Auth0's event type code; forgotten or purged for what was removed once and came again",
		"day DATE UTC day; of forgotten ones that on which they came again", "n BIGINT how many"),
	view("purged_days", "what stays of purged events: a row a day, type, experiment and variation",
		"day DATE UTC day", "source VARCHAR log or page", "type VARCHAR Auth0's event type code, or phase of the page", experimentID, variationID,
		"n BIGINT how many events"),
	view("removals", "a row a removal; what the sources stored is there or counted here",
		"why VARCHAR forgotten or purged", "at_us BIGINT when; microseconds since 1970", "before_us BIGINT purged: what was dated before this; else 0",
		"people BIGINT forgotten: how many; else 0", "events BIGINT events that went", "pages BIGINT page events that went"),
}

// view reads columns from texts of the form "name TYPE meaning".
func view(name, doc string, columns ...string) View {
	v := View{Name: name, Doc: doc}
	for _, c := range columns {
		part := strings.SplitN(c, " ", 3)
		v.Columns = append(v.Columns, store.Column{Name: part[0], Type: store.ColumnType(part[1]), Doc: part[2]})
	}
	return v
}
