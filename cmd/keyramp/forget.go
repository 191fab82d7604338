package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/queries/duckdb"
)

// newForget erases people.
func newForget(a *app) *cobra.Command {
	f := forget{app: a}
	cmd := &cobra.Command{
		Use:   "forget",
		Short: "Erase people from the store, and keep them out",
		Long: `Take every row of the named people out of the store for good: their events, page
events, and those that name no user but share a transaction or a session with
them. The store's file is written anew without them. What stays is a tombstone,
a keyed hash by which later runs leave them out. Exports and reports that were
made before and copies of the store are not reached. See docs/privacy.md.

People are named by user_id, or by the pseudonym that exports show. Ids in a
file or on stdin, one a line, stand in no shell history and no process list.`,
		Example: `  keyramp forget --users-from - --dry-run < ids.txt
  keyramp forget --user 'auth0|5f7c8ec7c33c6c004bbafe82' --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.irrevocable(cmd, f.yes, f.dry); err != nil {
				return err
			}
			if err := f.run(cmd); err != nil {
				return fmt.Errorf("forget: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&f.users, "user", nil, "the `user_id` of a person; may be repeated")
	cmd.Flags().StringVar(&f.file, "users-from", "", "read user ids from `file`, one a line; - is stdin")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "the user_key of a person, `hex` as exports show it")
	irrevocableFlags(cmd, &f.yes, &f.dry)
	return cmd
}

// irrevocableFlags are of commands that destroy data.
func irrevocableFlags(cmd *cobra.Command, yes, dry *bool) {
	cmd.Flags().BoolVar(yes, "yes", false, "do it: it cannot be undone")
	cmd.Flags().BoolVar(dry, "dry-run", false, "say what would go, and change nothing")
}

// irrevocable wants one of the two flags, so that nothing is lost by a slip.
func (a *app) irrevocable(cmd *cobra.Command, yes, dry bool) error {
	if yes == dry {
		return fail(exitUsage, fmt.Errorf("%s: this cannot be undone: say --yes, or --dry-run to see what would go", cmd.Name()), "")
	}
	_, err := a.format(cmd, "table", "table")
	return err
}

// A forget is one run of the command.
type forget struct {
	*app
	users, keys []string
	file        string
	yes, dry    bool
}

func (f *forget) run(cmd *cobra.Command) error {
	ids, err := f.named()
	if err != nil {
		return err
	}
	var keys []uint64
	for _, text := range f.keys {
		key, err := strconv.ParseUint(text, 16, 64)
		if err != nil || key == 0 || len(text) != 16 {
			return usage(cmd, errors.New("--key: it is a user_key of 16 hexadecimal digits, as exports show it"))
		}
		keys = append(keys, key)
	}
	if len(ids)+len(keys) == 0 {
		return usage(cmd, errors.New("whom? --user, --users-from and --key name people"))
	}
	all := func(names *ingest.Pseudonyms) []uint64 {
		people := slices.Clone(keys)
		for _, id := range ids {
			people = append(people, names.User(id))
		}
		slices.Sort(people)
		return slices.Compact(people)
	}
	var r duckdb.Removal
	var asked int
	if f.dry {
		err = f.peeking(cmd.Context(), func(ctx context.Context, db *duckdb.DB) error {
			names, err := f.key(ctx, db)
			if err != nil {
				return err
			}
			people := all(names)
			asked = len(people)
			r, err = db.CountForgotten(ctx, people)
			return err
		})
	} else {
		err = f.rewriting(cmd.Context(), func(ctx context.Context, db *duckdb.DB, names *ingest.Pseudonyms) error {
			people := all(names)
			asked = len(people)
			r, err = db.Forget(ctx, people, names.Tombstone, micros(f.now))
			return err
		})
	}
	if err != nil {
		return err
	}
	verb := "forgotten"
	if f.dry {
		verb = "to be forgotten"
	}
	fmt.Fprintf(f.out, "%d %s %s: %s and %s, of %d of them\n", asked, plural(asked, "person", "people"), verb,
		counted(r.Events, "event"), counted(r.Pages, "page event"), r.People)
	f.leftovers()
	return nil
}

// counted is a number of things.
func counted(n int64, what string) string {
	return group(n) + " " + plural(int(n), what, what+"s")
}

// named reads the user ids that flags and file give.
func (f *forget) named() ([]string, error) {
	ids := slices.Clone(f.users)
	if f.file != "" {
		in := f.in
		if f.file != "-" {
			file, err := os.Open(f.file)
			if err != nil {
				return nil, fail(exitUsage, fmt.Errorf("--users-from: %w", err), "")
			}
			defer file.Close()
			in = file
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			ids = append(ids, lines.Text())
		}
		if err := lines.Err(); err != nil {
			return nil, fail(exitUsage, fmt.Errorf("--users-from: %w", err), "")
		}
	}
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" }), nil
}

// peeking opens the store to see what a removal would take out.
func (a *app) peeking(ctx context.Context, use func(context.Context, *duckdb.DB) error) error {
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: a.storeDir(), ReadOnly: true, LockWait: a.flags.lockWait, Older: a.older})
	if err != nil {
		return err
	}
	return errors.Join(use(ctx, db), db.Close())
}

// leftovers tells of files in the store's folder that no removal reaches, such
// as a damaged store that was put aside.
func (a *app) leftovers() {
	entries, _ := os.ReadDir(a.storeDir())
	for _, e := range entries {
		if !slices.Contains(duckdb.Files, e.Name()) && e.Name() != filepath.Base(a.keyPath()) && e.Name() != filepath.Base(a.tokenPath()) {
			a.log.Warn(fmt.Sprintf("%s is not a part of the store and may hold what was removed: delete it when it is no longer needed",
				filepath.Join(a.storeDir(), e.Name())))
		}
	}
}
