package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/queries/store"
)

// newStatus tells how far each source has been read and what came of it.
func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Sources, how far they were read, gaps and what was put aside",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, a.documentFormat(), "table", "json")
			if err != nil {
				return err
			}
			var s *store.Status
			err = a.reading(cmd.Context(), func(ctx context.Context, db store.Store) (err error) {
				s, err = db.Status(ctx)
				return err
			})
			if err != nil {
				return fmt.Errorf("status: %w", err)
			}
			return a.emit(func(w io.Writer) error {
				if format == "json" {
					return writeJSON(w, a.statusDocument(s))
				}
				return a.statusText(w, s)
			})
		},
	}
}

// The JSON form of the status: names stay as they are while schema_version is 1.
type (
	statusDoc struct {
		SchemaVersion int          `json:"schema_version"`
		Store         string       `json:"store"`
		StoreSchema   int          `json:"store_schema"`
		Bytes         int64        `json:"bytes"`
		Events        int64        `json:"events"`
		PageEvents    int64        `json:"page_events"`
		Sources       []sourceDoc  `json:"sources"`
		Gaps          []gapDoc     `json:"gaps"`
		Filtered      []filterDoc  `json:"filtered"`
		Rejects       []reasonsDoc `json:"rejects"`
		Removed       removedDoc   `json:"removed"`
	}
	// What was taken out for good: what the sources stored is events + page_events + purged + forgotten.
	removedDoc struct {
		Before    *string `json:"purged_before"`
		Purged    int64   `json:"purged"`
		Forgotten int64   `json:"forgotten"`
		People    int64   `json:"forgotten_people"`
	}
	sourceDoc struct {
		sourceSummary
		Runs     int64 `json:"runs"`
		Complete bool  `json:"complete"`
	}
	gapDoc struct {
		Source string  `json:"source"`
		From   *string `json:"from"`
		Until  *string `json:"until"`
		Stored int64   `json:"hours_stored"` // whole UTC hours of it of which something is stored all the same
	}
	filterDoc struct {
		Type  string `json:"type"`
		Count int64  `json:"count"`
	}
	reasonsDoc struct {
		Reason string `json:"reason"`
		Count  int64  `json:"count"`
	}
)

func newGapDoc(g store.Gap) gapDoc {
	return gapDoc{g.Source, known(g.From), known(g.Until), g.StoredHours}
}

// known is a stored time for JSON: null when there is none.
func known(m store.Micros) *string {
	if m == 0 {
		return nil
	}
	s := stamp(m)
	return &s
}

func (a *app) statusDocument(s *store.Status) statusDoc {
	d := statusDoc{SchemaVersion: 1, Store: a.storeDir(), StoreSchema: s.Schema, Bytes: s.Bytes, Events: s.Events, PageEvents: s.Pages,
		Sources: []sourceDoc{}, Gaps: []gapDoc{}, Filtered: []filterDoc{}, Rejects: []reasonsDoc{}}
	for _, src := range s.Sources {
		sum := newSourceSummary(src.Cursor.Source, src.Account)
		sum.setWatermark(src.Cursor, a.now)
		d.Sources = append(d.Sources, sourceDoc{sum, src.Runs, src.Cursor.Complete})
	}
	for _, g := range s.Gaps {
		d.Gaps = append(d.Gaps, newGapDoc(g))
	}
	for _, f := range s.Filtered {
		d.Filtered = append(d.Filtered, filterDoc{f.Type, f.Count})
	}
	d.Removed = removedDoc{known(s.Removed.Before), s.Removed.Purged, s.Removed.Forgotten, s.Removed.People}
	for _, r := range s.Rejects {
		d.Rejects = append(d.Rejects, reasonsDoc{r.Reason, r.Count})
	}
	return d
}

func (a *app) statusText(w io.Writer, s *store.Status) error {
	width := a.width()
	fmt.Fprintf(w, "store    %s\n", clip(a.storeDir(), width-9))
	wrapTo(w, width, "         ", fmt.Sprintf("%s events, %s page events, %s", group(s.Events), group(s.Pages), size(s.Bytes)))
	if len(s.Sources) == 0 {
		fmt.Fprintln(w, "sources  none yet")
	}
	for i, src := range s.Sources {
		title := "sources  "
		if i > 0 {
			title = "         "
		}
		fmt.Fprintf(w, "%s%s\n", title, a.outStyle.bold(clip(src.Cursor.Source, width-9)))
		wrapTo(w, width, "           ", newSourceSummary("", src.Account).line())
		state := fmt.Sprintf("read until %s", stamp(src.Cursor.Watermark))
		if src.Cursor.Watermark == 0 {
			state = "read"
		}
		if !src.Cursor.Complete {
			state += ", more to come"
		}
		if src.Runs > 1 {
			state += fmt.Sprintf(", %s runs", group(src.Runs))
		}
		if src.Account.Conflicts > 0 {
			state += fmt.Sprintf(", %s duplicates differed from what came first", group(src.Account.Conflicts))
		}
		wrapTo(w, width, "           ", state)
	}
	for i, g := range s.Gaps {
		title := "gaps     "
		if i > 0 {
			title = "         "
		}
		fmt.Fprintf(w, "%s%s\n", title, a.outStyle.bold(clip(g.Source, width-9)))
		wrapTo(w, width, "           ", fmt.Sprintf("%s .. %s may be missing for ever", stamp(g.From), stamp(g.Until)))
		if g.StoredHours > 0 {
			wrapTo(w, width, "           ", fmt.Sprintf("of %s of these hours something is stored", group(g.StoredHours)))
		}
	}
	if s.Removed.Before != 0 {
		fmt.Fprintf(w, "purged   %s events from before %s\n", group(s.Removed.Purged), stamp(s.Removed.Before))
	}
	if n := s.Removed.People; n > 0 {
		fmt.Fprintf(w, "forgot   %s %s with %s events\n", group(n), plural(int(n), "person", "people"), group(s.Removed.Forgotten))
	}
	if len(s.Rejects) > 0 {
		parts := make([]string, len(s.Rejects))
		for i, r := range s.Rejects {
			parts[i] = fmt.Sprintf("%s %s", group(r.Count), r.Reason)
		}
		fmt.Fprint(w, "rejects  ")
		wrapFrom(w, width, 9, strings.Join(parts, ", ")+" (`keyramp rejects` lists them)")
	}
	if len(s.Filtered) > 0 {
		parts := make([]string, len(s.Filtered))
		for i, f := range s.Filtered {
			parts[i] = fmt.Sprintf("%s %s", group(f.Count), f.Type)
		}
		fmt.Fprint(w, "filtered ")
		wrapFrom(w, width, 9, strings.Join(parts, ", "))
	}
	return nil
}

// wrapTo writes text in lines of at most width cells, each after indent.
func wrapTo(w io.Writer, width int, indent, text string) {
	fmt.Fprint(w, indent)
	wrapFrom(w, width, len(indent), text)
}

// wrapFrom writes text whose first line begins at a column; the next ones are
// indented to it.
func wrapFrom(w io.Writer, width, column int, text string) {
	at := column
	for i, word := range strings.Fields(text) {
		word = visible(word)
		n := len([]rune(word))
		switch {
		case i > 0 && at+1+n > width:
			fmt.Fprintf(w, "\n%s", strings.Repeat(" ", column))
			at = column
		case i > 0:
			fmt.Fprint(w, " ")
			at++
		}
		fmt.Fprint(w, word)
		at += n
	}
	fmt.Fprintln(w)
}

// size shows bytes in the unit that leaves a readable number.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, name := float64(n), "B"
	for _, name = range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v /= unit; v < unit {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", v, name)
}
