package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/ingest/enrollment"
	"keyramp/ingest/logfile"
	"keyramp/queries/store"
)

// newImport reads files: what a log stream delivered, what a page logged.
func newImport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Read files, folders, globs or stdin",
		Long: `Read tenant log events or page events from files: one JSON object a line,
JSON arrays, and the wrappers of log streams, each plain, gzip or zstd.
Reading a file twice, or files that overlap, stores nothing twice.`,
		Example: `  keyramp import logs logs/2026-11-*.ndjson.gz
  zcat logs.gz | keyramp import logs -
  keyramp import page --map segment exports/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImportLogs(a), newImportPage(a))
	return cmd
}

func newImportLogs(a *app) *cobra.Command {
	i := importer{app: a}
	cmd := &cobra.Command{
		Use:   "logs PATH|GLOB|DIR|- ...",
		Short: "Tenant log events, as the API or a log stream gives them",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			i.decoder = func(ids *ingest.Pseudonyms) ingest.Decoder { return a.logDecoder(ids) }
			return i.command(cmd, args)
		},
	}
	i.flags(cmd)
	return cmd
}

func newImportPage(a *app) *cobra.Command {
	i := importer{app: a}
	var mapping string
	names := slices.Sorted(maps.Keys(enrollment.Mappings))
	cmd := &cobra.Command{
		Use:     "page PATH|GLOB|DIR|- ...",
		Aliases: []string{"enrollments"},
		Short:   "Events of the enrollment page",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mapping != "" && !slices.Contains(names, mapping) {
				return usage(cmd, fmt.Errorf("--map %s: it is one of %s", mapping, strings.Join(names, ", ")))
			}
			i.decoder = func(ids *ingest.Pseudonyms) ingest.Decoder { return a.pageDecoder(ids, mapping) }
			return i.command(cmd, args)
		},
	}
	i.flags(cmd)
	cmd.Flags().StringVar(&mapping, "map", "", "read another `tool`'s events: "+strings.Join(names, " or "))
	return cmd
}

// An importer is one run of either command.
type importer struct {
	*app
	decoder  func(*ingest.Pseudonyms) ingest.Decoder
	strict   bool
	maxRatio float64
}

func (i *importer) flags(cmd *cobra.Command) {
	cmd.Flags().Float64Var(&i.maxRatio, "max-reject-ratio", 0.01, "exit 8 when more than this `share` of the records is unusable;\nthe others are stored all the same")
	cmd.Flags().BoolVar(&i.strict, "strict", false, "exit 8 when any record is unusable")
}

func (i *importer) command(cmd *cobra.Command, paths []string) error {
	if _, err := i.format(cmd, "table", "table"); err != nil {
		return err
	}
	if i.maxRatio < 0 || i.maxRatio > 1 {
		return usage(cmd, fmt.Errorf("--max-reject-ratio %v: it is a share from 0 to 1", i.maxRatio))
	}
	if i.strict {
		i.maxRatio = 0
	}
	files, err := logfile.Open(paths, i.in, logfile.Options{Skip: []string{i.storeDir()}})
	if err != nil {
		code := exitUsage
		if errors.Is(err, fs.ErrPermission) {
			code = exitResources
		}
		return fail(code, fmt.Errorf("import: %w", err), "")
	}
	var total store.Loaded
	err = i.writing(cmd.Context(), func(ctx context.Context, db store.Store, ids *ingest.Pseudonyms) error {
		// What an import holds, two batches, is there from its beginning to its end, and the rest is used again:
		// collecting it more often costs a tenth of the time and frees nothing.
		defer debug.SetGCPercent(debug.SetGCPercent(300))
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(320 << 20)) // from here on it is worth the time
		removed, err := db.Removed(ctx)
		if err != nil {
			return err
		}
		bar := i.newProgress()
		pump := ingest.Pump{Sink: db, Recorder: db, Decoder: i.decoder(ids), Pseudonyms: ids, Removed: ingest.NewRemoved(removed, ids),
			Progress: func(p ingest.Progress) { bar.tell(p) }, BatchRecords: batchRecords}
		sources := make([]ingest.Source, len(files))
		for i, f := range files {
			sources[i] = f
			defer f.Close()
		}
		return pump.RunAll(ctx, sources, func(account ingest.Account) {
			bar.done()
			bar = i.newProgress()
			i.account(account)
			total = total.Add(account.Loaded)
		})
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if len(files) > 1 {
		i.printAccount(newSourceSummary(fmt.Sprintf("%d files", len(files)), total))
	}
	if total.Rejected > 0 && float64(total.Rejected) > i.maxRatio*float64(total.Received) {
		return fail(exitData, fmt.Errorf("import: %s of %s records could not be used; the others are stored", group(total.Rejected), group(total.Received)),
			"`keyramp rejects` says where and why; --max-reject-ratio says how many are too many")
	}
	return nil
}

// account prints what became of one file.
func (i *importer) account(account ingest.Account) {
	s := newSourceSummary(account.Source, account.Loaded)
	i.printAccount(s)
	i.tellRemoved(account)
	if account.Note != "" {
		i.log.Warn(account.Source + ": " + account.Note)
	}
	i.tell(&s, account)
	i.summary.Sources = append(i.summary.Sources, s)
	i.summary.Complete = i.summary.Complete && account.Complete
}

// pageDecoder makes the decoder of page events from the settings.
func (a *app) pageDecoder(ids *ingest.Pseudonyms, mapping string) ingest.Decoder {
	d := &enrollment.Decoder{Pseudonyms: ids, Source: a.settings.Page.Source, Received: micros(a.now)}
	if m, ok := enrollment.Mappings[mapping]; ok {
		d.Mapping = &m
	}
	return d
}
