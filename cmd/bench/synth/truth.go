package synth

import (
	"cmp"
	"slices"
)

// A Group is one group of the truth: Events after taking redelivered ones out
// by log_id, Lines as they stand in the files.
type Group struct {
	Experiment string `json:"experiment_id"` // "" where events carry none
	Variation  string `json:"variation_id"`
	Type       string `json:"type"`
	Events     int64  `json:"events"`
	Lines      int64  `json:"lines"`
}

// A Truth is what a set of lines holds, by experiment, variation and type.
type Truth []Group

// tally counts while lines are made.
type tally map[Tag]*Group

func (t tally) add(tag Tag, again bool) {
	g := t[tag]
	if g == nil {
		g = &Group{Experiment: tag.Experiment, Variation: tag.Variation, Type: tag.Type}
		t[tag] = g
	}
	g.Lines++
	if !again {
		g.Events++
	}
}

func (t tally) truth() Truth {
	var out Truth
	for _, g := range t {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), cmp.Compare(a.Variation, b.Variation), cmp.Compare(a.Type, b.Type))
	})
	return out
}

// Sum adds the truths of several files.
func Sum(parts ...Truth) Truth {
	all := tally{}
	for _, part := range parts {
		for _, g := range part {
			tag := Tag{g.Experiment, g.Variation, g.Type}
			if all[tag] == nil {
				all[tag] = &Group{Experiment: g.Experiment, Variation: g.Variation, Type: g.Type}
			}
			all[tag].Events += g.Events
			all[tag].Lines += g.Lines
		}
	}
	return all.truth()
}

// Events is the number of different events.
func (t Truth) Events() (n int64) {
	for _, g := range t {
		n += g.Events
	}
	return n
}

// Lines is the number of lines.
func (t Truth) Lines() (n int64) {
	for _, g := range t {
		n += g.Lines
	}
	return n
}
