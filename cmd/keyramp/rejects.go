package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyramp/queries/store"
)

// newRejects lists what could not become an event: where it stood and which
// rule it broke, never what it held.
func newRejects(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "rejects",
		Short: "Records that were put aside: where, and which rule they broke",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", listFormats...)
			if err != nil {
				return err
			}
			if limit < 0 {
				return usage(cmd, fmt.Errorf("--limit %d: it is 0 for all, or more", limit))
			}
			var list []store.Reject
			var counts []store.RejectCount
			err = a.reading(cmd.Context(), func(ctx context.Context, db store.Store) error {
				s, err := db.Status(ctx)
				if err != nil {
					return err
				}
				counts = s.Rejects
				list, err = db.Rejects(ctx, limit)
				return err
			})
			if err != nil {
				return fmt.Errorf("rejects: %w", err)
			}
			return a.emit(func(w io.Writer) error { return a.writeRejects(w, format, counts, list) })
		},
	}
	cmd.AddCommand(newRetry(a))
	cmd.Flags().IntVar(&limit, "limit", 100, "show at most `N`, newest first; 0 = all")
	return cmd
}

func (a *app) writeRejects(w io.Writer, format string, counts []store.RejectCount, list []store.Reject) error {
	type rejectDoc struct {
		Source string  `json:"source"`
		Place  string  `json:"place"`
		Reason string  `json:"reason"`
		Detail string  `json:"detail"`
		Bytes  int64   `json:"bytes"`
		At     *string `json:"at"`
	}
	doc := struct {
		SchemaVersion int          `json:"schema_version"`
		Reasons       []reasonsDoc `json:"reasons"`
		Rejects       []rejectDoc  `json:"rejects"`
	}{1, []reasonsDoc{}, []rejectDoc{}}
	var total int64
	for _, c := range counts {
		total += c.Count
		doc.Reasons = append(doc.Reasons, reasonsDoc{c.Reason, c.Count})
	}
	l := listing{head: []string{"reason", "source", "place", "bytes", "rule"}, right: []int{3}}
	for _, r := range list {
		doc.Rejects = append(doc.Rejects, rejectDoc{r.Source, r.Place, r.Reason, r.Detail, r.Bytes, known(r.At)})
		if format != "table" {
			l.add(r.Reason, r.Source, r.Place, fmt.Sprint(r.Bytes), r.Detail)
		}
	}
	if format != "table" {
		return l.write(w, format, a.width(), doc)
	}
	if total == 0 {
		_, err := fmt.Fprintln(w, "nothing was put aside")
		return err
	}
	width := a.width()
	for _, c := range counts {
		fmt.Fprintf(w, "%8s %s\n", group(c.Count), c.Reason)
	}
	fmt.Fprintln(w)
	for _, r := range list {
		fmt.Fprintln(w, clip(r.Source+": "+r.Place, width))
		wrapTo(w, width, "  ", fmt.Sprintf("%s: %s (%s)", r.Reason, first(r.Detail, "no further word"), size(r.Bytes)))
	}
	if more := total - int64(len(list)); more > 0 {
		fmt.Fprintf(w, "and %s more: --limit 0 shows all\n", group(more))
	}
	return nil
}
