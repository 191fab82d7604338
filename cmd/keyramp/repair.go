package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// newRepair puts damaged files aside and brings back what can be.
func newRepair(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Put damaged files of the store aside and bring back what can be",
		Long: `Read the whole store, and say what is damaged and what would be done about it;
with --yes do it. Nothing is deleted: damaged files go to a folder damaged-TIME
in the store's. What can be read completely is kept. Settings and the key file
stay.

When only the log beside the store is damaged, the store goes back to its last
commit, cursors with it, and the next pull fetches the rest. When the store
itself is damaged, what is lost is named, and sources whose records are not all
there are read from their beginning again: what is still there is then found as
duplicate.

The exit status is 0 when the store is whole or all of it comes back with the
next pull, 7 when there is damage and --yes was not given, and 8 when something
was lost that a pull may not bring back.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			dir := a.storeDir()
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("repair: %w at %s", store.ErrMissing, dir)
			}
			unlock, err := duckdb.Lock(cmd.Context(), dir, a.flags.lockWait)
			if err != nil {
				return fmt.Errorf("repair: %w", err)
			}
			defer unlock()
			r, err := duckdb.Mend(cmd.Context(), dir, yes, a.examine)
			if err != nil {
				return fmt.Errorf("repair: %w", err)
			}
			if err := a.emit(func(w io.Writer) error { return a.writeRepair(w, format, r, yes) }); err != nil {
				return err
			}
			switch {
			case r.Damage == "":
				return nil
			case !yes:
				return fail(exitStore, errors.New("repair: the store is damaged, and nothing was done yet"), "keyramp repair --yes does what is said above")
			case len(lost(r)) > 0:
				return fail(exitData, errors.New("repair: the damaged files are put aside; a part of what was stored is lost"), "the lines above say what, and how to fetch it again")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it; otherwise only say what would be done")
	return cmd
}

// lost are the tables of which not all is brought back.
func lost(r *duckdb.Repair) (names []string) {
	if r.LogOnly {
		return nil
	}
	if r.Found == nil || len(r.Found.Tables) == 0 {
		return []string{"everything"}
	}
	kept := map[string]bool{"meta": true}
	for _, name := range r.Found.Kept() {
		kept[name] = true
	}
	for _, t := range r.Found.Tables {
		if !kept[t.Name] && t.Rows != 0 {
			names = append(names, t.Name)
		}
	}
	return names
}

// tableWords say what is in a table.
var tableWords = map[string]string{
	"events": "tenant log events", "page_events": "page events", "words": "texts of events", "shapes": "what events have in common",
	"rejects":    "records that were put aside",
	"tombstones": "hashes that keep forgotten people out", "removals": "accounts of what was removed", "purged_days": "daily counts of purged events",
	"filtered": "counts of events that were not stored", "sources": "cursors and accounts of sources", "gaps": "gaps in the log",
	"conflicts":    "copies of events that differ from what came first",
	"observations": "what the tenant said of its experiments", "calls": "calls in the log that changed experiments", "decisions": "records of decisions",
}

func (a *app) writeRepair(w io.Writer, format string, r *duckdb.Repair, done bool) error {
	if format == "json" {
		doc := struct {
			SchemaVersion int            `json:"schema_version"`
			Done          bool           `json:"done"`
			Repair        *duckdb.Repair `json:"repair"`
			Lost          []string       `json:"lost"`
		}{1, done && r.Damage != "", r, lost(r)}
		if doc.Lost == nil {
			doc.Lost = []string{}
		}
		return writeJSON(w, doc)
	}
	width := a.width()
	say := func(what, format string, args ...any) {
		fmt.Fprintf(w, "%-8s", what)
		words := strings.Fields(visible(fmt.Sprintf(format, args...)))
		for i := range words {
			words[i] = clip(words[i], width-8)
		}
		wrapFrom(w, width, 8, strings.Join(words, " "))
	}
	if r.Damage == "" {
		say("whole", "every column of %d tables was read, %s rows: nothing is to be done", len(r.Found.Tables), group(r.Found.Rows()))
		return nil
	}
	say("damage", "%s", r.Damage)
	folder := "damaged-TIME"
	if r.Folder != "" {
		folder = filepath.Base(r.Folder)
	}
	for _, name := range r.Aside {
		say("aside", "%s to %s", name, folder)
	}
	if r.Found != nil {
		kept := map[string]bool{}
		for _, name := range r.Found.Kept() {
			kept[name] = true
		}
		for _, t := range r.Found.Tables {
			words := first(tableWords[t.Name], t.Name)
			rows := "an unknown number of rows"
			if t.Rows >= 0 {
				rows = group(t.Rows) + " " + plural(int(t.Rows), "row", "rows")
			}
			if t.From != 0 {
				rows += fmt.Sprintf(", from %s to %s", stamp(t.From), stamp(t.Until))
			}
			switch {
			case t.Name == "meta" || t.Rows == 0:
			case r.LogOnly || kept[t.Name]:
				say("kept", "%s: %s", words, rows)
			default:
				say("lost", "%s: %s", words, rows)
			}
		}
		for _, s := range r.Found.Sources {
			what := "goes on there"
			if !r.LogOnly && !r.Found.CursorsKept() {
				what = "is read from its beginning again"
			}
			say("cursor", "%s was read until %s and %s", s.Cursor.Source, stamp(s.Cursor.Watermark), what)
		}
	}
	if !r.LogOnly && (r.Found == nil || r.Found.Damage != "") {
		say("lost", "everything that was in the store: a new one begins. The files that were put aside are not deleted")
	}
	switch {
	case r.LogOnly:
		say("next", "keyramp pull (or the same import again): it fetches what the log held")
	case r.Found != nil && r.Found.CursorsKept():
		say("next", "keyramp pull")
	default:
		say("next", "keyramp pull --since 30d (as far as the tenant's retention reaches), and the same imports of files again; what is older than both stays lost. Then keyramp doctor --deep")
	}
	return nil
}
