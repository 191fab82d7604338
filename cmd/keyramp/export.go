package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/analysis/render"
	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// exportNames are the export questions of the catalogue.
func exportNames() []string {
	names, _ := queries.Names("export") // they are in the program
	return names
}

// newExport writes rows for BI tools: a folder that appears whole or not at all.
func newExport(a *app) *cobra.Command {
	var q question
	e := export{app: a}
	names := exportNames()
	cmd := &cobra.Command{
		Use:   "export NAME [EXPERIMENT]",
		Short: "Rows for BI tools: CSV or typed Parquet",
		Long: `Write one of the export questions as a folder OUT/NAME with the data, a manifest
and the meaning of every column. The folder appears whole or not at all.

Names: ` + strings.Join(names, ", ") + `

User ids in exports are the store's pseudonyms. Without EXPERIMENT the rows of
every experiment are written.`,
		Example: `  keyramp export daily --out exports --as parquet`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.RangeArgs(1, 2)(cmd, args); err != nil {
				return err
			}
			if !slices.Contains(names, args[0]) {
				return fmt.Errorf("no export is called %q; there are %s", args[0], strings.Join(names, ", "))
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return names, cobra.ShellCompDirectiveNoFileComp
			}
			return a.experimentArg(cmd, args[1:], toComplete)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if e.as != "csv" && e.as != "parquet" {
				return usage(cmd, fmt.Errorf("--as %s: it is csv or parquet", e.as))
			}
			e.name = args[0]
			n, err := e.run(cmd.Context(), q, args[1:])
			if err != nil {
				return fmt.Errorf("export %s: %w", e.name, err)
			}
			_, err = fmt.Fprintf(a.out, "%s  %s rows\n", visible(e.folder()), group(n))
			return err
		},
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&e.out, "out", "keyramp-export", "`folder` that gets NAME")
	cmd.Flags().StringVar(&e.as, "as", "csv", "csv or parquet")
	cmd.Flags().BoolVar(&e.overwrite, "overwrite", false, "replace an export that is there")
	cmd.Flags().BoolVar(&e.plain, "csv-plain", false, "keep text that looks like a formula as it is")
	return cmd
}

// An export is one run of the command.
type export struct {
	*app
	name, out, as    string
	overwrite, plain bool
}

func (e *export) folder() string { return filepath.Join(e.out, e.name) }

// manifestName marks a finished export; it is the last file that is written.
const manifestName = "_manifest.json"

// run writes the export beside its place and moves it there when it is whole.
// It returns the number of rows.
func (e *export) run(ctx context.Context, q question, args []string) (rows int64, err error) {
	if err := e.restore(); err != nil {
		return 0, fail(exitResources, err, "")
	}
	if _, err := os.Lstat(e.folder()); err == nil {
		if !e.overwrite {
			return 0, fail(exitUsage, fmt.Errorf("%s is there already", e.folder()), "name another folder with --out, or say --overwrite")
		}
		if _, err := os.Lstat(filepath.Join(e.folder(), manifestName)); err != nil {
			return 0, fail(exitUsage, fmt.Errorf("%s is no export of ours: it has no %s", e.folder(), manifestName), "name another folder with --out")
		}
	}
	if err := os.MkdirAll(e.out, 0o750); err != nil {
		return 0, fail(exitResources, err, "")
	}
	work, err := durable.TempDir(e.out, tempPrefix+"-"+e.name)
	if err != nil {
		return 0, fail(exitResources, err, "see that you may write to "+e.out)
	}
	defer os.RemoveAll(work)
	temp := filepath.Join(work, e.name)
	if err := os.Mkdir(temp, 0o750); err != nil {
		return 0, fail(exitResources, err, "")
	}
	m := manifest{SchemaVersion: 1, Export: e.name, Keyramp: keyrampVersion(), File: "part-0." + e.as}
	var columns []store.Column
	err = e.reading(ctx, func(ctx context.Context, db store.Store) error {
		win, err := e.window(ctx, db, q)
		if err != nil {
			return err
		}
		scope := store.Scope{Since: win.since, Until: win.until, Roles: e.settings.EventTypes}
		if len(args) > 0 {
			seen, err := choose(ctx, db, args)
			if err != nil {
				return err
			}
			scope.Experiment = seen.Experiment
		}
		m.Experiment, m.AsOf = scope.Experiment, stamp(win.asOf)
		m.Since, m.Until, m.Watermark = known(win.since), known(win.until), known(win.watermark)
		if win.since < win.purged {
			m.Purged = known(win.purged)
			e.log.Warn("the export lacks what was purged: everything from before " + stamp(win.purged))
		}
		columns, m.Rows, err = e.data(filepath.Join(temp, m.File), m.metadata(), func(row func([]store.Column, []any) error) error {
			return db.Query(ctx, e.name, scope, row)
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, c := range columns {
		m.Columns = append(m.Columns, columnDoc{c.Name, string(c.Type)})
	}
	if m.Bytes, m.SHA256, err = digest(filepath.Join(temp, m.File)); err != nil {
		return 0, err
	}
	if err := e.describe(temp, m, columns); err != nil {
		return 0, err
	}
	if err := durable.Folder(temp); err != nil {
		return 0, err
	}
	return m.Rows, e.move(temp)
}

// data writes the rows of one question to a file. A question without rows
// still tells its columns through the catalogue.
func (e *export) data(path string, metadata map[string]string, ask func(func([]store.Column, []any) error) error) (columns []store.Column, n int64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, 0, fail(exitResources, err, "")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sink := struct{ io.Writer }{f} // the Parquet writer closes what it can, and the sync comes after it
	var w render.RowWriter
	begin := func(cols []store.Column) (err error) {
		columns = slices.Clone(cols)
		if e.as == "parquet" {
			w, err = render.NewParquet(sink, columns, metadata)
		} else {
			w, err = render.NewCSV(sink, columns, e.plain)
		}
		return err
	}
	err = ask(func(cols []store.Column, values []any) error {
		if w == nil {
			if err := begin(cols); err != nil {
				return err
			}
		}
		if values == nil { // the columns alone
			return nil
		}
		n++
		return w.Write(values)
	})
	if err == nil && w == nil {
		err = begin(catalogued(e.name))
	}
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	if err == nil {
		err = f.Sync()
	}
	return columns, n, err
}

// catalogued are the columns that the catalogue promises.
func catalogued(name string) []store.Column {
	q, _ := queries.Get(name)
	columns := make([]store.Column, len(q.Columns))
	for i, c := range q.Columns {
		columns[i] = store.Column{Name: c.Name, Type: store.ColumnType(c.Type), Doc: c.Doc}
	}
	return columns
}

// A manifest says what an export holds and of what it was made.
type manifest struct {
	SchemaVersion int         `json:"schema_version"`
	Export        string      `json:"export"`
	Experiment    string      `json:"experiment_id"` // "" = every experiment
	Keyramp       string      `json:"keyramp_version"`
	AsOf          string      `json:"as_of"`
	Since         *string     `json:"since"`
	Until         *string     `json:"until"`
	Watermark     *string     `json:"watermark"`
	Purged        *string     `json:"purged_before,omitempty"` // when the export lacks what was dated before
	File          string      `json:"file"`
	Rows          int64       `json:"rows"`
	Bytes         int64       `json:"bytes"`
	SHA256        string      `json:"sha256"`
	Columns       []columnDoc `json:"columns"`
}

type columnDoc struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// metadata is what a Parquet file says of itself.
func (m manifest) metadata() map[string]string {
	watermark := ""
	if m.Watermark != nil {
		watermark = *m.Watermark
	}
	return map[string]string{
		"keyramp.version": m.Keyramp, "as_of": m.AsOf, "schema_version": fmt.Sprint(m.SchemaVersion),
		"experiment_id": m.Experiment, "export": m.Export, "source_watermarks": watermark,
	}
}

// describe writes the meaning of the columns, then the manifest.
func (e *export) describe(dir string, m manifest, columns []store.Column) error {
	var doc strings.Builder
	fmt.Fprintf(&doc, "# %s\n\n", m.Export)
	if q, err := queries.Get(m.Export); err == nil {
		fmt.Fprintf(&doc, "%s\n\n", q.Asks)
		if len(q.Grain) > 0 {
			fmt.Fprintf(&doc, "One row for each: %s.\n\n", strings.Join(q.Grain, ", "))
		}
	}
	doc.WriteString("| column | type | meaning |\n|---|---|---|\n")
	for _, c := range columns {
		fmt.Fprintf(&doc, "| `%s` | %s | %s |\n", c.Name, c.Type, strings.ReplaceAll(c.Doc, "|", "\\|"))
	}
	if err := writeFile(filepath.Join(dir, "_columns.md"), []byte(doc.String())); err != nil {
		return err
	}
	var text strings.Builder
	if err := writeJSON(&text, m); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, manifestName), []byte(text.String()))
}

// oldSuffix marks the export that was there, while the new one is put in its place.
const oldSuffix = ".old"

// exchange is exchangeNames; a test takes it away, as some file systems do.
var exchange = exchangeNames

// move puts a finished folder in its place. An older one is there until then; where the
// file system cannot exchange two names there is none for a moment, and restore mends
// what a process leaves that is killed within it.
func (e *export) move(temp string) error {
	syncpoint.Reach("export written", temp)
	old := filepath.Dir(temp) + oldSuffix
	err := exchange(temp, e.folder())
	switch {
	case errors.Is(err, fs.ErrNotExist): // the first export
		err = os.Rename(temp, e.folder())
	case errors.Is(err, errors.ErrUnsupported):
		if err = os.Rename(e.folder(), old); err == nil || errors.Is(err, fs.ErrNotExist) {
			syncpoint.Reach("export aside", old)
			if err = os.Rename(temp, e.folder()); err != nil {
				_ = os.Rename(old, e.folder()) // or the next run does it
			}
		}
	}
	if err != nil {
		return fail(exitResources, err, "")
	}
	syncpoint.Reach("export placed", e.folder())
	return errors.Join(durable.Folder(e.out), os.RemoveAll(old))
}

// restore brings back an export that a killed run had set aside.
func (e *export) restore() error {
	for _, path := range durable.Left(e.out, tempPrefix+"-"+e.name) {
		if _, err := os.Lstat(e.folder()); strings.HasSuffix(path, oldSuffix) && errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(path, e.folder()); err != nil {
				return err
			}
		}
	}
	return nil
}

// digest is the size and the SHA-256 of a file.
func digest(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}
