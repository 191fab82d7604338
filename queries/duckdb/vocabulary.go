package duckdb

import (
	"context"
	"database/sql"
	"fmt"

	"keyramp/queries/store"
)

// A vocabulary gives words and shapes their ids. The tables in the file are the
// truth; this copy lives between commits and is read again when another process
// has added some, or after any failure.
type vocabulary struct {
	words
	shapes []shape  // by id
	twins  []uint32 // by id: the shape that differs in test alone, or the same one when there is none
	shaped int      // how many of them the file has; the rest came with the batch
	byIDs  map[shape]uint32
	known  map[store.Shape]uint32 // those that were asked for
	store  string                 // identity of the file: one that was written anew has other ids
}

// A shape is a store.Shape whose words are ids.
type shape struct {
	kind, client, connection, strategy, device, experiment, variation, allocation, segment, authenticator uint32

	control, interactive uint8
	passkey, test        bool
}

// newVocabulary has these texts and no shapes.
func newVocabulary(texts ...string) *vocabulary {
	return &vocabulary{words: newWords(texts...), byIDs: map[shape]uint32{}, known: map[store.Shape]uint32{}}
}

func readVocabulary(ctx context.Context, conn *sql.Conn) (*vocabulary, error) {
	v := newVocabulary()
	err := ask(ctx, conn, "words", func(r *row) {
		text := r.text()
		v.ids[text] = uint32(len(v.texts))
		v.texts = append(v.texts, text)
	})
	if err == nil {
		err = ask(ctx, conn, "shapes", func(r *row) {
			v.add(shape{r.id(), r.id(), r.id(), r.id(), r.id(), r.id(), r.id(), r.id(), r.id(), r.id(), r.byte(), r.byte(), r.bool(), r.bool()})
		})
	}
	if err == nil {
		v.store, err = v.check(ctx, conn)
	}
	if err != nil {
		return nil, err // what was read in part must not be taken for all of it
	}
	v.committed()
	return v, nil
}

// extent asks a file how many words and shapes it has, and which store it is.
func extent(ctx context.Context, conn *sql.Conn) (words, shapes int, identity string, err error) {
	var nextWord, nextShape int
	err = one(ctx, conn, "vocabulary", nil, &words, &nextWord, &shapes, &nextShape, &identity)
	if err == nil && (words != nextWord || shapes != nextShape) {
		err = fmt.Errorf("%w: %d words are numbered up to %d and %d shapes up to %d", store.ErrDamaged, words, nextWord-1, shapes, nextShape-1)
	}
	return words, shapes, identity, err
}

// check holds the vocabulary against the file, and returns which store that is. If ids were not what they must be,
// events would be told with each other's texts.
func (v *vocabulary) check(ctx context.Context, conn *sql.Conn) (identity string, err error) {
	words, shapes, identity, err := extent(ctx, conn)
	if err == nil && (words != len(v.texts) || shapes != len(v.shapes)) {
		err = fmt.Errorf("%w: of %d words %d are known, of %d shapes %d", store.ErrDamaged, words, len(v.texts), shapes, len(v.shapes))
	}
	return identity, err
}

// shape is the id of a shape, a new one if need be. It is asked once an event.
func (v *vocabulary) shape(s store.Shape) uint32 {
	if id, ok := v.known[s]; ok {
		return id
	}
	of := shape{v.id(s.Type), v.id(s.ClientID), v.id(s.Connection), v.id(s.Strategy), v.id(s.Device), v.id(s.Experiment), v.id(s.Variation),
		v.id(s.Allocation), v.id(s.Segment), v.id(s.Authenticator), uint8(s.Control), uint8(s.Interactive), s.PasskeyUsed, s.Test}
	id, ok := v.byIDs[of] // two words have one id when they differ in what is not UTF-8
	if !ok {
		id = v.add(of)
	}
	v.known[s] = id
	return id
}

func (v *vocabulary) add(s shape) uint32 {
	id := uint32(len(v.shapes))
	v.byIDs[s] = id
	v.shapes, v.twins = append(v.shapes, s), append(v.twins, id)
	s.test = !s.test
	if twin, ok := v.byIDs[s]; ok {
		v.twins[id], v.twins[twin] = twin, id
	}
	return id
}

// fresh are the words and shapes that the file does not have yet.
func (v *vocabulary) fresh() (words []string, shapes []shape) {
	return v.texts[v.kept:], v.shapes[v.shaped:]
}

// committed is told when the fresh ones are in the file.
func (v *vocabulary) committed() { v.kept, v.shaped = len(v.texts), len(v.shapes) }
