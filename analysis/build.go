package analysis

import "keyramp/queries/store"

// Input is everything a report is made of. Build reads nothing else.
type Input struct {
	Plan      Plan
	Name      string // of the experiment; "" when nobody told
	Scope     store.Scope
	Counts    *store.Counts
	AsOf      store.Micros // exclusive
	Watermark store.Micros // sources are read completely up to here; 0 = up to AsOf
	Version   string       // of keyramp
	Notes     []Note       // from Phases
}

// Build computes the report. It is pure: equal input gives an equal report.
func Build(in Input) *Report { return &Report{} }
