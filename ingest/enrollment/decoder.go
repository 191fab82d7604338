package enrollment

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// Limits of one event.
const (
	maxBytes = 64 << 10
	maxDepth = 16
	// ahead is how far in the future an event may be dated: clocks differ.
	ahead = 5 * time.Minute
)

// A Decoder turns page events into rows. It accepts the CloudEvents form of
// Schema and a flat form without an envelope:
//
//	{"id","time","event":"completed","experiment_id","variation_id","user_id"?}
//
// With a Mapping it reads another tool's events instead. Personal data is not
// kept: user, session and transaction become pseudonyms, unknown members are
// dropped. It is safe for concurrent use.
type Decoder struct {
	Pseudonyms *ingest.Pseudonyms
	// Source is the identity of the page where the event itself names none.
	Source string
	// Received is when the records arrived; later dates are flagged. 0 = never flag.
	Received store.Micros
	Mapping  *Mapping // nil = the event contract
}

// Decode appends the event of one record to b. Its *ingest.RejectError names
// the member and the rule, and quotes nothing.
func (d *Decoder) Decode(raw []byte, b *store.Batch) error {
	switch {
	case len(raw) > maxBytes:
		return &ingest.RejectError{Reason: ingest.ReasonSize, Detail: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxBytes)}
	case deeper(raw, maxDepth):
		return &ingest.RejectError{Reason: ingest.ReasonDepth, Detail: fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	m, err := decode(raw)
	if err != nil {
		return err
	}
	if err := d.event(m, b); err != nil {
		var why *ingest.RejectError
		if errors.As(err, &why) {
			why.At = d.dated(m)
		}
		return err
	}
	return nil
}

// dated is the date that an unusable event gives; 0 when it has none that can be read.
func (d *Decoder) dated(m members) store.Micros {
	places := []string{"time", "occurred_at", "timestamp"} // the last one is Segment's
	if d.Mapping != nil {
		places = []string{d.Mapping.Time}
	}
	for _, place := range places {
		if at, ok := m.timeAt(place); ok {
			return at
		}
	}
	return 0
}

func (d *Decoder) event(m members, b *store.Batch) error {
	if d.Mapping != nil {
		return d.mapped(m, b)
	}
	var e store.PageEvent
	var err error
	switch {
	case m.has("specversion"):
		e, err = d.envelope(m)
	case m.has("event"):
		e, err = d.flat(m)
	default:
		err = broken("neither specversion (CloudEvents) nor event (flat form) is there")
	}
	if err != nil {
		return err
	}
	d.keep(e, b)
	return nil
}

// typeForm and the forms below are those of the schema.
var (
	typeForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}\.enrollment\.(shown|started|completed|failed|skipped)$`)
	timeForm  = regexp.MustCompile(`^[2-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)
	idForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	errorForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// envelope reads the CloudEvents form.
func (d *Decoder) envelope(m members) (e store.PageEvent, err error) {
	if v, _ := m.text("specversion", 8); v != "1.0" {
		return e, broken("specversion is not \"1.0\"")
	}
	if v, err := m.text("datacontenttype", 64); err != nil || v != "application/json" && !m.null("datacontenttype") {
		return e, broken("datacontenttype is not application/json")
	}
	id, err := m.text("id", 128)
	if err != nil {
		return e, err
	}
	source, err := m.text("source", 256)
	switch {
	case err != nil:
		return e, err
	case id == "" || source == "":
		return e, &ingest.RejectError{Reason: ingest.ReasonNoID, Detail: "id or source is missing or empty"}
	case !isReference(source):
		return e, broken("source is not a URI reference")
	}
	e.ID = d.Pseudonyms.PageID(source, id)
	typ, err := m.text("type", 64)
	if err != nil || !typeForm.MatchString(typ) {
		return e, broken("type is not NAME.enrollment.PHASE with the phase shown, started, completed, failed or skipped")
	}
	e.Phase = store.PagePhase(typ[strings.LastIndexByte(typ, '.')+1:])
	if e.At, err = m.moment("time"); err != nil {
		return e, err
	}
	data, err := decode(m["data"])
	if err != nil {
		return e, broken("data is not an object")
	}
	return e, d.details(data, &e)
}

// phaseNames are the words of the flat form; viewed is another word for shown.
var phaseNames = map[string]store.PagePhase{
	"shown": store.Shown, "viewed": store.Shown, "started": store.Started,
	"completed": store.Completed, "failed": store.Failed, "skipped": store.Skipped,
}

// flat reads the form without an envelope. event_id and occurred_at are other
// names for id and time; both names with two values are nothing to choose from.
func (d *Decoder) flat(m members) (e store.PageEvent, err error) {
	for name, other := range map[string]string{"id": "event_id", "time": "occurred_at"} {
		switch {
		case m.null(name):
			m[name] = m[other]
		case !m.null(other) && string(m[name]) != string(m[other]):
			return e, broken(name + " and " + other + " differ")
		}
	}
	id, err := m.text("id", 128)
	switch {
	case err != nil:
		return e, err
	case id == "":
		return e, &ingest.RejectError{Reason: ingest.ReasonNoID, Detail: "id is missing or empty"}
	}
	e.ID = d.Pseudonyms.PageID(d.Source, id)
	word, err := m.text("event", 64)
	e.Phase = phaseNames[word]
	if err != nil || e.Phase == "" {
		return e, broken("event is not shown, started, completed, failed or skipped")
	}
	if e.At, err = m.moment("time"); err != nil {
		return e, err
	}
	return e, d.details(m, &e)
}

// details reads the members that both forms share.
func (d *Decoder) details(m members, e *store.PageEvent) (err error) {
	if e.Experiment, err = m.id("experiment_id"); err != nil {
		return err
	}
	if e.Variation, err = m.id("variation_id"); err != nil {
		return err
	}
	user, err := m.text("user_id", 256)
	if err != nil {
		return err
	}
	session, err := m.text("session_id", 128)
	if err != nil {
		return err
	}
	transaction, err := m.text("transaction_id", 128)
	if err != nil {
		return err
	}
	e.User, e.Session, e.Transaction = d.Pseudonyms.User(user), d.Pseudonyms.Session(session), d.Pseudonyms.Transaction(transaction)
	switch v := string(m["assignment_verified"]); v {
	case "true":
		e.Verified = true
	case "false", "null", "":
	default:
		return broken("assignment_verified is not true or false")
	}
	// The rest is checked and not kept: no question asks for it.
	if code, err := m.text("error_code", 64); err != nil || !m.null("error_code") && !errorForm.MatchString(code) {
		return broken("error_code is not a short code")
	}
	if !m.null("attempt") {
		var n float64
		if json.Unmarshal(m["attempt"], &n) != nil || n < 1 || n > 1000 || n != float64(int(n)) {
			return broken("attempt is not a whole number from 1 to 1000")
		}
	}
	return nil
}

// keep finishes a row and appends it.
func (d *Decoder) keep(e store.PageEvent, b *store.Batch) {
	e.Future = d.Received > 0 && e.At > d.Received+ahead.Microseconds()
	b.Pages = append(b.Pages, e)
}

func isReference(s string) bool {
	_, err := url.Parse(s)
	return err == nil && !strings.Contains(s, `\`)
}

// deeper reports whether brackets outside strings nest deeper than limit.
func deeper(raw []byte, limit int) bool {
	depth, inside := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
