package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"keyramp/queries/store"
)

// A PhaseSpec states a phase in the configuration, for tenants whose
// experiments cannot be read, and for what happened before keyramp watched.
type PhaseSpec struct {
	Experiment string         `yaml:"experiment" json:"experiment"` // "" = the report's
	From       time.Time      `yaml:"from" json:"from"`             // inclusive
	Until      time.Time      `yaml:"until" json:"until"`           // exclusive; absent = until the next phase, else open
	Weights    map[string]int `yaml:"weights" json:"weights"`       // percent by variation id, summing to 100
	Control    string         `yaml:"control" json:"control"`       // "" = the variation that the tenant or the events mark as control
	Twins      []string       `yaml:"twins" json:"twins"`           // further variations with control's configuration
}

// ValidatePhases reports every fault of stated phases at once.
func ValidatePhases(specs []PhaseSpec) error {
	var faults []error
	fault := func(i int, format string, args ...any) {
		faults = append(faults, fmt.Errorf("phases[%d]: "+format, append([]any{i}, args...)...))
	}
	for i, s := range specs {
		if s.From.IsZero() {
			fault(i, "from is missing: give the time at which these weights came into force")
		}
		if !s.Until.IsZero() && !s.Until.After(s.From) {
			fault(i, "until is not after from")
		}
		sum := 0
		for _, v := range slices.Sorted(maps.Keys(s.Weights)) {
			if w := s.Weights[v]; w < 0 || w > 100 {
				fault(i, "weight of %s is %d: give a percentage from 0 to 100", v, w)
			}
			sum += s.Weights[v]
		}
		if sum != 100 {
			fault(i, "weights sum to %d: give one for each variation, summing to 100", sum)
		}
		for _, v := range append([]string{s.Control}, s.Twins...) {
			if _, ok := s.Weights[v]; v != "" && !ok {
				fault(i, "control %s has no weight: name a variation of weights", v)
			}
		}
		for k, o := range specs[:i] {
			if o.Experiment == s.Experiment && (o.holds(s.From) || s.holds(o.From)) {
				fault(i, "overlaps with phases[%d]", k)
			}
		}
	}
	return errors.Join(faults...)
}

// holds says whether the phase, when both its ends are stated, has begun and not ended at a time.
func (s PhaseSpec) holds(at time.Time) bool {
	return at.Equal(s.From) || at.After(s.From) && at.Before(s.Until)
}

// settled is how long after its start an experiment may be written by the
// activation itself; a later write may have changed the weights.
const settled = store.Micros(time.Minute / time.Microsecond)

// WithCalls adds to what the tenant said of one experiment, oldest first, how it stood after each call that the log tells
// of: so a change is known at its own time, also one that was changed again before anybody looked. Calls from before
// the first observation tell of a state that nobody saw, and are left out.
func WithCalls(obs []store.Observation, calls []store.Call) []store.Observation {
	if len(obs) == 0 || len(calls) == 0 {
		return obs
	}
	var out []store.Observation
	for i, o := range obs {
		out = append(out, o)
		for _, c := range calls {
			if c.At <= o.Seen || i+1 < len(obs) && c.At >= obs[i+1].Seen {
				continue
			}
			after := out[len(out)-1]
			after.Seen, after.Updated, after.Logged, after.Editable = c.At, c.At, true, nil
			after.Status = cmp.Or(c.Status, after.Status)
			if c.Level >= 0 {
				after.Level = c.Level
			}
			if len(c.Arms) > 0 {
				names := map[string]string{}
				for _, a := range after.Arms {
					names[a.Variation] = a.Name
				}
				after.Arms = slices.Clone(c.Arms)
				for k := range after.Arms {
					after.Arms[k].Name = names[after.Arms[k].Variation]
				}
			}
			if after.Status == "completed" {
				after.Ended = c.At
			}
			out = append(out, after)
		}
	}
	return out
}

// Phases derives the numbered phases, up to until, of the experiment that seen
// describes and of those before it that obs or stated name.
//
// For an experiment that has stated phases those hold alone; else the
// observations do: a change of weights, strategy or ramp level and each
// re-activation begin a phase. Between two observations the change is placed
// at the second one's updated_at when that lies between them, else at the time
// it was seen. With neither, all events make one phase whose weights are not known.
// A phase still open at until, or closed later, is open in the answer, so
// that what becomes known later does not change an earlier report.
func Phases(obs []store.Observation, stated []PhaseSpec, seen store.Seen, until store.Micros) ([]store.Phase, []Note) {
	byID := map[string][]store.Observation{}
	for _, o := range obs {
		byID[o.Experiment] = append(byID[o.Experiment], o)
	}
	specs := map[string][]PhaseSpec{}
	for _, s := range stated {
		if s.Experiment == "" {
			s.Experiment = seen.Experiment
		}
		specs[s.Experiment] = append(specs[s.Experiment], s)
	}
	ids := map[string]bool{}
	for id := range byID {
		ids[id] = true
	}
	for id := range specs {
		ids[id] = true
	}
	if seen.Experiment != "" {
		ids[seen.Experiment] = true
	}

	var all []store.Phase
	var notes []Note
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		mine := byID[id]
		slices.SortStableFunc(mine, func(a, b store.Observation) int { return cmp.Compare(a.Seen, b.Seen) })
		switch {
		case len(specs[id]) > 0:
			phases := fromSpecs(specs[id], mine, seen)
			notes = append(notes, contradictions(phases, mine)...)
			all = append(all, phases...)
		case len(mine) > 0:
			all = append(all, fromObservations(mine)...)
		case id == seen.Experiment && seen.First != 0:
			all = append(all, fromEvents(seen))
			notes = append(notes, Note{"weights_unknown",
				"Nobody told the weights of this experiment: it was not observed at the tenant and the configuration states no phases."})
		}
	}
	slices.SortStableFunc(all, func(a, b store.Phase) int { return cmp.Compare(a.From, b.From) })

	var phases []store.Phase
	for _, p := range all {
		if p.From >= until {
			continue
		}
		if p.Until >= until {
			p.Until = 0
		}
		if n := len(phases); n > 0 && phases[n-1].Until == 0 {
			phases[n-1].Until = p.From
			if phases[n-1].Experiment != p.Experiment {
				notes = append(notes, Note{"phase_cut",
					"The end of " + phases[n-1].Experiment + " was not seen; it is taken to end where " + p.Experiment + " begins."})
			}
		}
		p.Number = len(phases) + 1
		phases = append(phases, p)
	}
	return phases, notes
}

// fromEvents is the one phase of an experiment that nobody described.
func fromEvents(seen store.Seen) store.Phase {
	p := store.Phase{Experiment: seen.Experiment, From: seen.First, Strategy: "percentage", Source: "events"}
	if seen.Segment {
		p.Strategy = "segment"
	}
	for _, v := range seen.Variations {
		p.Arms = append(p.Arms, store.Arm{Variation: v, Weight: -1, Control: slices.Contains(seen.Control, v)})
	}
	return p
}

// fromSpecs turns stated phases into phases. Names, and control where it is
// not stated, come from what was observed.
func fromSpecs(specs []PhaseSpec, obs []store.Observation, seen store.Seen) []store.Phase {
	names, marked := map[string]string{}, map[string]bool{}
	for _, o := range obs {
		for _, a := range o.Arms {
			names[a.Variation] = a.Name
			marked[a.Variation] = marked[a.Variation] || a.Control
		}
	}
	if len(obs) == 0 {
		for _, v := range seen.Control {
			marked[v] = true
		}
	}
	slices.SortStableFunc(specs, func(a, b PhaseSpec) int { return a.From.Compare(b.From) })
	var phases []store.Phase
	for i, s := range specs {
		p := store.Phase{Experiment: s.Experiment, From: s.From.UnixMicro(), Known: true,
			Strategy: "percentage", Source: "config"}
		if !s.Until.IsZero() {
			p.Until = s.Until.UnixMicro()
		} else if i+1 < len(specs) {
			p.Until = specs[i+1].From.UnixMicro()
		}
		for _, v := range slices.Sorted(maps.Keys(s.Weights)) {
			control := v == s.Control || slices.Contains(s.Twins, v)
			if s.Control == "" {
				control = control || marked[v]
			}
			p.Arms = append(p.Arms, store.Arm{Variation: v, Name: names[v], Weight: s.Weights[v], Control: control})
		}
		// Control first, its twins after it: the first one is what treatments are set against.
		slices.SortStableFunc(p.Arms, func(a, b store.Arm) int {
			return cmp.Compare(rank(a, s.Control), rank(b, s.Control))
		})
		phases = append(phases, p)
	}
	return phases
}

func rank(a store.Arm, control string) int {
	switch {
	case a.Variation == control:
		return 0
	case a.Control:
		return 1
	}
	return 2
}

// contradictions tells of stated weights that the tenant was seen not to have.
func contradictions(phases []store.Phase, obs []store.Observation) (notes []Note) {
	for _, o := range obs {
		if o.Status != "active" || !known(o) {
			continue
		}
		for _, p := range phases {
			if o.Seen >= p.From && (p.Until == 0 || o.Seen < p.Until) && !sameWeights(p.Arms, o.Arms) {
				return []Note{{"weights_contradict", "The configuration states other weights for " + o.Experiment +
					" than the tenant had at " + Time(o.Seen).String() + "; the stated ones are used."}}
			}
		}
	}
	return nil
}

// fromObservations follows one experiment through what the tenant said of it.
func fromObservations(obs []store.Observation) []store.Phase {
	var phases []store.Phase
	running := false
	open := func(from store.Micros, o store.Observation, known bool) {
		p := store.Phase{Experiment: o.Experiment, From: from, Known: known, Strategy: o.Strategy, Source: "tenant",
			Arms: slices.Clone(o.Arms)}
		if o.Level >= 0 && len(o.Levels) > 0 {
			p.Level, p.Levels = ptr(o.Level), slices.Clone(o.Levels)
		}
		if !known {
			for i := range p.Arms {
				p.Arms[i].Weight = -1
			}
		}
		phases, running = append(phases, p), true
	}
	shut := func(at store.Micros) {
		last := &phases[len(phases)-1]
		if running = false; at > last.From {
			last.Until = at
		} else {
			phases = phases[:len(phases)-1] // ended before it began: a clock that was set back
		}
	}
	for i, o := range obs {
		active := o.Status == "active"
		if i == 0 {
			// What happened before the first look can only be told by the times on the experiment itself.
			changed := o.Started > 0 && o.Updated > o.Started+settled
			switch {
			case active && changed:
				open(o.Started, o, false)
				shut(o.Updated)
				open(o.Updated, o, known(o))
			case active && o.Started > 0:
				open(o.Started, o, known(o))
			case active:
				open(cmp.Or(o.Updated, o.Seen), o, known(o))
			case o.Started > 0: // paused or over: which weights it ran with was not seen
				open(o.Started, o, false)
				end := cmp.Or(o.Updated, o.Seen)
				if o.Ended > o.Started {
					end = min(end, o.Ended)
				}
				shut(end)
			}
			continue
		}
		before := obs[i-1]
		between := func(at store.Micros) bool { return at > before.Seen && at <= o.Seen }
		at := o.Seen
		if between(o.Updated) {
			at = o.Updated
		}
		switch {
		case running && active:
			if !SameSetting(before, o) {
				shut(at)
				open(at, o, known(o))
			}
		case running:
			if between(o.Ended) {
				at = o.Ended
			}
			shut(at)
		case active:
			if between(o.Started) {
				if !SameSetting(before, o) && o.Updated > o.Started+settled {
					open(o.Started, o, false)
					shut(at)
				} else {
					at = o.Started
				}
			}
			open(at, o, known(o))
		}
	}
	return phases
}

// known says whether the tenant told a weight for every arm.
func known(o store.Observation) bool {
	sum := 0
	for _, a := range o.Arms {
		if a.Weight < 0 {
			return false
		}
		sum += a.Weight
	}
	return sum == 100
}

// SameSetting says whether two observations split traffic in the same way.
func SameSetting(a, b store.Observation) bool {
	return a.Strategy == b.Strategy && a.Level == b.Level && sameWeights(a.Arms, b.Arms)
}

func sameWeights(a, b []store.Arm) bool {
	w := map[string]int{}
	for _, x := range a {
		if x.Weight != 0 {
			w[x.Variation] = x.Weight
		}
	}
	for _, x := range b {
		if x.Weight != 0 {
			if v, ok := w[x.Variation]; !ok || v != x.Weight {
				return false
			}
			delete(w, x.Variation)
		}
	}
	return len(w) == 0
}
