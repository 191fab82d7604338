package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// A confirmation compares what the tenant changed with the decision that recommended a change.
type confirmation struct {
	Experiment  string `json:"experiment_id"`
	Decision    string `json:"decision_id"`
	Action      string `json:"action"`
	Recommended string `json:"recommended"`
	Found       string `json:"found"`
	AsDecided   bool   `json:"as_decided"`
}

// confirm tells of every experiment that changed in this run whether it now stands as the last RAMP or ROLL_BACK
// recommended. seen is what was observed.
func (a *app) confirm(ctx context.Context, db store.Store, seen []store.Observation) error {
	decided, err := db.Decisions(ctx, "")
	if err != nil || len(decided) == 0 {
		return err
	}
	for _, o := range seen {
		told, err := db.Observations(ctx, o.Experiment)
		if err != nil {
			return err
		}
		n := len(told)
		if n == 0 || told[n-1].Seen != o.Seen { // it does not differ from the last time
			continue
		}
		if n > 1 && told[n-2].Status == o.Status && analysis.SameSetting(told[n-2], o) {
			continue // what differs is nothing that a decision is about
		}
		ids := append(slices.Clone(a.settings.Experiments[o.Experiment].Continues), o.Experiment)
		var last *store.Decision
		for i, d := range decided {
			acts := d.Action == string(analysis.Ramp) || d.Action == string(analysis.RollBack)
			if acts && slices.Contains(ids, d.Experiment) && d.AsOf < o.Seen && (last == nil || d.AsOf > last.AsOf) {
				last = &decided[i]
			}
		}
		if last == nil {
			continue
		}
		raw, err := db.DecisionRecord(ctx, last.ID)
		if err != nil {
			return err
		}
		var record struct {
			Decision analysis.Decision `json:"decision"`
		}
		if err := json.Unmarshal([]byte(raw), &record); err != nil {
			return fmt.Errorf("decision %s: %w: %w", last.ID, store.ErrDamaged, err)
		}
		c := confirmed(record.Decision, o)
		c.Decision = last.ID
		if !c.AsDecided && o.Status != "active" && a.continued(o.Experiment) {
			continue // it made room, and the one that goes on with it is compared
		}
		a.summary.Confirmations = append(a.summary.Confirmations, c)
		if c.AsDecided {
			a.log.Info(fmt.Sprintf("%s stands as %s of %s recommended: %s", c.Experiment, c.Action, minute(last.AsOf), c.Found))
		} else {
			a.log.Warn(fmt.Sprintf("%s differs from what %s of %s recommended: %s, and the tenant has %s", c.Experiment, c.Action, minute(last.AsOf), c.Recommended, c.Found))
		}
	}
	return nil
}

// continued says whether the settings have another experiment go on with this one.
func (a *app) continued(id string) bool {
	for _, e := range a.settings.Experiments {
		if slices.Contains(e.Continues, id) {
			return true
		}
	}
	return false
}

// confirmed compares a decision with how the tenant stands.
func confirmed(d analysis.Decision, o store.Observation) confirmation {
	c := confirmation{Experiment: o.Experiment, Action: string(d.Action)}
	name := d.Treatment.Label()
	weightOf := func(variation string) int {
		for _, arm := range o.Arms {
			if arm.Variation == variation {
				return arm.Weight
			}
		}
		return -1
	}
	weight := weightOf(d.Treatment.ID)
	switch {
	case o.Status != "active":
		c.Found = o.Status
	case o.Level >= 0:
		c.Found = fmt.Sprintf("level %d", o.Level)
	case weight < 0:
		c.Found = name + " without a weight"
	default:
		c.Found = fmt.Sprintf("%s %d %%", name, weight)
	}
	switch {
	case d.Action == analysis.RollBack:
		c.Recommended = name + " 0 %, or a pause"
		c.AsDecided = o.Status != "active" || weight == 0
	case d.TargetLevel != nil:
		c.Recommended = fmt.Sprintf("level %d", *d.TargetLevel)
		c.AsDecided = o.Status == "active" && o.Level == *d.TargetLevel
	case d.TargetShare != nil:
		target := int(math.Round(100 * *d.TargetShare))
		c.Recommended = fmt.Sprintf("%s %d %%", name, target)
		c.AsDecided = o.Status == "active" && weight == target
	}
	for _, v := range d.AlsoRollBack {
		c.Recommended += ", " + v.Label() + " 0 %"
		if weight := weightOf(v.ID); o.Status == "active" && weight > 0 {
			c.Found += fmt.Sprintf(", %s %d %%", v.Label(), weight)
			c.AsDecided = false
		}
	}
	return c
}
