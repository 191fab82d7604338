package ingest

import (
	"encoding/json"
	"strings"

	"keyramp/queries/store"
)

// managementCall is the type of an event that tells of a successful call of the Management API.
var managementCall = store.WordOf("sapi")

const experimentCalls = "/api/v2/experimentation/experiments/"

// maxArms bounds what is kept of a call, far above any experiment.
const maxArms = 100

// call reads the call of the Management API that an event tells of. It reports false unless it is one that changed an
// experiment. Who made the call, and from where, is not read.
func (d *LogDecoder) call(e *store.Event, id []byte) (store.Call, bool) {
	var r struct {
		Method json.RawMessage `json:"method"`
		Path   json.RawMessage `json:"path"`
		Body   json.RawMessage `json:"body"`
	}
	if !isObject(d.details.Request) || parse(d.details.Request, &r) != nil || !isObject(r.Body) {
		return store.Call{}, false
	}
	rest, ok := strings.CutPrefix(string(text(r.Path)), experimentCalls)
	experiment, verb, _ := strings.Cut(rest, "/")
	if !ok || experiment == "" || len(experiment) > maxText {
		return store.Call{}, false
	}
	var b struct {
		Status      string  `json:"status"`
		Level       *Number `json:"target_level"`
		Allocations []struct {
			Variation string  `json:"variation_id"`
			Weight    *Number `json:"weight"`
			Control   bool    `json:"is_control"`
			Segment   string  `json:"segment_id"`
		} `json:"allocations"`
	}
	if json.Unmarshal(r.Body, &b) != nil || len(b.Allocations) > maxArms || len(b.Status) > maxText {
		return store.Call{}, false
	}
	c := store.Call{ID: d.Pseudonyms.of(d.Pseudonyms.logID, id), At: e.At, Experiment: experiment, Level: -1}
	switch strings.ToUpper(string(text(r.Method))) + " " + verb {
	case "PATCH ":
		c.Status = b.Status
		for _, a := range b.Allocations {
			c.Arms = append(c.Arms, store.Arm{Variation: a.Variation, Weight: a.Weight.Or(-1), Control: a.Control, Segment: a.Segment})
		}
	case "POST status":
		c.Status = b.Status
	case "POST advance-ramp":
		c.Level = b.Level.Or(-1)
	}
	return c, c.Status != "" || c.Level >= 0 || len(c.Arms) > 0
}

// A Number is a small whole number of an experiment, written as 10 or as 10.0.
type Number int

// UnmarshalJSON implements json.Unmarshaler. What stands behind a point is cut.
func (n *Number) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*n = Number(f)
	return nil
}

// Or is the number, or what stands for an absent one.
func (n *Number) Or(absent int) int {
	if n == nil {
		return absent
	}
	return int(*n)
}
