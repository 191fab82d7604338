package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/queries/duckdb"
)

// newPurge ends the time for which events are kept.
func newPurge(a *app) *cobra.Command {
	var older string
	var yes, dry bool
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Delete events older than a time, and keep daily counts",
		Long: `Take out for good what is dated before a UTC day: events and page events. Their
number stays by day, type, experiment and variation (the view purged_days). The
store's file is written anew and shrinks. Cursors and accounts stay, and older
events that come again are left out and counted.

A phase that began before that day can no longer be concluded from: reports say
so. Purge what is older than your experiments.`,
		Example: `  keyramp purge --older-than 90d --dry-run
  keyramp purge --older-than 90d --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if older == "" {
				return usage(cmd, errors.New("--older-than says what goes: 90d, or a date"))
			}
			limit, err := parseTime(older, a.now)
			if err != nil {
				return usage(cmd, fmt.Errorf("--older-than: %w", err))
			}
			before := micros(limit)
			before -= before % dayMicros
			if before <= 0 || before > micros(a.now) {
				return usage(cmd, fmt.Errorf("--older-than %s: it is a time in the past", older))
			}
			if err := a.irrevocable(cmd, yes, dry); err != nil {
				return err
			}
			var r duckdb.Removal
			if dry {
				err = a.peeking(cmd.Context(), func(ctx context.Context, db *duckdb.DB) error {
					r, err = db.CountPurged(ctx, before)
					return err
				})
			} else {
				err = a.rewriting(cmd.Context(), func(ctx context.Context, db *duckdb.DB, _ *ingest.Pseudonyms) error {
					r, err = db.Purge(ctx, before, micros(a.now))
					return err
				})
			}
			if err != nil {
				return fmt.Errorf("purge: %w", err)
			}
			verb := "purged"
			if dry {
				verb = "to be purged"
			}
			fmt.Fprintf(a.out, "%s: %s and %s from before %s\n", verb, counted(r.Events, "event"), counted(r.Pages, "page event"), stamp(before))
			a.leftovers()
			return nil
		},
	}
	cmd.Flags().StringVar(&older, "older-than", "", "what is dated before this `time` goes: 90d, or a date;\ncut to the start of a UTC day")
	irrevocableFlags(cmd, &yes, &dry)
	return cmd
}
