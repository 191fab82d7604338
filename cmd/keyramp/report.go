package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
)

// openMetrics is the format of --metrics-file, of the experiment alone.
const openMetrics render.Format = "openmetrics"

// newReport prints everything that is known of one experiment.
func newReport(a *app) *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "report [EXPERIMENT]",
		Short: "Rates, differences, checks and the verdict of one experiment",
		Long: `Print what the store knows of an experiment: the plain recipe first, then what
may be concluded from it, the checks behind it and the verdict.

EXPERIMENT may be left out when the store holds just one.`,
		Example: `  keyramp report
  keyramp report exp_5Dt3 --as-of 2026-11-22 -f html -o report.html`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			formats := append(render.Formats(), openMetrics)
			_, err := a.answer(cmd, q, args, formats, nil, func(w io.Writer, r *analysis.Report, d analysis.Decision, o render.Options) error {
				if o.Format == openMetrics {
					_, err := w.Write(exposition(ofAnswer(r, &d)))
					return err
				}
				return render.Report(w, r, d, o)
			})
			return err
		},
	}
	q.flags(cmd)
	return cmd
}

// answer is the common body of report and decide. It returns what was recommended. Unless settle is nil, it is called
// with what the answer is made of before anything is printed, and may add to it.
func (a *app) answer(cmd *cobra.Command, q question, args []string, formats []render.Format, settle func(*analysis.Input, analysis.Decision) error,
	write func(io.Writer, *analysis.Report, analysis.Decision, render.Options) error) (analysis.Action, error) {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	format, err := a.format(cmd, a.documentFormat(), names...)
	if err != nil {
		return "", err
	}
	in, r, d, err := a.weigh(cmd.Context(), q, args)
	if err == nil && settle != nil {
		if err = settle(&in, d); err == nil && in.SignOff != nil {
			r = analysis.Build(in)
			d = analysis.Decide(in.Plan, r)
			a.answered, a.decided = r, &d
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmd.Name(), err)
	}
	return d.Action, a.emit(func(w io.Writer) error {
		return write(w, r, d, render.Options{Format: render.Format(format), Color: a.outStyle.on && a.toStdout(), Width: a.width()})
	})
}
