package duckdb

import (
	"strings"

	"keyramp/queries/store"
)

// words gives each text that events repeat its id. See vocabulary.
type words struct {
	texts []string // by id
	kept  int      // how many of them the file has; the rest came with the batch
	ids   map[string]uint32

	of []uint32 // ids by store.Word; 0 when it was not asked yet
}

// newWords knows texts by their ids, the first of which is "".
func newWords(texts ...string) words {
	w := words{texts: texts, ids: map[string]uint32{}, of: []uint32{0}}
	for id, text := range texts {
		w.ids[text] = uint32(id)
	}
	return w
}

// id is the id of a word, a new one if need be.
func (w *words) id(word store.Word) uint32 {
	if int(word) < len(w.of) && w.of[word] != 0 || word == 0 {
		return w.of[word]
	}
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

// clean replaces what is not UTF-8.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
