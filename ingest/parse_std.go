//go:build !segmentio

package ingest

import "encoding/json"

// parse fills v from a JSON object that passed the guard, alone or as part of
// a larger record.
func parse(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return &RejectError{ReasonSyntax, "the JSON is malformed"}
	}
	return nil
}

// unescape returns the value of a valid JSON string, given with its quotes.
func unescape(raw []byte) []byte {
	var s string
	json.Unmarshal(raw, &s)
	return []byte(s)
}
