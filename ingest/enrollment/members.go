package enrollment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// members are the members of a JSON object by their exact names.
type members map[string]json.RawMessage

// decode reads an object.
func decode(raw []byte) (members, error) {
	var m members
	if err := ingest.Decode(raw, &m); err != nil {
		return nil, err
	}
	return m, nil
}

// broken is the rejection of an event that breaks the contract.
func broken(rule string) error {
	return &ingest.RejectError{Reason: ingest.ReasonContract, Detail: rule}
}

func (m members) has(name string) bool { return len(m[name]) > 0 }

// null reports whether a member is missing or null, which mean the same.
func (m members) null(name string) bool { return len(m[name]) == 0 || m[name][0] == 'n' }

// text returns a string of at most limit characters; "" when it is missing.
func (m members) text(name string, limit int) (string, error) {
	if m.null(name) {
		return "", nil
	}
	raw, s := m[name], ""
	ok := raw[0] == '"'
	if ok && bytes.IndexByte(raw, '\\') < 0 {
		s = string(raw[1 : len(raw)-1]) // nothing to unescape, as nearly always
	} else if ok {
		ok = json.Unmarshal(raw, &s) == nil
	}
	if !ok || utf8.RuneCountInString(s) > limit {
		return "", broken(fmt.Sprintf("%s is not a string of at most %d characters", name, limit))
	}
	return s, nil
}

// id returns the id of an experiment or a variation.
func (m members) id(name string) (string, error) {
	s, err := m.text(name, 64)
	if err != nil || !idForm.MatchString(s) {
		return "", broken(name + " is not an id of 1 to 64 letters, digits, _ and -")
	}
	return s, nil
}

// moment returns a time of the contract: RFC 3339 with a zone.
func (m members) moment(name string) (store.Micros, error) {
	s, err := m.text(name, 64)
	if err == nil && timeForm.MatchString(s) {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, &ingest.RejectError{Reason: ingest.ReasonTime, Detail: name + " is not an RFC 3339 time with a zone, since the year 2000"}
}
