package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
)

// A handover is how the next calls are asked for on the command line.
type handover struct{ form, via string }

func (h *handover) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.form, "emit", "", "print the next calls to the tenant as curl, json or terraform `form`")
	cmd.Flags().StringVar(&h.via, "via", "", "`way` of the calls: same_experiment or new_experiment (default: as the tenant allows)")
}

// check reports what no data could make right.
func (h *handover) check(cmd *cobra.Command) error {
	switch render.Format(h.form) {
	case "":
		if h.via != "" {
			return errors.New("--via goes with --emit")
		}
		return nil
	case render.Curl, render.JSON, render.Terraform:
	default:
		return fmt.Errorf("--emit %s: it is curl, json or terraform", h.form)
	}
	switch analysis.Option(h.via) {
	case "", analysis.SameExperiment, analysis.NewExperiment:
	default:
		return fmt.Errorf("--via %s: it is %s or %s", h.via, analysis.SameExperiment, analysis.NewExperiment)
	}
	if cmd.Flags().Changed("format") {
		return errors.New("--format and --emit: the calls have a form of their own")
	}
	return nil
}

// handOver prints the calls that bring the tenant to what was decided.
func (a *app) handOver(w io.Writer, d analysis.Decision, how handover) error {
	h, err := analysis.HandOver(d, a.observed, analysis.Option(how.via))
	if err == nil {
		err = render.Handover(w, h, a.tenantURL(), render.Format(how.form))
	}
	if errors.Is(err, analysis.ErrHandover) {
		return fail(exitData, fmt.Errorf("decide: %w", err), "")
	}
	return err
}

// tenantURL is where the tenant's API is: as the settings say, else as the store was pulled from; "" when neither tells, or the store has several.
func (a *app) tenantURL() string {
	host := a.settings.Auth0.Domain
	for _, s := range a.origin.Sources {
		name, ok := strings.CutPrefix(s.Name, "auth0:")
		if !ok || a.settings.Auth0.Domain != "" {
			continue
		}
		if host != "" && host != name {
			return ""
		}
		host = name
	}
	if host == "" || strings.Contains(host, "://") {
		return host
	}
	return "https://" + host
}
