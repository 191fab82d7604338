package analysis

import (
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
	Control    string         `yaml:"control" json:"control"`       // "" = the variation that events mark as control
	Twins      []string       `yaml:"twins" json:"twins"`           // further variations with control's configuration
}

// Phases derives the numbered phases of an experiment and of those it continues.
func Phases(obs []store.Observation, stated []PhaseSpec, seen store.Seen, until store.Micros) ([]store.Phase, []Note) {
	return nil, nil
}
