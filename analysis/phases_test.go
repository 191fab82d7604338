package analysis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/queries/store"
)

const hour = store.Micros(3600 * 1e6)

// h is a moment so many hours after the start of these stories.
func h(n int) store.Micros { return 1_000_000*hour + store.Micros(n)*hour }

func arms(treatment int) []store.Arm {
	return []store.Arm{{Variation: "c", Weight: 100 - treatment, Control: true}, {Variation: "t", Weight: treatment}}
}

func saw(seen int, status string, treatment, started, updated int) store.Observation {
	o := store.Observation{Experiment: "e", Seen: h(seen), Status: status, Strategy: "percentage", Level: -1,
		Updated: h(updated), Arms: arms(treatment)}
	if started >= 0 {
		o.Started = h(started)
	}
	return o
}

// written is a short form of phases: "e 0-24 t=10 tenant", with ? for unknown weights and hours from the start.
func written(phases []store.Phase) string {
	var out []string
	for i, p := range phases {
		if p.Number != i+1 {
			return fmt.Sprintf("phase %d has the number %d", i+1, p.Number)
		}
		at := func(t store.Micros) string {
			if t == 0 {
				return ""
			}
			return fmt.Sprint((t - h(0)) / hour)
		}
		w := "?"
		for _, a := range p.Arms {
			if a.Variation == "t" && p.Known {
				w = fmt.Sprint(a.Weight)
			}
			if !p.Known && a.Weight != -1 {
				return "an unknown phase has weights"
			}
		}
		out = append(out, fmt.Sprintf("%s %s-%s t=%s %s", p.Experiment, at(p.From), at(p.Until), w, p.Source))
	}
	return strings.Join(out, "; ")
}

func TestPhasesFromObservations(t *testing.T) {
	for name, c := range map[string]struct {
		obs   []store.Observation
		until int
		want  string
	}{
		"seen soon after its start":             {[]store.Observation{saw(1, "active", 10, 0, 0)}, 100, "e 0- t=10 tenant"},
		"changed before it was first seen":      {[]store.Observation{saw(50, "active", 25, 0, 40)}, 100, "e 0-40 t=? tenant; e 40- t=25 tenant"},
		"a draft is no phase":                   {[]store.Observation{saw(1, "draft", 10, -1, 0)}, 100, ""},
		"draft, then active":                    {[]store.Observation{saw(1, "draft", 10, -1, 0), saw(9, "active", 10, 5, 5)}, 100, "e 5- t=10 tenant"},
		"draft edited, started, edited again":   {[]store.Observation{saw(1, "draft", 10, -1, 0), saw(9, "active", 25, 5, 7)}, 100, "e 5-7 t=? tenant; e 7- t=25 tenant"},
		"weights changed between two polls":     {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "active", 25, 0, 40)}, 100, "e 0-40 t=10 tenant; e 40- t=25 tenant"},
		"weights changed, updated_at is silent": {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "active", 25, 0, 0)}, 100, "e 0-50 t=10 tenant; e 50- t=25 tenant"},
		"a new name is no new phase":            {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "active", 10, 0, 40)}, 100, "e 0- t=10 tenant"},
		"paused":                                {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "paused", 10, 0, 45)}, 100, "e 0-45 t=10 tenant"},
		"paused, raised and active again": {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "paused", 25, 0, 45), saw(60, "active", 25, 0, 55)},
			100, "e 0-45 t=10 tenant; e 55- t=25 tenant"},
		"the same weights after a pause are a new phase": {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "paused", 10, 0, 45), saw(60, "active", 10, 0, 55)},
			100, "e 0-45 t=10 tenant; e 55- t=10 tenant"},
		"over before it was first seen":               {[]store.Observation{saw(50, "completed", 10, 0, 40)}, 100, "e 0-40 t=? tenant"},
		"later polls do not change an earlier report": {[]store.Observation{saw(1, "active", 10, 0, 0), saw(50, "active", 25, 0, 40)}, 40, "e 0- t=10 tenant"},
		"nothing before its time":                     {[]store.Observation{saw(50, "active", 10, 45, 45)}, 40, ""},
	} {
		got, _ := Phases(c.obs, nil, store.Seen{Experiment: "e"}, h(c.until))
		if written(got) != c.want {
			t.Errorf("%s: %q, want %q", name, written(got), c.want)
		}
		// The order in which observations are handed over must not matter.
		slices.Reverse(c.obs)
		if again, _ := Phases(c.obs, nil, store.Seen{Experiment: "e"}, h(c.until)); written(again) != c.want {
			t.Errorf("%s, handed over backwards: %q, want %q", name, written(again), c.want)
		}
	}
}

func TestPhasesOfARampByLevels(t *testing.T) {
	a, b := saw(1, "active", 0, 0, 0), saw(50, "active", 0, 0, 40)
	for _, o := range []*store.Observation{&a, &b} {
		o.Arms = []store.Arm{{Variation: "c", Weight: -1, Control: true}, {Variation: "t", Weight: -1}}
	}
	a.Level, b.Level = 10, 25
	got, _ := Phases([]store.Observation{a, b}, nil, store.Seen{Experiment: "e"}, h(100))
	if w := written(got); w != "e 0-40 t=? tenant; e 40- t=? tenant" {
		t.Error(w)
	}
}

func TestPhasesFromOtherSources(t *testing.T) {
	seen := store.Seen{Experiment: "e", Events: 9, First: h(3), Last: h(90), Variations: []string{"c", "t"}, Control: []string{"c"}}
	got, notes := Phases(nil, nil, seen, h(100))
	if w := written(got); w != "e 3- t=? events" || !got[0].Arms[0].Control || len(notes) != 1 {
		t.Error(w, notes)
	}
	if got, _ := Phases(nil, nil, store.Seen{Experiment: "e"}, h(100)); len(got) != 0 {
		t.Error("phases out of nothing")
	}

	at := func(n int) time.Time { return time.UnixMicro(h(n)) }
	stated := []PhaseSpec{{From: at(48), Weights: map[string]int{"c": 75, "t": 25}, Control: "c"},
		{From: at(0), Weights: map[string]int{"c": 90, "t": 10}, Control: "c"}}
	got, notes = Phases([]store.Observation{saw(50, "active", 50, 0, 40)}, stated, seen, h(100))
	if w := written(got); w != "e 0-48 t=10 config; e 48- t=25 config" {
		t.Error(w)
	}
	if len(notes) != 1 || notes[0].Code != "weights_contradict" {
		t.Error(notes)
	}
	twin, _ := Phases(nil, []PhaseSpec{{From: at(0), Weights: map[string]int{"a": 40, "c": 50, "t": 10}, Control: "c", Twins: []string{"a"}}}, seen, h(100))
	if a := twin[0].Arms; a[0].Variation != "c" || !a[1].Control || a[2].Control {
		t.Error(a)
	}

	// A second experiment goes on where the first one stopped; its end was not seen.
	first, second := saw(1, "active", 10, 0, 0), saw(60, "active", 25, 55, 55)
	second.Experiment = "f"
	got, notes = Phases([]store.Observation{second, first}, nil, store.Seen{Experiment: "f"}, h(100))
	if w := written(got); w != "e 0-55 t=10 tenant; f 55- t=25 tenant" || len(notes) != 1 {
		t.Error(w, notes)
	}
}

func TestValidate(t *testing.T) {
	if err := DefaultPlan().Validate(); err != nil {
		t.Error(err)
	}
	p := DefaultPlan()
	p.Mode, p.Alpha, p.DeltaMin, p.Rungs, p.Limits.StaleHours = "often", 5, 0, []int{25, 10, 101}, 0
	err := p.Validate()
	for _, word := range []string{"mode", "alpha is 5", "mde", "rungs[1]", "rungs[2]", "stale_hours"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is missing in %v", word, err)
		}
	}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	err = ValidatePhases([]PhaseSpec{{From: at, Until: at, Weights: map[string]int{"c": 90, "t": 20}, Control: "x"},
		{From: at, Weights: map[string]int{"c": 100}}, {Weights: map[string]int{"c": 100}}})
	for _, word := range []string{"until is not after", "sum to 110", "control x", "phases[1]: overlaps", "phases[2]: from is missing"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is missing in %v", word, err)
		}
	}
	if err := ValidatePhases([]PhaseSpec{{From: at, Until: at.AddDate(0, 0, 7), Weights: map[string]int{"c": 90, "t": 10}},
		{From: at.AddDate(0, 0, 7), Weights: map[string]int{"c": 75, "t": 25}}}); err != nil {
		t.Error(err)
	}
}

// A call in the log says when a change happened, and what was in force between two looks.
func TestWithCalls(t *testing.T) {
	arms := func(c, tr int) []store.Arm {
		return []store.Arm{{Variation: "c", Weight: c, Control: true}, {Variation: "t", Weight: tr}}
	}
	seen := func(at int, status string, c, tr int) store.Observation {
		a := arms(c, tr)
		a[0].Name, a[1].Name = "control", "treatment"
		return store.Observation{Experiment: "e", Seen: h(at), Status: status, Strategy: "percentage", Level: -1, Started: h(0), Updated: h(at), Arms: a, Editable: []string{"name"}}
	}
	call := func(at int, status string, list []store.Arm) store.Call {
		return store.Call{Experiment: "e", At: h(at), Status: status, Level: -1, Arms: list}
	}
	first, last := seen(0, "active", 90, 10), seen(48, "active", 50, 50)
	calls := []store.Call{call(-5, "active", arms(99, 1)), call(10, "paused", nil), call(11, "", arms(75, 25)), call(12, "active", nil),
		call(30, "paused", nil), call(31, "active", arms(50, 50))}
	all := WithCalls([]store.Observation{first, last}, calls)
	if len(all) != 7 || all[2].Arms[1].Name != "treatment" || !all[2].Logged || all[2].Editable != nil || all[6].Logged {
		t.Fatalf("%+v", all)
	}
	phases, _ := Phases(all, nil, store.Seen{Experiment: "e"}, h(100))
	want := []struct{ from, until, weight int }{{0, 10, 10}, {12, 30, 25}, {31, 0, 50}}
	if len(phases) != len(want) {
		t.Fatalf("%+v", phases)
	}
	for i, w := range want {
		until := store.Micros(0)
		if w.until > 0 {
			until = h(w.until)
		}
		if p := phases[i]; p.From != h(w.from) || p.Until != until || p.Arms[1].Weight != w.weight || !p.Known {
			t.Errorf("%+v, want %+v", p, w)
		}
	}
	if got := WithCalls(nil, calls); got != nil {
		t.Errorf("calls alone make %+v", got)
	}
	if got := WithCalls([]store.Observation{first}, nil); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
