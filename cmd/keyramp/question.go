package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
	"keyramp/queries/store"
)

// A question is what report, decide and export have in common: which
// experiment, and which time.
type question struct {
	asOf, since, until string
}

func (q *question) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.asOf, "as-of", "", "count what happened before `time`: RFC 3339, a date, or 7d back")
	cmd.Flags().StringVar(&q.since, "since", "", "leave out what happened before `time`")
	cmd.Flags().StringVar(&q.until, "until", "", "leave out what happened at `time` and later")
}

// experimentArg completes the ids of the store's experiments.
func (a *app) experimentArg(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []cobra.Completion
	if len(args) > 0 || a.prepare(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.flags.lockWait = time.Second // nobody waits longer for a completion
	_ = a.reading(cmd.Context(), func(ctx context.Context, db store.Store) error {
		seen, err := db.Experiments(ctx)
		for _, s := range seen {
			ids = append(ids, cobra.CompletionWithDesc(s.Experiment, s.Name))
		}
		return err
	})
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// choose finds the experiment that a command is about: the one that was named,
// or the store's only one.
func choose(ctx context.Context, db store.Store, args []string) (store.Seen, error) {
	seen, err := db.Experiments(ctx)
	if err != nil {
		return store.Seen{}, err
	}
	ids := make([]string, len(seen))
	for i, s := range seen {
		ids[i] = s.Experiment
	}
	list := "the store has " + strings.Join(ids, ", ")
	switch {
	case len(args) == 1:
		if i := slices.Index(ids, args[0]); i >= 0 {
			return seen[i], nil
		}
		if len(ids) == 0 {
			list = "no stored log event carries an experiment yet"
		}
		return store.Seen{}, fail(exitUsage, fmt.Errorf("experiment %q is not in the store", args[0]), list)
	case len(seen) == 1:
		return seen[0], nil
	case len(seen) == 0:
		return store.Seen{}, fail(exitData, errors.New("no stored log event carries an experiment"),
			"`keyramp status` tells what was read: page events alone do not say who was assigned; is the experiment active?")
	}
	return store.Seen{}, fail(exitUsage, errors.New("which experiment?"), list)
}

// times resolves the time arguments. pulled is how far the tenant's log has
// been read; 0 when nothing was pulled. Without --as-of a report ends at the
// last full hour that was read, because a part of an hour grows while we look.
func (a *app) times(q question, pulled store.Micros) (asOf, since, until time.Time, err error) {
	asOf = a.now
	if pulled != 0 {
		if w := time.UnixMicro(pulled).UTC(); w.Before(asOf) {
			asOf = w
		}
		asOf = asOf.Truncate(time.Hour)
	}
	for _, arg := range []struct {
		flag, value string
		to          *time.Time
		base        *time.Time
	}{
		{"as-of", q.asOf, &asOf, &a.now},
		{"since", q.since, &since, &asOf},
		{"until", q.until, &until, &asOf},
	} {
		if arg.value == "" {
			continue
		}
		t, err := parseTime(arg.value, *arg.base)
		if err != nil {
			return asOf, since, until, fail(exitUsage, fmt.Errorf("--%s: %w", arg.flag, err), "")
		}
		*arg.to = t
	}
	if asOf.After(a.now) { // a decision recorded as of then would pass for the latest one until then
		return asOf, since, until, fail(exitUsage, fmt.Errorf("--as-of %s lies in the future: it is %s now", stamp(micros(asOf)), stamp(micros(a.now))),
			"without --as-of all that was read is counted")
	}
	if until.IsZero() || until.After(asOf) {
		until = asOf
	}
	if !since.IsZero() && !since.Before(until) {
		return asOf, since, until, fail(exitUsage, fmt.Errorf("--since %s is not before %s", stamp(micros(since)), stamp(micros(until))), "")
	}
	return asOf, since, until, nil
}

// pulledUntil is how far every pulled tenant log has been read; 0 when none is.
func pulledUntil(s *store.Extent) store.Micros {
	var w store.Micros
	for _, src := range s.Sources {
		if strings.HasPrefix(src.Cursor.Source, "auth0:") && (w == 0 || src.Cursor.Watermark < w) {
			w = src.Cursor.Watermark
		}
	}
	return w
}

// A window is the stretch of time that a question is about.
type window struct {
	asOf, since, until store.Micros // since may be 0: from the beginning
	watermark          store.Micros // sources are read completely up to here, at most asOf; 0 = nothing was pulled
	purged             store.Micros // what was dated before was purged; 0 = nothing was
}

// end cuts the window at the one look of a plan, and says whether it was longer: whoever asks later gets that look again.
func (w *window) end(horizon store.Micros) bool {
	if w.asOf <= horizon {
		return false
	}
	w.asOf, w.until, w.watermark = horizon, min(w.until, horizon), min(w.watermark, horizon)
	return true
}

// window resolves the time arguments against what has been read.
func (a *app) window(ctx context.Context, db store.Store, q question) (window, error) {
	extent, err := db.Extent(ctx)
	if err != nil {
		return window{}, err
	}
	a.origin = originOf(extent)
	pulled := pulledUntil(extent)
	asOf, since, until, err := a.times(q, pulled)
	if err != nil {
		return window{}, err
	}
	w := window{asOf: micros(asOf), since: micros(since), until: micros(until)}
	// What was read later does not change an earlier report.
	w.watermark = min(pulled, w.asOf)
	w.purged = extent.Removed.Before
	return w, nil
}

// originOf says which store is asked, and how far it has been read.
func originOf(s *store.Extent) render.Origin {
	from := render.Origin{Identity: s.Identity, Events: s.Events, Pages: s.Pages, Sources: []render.Source{}}
	for _, src := range s.Sources {
		from.Sources = append(from.Sources, render.Source{Name: src.Cursor.Source, Watermark: analysis.Time(src.Cursor.Watermark)})
	}
	return from
}

// input gathers everything that a report of one experiment is made of, but the counts.
func (a *app) input(ctx context.Context, db store.Store, q question, seen store.Seen) (analysis.Input, error) {
	w, err := a.window(ctx, db, q)
	if err != nil {
		return analysis.Input{}, err
	}
	ended := a.settings.Plan.Mode == analysis.Fixed && w.end(micros(*a.settings.Plan.Horizon))
	stated := a.settings.Experiments[seen.Experiment]
	var specs []analysis.PhaseSpec
	var observed []store.Observation
	var decided []store.Decision
	for _, id := range append(slices.Clone(stated.Continues), seen.Experiment) {
		o, err := db.Observations(ctx, id)
		if err != nil {
			return analysis.Input{}, err
		}
		calls, err := db.Calls(ctx, id)
		if err != nil {
			return analysis.Input{}, err
		}
		observed = append(observed, analysis.WithCalls(o, calls)...)
		before, err := db.Decisions(ctx, id)
		if err != nil {
			return analysis.Input{}, err
		}
		decided = append(decided, before...)
		for _, p := range a.settings.Experiments[id].phases() {
			p.Experiment = first(p.Experiment, id)
			specs = append(specs, p)
		}
	}
	a.observed = observed
	phases, notes := analysis.Phases(observed, specs, seen, w.asOf)
	if ended {
		notes = append(notes, analysis.Note{Code: "horizon", Words: "The plan has one look, at " + stamp(w.asOf) + ": nothing later is counted."})
	}
	slices.SortStableFunc(decided, func(a, b store.Decision) int { return cmp.Compare(a.Made, b.Made) })
	changes, err := analysis.PlanChanges(decided, a.settings.Plan, micros(a.now))
	if err != nil {
		return analysis.Input{}, err
	}
	users, err := a.testUsers(ctx, db)
	if err != nil {
		return analysis.Input{}, err
	}
	return analysis.Input{
		Plan: a.settings.Plan,
		Name: seen.Name,
		Scope: store.Scope{
			Experiment: seen.Experiment, Continues: stated.Continues,
			Since: w.since, Until: w.until,
			Phases: phases, Roles: a.settings.EventTypes,
			TestClients: a.settings.TestTraffic.Clients, TestUsers: users,
			Covariates: a.settings.Plan.CUPED,
		},
		AsOf:        w.asOf,
		Watermark:   w.watermark,
		Purged:      w.purged,
		Version:     keyrampVersion(),
		Notes:       notes,
		PlanChanges: changes,
	}, nil
}

// weigh computes the report and the decision. Both come before any output, so
// a format changes the clothes and never the verdict.
func (a *app) weigh(ctx context.Context, q question, args []string) (analysis.Input, *analysis.Report, analysis.Decision, error) {
	var in analysis.Input
	err := a.reading(ctx, func(ctx context.Context, db store.Store) error {
		seen, err := choose(ctx, db, args)
		if err != nil {
			return err
		}
		if in, err = a.input(ctx, db, q, seen); err != nil {
			return err
		}
		in.Counts, err = db.Counts(ctx, in.Scope)
		return err
	})
	if err != nil {
		return in, nil, analysis.Decision{}, err
	}
	r := analysis.Build(in)
	a.summary.Losses = &r.Losses
	d := analysis.Decide(in.Plan, r)
	a.answered, a.decided = r, &d
	return in, r, d, nil
}
