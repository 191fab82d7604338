package analysis

import (
	"strings"
	"testing"

	"keyramp/queries/store"
)

// byLevel is a phase with a level in the place of weights.
func byLevel(number, level int) store.Phase {
	return store.Phase{Number: number, Experiment: "e", From: h(number), Strategy: "percentage", Level: &level, Levels: []int{10, 50, 100},
		Arms: []store.Arm{{Variation: "c", Weight: -1, Control: true}, {Variation: "t", Weight: -1}}}
}

func seenFirst(phase int, control, treatment int64) []store.ArrivalRow {
	return []store.ArrivalRow{{Phase: phase, Variation: "c", Subjects: control}, {Phase: phase, Variation: "t", Subjects: treatment},
		{Phase: phase, Variation: "t", Origin: 1, Subjects: 1000}} // who returns tells nothing
}

// The meaning of a level shows in who is seen at it: one in ten, or every second.
func TestMeasured(t *testing.T) {
	for _, c := range []struct {
		name    string
		levels  []int
		counts  [][2]int64 // control and treatment, by phase
		reading Reading
		weights []int // of treatment, by phase; -1 = not known
	}{
		{"treatment's share", []int{10}, [][2]int64{{90, 10}}, TreatmentShare, []int{10}},
		{"participation", []int{10}, [][2]int64{{10, 11}}, Participation, []int{50}},
		{"nine percent is no participation", []int{10}, [][2]int64{{9100, 900}}, TreatmentShare, []int{10}},
		{"too few", []int{10}, [][2]int64{{7, 1}}, UnknownReading, []int{-1}},
		{"nobody", []int{10}, [][2]int64{{0, 0}}, UnknownReading, []int{-1}},
		{"half is half either way", []int{50}, [][2]int64{{500, 500}}, UnknownReading, []int{50}},
		{"an earlier level tells", []int{10, 50}, [][2]int64{{90, 10}, {3, 3}}, TreatmentShare, []int{10, 50}},
		{"a later one as well", []int{50, 100}, [][2]int64{{50, 50}, {1, 60}}, TreatmentShare, []int{50, 100}},
		{"of those who take part", []int{50, 100}, [][2]int64{{50, 50}, {40, 44}}, Participation, []int{50, 50}},
		{"from nothing", []int{0, 10}, [][2]int64{{80, 0}, {90, 10}}, TreatmentShare, []int{0, 10}},
	} {
		counts := &store.Counts{}
		var phases []store.Phase
		for i, l := range c.levels {
			phases = append(phases, byLevel(i+1, l))
			counts.Arrivals = append(counts.Arrivals, seenFirst(i+1, c.counts[i][0], c.counts[i][1])...)
		}
		got, x := measured(phases, counts)
		if x == nil || x.Reading != c.reading {
			t.Errorf("%s: %+v", c.name, x)
			continue
		}
		for i, p := range got {
			if want := c.weights[i]; p.Known != (want >= 0) || p.Known && (p.Arms[1].Weight != want || p.Arms[0].Weight != 100-want) {
				t.Errorf("%s: phase %d has %+v, want %d", c.name, i+1, p.Arms, want)
			}
			if phases[i].Known || phases[i].Arms[0].Weight != -1 {
				t.Errorf("%s: the phases that were handed in have changed", c.name)
			}
		}
		if note := x.note(); (note.Code == "level_meaning") == (c.reading == UnknownReading) {
			t.Errorf("%s: %+v", c.name, note)
		}
	}
}

// Levels with weights beside them, segments and several treatments are not measured: nobody knows how they share.
func TestMeasuredLeavesAlone(t *testing.T) {
	three := byLevel(1, 10)
	three.Arms = append(three.Arms, store.Arm{Variation: "u", Weight: -1})
	segment := byLevel(1, 10)
	segment.Strategy = "segment"
	weighed := byLevel(1, 10)
	weighed.Known = true
	plain := byLevel(1, 10)
	plain.Level = nil
	for _, p := range []store.Phase{three, segment, weighed, plain} {
		if got, x := measured([]store.Phase{p}, &store.Counts{Arrivals: seenFirst(1, 900, 100)}); x != nil || got[0].Known != p.Known {
			t.Errorf("%+v was measured as %+v", p, x)
		}
	}
}

// A ramp by levels goes to its own next level; the share is of all logins.
func TestNextLevel(t *testing.T) {
	for _, c := range []struct {
		treatment, control int64
		current, next      float64
		says               string
	}{
		{1000, 9000, 0.10, 0.50, "a level is treatment's share"},
		{5000, 5000, 0.05, 0.25, "the share of those who take part"},
	} {
		r := Build(Input{Plan: DefaultPlan(), AsOf: h(2000), Scope: store.Scope{Experiment: "e", Until: h(2000), Phases: []store.Phase{byLevel(1, 10)}},
			Counts: &store.Counts{Arrivals: seenFirst(1, c.control, c.treatment)}})
		one := r.Comparisons[0]
		if one.CurrentShare == nil || *one.CurrentShare != c.current || one.NextShare == nil || *one.NextShare != c.next || one.NextLevel == nil || *one.NextLevel != 50 {
			t.Errorf("share %v, next %v, level %v", one.CurrentShare, one.NextShare, one.NextLevel)
		}
		if r.Exposure == nil || len(r.Notes) == 0 || !strings.Contains(r.Notes[0].Words, c.says) {
			t.Errorf("%+v, notes %+v", r.Exposure, r.Notes)
		}
	}
}
