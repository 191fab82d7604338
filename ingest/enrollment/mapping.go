package enrollment

import (
	"encoding/json"
	"strings"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// A Mapping says where another tool's event keeps what the contract asks for.
// Places are names of members, with a dot for a member of an object.
type Mapping struct {
	Name string
	// ID places identify the event together. The first must be there.
	ID         []string
	Time       string
	Event      string
	User       string
	Experiment string
	Variation  string
	// NoUser is the prefix of a user that is a device, nobody known.
	NoUser string
	// Phases by the name of the event. Other events are counted and left out.
	Phases map[string]store.PagePhase
}

// events are the usual names, in the object-action form that both tools ask for.
var events = map[string]store.PagePhase{
	"Passkey Enrollment Viewed":    store.Shown,
	"Passkey Enrollment Shown":     store.Shown,
	"Passkey Enrollment Started":   store.Started,
	"Passkey Enrollment Completed": store.Completed,
	"Passkey Enrolled":             store.Completed,
	"Passkey Enrollment Failed":    store.Failed,
	"Passkey Enrollment Skipped":   store.Skipped,
}

// Mappings are those that come with the program, by name.
var Mappings = map[string]Mapping{
	"segment": { // a track call
		Name: "segment", ID: []string{"messageId"}, Time: "timestamp", Event: "event", User: "userId",
		Experiment: "properties.experiment_id", Variation: "properties.variation_id", Phases: events,
	},
	"mixpanel": { // a line of the raw export, which may hold duplicates
		Name: "mixpanel", ID: []string{"properties.$insert_id", "event", "properties.distinct_id", "properties.time"},
		Time: "properties.time", Event: "event", User: "properties.distinct_id", NoUser: "$device:",
		Experiment: "properties.experiment_id", Variation: "properties.variation_id", Phases: events,
	},
}

// mapped reads an event by the mapping.
func (d *Decoder) mapped(m members, b *store.Batch) error {
	p := *d.Mapping
	at, ok := m.timeAt(p.Time)
	if !ok {
		return &ingest.RejectError{Reason: ingest.ReasonTime, Detail: p.Time + " is missing or no time"}
	}
	name, err := m.textAt(p.Event, 256)
	if err != nil {
		return err
	}
	e := store.PageEvent{At: at, Phase: p.Phases[name]}
	if e.Phase == "" {
		if b.Filtered == nil {
			b.Filtered = make(map[store.FilterKey]int64)
		}
		// Not by the event's name: that is free text of another team.
		b.Filtered[store.FilterKey{Type: p.Name + ":other", Day: at - at%day}]++
		return nil
	}
	var id []string
	for _, place := range p.ID {
		part, ok := m.plainAt(place)
		if !ok {
			return &ingest.RejectError{Reason: ingest.ReasonNoID, Detail: place + " is neither text nor a number"}
		}
		id = append(id, part)
	}
	if id[0] == "" || id[0] == "null" {
		return &ingest.RejectError{Reason: ingest.ReasonNoID, Detail: p.ID[0] + " is missing"}
	}
	source := d.Source
	if source == "" {
		source = p.Name
	}
	e.ID = d.Pseudonyms.PageID(source, strings.Join(id, "\x00"))
	for place, to := range map[string]*string{p.Experiment: &e.Experiment, p.Variation: &e.Variation} {
		if *to, err = m.textAt(place, 64); err != nil || !idForm.MatchString(*to) {
			return broken(place + " is not an id of 1 to 64 letters, digits, _ and -")
		}
	}
	user, err := m.textAt(p.User, 256)
	if err != nil {
		return err
	}
	if p.NoUser == "" || !strings.HasPrefix(user, p.NoUser) {
		e.User = d.Pseudonyms.User(user)
	}
	d.keep(e, b)
	return nil
}

// day in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// at returns the value at a place, nil when there is none.
func (m members) at(place string) json.RawMessage {
	outer, inner, nested := strings.Cut(place, ".")
	if !nested {
		return m[place]
	}
	in, err := decode(m[outer])
	if err != nil {
		return nil
	}
	return in.at(inner)
}

// plainAt returns what a string says, however it is escaped, a number or null as it is written, and "" where nothing is. It
// reports false for another value: as an id it would be that of many events.
func (m members) plainAt(place string) (string, bool) {
	switch raw := m.at(place); {
	case len(raw) > 0 && raw[0] == '"':
		s := ""
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case len(raw) > 0 && strings.IndexByte("{[tf", raw[0]) >= 0:
		return "", false
	default:
		return string(raw), true
	}
}

// timeAt reads a time from a place.
func (m members) timeAt(place string) (store.Micros, bool) {
	s, _ := m.plainAt(place)
	return ingest.ParseTime([]byte(s))
}

// textAt is text for a place.
func (m members) textAt(place string, limit int) (string, error) {
	return members{place: m.at(place)}.text(place, limit)
}
