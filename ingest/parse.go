package ingest

import "github.com/segmentio/encoding/json"

const parseFlags = json.ZeroCopy | json.UseNumber | json.DontMatchCaseInsensitiveStructFields

// parse fills v from a JSON object that passed the guard, alone or as part of
// a larger record.
func parse(raw []byte, v any) error {
	rest, err := json.Parse(raw, v, parseFlags)
	switch {
	case err != nil:
		// The parser's own words quote the record.
		return &RejectError{Reason: ReasonSyntax, Detail: "the JSON is malformed"}
	case len(rest) > 0:
		return &RejectError{Reason: ReasonSyntax, Detail: "there is more than one JSON value"}
	}
	return nil
}

// unescape returns the value of a valid JSON string, given with its quotes.
func unescape(raw []byte) []byte { return json.Unescape(raw) }
