package analysis

import (
	"slices"
	"testing"

	"keyramp/queries/store"
)

// ramping is a month at 10 % that may ramp.
func ramping() Input {
	return asked(steps(0, 10), counted(group{1, 0, "c", 0, 5, 9000, 9, 90}, group{1, 0, "t", 0, 5, 1000, 30, 10}))
}

// gapped is the report and the decision of that month with gaps.
func gapped(t *testing.T, gaps ...store.Gap) (*Report, Decision) {
	t.Helper()
	in := losing(gaps...)
	r := Build(in)
	return r, Decide(in.Plan, r)
}

func losing(gaps ...store.Gap) Input {
	in := ramping()
	in.Counts.Gaps = gaps
	return in
}

func flagOf(r *Report, name string) *Flag {
	i := slices.IndexFunc(r.Flags, func(f Flag) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Flags[i]
}

const gapHour = store.Micros(3_600_000_000)

// A gap of the tenant's log stands beside the verdict, counts for no dwelling, and blocks when it is large. One of the
// page's events, which only treatment has, blocks sooner.
func TestGapsBesideTheVerdict(t *testing.T) {
	from, until := ramping().Scope.Phases[0].From, ramping().AsOf
	days := (until - from) / (24 * gapHour)
	gap := func(source string, start, hours, stored store.Micros) store.Gap {
		return store.Gap{Source: source, From: from + start*gapHour, Until: from + (start+hours)*gapHour, StoredHours: stored}
	}
	if _, d := gapped(t); d.Action != Ramp {
		t.Fatalf("without a gap the decision is %s (%s)", d.Action, d.Reason)
	}
	for _, c := range []struct {
		name     string
		gap      store.Gap
		flag     string
		blocking bool
		action   Action
		reason   string
		days     store.Micros
	}{
		{"an hour", gap("auth0:x", 30, 1, 0), "data_gap", false, Ramp, "criteria_met", days - 1},
		{"the first hours, before any event", gap("auth0:x", -50, 51, 0), "data_gap", false, Ramp, "criteria_met", days - 1},
		{"so long that too few days were seen", gap("auth0:x", 30, 24*(days-7)+1, 0), "data_gap", true, Investigate, "data_gap", 6},
		{"the same, filled by an import", gap("auth0:x", 30, 24*(days-7)+1, 24*(days-7)), "data_gap", false, Ramp, "criteria_met", days - 1},
		{"an hour of the page", gap("page:x", 30, 1, 0), "page_gap", false, Ramp, "criteria_met", days},
		{"most of a day of the page", gap("page:x", 30, 20, 0), "page_gap", true, Investigate, "page_gap", days},
	} {
		r, d := gapped(t, c.gap)
		f := flagOf(r, c.flag)
		if f == nil || f.Blocking != c.blocking {
			t.Errorf("%s: flag %+v, want blocking %v", c.name, f, c.blocking)
		}
		if d.Action != c.action || d.Reason != c.reason || len(d.Gaps) != 1 {
			t.Errorf("%s: %s because of %v with gaps %v; want %s because of %s", c.name, d.Action, d.Reasons, d.Gaps, c.action, c.reason)
		}
		if got := store.Micros(r.Comparisons[0].Days); got != c.days {
			t.Errorf("%s: %d complete days, want %d", c.name, got, c.days)
		}
	}

	// Between the limits it is a HOLD: the days that nobody saw are still to come.
	in := losing(gap("auth0:x", 30, 24*(days-7)+1, 0))
	in.Plan.Limits.Gap = 0.9
	if d := Decide(in.Plan, Build(in)); d.Action != Hold || d.Reason != "dwell" {
		t.Errorf("too few days were seen: %s because of %v", d.Action, d.Reasons)
	}
	// After --since the gap is none of the report's business.
	in = losing(gap("auth0:x", 0, 48, 0))
	in.Scope.Since = from + 48*gapHour
	if r := Build(in); len(r.Gaps) != 0 || flagOf(r, "data_gap") != nil {
		t.Errorf("a gap before the analysed time: %v", r.Gaps)
	}
}

// Experiment data that cannot be read may be of one variation alone.
func TestUnreadableExperimentBlocks(t *testing.T) {
	in := ramping()
	in.Counts.Rejects = []store.RejectCount{{Reason: "not_json", Count: 1000}, {Reason: "bad_experiment", Count: 1}}
	in.Counts.Undated = []store.UndatedCount{{Source: "file:x", Run: 5, Count: 7}}
	in.Counts.Conflicts = []store.ConflictCount{{Source: "file:x", Count: 3}}
	r := Build(in)
	if f := flagOf(r, "rejected_records"); f == nil || f.Blocking || *f.Count != 1008 {
		t.Errorf("rejects: %+v", f)
	}
	if f := flagOf(r, "conflicting_records"); f == nil || f.Blocking || *f.Count != 3 {
		t.Errorf("conflicts: %+v", f)
	}
	if d := Decide(in.Plan, r); d.Action != Ramp || len(d.Rejects) != 2 || len(d.Undated) != 1 || len(d.Conflicts) != 1 {
		t.Errorf("%s with losses %+v", d.Action, d.Losses)
	}
	in.Counts.Rejects[1].Count = in.Counts.Quality.Carried / 100
	if d := Decide(in.Plan, Build(in)); d.Action != Investigate || d.Reason != "unreadable_experiment" {
		t.Errorf("a hundredth of the experiment's events is unreadable: %s because of %v", d.Action, d.Reasons)
	}
}
