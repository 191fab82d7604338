package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
)

// A proven drop that is proven smaller than the margin waits for a person, whose name is recorded with the decision and
// changes no number of it.
func TestSignOff(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 5, Users: 2000, Days: 12, Success: 0.97, TreatmentSuccessDelta: -0.25, TreatmentEnroll: 0.3,
		Phases: []tenant.Phase{{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Weight: 30}}})
	settings := filepath.Join(t.TempDir(), "wide.yaml")
	if err := os.WriteFile(settings, []byte("plan: {risk_budget: 0.6, margin_cap: 0.6}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.server.SetNow(s.world.End().Add(time.Hour))
	s.keyramp(0, "pull", "--rate", "0", "--since", s.world.Start().Add(-time.Hour).Format(time.RFC3339))
	ask := func(want int, more ...string) (d analysis.Decision) {
		t.Helper()
		out := s.keyramp(want, append([]string{"decide", "-c", settings, "-f", "json", "--as-of", s.world.End().Format(time.RFC3339)}, more...)...)
		if want == 0 {
			if err := json.Unmarshal([]byte(out), &d); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	before := ask(0)
	if before.Action != analysis.Hold || before.Reason != "small_drop_needs_sign_off" || len(before.Reasons) != 1 {
		t.Fatalf("%s %v: this world does not wait for a sign-off alone", before.Action, before.Reasons)
	}
	sign := []string{"--accept", "small_drop", "--by", "Pat Lee", "--note", "agreed"}
	after := ask(0, sign...)
	if after.Action != analysis.Ramp || after.SignOff == nil || after.SignOff.By != "Pat Lee" {
		t.Errorf("accepted: %s %v, signed %+v", after.Action, after.Reasons, after.SignOff)
	}
	for i, r := range before.Rules {
		for j, c := range r.Conditions {
			if n := after.Rules[i].Conditions[j]; c.Met != n.Met || (c.Value == nil) != (n.Value == nil) || c.Value != nil && *c.Value != *n.Value {
				t.Errorf("the sign-off changes %s of rule %d", c.Name, r.Rule)
			}
		}
	}
	ask(0, sign...) // the same is not recorded again
	// It counts for that decision alone.
	if again := ask(0); again.Action != analysis.Hold || again.SignOff != nil {
		t.Errorf("asked without: %s", again.Action)
	}
	list := s.keyramp(0, "decisions", "list", "-f", "csv")
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[2], ",RAMP,Pat Lee") || !strings.HasSuffix(lines[1], ",HOLD,-") {
		t.Fatalf("recorded:\n%s", list)
	}
	for _, line := range lines[1:] {
		id := strings.Split(line, ",")[1]
		if out := s.keyramp(0, "decisions", "replay", id, "-f", "json"); !strings.Contains(out, `"identical": true`) {
			t.Errorf("%s does not replay:\n%s", id, out)
		}
	}
	if out := s.keyramp(0, "decide", "-c", settings, "-f", "table", "--as-of", s.world.End().Format(time.RFC3339), sign[0], sign[1], sign[2], sign[3], sign[4], sign[5]); !strings.Contains(out, "accepted small_drop by Pat Lee: agreed") {
		t.Errorf("the table does not tell who accepted:\n%s", out)
	}
}
