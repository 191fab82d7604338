package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// RecordVersion is the version of the form of a record.
const RecordVersion = 1

// A Record is one decision with everything that it was made of: it is computed again from itself alone. It holds sums,
// no event and no person's key.
type Record struct {
	SchemaVersion int               `json:"schema_version"`
	ID            string            `json:"decision_id"` // equal for equal questions with equal answers
	Made          analysis.Time     `json:"made_at"`
	Version       string            `json:"keyramp_version"`
	Experiment    string            `json:"experiment_id"`
	AsOf          analysis.Time     `json:"as_of"`
	Phase         int               `json:"phase"` // the last one; 0 = none
	Action        analysis.Action   `json:"action"`
	Reasons       []string          `json:"reasons"`
	SignOff       *analysis.SignOff `json:"sign_off,omitempty"`
	Origin        Origin            `json:"store"`
	PlanHash      string            `json:"plan_sha256"`
	InputHash     string            `json:"input_sha256"`
	Input         json.RawMessage   `json:"input"`         // analysis.Input: plan, phases, counts
	Decision      json.RawMessage   `json:"decision"`      // the JSON document as it was printed
	Table         string            `json:"decision_text"` // the same for people, 80 columns wide
}

// An Origin says which store the counts are from, and how far it had been read. Nothing is computed from it.
type Origin struct {
	Identity string   `json:"identity"` // changes whenever rows are removed or changed
	Events   int64    `json:"events"`
	Pages    int64    `json:"page_events"`
	Sources  []Source `json:"sources"`
}

// A Source is how far one source had been read.
type Source struct {
	Name      string        `json:"source"`
	Watermark analysis.Time `json:"watermark"`
}

// NewRecord computes a decision from an input and records it. Pseudonyms of test users and positions of sources are left out:
// no number is made of them.
func NewRecord(in analysis.Input, made store.Micros, from Origin) (*Record, error) {
	in.Scope.TestUsers = nil
	if in.Counts == nil {
		in.Counts = &store.Counts{}
	}
	counts := *in.Counts
	counts.Gaps = append([]store.Gap(nil), counts.Gaps...)
	for i := range counts.Gaps {
		counts.Gaps[i].Position = ""
	}
	in.Counts = &counts
	raw, err := compact(in)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if in, err = readInput(raw); err != nil { // what is computed is what can be read back
		return nil, err
	}
	if raw, err = compact(in); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return record(raw, made, from)
}

// record computes the decision of an input that was written as JSON. The text of the input is kept as it is: a later
// keyramp may know more members, and what they are by default is not part of the record.
func record(raw json.RawMessage, made store.Micros, from Origin) (*Record, error) {
	in, err := readInput(raw)
	if err != nil {
		return nil, err
	}
	plan, err := planOf(raw)
	if err != nil {
		return nil, err
	}
	d := analysis.Decide(in.Plan, analysis.Build(in))
	var doc, table bytes.Buffer
	if err := Decision(&doc, d, Options{Format: JSON}); err != nil {
		return nil, err
	}
	if err := Decision(&table, d, Options{Format: Table}); err != nil {
		return nil, err
	}
	r := &Record{SchemaVersion: RecordVersion, Made: analysis.Time(made), Version: in.Version, Experiment: in.Scope.Experiment,
		AsOf: analysis.Time(in.AsOf), Action: d.Action, Reasons: d.Reasons, SignOff: in.SignOff, Origin: from,
		PlanHash: hash(plan), InputHash: hash(raw), Input: raw, Decision: doc.Bytes(), Table: table.String()}
	if n := len(in.Scope.Phases); n > 0 {
		r.Phase = in.Scope.Phases[n-1].Number
	}
	r.ID = hash([]byte(r.InputHash + " " + hash(doc.Bytes())))[:16]
	return r, nil
}

// Bytes is the record as it is stored: one line of JSON.
func (r *Record) Bytes() ([]byte, error) { return compact(r) }

// Plan is the plan in force as JSON.
func (r *Record) Plan() (string, error) {
	plan, err := planOf(r.Input)
	return string(plan), err
}

func planOf(input []byte) (json.RawMessage, error) {
	var in struct {
		Plan json.RawMessage `json:"plan"`
	}
	err := json.Unmarshal(input, &in)
	return in.Plan, err
}

// Document is the decision as it was printed in a format, which is JSON or Table.
func (r *Record) Document(f Format) ([]byte, error) {
	if f != JSON {
		return []byte(r.Table), nil
	}
	var b bytes.Buffer
	err := json.Indent(&b, r.Decision, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

// ErrRecord says that something is no record of a decision, or one of a newer keyramp.
var ErrRecord = errors.New("this is no record of a decision that can be read")

// ReadRecord reads a record, on one line or indented.
func ReadRecord(raw []byte) (*Record, error) {
	var head struct {
		SchemaVersion int    `json:"schema_version"`
		ID            string `json:"decision_id"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.ID == "" {
		return nil, ErrRecord
	}
	if head.SchemaVersion != RecordVersion {
		return nil, fmt.Errorf("%w: it has schema_version %d, this keyramp knows %d", ErrRecord, head.SchemaVersion, RecordVersion)
	}
	var r Record
	if err := strictly(raw, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	var one bytes.Buffer // as it was hashed
	if err := json.Compact(&one, r.Input); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	r.Input = one.Bytes()
	return &r, nil
}

// A Difference is a part of a record that came out otherwise when it was computed again.
type Difference struct {
	Part     string `json:"part"`
	Recorded string `json:"recorded"`
	Replayed string `json:"replayed"`
}

// Replay computes the record again from the input in it and compares every byte. No difference means that they are the same.
func (r *Record) Replay() ([]Difference, error) {
	again, err := record(r.Input, store.Micros(r.Made), r.Origin)
	if err != nil {
		return nil, err
	}
	var out []Difference
	recorded, replayed, err := members(r, again)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		was, is := recorded[part], replayed[part]
		if bytes.Equal(was, is) {
			continue
		}
		d := Difference{Part: part, Recorded: string(was), Replayed: string(is)}
		switch part {
		case "input", "decision":
			d.Recorded, d.Replayed = firstDiffering(indented(was), indented(is))
		case "decision_text":
			d.Recorded, d.Replayed = firstDiffering(r.Table, again.Table)
		}
		out = append(out, d)
	}
	return out, nil
}

// parts are the members of a record that are computed, in the order of their weight.
var parts = []string{"action", "reasons", "decision", "decision_text", "input", "input_sha256", "plan_sha256", "decision_id",
	"schema_version", "made_at", "keyramp_version", "experiment_id", "as_of", "phase", "sign_off", "store"}

func members(a, b *Record) (x, y map[string]json.RawMessage, err error) {
	for _, side := range []struct {
		r    *Record
		into *map[string]json.RawMessage
	}{{a, &x}, {b, &y}} {
		raw, err := side.r.Bytes()
		if err == nil {
			err = json.Unmarshal(raw, side.into)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return x, y, nil
}

func indented(raw []byte) string {
	var b bytes.Buffer
	json.Indent(&b, raw, "", "  ")
	return b.String()
}

// firstDiffering returns the first line in which two texts differ.
func firstDiffering(a, b string) (string, string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		var l, m string
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			m = y[i]
		}
		if l != m {
			return strings.TrimSpace(l), strings.TrimSpace(m)
		}
	}
	return "", ""
}

// readInput reads what a decision was made of. Settings that the plan does not have are as the default.
func readInput(raw []byte) (analysis.Input, error) {
	in := analysis.Input{Plan: analysis.DefaultPlan()}
	if err := strictly(raw, &in); err != nil {
		return in, fmt.Errorf("%w: input: %w", ErrRecord, err)
	}
	if in.Counts == nil {
		return in, fmt.Errorf("%w: it has no counts", ErrRecord)
	}
	if err := in.Plan.Validate(); err != nil {
		return in, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	for i, p := range in.Scope.Phases {
		if p.Number != i+1 {
			return in, fmt.Errorf("%w: phases are not numbered 1, 2, …", ErrRecord)
		}
	}
	return in, nil
}

// strictly decodes one document. What it has and we do not know would be left out of the computation.
func strictly(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// compact writes JSON on one line, with nothing escaped that need not be.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
