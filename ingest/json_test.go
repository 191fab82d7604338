package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode sets the guarded parser against encoding/json: both accept the
// same records and read the same members, apart from the limits, which
// encoding/json has not.
func FuzzDecode(f *testing.F) {
	f.Add(login)
	for _, seed := range []string{`{}`, `{"a":"\ud800x","b":1e400}`, `{"a":1}{}`, `{"a":1,}`, `{"a":01}`, "{\"a\":\"\x01\"}", ` {"a":null} `, `[]`, `{"a":"\"}`, `{"A":1,"a":2}`,
		`{"b":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want struct {
			A json.RawMessage `json:"a"`
			B json.RawMessage `json:"b"`
		}
		err := Decode(raw, &got)
		var why *RejectError
		if errors.As(err, &why) && (why.Reason == ReasonSize || why.Reason == ReasonDepth) {
			return
		}
		oracle := json.Unmarshal(raw, &want)
		object := bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
		if ok := oracle == nil && object && utf8.Valid(raw); ok != (err == nil) {
			t.Fatalf("Decode: %v, encoding/json: %v", err, oracle)
		}
		if err != nil || bytes.ContainsAny(raw, "AB\\") { // encoding/json takes names in other letters for the same
			return
		}
		if !bytes.Equal(got.A, want.A) || !bytes.Equal(got.B, want.B) {
			t.Errorf("Decode read %q and %q, encoding/json %q and %q", got.A, got.B, want.A, want.B)
		}
		if s := text(got.A); s != nil {
			var want string
			if json.Unmarshal(got.A, &want); string(s) != want {
				t.Errorf("text(%s) = %q, want %q", got.A, s, want)
			}
		}
	})
}

// Unescaping is compared on its own, for the fuzzer rarely finds its way into a string.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"a\u0041\n"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx\ude00"`, `"\\\""`, `"\u0000"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var want string
		if !utf8.ValidString(in) || len(in) < 2 || in[0] != '"' || json.Unmarshal([]byte(in), &want) != nil || strings.TrimSpace(in) != in {
			return
		}
		if got := text(json.RawMessage(in)); string(got) != want {
			t.Errorf("text(%s) = %q, want %q", in, got, want)
		}
	})
}

func TestTooDeep(t *testing.T) {
	for _, test := range []struct {
		in   string
		want bool
	}{
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), false},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), true},
		{strings.Repeat("[]", 1000), false},
		{`{"a":"` + strings.Repeat(`[{\"`, 100) + `"}`, false},
		{`{"a":"\\` + strings.Repeat(`[`, 100) + `"}`, false},
		{`{"a":"\\"` + strings.Repeat(`[`, 100), true},
		{strings.Repeat("]", 1000) + strings.Repeat("[", 64), false},
		{`"` + strings.Repeat("[", 100) + `\`, false},
	} {
		if got := tooDeep([]byte(test.in)); got != test.want {
			t.Errorf("tooDeep(%.40s…) = %v", test.in, got)
		}
	}
}
