package store

import (
	"strings"
	"sync"
	"sync/atomic"
)

// A Word is one of the texts that events share, such as a type code or a
// client's id, as a number that holds within this process. Equal texts are
// equal words, and the zero Word is "". Events are moved by the million: a
// number takes a quarter of a string, and the garbage collector does not look at it.
type Word uint32

// lexicon holds every word for as long as the process lives. It grows as the
// store's own table of words does, which is far slower than events come.
var lexicon struct {
	sync.RWMutex
	words map[string]Word
	texts atomic.Pointer[[]string] // by word
}

func init() {
	lexicon.words = map[string]Word{"": 0}
	lexicon.texts.Store(&[]string{""})
}

// WordOf is the word of a text, which it copies if need be.
func WordOf[T string | []byte](text T) Word {
	lexicon.RLock()
	w, ok := lexicon.words[string(text)]
	lexicon.RUnlock()
	if ok {
		return w
	}
	lexicon.Lock()
	defer lexicon.Unlock()
	if w, ok := lexicon.words[string(text)]; ok {
		return w
	}
	texts := *lexicon.texts.Load()
	w = Word(len(texts))
	own := strings.Clone(string(text)) // a string may share the memory of a whole record
	texts = append(texts, own)
	lexicon.words[own] = w
	lexicon.texts.Store(&texts)
	return w
}

// String is the word's text.
func (w Word) String() string { return (*lexicon.texts.Load())[w] }
