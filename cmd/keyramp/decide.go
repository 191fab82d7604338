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
	var byCode bool
	cmd := &cobra.Command{
		Use:   "decide [EXPERIMENT]",
		Short: "RAMP, HOLD, ROLL_BACK or INVESTIGATE, with the reasons",
		Long: `Weigh the report of an experiment against the plan in the settings file.
A verdict is an answer, not a failure: the exit status is 0 for each of them,
unless --exit-code asks for 0 RAMP, 10 HOLD, 11 ROLL_BACK, 12 INVESTIGATE.

EXPERIMENT may be left out when the store holds just one.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			formats := []render.Format{render.Table, render.JSON, render.CSV, render.Markdown}
			action, err := a.answer(cmd, q, args, formats, func(w io.Writer, _ *analysis.Report, d analysis.Decision, o render.Options) error {
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
