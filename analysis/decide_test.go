package analysis

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// TestDecideGolden replays the reference decisions: intervals and flags in, action, reasons and share out.
func TestDecideGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden/decision.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			ID string
			In struct {
				CurrentShare float64  `json:"current_share"`
				NextShare    *float64 `json:"next_share"`
				DwellDays    int      `json:"dwell_days"`
				MinDwellDays int      `json:"min_dwell_days"`
				DeltaMin     float64  `json:"delta_min"`
				RiskBudget   float64  `json:"risk_budget"`
				MarginCap    float64  `json:"margin_cap"`
				SRMLogE      float64  `json:"srm_log_e"`
				AlphaSRM     float64  `json:"alpha_srm"`
				Blocking     []string
				Success      struct {
					Available    bool
					Lower, Upper float64
					Failures     float64 `json:"effective_failures"`
				}
				Enroll struct {
					Lower, Upper float64
					Events       float64 `json:"expected_events_small_arm"`
					RatioLower   float64 `json:"ratio_lower"`
					RatioUpper   any     `json:"ratio_upper"` // "Inf" when control has none
				}
			}
			Out struct {
				Action      Action
				Reason      string
				Reasons     []string
				TargetShare float64 `json:"target_share"`
				Margin      *float64
			}
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range golden.Cases {
		plan := DefaultPlan()
		plan.RiskBudget, plan.MarginCap = c.In.RiskBudget, c.In.MarginCap
		in := inputs{
			current: &c.In.CurrentShare, next: c.In.NextShare,
			days: c.In.DwellDays, minDays: c.In.MinDwellDays, deltaMin: c.In.DeltaMin,
			successKnown: c.In.Success.Available, successLo: c.In.Success.Lower, successHi: c.In.Success.Upper,
			failures: c.In.Success.Failures,
			enrollLo: c.In.Enroll.Lower, enrollHi: c.In.Enroll.Upper, events: c.In.Enroll.Events,
			ratioLo: c.In.Enroll.RatioLower, ratioHi: math.Inf(1),
		}
		if v, ok := c.In.Enroll.RatioUpper.(float64); ok {
			in.ratioHi = v
		}
		if in.next != nil {
			in.margin = plan.margin(*in.next)
		}
		if c.In.SRMLogE >= -math.Log(c.In.AlphaSRM) {
			in.flags = append(in.flags, "sample_ratio_mismatch")
		}
		if !in.successKnown {
			in.flags = append(in.flags, "guardrail_unavailable")
		}
		in.flags = append(in.flags, c.In.Blocking...)

		got := decide(in)
		if got.action != c.Out.Action || !slices.Equal(got.reasons, c.Out.Reasons) ||
			got.reasons[0] != c.Out.Reason || *got.target != c.Out.TargetShare {
			t.Errorf("%s: %s %v to %v, want %s %v to %v", c.ID, got.action, got.reasons, *got.target,
				c.Out.Action, c.Out.Reasons, c.Out.TargetShare)
		}
		if c.Out.Margin != nil && math.Abs(in.margin-*c.Out.Margin) > 1e-12 {
			t.Errorf("%s: margin %v, want %v", c.ID, in.margin, *c.Out.Margin)
		}
		decided := 0
		for _, r := range got.rules {
			if r.Decides {
				decided++
				if !r.Holds || r.Action != got.action {
					t.Errorf("%s: rule %d decides %s and holds %v", c.ID, r.Rule, r.Action, r.Holds)
				}
			}
		}
		if decided != 1 {
			t.Errorf("%s: %d rules decide", c.ID, decided)
		}
	}
}
