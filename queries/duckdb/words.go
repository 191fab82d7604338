package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"keyramp/queries/store"
)

// words gives each text that events repeat its id. The table in the file is
// the truth; this copy lives between commits and is read again when another
// process has added words, or after any failure.
type words struct {
	texts []string // by id
	kept  int      // how many of them the file has; the rest came with the batch
	store string   // identity of the file: one that was written anew has other words
	ids   map[string]uint32

	of []uint32 // ids by store.Word; 0 when it was not asked yet
}

// newWords knows the texts of a file by their ids, the first of which is "".
func newWords(texts ...string) *words {
	w := &words{texts: texts, ids: map[string]uint32{}, of: []uint32{0}}
	for id, text := range texts {
		w.ids[text] = uint32(id)
	}
	return w
}

func readWords(ctx context.Context, conn *sql.Conn) (*words, error) {
	w := newWords()
	var text string
	err := each(ctx, conn, "words", nil, func() error {
		w.ids[text] = uint32(len(w.texts))
		w.texts = append(w.texts, text)
		return nil
	}, &text)
	if err != nil {
		return nil, err
	}
	var next int
	err = one(ctx, conn, "word_count", nil, &w.kept, &next, &w.store)
	if err == nil && (w.kept != next || w.kept != len(w.texts)) {
		err = w.broken(w.kept, next)
	}
	if err != nil {
		return nil, err // what was read in part must not be taken for all of it
	}
	return w, nil
}

// broken says that ids of words are not what they must be: then events would be told with each other's texts.
func (w *words) broken(n, next int) error {
	return fmt.Errorf("%w: %d words are numbered up to %d, and %d are known", store.ErrDamaged, n, next-1, len(w.texts))
}

// check holds the words against the file before a commit.
func (w *words) check(ctx context.Context, conn *sql.Conn) error {
	var n, next int
	var identity string
	err := one(ctx, conn, "word_count", nil, &n, &next, &identity)
	if err == nil && (n != next || n != len(w.texts)) {
		err = w.broken(n, next)
	}
	return err
}

// id is the id of a word, a new one if need be. It is asked ten times an event.
func (w *words) id(word store.Word) uint32 {
	if int(word) < len(w.of) && w.of[word] != 0 || word == 0 {
		return w.of[word]
	}
	return w.meet(word)
}

// meet is id for a word that was not asked yet.
func (w *words) meet(word store.Word) uint32 {
	if n := int(word) + 1 - len(w.of); n > 0 {
		w.of = append(w.of, make([]uint32, n)...)
	}
	w.of[word] = w.find(word.String())
	return w.of[word]
}

// find is the id of a text, a new one if need be.
func (w *words) find(text string) uint32 {
	if id, ok := w.ids[text]; ok {
		return id
	}
	// DuckDB's chunks would store NULL for a text that is not UTF-8.
	if valid := clean(text); valid != text {
		return w.find(valid)
	}
	id := uint32(len(w.texts))
	text = strings.Clone(text) // it may share the memory of a whole record
	w.ids[text] = id
	w.texts = append(w.texts, text)
	return id
}

// fresh are the words that the file does not have yet.
func (w *words) fresh() []string { return w.texts[w.kept:] }

// committed is told when the fresh words are in the file.
func (w *words) committed() { w.kept = len(w.texts) }

// clean replaces what is not UTF-8.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
