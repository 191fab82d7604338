package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxElements is how many elements an array in an answer may have, ten times what
// Auth0 gives: the bytes of an answer are limited, and "[{},{},…" of 64 MiB would
// still decode to gigabytes.
const MaxElements = 1000

// An Array decodes a JSON array of at most MaxElements elements. A longer one is an
// error that wraps ErrTooLarge.
type Array[T any] []T

// UnmarshalJSON implements json.Unmarshaler; null is an empty array.
func (a *Array[T]) UnmarshalJSON(b []byte) error {
	*a = nil
	dec := json.NewDecoder(bytes.NewReader(b))
	switch open, err := dec.Token(); {
	case err != nil:
		return err
	case open == nil:
		return nil
	case open != json.Delim('['):
		return errors.New("not an array")
	}
	for dec.More() {
		if len(*a) == MaxElements {
			return fmt.Errorf("%w: an array of more than %d elements", ErrTooLarge, MaxElements)
		}
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		*a = append(*a, v)
	}
	return nil
}
