package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"keyramp/queries/store"
)

// SmallDrop is what a person can accept: a proven drop of login success that is proven smaller than the margin.
const SmallDrop = "small_drop"

// A SignOff is what a person accepts by name in one decision. It changes no number.
type SignOff struct {
	Accepts string `json:"accepts"`
	By      string `json:"by"`
	Note    string `json:"note"`
}

func (s *SignOff) accepts(what string) bool { return s != nil && s.Accepts == what }

// Acceptable lists what a person can accept of a decision.
func (d Decision) Acceptable() []string {
	for _, v := range d.Treatments {
		if slices.Contains(v.Reasons, "small_drop_needs_sign_off") {
			return []string{SmallDrop}
		}
	}
	return nil
}

// A PlanChange is one setting that was changed after the first recorded decision. Values are JSON.
type PlanChange struct {
	At      Time   `json:"at"` // when a decision was first asked for under the new value
	Setting string `json:"setting"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// String says the change in words, such as "2026-11-12: delta_min 0.005 -> 0.003".
func (c PlanChange) String() string {
	return fmt.Sprintf("%s: %s %s -> %s", c.At.Std().Format("2006-01-02"), c.Setting, c.Old, c.New)
}

// PlanChanges compares each plan of the recorded decisions, oldest first, with the one before, and the last with the
// plan in force. A setting that a plan of an older keyramp does not have is taken to be as the default. Who accepts a
// small drop is no change: the plan has a place for it.
func PlanChanges(recorded []store.Decision, inForce Plan, now store.Micros) ([]PlanChange, error) {
	var changes []PlanChange
	var last map[string]string
	for i := range len(recorded) + 1 {
		plan, at := inForce, now
		if i < len(recorded) {
			plan, at = DefaultPlan(), recorded[i].Made
			if err := json.Unmarshal([]byte(recorded[i].Plan), &plan); err != nil {
				return nil, fmt.Errorf("plan of decision %s: %w: %w", recorded[i].ID, store.ErrDamaged, err)
			}
		}
		values := plan.resolved().values()
		if i > 0 {
			names := slices.Sorted(maps.Keys(values))
			for name := range last {
				if _, ok := values[name]; !ok {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			for _, name := range names {
				if before, after := said(last, name), said(values, name); before != after {
					changes = append(changes, PlanChange{Time(at), name, before, after})
				}
			}
		}
		last = values
	}
	return changes, nil
}

func said(values map[string]string, name string) string {
	if v, ok := values[name]; ok {
		return v
	}
	return "none"
}

// values are the settings of a plan under their names in the configuration file. What means the same is written in
// one way, so that it is no change.
func (p Plan) values() map[string]string {
	p.SignOff = ""
	if p.Method == MethodNewcombe {
		p.Method = ""
	}
	if p.Horizon != nil {
		p.Horizon = ptr(p.Horizon.UTC())
	}
	out := map[string]string{}
	var add func(prefix string, raw []byte)
	add = func(prefix string, raw []byte) {
		var members map[string]json.RawMessage
		if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &members) != nil {
			out[prefix] = string(raw)
			return
		}
		for name, value := range members {
			if prefix != "" {
				name = prefix + "." + name
			}
			add(name, value)
		}
	}
	raw, err := json.Marshal(p)
	if err != nil { // numbers of a plan that was checked are finite
		panic(err)
	}
	add("", bytes.TrimSpace(raw))
	return out
}
