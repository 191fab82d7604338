package main

import (
	"io"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
)

// newDecide answers with one word, its reasons and the numbers behind them.
func newDecide(a *app) *cobra.Command {
	var q question
	var sign signOff
	var emit handover
	var byCode, noRecord bool
	cmd := &cobra.Command{
		Use:   "decide [EXPERIMENT]",
		Short: "RAMP, HOLD, ROLL_BACK or INVESTIGATE, with the reasons",
		Long: `Weigh the report of an experiment against the plan in the settings file.
A verdict is an answer, not a failure: the exit status is 0 for each of them,
unless --exit-code asks for 0 RAMP, 10 HOLD, 11 ROLL_BACK, 12 INVESTIGATE.

The decision is recorded in the store with all that it was made of, once;
keyramp decisions lists, shows and replays it. --no-record leaves no trace.

A HOLD that waits for small_drop_needs_sign_off, a proven drop of login success
smaller than the margin, may be accepted by a person: --accept small_drop with
--by and --note. That counts for this decision alone and changes no number.

--emit prints the next calls to the tenant instead: a script for sh, JSON, or
what to change in a Terraform configuration. keyramp makes none of them; the
token stands in them as $AUTH0_API_TOKEN alone.

EXPERIMENT may be left out when the store holds just one.`,
		Example: `  keyramp decide --exit-code
  keyramp decide --accept small_drop --by "Pat Lee" --note "agreed, ticket 7"
  keyramp decide --emit curl -o ramp.sh   # read it, then: sh ramp.sh`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sign.check(!noRecord); err != nil {
				return usage(cmd, err)
			}
			if err := emit.check(cmd); err != nil {
				return usage(cmd, err)
			}
			formats := []render.Format{render.Table, render.JSON, render.CSV, render.Markdown}
			settle := func(in *analysis.Input, d analysis.Decision) error {
				if sign.accept != "" {
					if err := sign.sign(in, d); err != nil {
						return err
					}
				}
				if noRecord {
					return nil
				}
				return a.record(cmd.Context(), *in)
			}
			action, err := a.answer(cmd, q, args, formats, settle, func(w io.Writer, _ *analysis.Report, d analysis.Decision, o render.Options) error {
				if emit.form != "" {
					return a.handOver(w, d, emit)
				}
				return render.Decision(w, d, o)
			})
			if err == nil && byCode {
				return verdictCode(action)
			}
			return err
		},
	}
	q.flags(cmd)
	cmd.Flags().BoolVar(&byCode, "exit-code", false, "tell the verdict by the exit status")
	cmd.Flags().BoolVar(&noRecord, "no-record", false, "do not record the decision in the store")
	sign.flags(cmd)
	emit.flags(cmd)
	return cmd
}

// verdictCode is the exit status of an action; a ramp is plain success.
func verdictCode(action analysis.Action) error {
	switch action {
	case analysis.Ramp:
		return nil
	case analysis.Hold:
		return verdict(exitHold)
	case analysis.RollBack:
		return verdict(exitRollBack)
	}
	return verdict(exitInvestigate)
}
