package analysis

import (
	"strings"
	"time"

	"keyramp/queries/store"
)

// Losses are what is known to be missing from the analysed time, which is that
// of the report's scope from its first phase or event on. They stand in every
// report and beside every verdict that covers them.
type Losses struct {
	Gaps []Gap `json:"gaps"`
	// GapShare is how much of the analysed time the gaps of tenant logs cover (fraction), without the hours of which
	// something is stored all the same. PageGapShare is that of the page's events. Null without any analysed time.
	GapShare     *float64       `json:"gap_share"`
	PageGapShare *float64       `json:"page_gap_share"`
	Rejects      []RejectLoss   `json:"rejects"`              // records put aside that give a date in the analysed time
	Undated      []UndatedLoss  `json:"rejects_without_date"` // records put aside that may be of any time
	Conflicts    []ConflictLoss `json:"conflicts"`            // copies that differ from what came first, which counts
}

// A Gap is a stretch of time that a source no longer held.
type Gap struct {
	Source      string  `json:"source"`
	From        Time    `json:"from"`
	Until       Time    `json:"until"`
	Hours       float64 `json:"hours"`        // of it in the analysed time
	StoredHours int64   `json:"hours_stored"` // whole UTC hours of these of which something is stored all the same
	// OneSided: only people who see the prompt have such events, so what is lost is lost of treatment alone.
	OneSided bool `json:"one_sided"`
}

// A RejectLoss counts records that were put aside for one reason.
type RejectLoss struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// An UndatedLoss counts records without a readable date that one run put aside.
type UndatedLoss struct {
	Source string `json:"source"`
	Run    Time   `json:"run"` // when it began
	Count  int64  `json:"count"`
}

// A ConflictLoss counts events of which a source gave another content later.
type ConflictLoss struct {
	Source string `json:"source"`
	Count  int64  `json:"count"`
}

// Any reports whether anything is known to be missing.
func (l Losses) Any() bool {
	return len(l.Gaps)+len(l.Rejects)+len(l.Undated)+len(l.Conflicts) > 0
}

// aside is how many records were put aside: dated ones, undated ones.
func (l Losses) aside() (dated, undated int64) {
	for _, r := range l.Rejects {
		dated += r.Count
	}
	for _, u := range l.Undated {
		undated += u.Count
	}
	return dated, undated
}

// losses tells what is missing of [since, until).
func losses(all store.Losses, since, until store.Micros) Losses {
	l := Losses{Gaps: []Gap{}, Rejects: []RejectLoss{}, Undated: []UndatedLoss{}, Conflicts: []ConflictLoss{}}
	for _, g := range all.Gaps {
		if g.Until <= since || g.From >= until {
			continue
		}
		inside := time.Duration(min(g.Until, until)-max(g.From, since)) * time.Microsecond
		l.Gaps = append(l.Gaps, Gap{Source: g.Source, From: Time(g.From), Until: Time(g.Until), Hours: inside.Hours(),
			StoredHours: g.StoredHours, OneSided: strings.HasPrefix(g.Source, "page:")})
	}
	if whole := time.Duration(until-since) * time.Microsecond; whole > 0 && since > 0 {
		share := func(oneSided bool) *float64 {
			var hours float64
			for _, g := range l.Gaps {
				if g.OneSided == oneSided {
					hours += g.missing()
				}
			}
			return ptr(min(1, hours/whole.Hours()))
		}
		l.GapShare, l.PageGapShare = share(false), share(true)
	}
	for _, r := range all.Rejects {
		l.Rejects = append(l.Rejects, RejectLoss(r))
	}
	for _, u := range all.Undated {
		l.Undated = append(l.Undated, UndatedLoss{u.Source, Time(u.Run), u.Count})
	}
	for _, c := range all.Conflicts {
		l.Conflicts = append(l.Conflicts, ConflictLoss(c))
	}
	return l
}

// missing are the hours of a gap in the analysed time of which nothing is stored.
func (g Gap) missing() float64 { return max(0, g.Hours-float64(g.StoredHours)) }

// unseen is how much of [from, until) the gaps of tenant logs hide. A gap that is partly filled hides that part evenly.
func (l Losses) unseen(from, until store.Micros) store.Micros {
	var sum float64
	for _, g := range l.Gaps {
		inside := min(store.Micros(g.Until), until) - max(store.Micros(g.From), from)
		if g.OneSided || inside <= 0 || g.Hours <= 0 {
			continue
		}
		sum += float64(inside) * g.missing() / g.Hours
	}
	return store.Micros(sum)
}
