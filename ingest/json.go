package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Limits of one record. The splitters of the sources and the decoder share them.
const (
	MaxRecord = 1 << 20 // bytes
	MaxDepth  = 64      // objects and arrays within each other
)

// Decode parses raw, which must be one JSON object and nothing else, into the
// struct that v points to. Apart from the scanner, which accepts no more, it
// is the only way from foreign bytes to values: size, encoding and nesting are
// checked before the parser sees them, because the parser has no nesting limit
// of its own and a deep document would end the process. Names of members match
// exactly, the last of equal names wins.
//
// Strings and raw messages in v may point into raw. The error is a
// *RejectError without a word of the record; v is then partly filled and must
// not be used.
func Decode(raw []byte, v any) error {
	if err := guard(raw); err != nil {
		return err
	}
	return parse(raw, v)
}

// guard checks what must hold before the parser may see raw.
func guard(raw []byte) error {
	switch head := bytes.TrimLeft(raw[:min(len(raw), MaxRecord)], " \t\r\n"); {
	case len(raw) > MaxRecord:
		return &RejectError{Reason: ReasonSize, Detail: fmt.Sprintf("%d bytes, the limit is %d", len(raw), MaxRecord)}
	case !utf8.Valid(raw):
		return &RejectError{Reason: ReasonEncoding, Detail: "some bytes are not UTF-8"}
	case tooDeep(raw):
		return &RejectError{Reason: ReasonDepth, Detail: fmt.Sprintf("nested deeper than %d", MaxDepth)}
	case len(head) == 0 || head[0] != '{':
		return &RejectError{Reason: ReasonSyntax, Detail: "the record is not a JSON object"}
	}
	return nil
}

// tooDeep reports whether brackets outside strings nest deeper than MaxDepth.
// For malformed JSON it may err on the side of too deep.
func tooDeep(raw []byte) bool {
	// Nearly every event has fewer opening brackets in all, and counting them
	// costs a twentieth of walking through the strings.
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) <= MaxDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case '}', ']':
			depth = max(depth-1, 0)
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		}
	}
	return false
}

// absent reports whether a member is missing or null, which mean the same.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || raw[0] == 'n' }

// isObject reports whether a member's value is an object.
func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// text returns the value of a JSON string, pointing into raw where it holds
// no escapes. It is nil when raw is no string.
func text(raw json.RawMessage) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	if in := raw[1 : len(raw)-1]; bytes.IndexByte(in, '\\') < 0 {
		return in
	}
	return unescape(raw)
}

// idText returns an identity that should be a string but may be a number: its digits.
func idText(raw json.RawMessage) []byte {
	if len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		return raw
	}
	return text(raw)
}
