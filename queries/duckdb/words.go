package duckdb

import (
	"context"
	"database/sql"
	"strings"
)

// words gives each text that events repeat its id. The table in the file is
// the truth; this copy lives between commits and is read again when another
// process has added words, or after any failure.
type words struct {
	ids   map[string]uint32
	kept  int      // how many of them the file has; the rest came with the batch
	fresh []string // the rest, in the order of their ids
}

func readWords(ctx context.Context, conn *sql.Conn) (*words, error) {
	w := &words{ids: map[string]uint32{}}
	var id uint32
	var text string
	err := each(ctx, conn, "words", nil, func() error {
		w.ids[text] = id
		return nil
	}, &id, &text)
	w.kept = len(w.ids)
	return w, err
}

// id is the id of a text, a new one if need be.
func (w *words) id(text string) uint32 {
	if id, ok := w.ids[text]; ok {
		return id
	}
	// DuckDB's Appender would store NULL for a text that is not UTF-8.
	if valid := clean(text); valid != text {
		return w.id(valid)
	}
	id := uint32(w.kept + len(w.fresh))
	text = strings.Clone(text) // it may share the memory of a whole record
	w.ids[text] = id
	w.fresh = append(w.fresh, text)
	return id
}

// committed is told when the fresh words are in the file.
func (w *words) committed() {
	w.kept += len(w.fresh)
	w.fresh = w.fresh[:0]
}

// clean replaces what is not UTF-8.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
