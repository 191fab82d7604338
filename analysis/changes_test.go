package analysis

import (
	"encoding/json"
	"testing"
	"time"

	"keyramp/queries/store"
)

// TestPlanChanges: a setting that was changed is told with both values, and another way to write the same is no change.
func TestPlanChanges(t *testing.T) {
	there := time.Date(2026, 12, 1, 1, 0, 0, 0, time.FixedZone("", 3600))
	before := DefaultPlan()
	before.Mode, before.Horizon = Fixed, &there
	raw, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	recorded := []store.Decision{{Plan: string(raw)}}

	after := before
	after.Method, after.Horizon, after.TauSuccess, after.SignOff = MethodNewcombe, ptr(there.UTC()), 2*before.RiskBudget, "a person"
	if got, err := PlanChanges(recorded, after, h(1)); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	after.Method, after.Horizon = MethodScore, ptr(there.Add(time.Hour))
	got, err := PlanChanges(recorded, after, h(1))
	if err != nil || len(got) != 2 || got[0].Setting != "horizon" || got[1].Setting != "method" ||
		got[0].Old != `"2026-12-01T00:00:00Z"` || got[0].New != `"2026-12-01T01:00:00Z"` || got[1].New != `"score"` {
		t.Error(got, err)
	}
}
