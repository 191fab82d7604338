package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/queries/duckdb"
)

// newKey is about the key that makes pseudonyms.
func newKey(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "The key that turns ids into pseudonyms",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeyRotate(a))
	return cmd
}

func newKeyRotate(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Give everybody in the store a new pseudonym",
		Long: `Add a fresh key to the key file and write the store anew under the pseudonyms
that both make together. Everybody is known again, so reports stay as they are.
Whoever has only the old key, or only the new one, cannot join old pseudonyms
(in exports, in copies) with new ones, nor test a user id against the store.

The key file then holds the old key and the new one, and both are needed: keep a
copy of it. Copies of the key file from before no longer fit the store.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return fail(exitUsage, fmt.Errorf("key rotate: every pseudonym changes, and copies of the key file no longer fit: say --yes"), "")
			}
			if _, err := a.format(cmd, "table", "table"); err != nil {
				return err
			}
			err := a.rewriting(cmd.Context(), func(ctx context.Context, db *duckdb.DB, _ *ingest.Pseudonyms) error {
				r, err := ingest.BeginRotation(a.keyPath())
				if err != nil {
					return fail(exitConfig, err, "")
				}
				// Should this run die, the next one finds by the key id in the store which of the two files is right.
				if err := db.Turn(ctx, r.Turn, r.Next.ID()); err != nil {
					return err
				}
				return r.Finish()
			})
			if err != nil {
				return fmt.Errorf("key rotate: %w", err)
			}
			_, err = io.WriteString(a.out, "the key was rotated: keep a copy of "+a.keyPath()+"\n")
			a.leftovers()
			return err
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it: it cannot be undone")
	return cmd
}
