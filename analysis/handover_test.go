package analysis

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"keyramp/queries/store"
)

// tenantHas is an experiment as the tenant tells it: control and treatments with these weights.
func tenantHas(status string, weights ...int) store.Observation {
	o := store.Observation{Experiment: "exp_1", Seen: h(30), Name: "prompt-10", Status: status, Strategy: "percentage", Level: -1,
		Flag: "flg_1", Flow: "authentication"}
	for i, w := range weights {
		o.Arms = append(o.Arms, store.Arm{Variation: string(rune('c' + i)), Weight: w, Control: i == 0})
	}
	return o
}

// decided is a decision about treatments d, e, …: the first verdict speaks.
func decided(verdicts ...Verdict) Decision {
	d := Decision{Experiment: "exp_1", Name: "prompt-10", Verdict: verdicts[0], Treatments: verdicts}
	for _, v := range verdicts[1:] {
		if v.Action == RollBack {
			d.AlsoRollBack = append(d.AlsoRollBack, v.Treatment)
		}
	}
	return d
}

func about(treatment string, action Action, target float64) Verdict {
	return Verdict{Treatment: Variation{ID: treatment}, Action: action, Reasons: []string{"r"}, TargetShare: &target}
}

// calls lists the verbs of a handover.
func calls(h *Handover) (out []string) {
	for _, c := range h.Calls {
		verb := c.Method + " " + strings.TrimPrefix(c.Path, experimentsPath)
		if b, ok := c.Body.(body); ok && b["status"] != nil {
			verb += " " + b["status"].(string)
		}
		out = append(out, verb)
	}
	return out
}

func weightsThen(h *Handover) (out []int) {
	for _, s := range h.Arms {
		out = append(out, s.Then)
	}
	return out
}

func TestHandOver(t *testing.T) {
	same := []string{"POST /exp_1/validate", "POST /exp_1/status paused", "PATCH /exp_1", "POST /exp_1/validate", "POST /exp_1/status active"}
	fresh := []string{"POST ", "POST /exp_1/status paused", "POST /" + NewID + "/validate", "POST /" + NewID + "/status active", "POST /exp_1/status completed"}
	paused := func(editable ...string) store.Observation {
		o := tenantHas("paused", 90, 10)
		o.Editable = editable
		return o
	}
	levels := tenantHas("active", -1, -1)
	levels.Level, levels.Levels = 10, []int{10, 25}
	top := levels
	top.Level = 25
	toLevel := about("d", Ramp, 0.25)
	toLevel.TargetLevel = ptr(25)
	for _, c := range []struct {
		name    string
		d       Decision
		seen    []store.Observation
		via     Option
		option  Option
		calls   []string
		weights []int
	}{
		{"hold", decided(about("d", Hold, 0.1)), nil, "", Nothing, nil, nil},
		{"investigate", decided(about("d", Investigate, 0.1)), nil, "", Nothing, nil, nil},
		{"ramp, nothing known of pauses", decided(about("d", Ramp, 0.25)), []store.Observation{tenantHas("active", 90, 10)}, "", SameExperiment, same, []int{75, 25}},
		{"ramp, editable in a pause", decided(about("d", Ramp, 0.25)), []store.Observation{paused("name", "allocations"), tenantHas("active", 90, 10)}, "",
			SameExperiment, same, []int{75, 25}},
		{"ramp, editable in a draft alone", decided(about("d", Ramp, 0.25)), []store.Observation{paused("name"), tenantHas("active", 90, 10)}, "",
			NewExperiment, fresh, []int{75, 25}},
		{"a pause that told nothing", decided(about("d", Ramp, 0.25)), []store.Observation{paused(), tenantHas("active", 90, 10)}, "", SameExperiment, same, []int{75, 25}},
		{"asked for", decided(about("d", Ramp, 0.25)), []store.Observation{tenantHas("active", 90, 10)}, NewExperiment, NewExperiment, fresh, []int{75, 25}},
		{"everybody", decided(about("d", Ramp, 1)), []store.Observation{tenantHas("active", 50, 50)}, "", SameExperiment, same, []int{0, 100}},
		{"already there", decided(about("d", Ramp, 0.25)), []store.Observation{tenantHas("active", 75, 25)}, "", Nothing, nil, []int{75, 25}},
		{"one ramps beside another", decided(about("d", Ramp, 0.25), about("e", Hold, 0.1)), []store.Observation{tenantHas("active", 80, 10, 10)}, "",
			SameExperiment, same, []int{65, 25, 10}},
		{"one ramps, another goes", decided(about("d", Ramp, 0.25), about("e", RollBack, 0)), []store.Observation{tenantHas("active", 80, 10, 10)}, "",
			SameExperiment, same, []int{75, 25, 0}},
		{"no room beside", decided(about("d", Ramp, 1), about("e", Hold, 0.5)), []store.Observation{tenantHas("active", 0, 50, 50)}, "",
			SameExperiment, same, []int{0, 100, 0}},
		{"one of two goes", decided(about("d", RollBack, 0), about("e", Hold, 0.1)), []store.Observation{tenantHas("active", 80, 10, 10)}, "",
			SameExperiment, same, []int{90, 0, 10}},
		{"roll back", decided(about("d", RollBack, 0)), []store.Observation{tenantHas("active", 90, 10)}, "", Pause, []string{"POST /exp_1/status paused"}, []int{90, 10}},
		{"rolled back", decided(about("d", RollBack, 0)), []store.Observation{tenantHas("active", 90, 10), tenantHas("paused", 90, 10)}, "", Nothing, nil, nil},
		{"next level", decided(toLevel), []store.Observation{levels}, "", AdvanceRamp, []string{"POST /exp_1/validate", "POST /exp_1/advance-ramp"}, nil},
		{"level reached", decided(toLevel), []store.Observation{top}, "", Nothing, nil, nil},
		{"no further level", decided(about("d", Ramp, 1)), []store.Observation{top}, "", NewExperiment, fresh, []int{0, 100}},
		{"back from a level", decided(about("d", RollBack, 0)), []store.Observation{levels}, "", Pause, []string{"POST /exp_1/status paused"}, nil},
	} {
		h, err := HandOver(c.d, c.seen, c.via)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if h.Option != c.option || !slices.Equal(calls(h), c.calls) || !slices.Equal(weightsThen(h), c.weights) || h.Why == "" {
			t.Errorf("%s: %s (%s), calls %q, weights %v; want %s, %q, %v", c.name, h.Option, h.Why, calls(h), weightsThen(h), c.option, c.calls, c.weights)
		}
		sum := 0
		for _, s := range h.Arms {
			sum += s.Then
		}
		if len(h.Arms) > 0 && sum != 100 {
			t.Errorf("%s: the weights sum to %d", c.name, sum)
		}
	}
}

// What cannot be told is refused with the reason.
func TestHandOverRefuses(t *testing.T) {
	ramp := decided(about("d", Ramp, 0.25))
	twins := tenantHas("active", 45, 10, 45)
	twins.Arms[2].Control = true
	bare := tenantHas("active", 90, 10)
	bare.Flag = ""
	levels := tenantHas("active", -1, -1)
	levels.Level, levels.Levels = 10, []int{10}
	for says, c := range map[string]struct {
		seen []store.Observation
		via  Option
	}{
		"pull reads it":             {nil, ""},
		"as paused":                 {[]store.Observation{tenantHas("paused", 90, 10)}, ""},
		"as completed":              {[]store.Observation{tenantHas("active", 90, 10), tenantHas("completed", 90, 10)}, ""},
		"several controls":          {[]store.Observation{twins}, ""},
		"feature flag and the flow": {[]store.Observation{bare}, NewExperiment},
		"has no weights":            {[]store.Observation{levels}, SameExperiment},
	} {
		if h, err := HandOver(ramp, c.seen, c.via); !errors.Is(err, ErrHandover) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v", says, h, err)
		}
	}
}

func TestRenamed(t *testing.T) {
	for _, c := range [][2]string{{"prompt-10", "prompt-25"}, {"prompt", "prompt-25"}, {"", "25"}, {"prompt-11", "prompt-11-25"}} {
		if got := renamed(c[0], []Shift{{Control: true, Now: 90, Then: 75}, {Now: 10, Then: 25}}); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
}
