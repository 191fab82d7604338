package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// newExperiments shows what the store knows of experiments, without judging.
func newExperiments(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "experiments",
		Short: "Experiments in the store, their phases and weights",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExperimentsList(a), newExperimentsShow(a))
	return cmd
}

type experimentDoc struct {
	Experiment string   `json:"experiment_id"`
	Name       string   `json:"name"`
	Status     string   `json:"status"`
	Events     int64    `json:"events"`
	First      *string  `json:"first_event"`
	Last       *string  `json:"last_event"`
	Variations []string `json:"variations"`
	Control    []string `json:"control"`
}

func newExperimentDoc(s store.Seen) experimentDoc {
	orEmpty := func(list []string) []string { return append([]string{}, list...) }
	return experimentDoc{s.Experiment, s.Name, s.Status, s.Events, known(s.First), known(s.Last), orEmpty(s.Variations), orEmpty(s.Control)}
}

func newExperimentsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Every experiment that events or the tenant name",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", listFormats...)
			if err != nil {
				return err
			}
			var seen []store.Seen
			err = a.reading(cmd.Context(), func(ctx context.Context, db store.Store) (err error) {
				seen, err = db.Experiments(ctx)
				return err
			})
			if err != nil {
				return fmt.Errorf("experiments: %w", err)
			}
			doc := struct {
				SchemaVersion int             `json:"schema_version"`
				Experiments   []experimentDoc `json:"experiments"`
			}{1, []experimentDoc{}}
			l := listing{head: []string{"experiment", "status", "events", "last event"}, right: []int{2}}
			for _, s := range seen {
				doc.Experiments = append(doc.Experiments, newExperimentDoc(s))
				l.add(s.Experiment, first(s.Status, "-"), group(s.Events), stamp(s.Last))
			}
			return a.emit(func(w io.Writer) error { return l.write(w, format, a.width(), doc) })
		},
	}
}

func newExperimentsShow(a *app) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:               "show [EXPERIMENT]",
		Short:             "Phases and weights of one experiment, and where they come from",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			var seen store.Seen
			var in analysis.Input
			err = a.reading(cmd.Context(), func(ctx context.Context, db store.Store) (err error) {
				if seen, err = choose(ctx, db, args); err != nil {
					return err
				}
				in, err = a.input(ctx, db, q, seen)
				return err
			})
			if err != nil {
				return fmt.Errorf("experiments: %w", err)
			}
			return a.emit(func(w io.Writer) error { return a.writeExperiment(w, format, seen, in) })
		},
	}
	cmd.Flags().StringVar(&q.asOf, "as-of", "", "as things stood at `time`")
	return cmd
}

func (a *app) writeExperiment(w io.Writer, format string, seen store.Seen, in analysis.Input) error {
	type armDoc struct {
		Variation string `json:"variation_id"`
		Name      string `json:"name"`
		Weight    *int   `json:"weight_percent"` // null: not told
		Control   bool   `json:"is_control"`
	}
	type phaseDoc struct {
		Number     int      `json:"phase"`
		Experiment string   `json:"experiment_id"`
		From       *string  `json:"from"`
		Until      *string  `json:"until"`
		Known      bool     `json:"weights_known"`
		Strategy   string   `json:"strategy"`
		Source     string   `json:"source"`
		Level      *int     `json:"level_percent"` // null: no ramp by levels
		Arms       []armDoc `json:"variations"`
	}
	type changeDoc struct {
		Experiment string   `json:"experiment_id"`
		Seen       *string  `json:"first_seen"` // by the tenant's clock
		Updated    *string  `json:"updated_at"` // as the tenant tells it
		Status     string   `json:"status"`
		Level      *int     `json:"level_percent"` // null: no ramp by levels
		Arms       []armDoc `json:"variations"`
		Logged     bool     `json:"from_log"` // told by a call in the log; else read from the tenant
	}
	doc := struct {
		SchemaVersion int `json:"schema_version"`
		experimentDoc
		Phases  []phaseDoc      `json:"phases"`
		History []changeDoc     `json:"history"` // what the tenant told, whenever it differed from before
		Notes   []analysis.Note `json:"notes"`
	}{1, newExperimentDoc(seen), []phaseDoc{}, []changeDoc{}, append([]analysis.Note{}, in.Notes...)}
	arms := func(list []store.Arm) []armDoc {
		out := []armDoc{}
		for _, arm := range list {
			x := armDoc{arm.Variation, arm.Name, nil, arm.Control}
			if arm.Weight >= 0 {
				x.Weight = &arm.Weight
			}
			out = append(out, x)
		}
		return out
	}
	var history []store.Observation
	for _, o := range a.observed {
		if o.Seen < in.AsOf {
			history = append(history, o)
		}
	}
	slices.SortStableFunc(history, func(x, y store.Observation) int { return cmp.Compare(x.Seen, y.Seen) })
	for _, o := range history {
		c := changeDoc{Experiment: o.Experiment, Seen: known(o.Seen), Updated: known(o.Updated), Status: o.Status, Arms: arms(o.Arms), Logged: o.Logged}
		if o.Level >= 0 {
			c.Level = &o.Level
		}
		doc.History = append(doc.History, c)
	}
	for _, p := range in.Scope.Phases {
		d := phaseDoc{p.Number, p.Experiment, known(p.From), known(p.Until), p.Known, p.Strategy, p.Source, p.Level, arms(p.Arms)}
		doc.Phases = append(doc.Phases, d)
	}
	if format == "json" {
		return writeJSON(w, doc)
	}
	width := a.width()
	fmt.Fprintln(w, a.outStyle.bold(clip(seen.Experiment, width)))
	wrapTo(w, width, "  ", strings.TrimSpace(fmt.Sprintf("%s %s: %s events, %s .. %s",
		seen.Name, first(seen.Status, "status unknown"), group(seen.Events), stamp(seen.First), stamp(seen.Last))))
	for _, p := range in.Scope.Phases {
		until := "open"
		if p.Until != 0 {
			until = stamp(p.Until)
		}
		source := first(p.Source, "source unknown")
		if p.Level != nil {
			source = fmt.Sprintf("level %d, %s", *p.Level, source)
		}
		line := fmt.Sprintf("phase %d  %s .. %s  (%s)", p.Number, stamp(p.From), until, source)
		if len(line) > width {
			line = fmt.Sprintf("phase %d  %s ..\n         %s  (%s)", p.Number, stamp(p.From), until, source)
		}
		fmt.Fprintln(w, line)
		for _, arm := range p.Arms {
			weight := "  ?"
			if arm.Weight >= 0 && p.Known {
				weight = fmt.Sprintf("%3d", arm.Weight)
			}
			role := "treatment"
			if arm.Control {
				role = "control"
			}
			fmt.Fprintf(w, "  %s %%  %-9s  %s\n", weight, role, clip(strings.TrimSpace(arm.Variation+"  "+arm.Name), width-20))
		}
	}
	if len(history) > 0 {
		fmt.Fprintln(w, "seen at the tenant")
	}
	for _, o := range history {
		line := minute(o.Seen) + "  " + o.Status
		if o.Level >= 0 {
			line += fmt.Sprintf(", level %d", o.Level)
		}
		for _, arm := range o.Arms {
			if arm.Weight >= 0 {
				line += fmt.Sprintf(", %s %d %%", first(arm.Name, arm.Variation), arm.Weight)
			}
		}
		if o.Logged {
			line += ", by a call in the log"
		}
		if o.Experiment != seen.Experiment {
			line += " (" + o.Experiment + ")"
		}
		wrapTo(w, width, "  ", line)
	}
	for _, n := range in.Notes {
		wrapTo(w, width, "  ", "note: "+n.Words)
	}
	return nil
}
