package store

import (
	"fmt"
	"sync"
	"testing"
)

// Equal texts are equal words, whoever asks first and however many ask at once.
func TestWords(t *testing.T) {
	if w := WordOf(""); w != 0 || w.String() != "" {
		t.Errorf("the empty text is word %d, %q", w, w)
	}
	const askers, texts = 8, 500
	var got [askers][texts]Word
	var group sync.WaitGroup
	for a := range askers {
		group.Go(func() {
			for i := range texts {
				text := []byte(fmt.Sprint("text ", (i*7+a*13)%texts))
				w := WordOf(text)
				got[a][(i*7+a*13)%texts] = w
				if w.String() != string(text) {
					t.Errorf("%q is the word of %q", w, text)
				}
				clear(text) // the word has its own copy
			}
		})
	}
	group.Wait()
	seen := map[Word]bool{}
	for i, w := range got[0] {
		for a := range askers {
			if got[a][i] != w {
				t.Errorf("text %d is word %d and word %d", i, w, got[a][i])
			}
		}
		if seen[w] {
			t.Errorf("word %d has two texts", w)
		}
		seen[w] = true
	}
}
