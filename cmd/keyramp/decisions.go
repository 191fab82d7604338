package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// newDecisions shows what was decided, and computes it again.
func newDecisions(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decisions",
		Short: "What was decided, and whether it comes out the same again",
		Long: `Each answer of decide is kept in the store with all that it was made of: the
plan in force, the counts, the verdict and the document as it was printed. A
record stays as it is whatever comes later, also when people are forgotten.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDecisionsList(a), newDecisionsShow(a), newDecisionsReplay(a))
	return cmd
}

type decisionLine struct {
	ID         string  `json:"decision_id"`
	Made       *string `json:"made_at"`
	AsOf       *string `json:"as_of"`
	Experiment string  `json:"experiment_id"`
	Phase      int     `json:"phase"`
	Action     string  `json:"action"`
	SignedBy   string  `json:"signed_by"` // "" = nobody accepted anything
	Version    string  `json:"keyramp_version"`
}

func newDecisionsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "list [EXPERIMENT]",
		Short:             "Every recorded decision, oldest first",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", listFormats...)
			if err != nil {
				return err
			}
			all, err := a.recorded(cmd.Context(), first(args...))
			if err != nil {
				return fmt.Errorf("decisions: %w", err)
			}
			doc := struct {
				SchemaVersion int            `json:"schema_version"`
				Decisions     []decisionLine `json:"decisions"`
			}{1, []decisionLine{}}
			l := listing{head: []string{"experiment", "id", "made", "as of", "phase", "verdict", "signed by"}, right: []int{4}}
			table := format == "table"
			if table { // 80 columns
				l.head[4], l.head[6] = "ph", "signed"
			}
			for _, d := range all {
				doc.Decisions = append(doc.Decisions, decisionLine{d.ID, known(d.Made), known(d.AsOf), d.Experiment, d.Phase, d.Action, d.SignedBy, d.Version})
				row := []string{d.Experiment, d.ID, minute(d.Made), minute(d.AsOf), fmt.Sprint(d.Phase), d.Action, first(d.SignedBy, "-")}
				if table {
					row[1], row[2], row[6] = d.ID[:8], row[2][:len("2026-01-02")], clip(row[6], 9)
				}
				l.add(row...)
			}
			return a.emit(func(w io.Writer) error { return l.write(w, format, a.width(), doc) })
		},
	}
}

// minute is a moment as a listing has room for it.
func minute(t store.Micros) string { return analysis.Time(t).Std().Format("2006-01-02 15:04") }

// recorded lists the decisions of an experiment, or all.
func (a *app) recorded(ctx context.Context, experiment string) (all []store.Decision, err error) {
	err = a.reading(ctx, func(ctx context.Context, db store.Store) error {
		all, err = db.Decisions(ctx, experiment)
		return err
	})
	return all, err
}

// decisionArg completes the ids of decisions.
func (a *app) decisionArg(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 || a.prepare(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []cobra.Completion
	all, _ := a.recorded(cmd.Context(), "")
	for _, d := range slices.Backward(all) {
		ids = append(ids, cobra.CompletionWithDesc(d.ID, d.Action+" "+minute(d.AsOf)))
	}
	return ids, cobra.ShellCompDirectiveDefault
}

func newDecisionsShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "One decision as it was printed; -f json is the whole record",
		Long: `Print a decision as it was printed then. -f json prints the whole record, from
which keyramp decisions replay computes the decision again, on any machine. The
first digits of an ID do, as long as no other begins with them.`,
		Example:           `  keyramp decisions show 3f2a9c -f json > decision.json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.decisionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			raw, err := a.recordOf(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("decisions: %w", err)
			}
			if format == "json" {
				return a.emit(func(w io.Writer) error { return writeJSON(w, json.RawMessage(raw)) })
			}
			r, err := a.readRecord(raw, args[0])
			if err != nil {
				return err
			}
			doc, err := r.Document(render.Table)
			if err != nil {
				return err
			}
			return a.emit(func(w io.Writer) error { _, err := w.Write(doc); return err })
		},
	}
}

// recordOf finds the record whose id begins so.
func (a *app) recordOf(ctx context.Context, id string) (raw []byte, err error) {
	err = a.reading(ctx, func(ctx context.Context, db store.Store) error {
		all, err := db.Decisions(ctx, "")
		if err != nil {
			return err
		}
		var fit []string
		for _, d := range all {
			if id != "" && strings.HasPrefix(d.ID, id) {
				fit = append(fit, d.ID)
			}
		}
		if len(fit) != 1 {
			return fail(exitUsage, fmt.Errorf("%d decisions have an id that begins with %q", len(fit), id), "`keyramp decisions list` has the ids")
		}
		record, err := db.DecisionRecord(ctx, fit[0])
		raw = []byte(record)
		return err
	})
	return raw, err
}

func (a *app) readRecord(raw []byte, where string) (*render.Record, error) {
	r, err := render.ReadRecord(raw)
	if err != nil {
		return nil, fail(exitData, fmt.Errorf("decisions: %s: %w", where, err), "`keyramp decisions show ID -f json` writes one")
	}
	return r, nil
}

type replayDoc struct {
	SchemaVersion int                 `json:"schema_version"`
	ID            string              `json:"decision_id"`
	Identical     bool                `json:"identical"`
	Recorded      string              `json:"recorded_by"` // versions of keyramp
	Replayed      string              `json:"replayed_by"`
	Differences   []render.Difference `json:"differences"`
}

func newDecisionsReplay(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "replay ID|FILE",
		Short: "Compute a decision again from its record, and compare every byte",
		Long: `Compute report and decision again from the counts and the plan in a record, and
compare what would be printed with what was printed, byte for byte. Nothing but
the record is read: what was pulled later does not matter, and FILE, made by
keyramp decisions show ID -f json, may come from another machine; - is stdin.

The exit status is 0 when every byte is the same, and 8 when something differs.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.decisionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			raw, err := a.recordFrom(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("decisions: %w", err)
			}
			r, err := a.readRecord(raw, args[0])
			if err != nil {
				return err
			}
			diff, err := r.Replay()
			if err != nil {
				return fail(exitData, fmt.Errorf("decisions: %s: %w", args[0], err), "")
			}
			doc := replayDoc{1, r.ID, len(diff) == 0, r.Version, keyrampVersion(), append([]render.Difference{}, diff...)}
			if err := a.emit(func(w io.Writer) error { return a.writeReplay(w, format, doc, r) }); err != nil || doc.Identical {
				return err
			}
			hint := "the record was edited, or this build of keyramp computes otherwise"
			if r.Version != keyrampVersion() {
				hint = "the record was edited, or keyramp " + r.Version + ", which made it, computes otherwise: replay it with that one"
			}
			return fail(exitData, fmt.Errorf("decisions: %s does not come out the same", r.ID), hint)
		},
	}
}

var decisionID = regexp.MustCompile(`^[0-9a-f]{1,16}$`)

// mostRecord is more than any record has.
const mostRecord = 256 << 20

// recordFrom reads a record from the store or from a file; a name that may be either is a file when there is one.
func (a *app) recordFrom(ctx context.Context, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(a.in, mostRecord))
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && decisionID.MatchString(name) {
		return a.recordOf(ctx, name)
	}
	if err != nil {
		return nil, fail(exitUsage, err, "name the id of a decision or a file that `keyramp decisions show ID -f json` wrote")
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostRecord))
}

func (a *app) writeReplay(w io.Writer, format string, doc replayDoc, r *render.Record) error {
	if format == "json" {
		return writeJSON(w, doc)
	}
	if doc.Identical {
		wrapTo(w, a.width(), "  ", fmt.Sprintf("%s: %s as of %s, computed again: every byte is the same", r.ID, r.Action, r.AsOf))
		return nil
	}
	wrapTo(w, a.width(), "  ", fmt.Sprintf("%s: %s as of %s, computed again: it differs", r.ID, r.Action, r.AsOf))
	for _, d := range doc.Differences {
		wrapTo(w, a.width(), "    ", fmt.Sprintf("%s: recorded %s", d.Part, visible(d.Recorded)))
		wrapTo(w, a.width(), "    ", fmt.Sprintf("%s: replayed %s", d.Part, visible(d.Replayed)))
	}
	return nil
}

// A signOff is what a person accepts on the command line.
type signOff struct{ accept, by, note string }

func (s *signOff) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.accept, "accept", "", "accept `what` holds a ramp back: small_drop; needs --by and --note")
	cmd.Flags().StringVar(&s.by, "by", "", "`name` of the person who accepts it")
	cmd.Flags().StringVar(&s.note, "note", "", "why, in a line of `text`")
}

// check reports what no data could make right.
func (s signOff) check(record bool) error {
	if s.accept == "" {
		if s.by != "" || s.note != "" {
			return errors.New("--by and --note go with --accept")
		}
		return nil
	}
	if s.accept != analysis.SmallDrop {
		return fmt.Errorf("--accept %s: what can be accepted is %s", s.accept, analysis.SmallDrop)
	}
	if !record {
		return errors.New("--accept with --no-record: what a person accepts is recorded")
	}
	for _, f := range []struct {
		name, text string
		most       int
	}{{"by", s.by, 200}, {"note", s.note, 2000}} {
		if strings.TrimSpace(f.text) == "" || len(f.text) > f.most || strings.ContainsFunc(f.text, unicode.IsControl) {
			return fmt.Errorf("--%s: --accept needs it: a line of text of at most %d bytes", f.name, f.most)
		}
	}
	return nil
}

// sign lets a person accept what holds the decision back, when that is what does.
func (s signOff) sign(in *analysis.Input, d analysis.Decision) error {
	can := d.Acceptable()
	if slices.Contains(can, s.accept) {
		in.SignOff = &analysis.SignOff{Accepts: s.accept, By: strings.TrimSpace(s.by), Note: strings.TrimSpace(s.note)}
		return nil
	}
	list := "nothing"
	if len(can) > 0 {
		list = strings.Join(can, ", ")
	}
	return fail(exitUsage, fmt.Errorf("--accept %s: this decision does not wait for it: it is %s (%s)", s.accept, d.Action, strings.Join(d.Reasons, ", ")),
		"what can be accepted here: "+list)
}

// record appends a decision to the store. It is one short commit; whoever reads waits for it.
func (a *app) record(ctx context.Context, in analysis.Input) error {
	r, err := render.NewRecord(in, micros(a.now), a.origin)
	if err != nil {
		return err
	}
	raw, err := r.Bytes()
	if err != nil {
		return err
	}
	plan, err := r.Plan()
	if err != nil {
		return err
	}
	one := store.Decision{ID: r.ID, Experiment: r.Experiment, Made: store.Micros(r.Made), AsOf: store.Micros(r.AsOf), Phase: r.Phase,
		Action: string(r.Action), Version: r.Version, Plan: plan, Record: string(raw)}
	if r.SignOff != nil {
		one.SignedBy = r.SignOff.By
	}
	added, err := a.append(ctx, one)
	switch {
	case errors.Is(err, store.ErrBusy):
		return fail(exitBusy, fmt.Errorf("the decision is not recorded: %w", err), "try again later, wait longer with --lock-wait 5m, or look with --no-record, which leaves no trace")
	case errors.Is(err, store.ErrResources) || lacking(err):
		return fail(exitResources, fmt.Errorf("the decision is not recorded: %w", err), "let this user write to the store, or look with --no-record, which leaves no trace")
	case err != nil:
		return fmt.Errorf("the decision is not recorded: %w", err)
	}
	a.log.Debug("decision recorded", "id", r.ID, "new", added)
	return nil
}

func (a *app) append(ctx context.Context, d store.Decision) (added bool, err error) {
	// Asked every day, most answers are new; the same one again must not wait for a pull.
	err = a.reading(ctx, func(ctx context.Context, db store.Store) error {
		known, err := db.DecisionRecord(ctx, d.ID)
		added = known == ""
		return err
	})
	if err != nil || !added {
		return false, err
	}
	unlock, err := duckdb.Lock(ctx, a.storeDir(), a.flags.lockWait)
	if err != nil {
		return false, err
	}
	defer unlock()
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: a.storeDir(), Threads: 1, Memory: "256MB", LockWait: a.flags.lockWait, LeaveLog: leaveLog})
	if err != nil {
		return false, err
	}
	added, err = db.RecordDecision(ctx, d)
	return added, errors.Join(err, db.Close())
}
