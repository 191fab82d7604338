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
		Status      string `json:"status"`
		Level       *int   `json:"target_level"`
		Allocations []struct {
			Variation string `json:"variation_id"`
			Weight    *int   `json:"weight"`
			Control   bool   `json:"is_control"`
			Segment   string `json:"segment_id"`
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
			arm := store.Arm{Variation: a.Variation, Weight: -1, Control: a.Control, Segment: a.Segment}
			if a.Weight != nil {
				arm.Weight = *a.Weight
			}
			c.Arms = append(c.Arms, arm)
		}
	case "POST status":
		c.Status = b.Status
	case "POST advance-ramp":
		if b.Level != nil {
			c.Level = *b.Level
		}
	}
	return c, c.Status != "" || c.Level >= 0 || len(c.Arms) > 0
}
