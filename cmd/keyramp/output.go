package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"keyramp/analysis"
	"keyramp/ingest"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// emit writes a finished document where --output says: stdout, or a file that
// is either the old one or the new one, whole.
func (a *app) emit(write func(io.Writer) error) error {
	if a.toStdout() {
		return write(a.out)
	}
	var doc bytes.Buffer
	if err := write(&doc); err != nil {
		return err
	}
	return writeFile(a.flags.output, doc.Bytes())
}

// toStdout reports whether the document goes to stdout.
func (a *app) toStdout() bool { return a.flags.output == "" || a.flags.output == "-" }

// tempPrefix begins the names of what is being written beside its place.
const tempPrefix = ".keyramp"

// writeFile replaces path at once, readable by owner and group. Devices and pipes are
// written to as they are.
func writeFile(path string, data []byte) error { return writeMode(path, data, 0o640) }

// writeShared does so with a file that everybody may read, as a collector of metrics must.
func writeShared(path string, data []byte) error { return writeMode(path, data, 0o644) }

func writeMode(path string, data []byte, mode os.FileMode) error {
	write := replaceFile
	switch info, err := os.Stat(path); {
	case err != nil: // nothing is there yet
	case info.IsDir():
		return fail(exitResources, fmt.Errorf("writing %s: it is a folder", path), "name a file in it")
	case !info.Mode().IsRegular():
		write = os.WriteFile
	}
	if err := write(path, data, mode); err != nil {
		return fail(exitResources, fmt.Errorf("writing %s: %w", path, err), "see that the folder exists and that you may write there")
	}
	return nil
}

func replaceFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	temp, err := durable.TempDir(dir, tempPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(temp), renameio.WithPermissions(mode))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.Write(data); err != nil {
		return err
	}
	syncpoint.Reach("file written", path)
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	syncpoint.Reach("file placed", path)
	return durable.Folder(dir)
}

// A summary is the account of one run for machines: --summary-file.
type summary struct {
	SchemaVersion int             `json:"schema_version"`
	Command       string          `json:"command"`
	Started       string          `json:"started"`
	Complete      bool            `json:"complete"` // false when a limit or an error ended the run early
	ExitCode      int             `json:"exit_code"`
	MappedTo      *int            `json:"exit_code_mapped_to,omitempty"` // by --map-exit
	Error         *string         `json:"error"`
	Sources       []sourceSummary `json:"sources"`
	// Losses are what a report or a decision could not see.
	Losses *analysis.Losses `json:"losses,omitempty"`
	// Confirmations say of experiments that changed whether they stand as was decided.
	Confirmations []confirmation `json:"confirmations,omitempty"`
}

// A sourceSummary is what one source gave in one run:
// received = stored + duplicate + filtered + rejected.
type sourceSummary struct {
	Source    string  `json:"source"`
	Pages     int64   `json:"pages,omitempty"`
	Received  int64   `json:"received"`
	Stored    int64   `json:"stored"`
	Duplicate int64   `json:"duplicate"`
	Filtered  int64   `json:"filtered"`
	Rejected  int64   `json:"rejected"`
	Conflicts int64   `json:"conflicts"`
	LagS      *int64  `json:"lag_s"` // seconds between the watermark and now; null when unknown
	Watermark *string `json:"watermark"`

	Reasons []reasonsDoc `json:"reject_reasons,omitempty"` // of Rejected
	Gaps    []gapDoc     `json:"gaps,omitempty"`           // that the source told of in this run
}

func newSourceSummary(name string, l store.Loaded) sourceSummary {
	return sourceSummary{Source: name, Received: l.Received, Stored: l.Stored, Duplicate: l.Duplicate,
		Filtered: l.Filtered, Rejected: l.Rejected, Conflicts: l.Conflicts}
}

// tell adds what a run lost of a source, and warns of it.
func (a *app) tell(s *sourceSummary, account ingest.Account) {
	for _, reason := range slices.Sorted(maps.Keys(account.Reasons)) {
		n := account.Reasons[reason]
		s.Reasons = append(s.Reasons, reasonsDoc{reason, n})
		a.log.Warn(fmt.Sprintf("%s: %s %s put aside: %s", s.Source, group(n), plural(int(n), "record", "records"), reason))
	}
	for _, g := range account.Gaps {
		s.Gaps = append(s.Gaps, newGapDoc(g))
		a.log.Warn(fmt.Sprintf("%s: what happened from %s to %s is gone and may be missing for ever", g.Source, stamp(g.From), stamp(g.Until)))
	}
	if n := s.Conflicts; n > 0 {
		a.log.Warn(fmt.Sprintf("%s: %s duplicates differ from what was stored first, which stays", s.Source, group(n)))
	}
}

// setWatermark adds how far the source has been read, and how long ago that was.
func (s *sourceSummary) setWatermark(c store.Cursor, now time.Time) {
	s.Watermark = known(c.Watermark)
	if c.Watermark != 0 {
		lag := max(0, int64(now.Sub(time.UnixMicro(c.Watermark)).Seconds()))
		s.LagS = &lag
	}
}

// line is the account as people read it.
func (s sourceSummary) line() string {
	out := fmt.Sprintf("%s received = %s stored", group(s.Received), group(s.Stored))
	for _, part := range []struct {
		n    int64
		name string
	}{{s.Duplicate, "duplicate"}, {s.Filtered, "filtered"}, {s.Rejected, "rejected"}} {
		if part.n > 0 {
			out += fmt.Sprintf(" + %s %s", group(part.n), part.name)
		}
	}
	return out
}

// writeSummary leaves the account of the run, also of a failed one.
func (a *app) writeSummary(code int, err error) {
	if a.flags.summaryFile == "" {
		return
	}
	s := a.summary
	s.SchemaVersion = 1
	s.ExitCode = code
	if told, ok := a.exits[code]; ok {
		s.MappedTo = &told
	}
	if s.Sources == nil {
		s.Sources = []sourceSummary{}
	}
	if err != nil {
		text := a.hide.clean(err.Error())
		s.Error, s.Complete = &text, false
	}
	doc, _ := json.MarshalIndent(s, "", "  ")
	if err := writeFile(a.flags.summaryFile, append(doc, '\n')); err != nil {
		a.log.Warn("the summary file was not written", "why", err)
	}
}

// group writes a count with thousands separators.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
