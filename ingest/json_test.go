package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"keyramp/fixtures/tier"
)

// byEncodingJSON says what encoding/json makes of a record: its members by their exact names, of equal names the last.
// It reports false for what must be rejected.
func byEncodingJSON(raw []byte) (members map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(raw) || !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) || json.Unmarshal(raw, &members) != nil {
		return nil, false
	}
	return members, true
}

// differs compares the guarded parser with encoding/json: both accept the same records and read the same members, apart
// from the limits, which encoding/json has not.
func differs(raw []byte) string {
	var got wireEvent
	err := Decode(raw, &got)
	var why *RejectError
	if errors.As(err, &why) && (why.Reason == ReasonSize || why.Reason == ReasonDepth) {
		return ""
	}
	want, ok := byEncodingJSON(raw)
	if ok != (err == nil) {
		return fmt.Sprintf("Decode: %v, encoding/json accepts: %v", err, ok)
	}
	if err != nil {
		return ""
	}
	if s := sameMembers(reflect.ValueOf(got), want); s != "" {
		return s
	}
	if details, ok := byEncodingJSON(got.Details); ok {
		var d wireDetails
		if err := parse(got.Details, &d); err != nil {
			return fmt.Sprintf("details: %v", err)
		}
		return sameMembers(reflect.ValueOf(d), details)
	}
	return ""
}

func sameMembers(got reflect.Value, want map[string]json.RawMessage) string {
	for i := range got.NumField() {
		name := got.Type().Field(i).Tag.Get("json")
		raw := got.Field(i).Interface().(json.RawMessage)
		if !bytes.Equal(raw, want[name]) {
			return fmt.Sprintf("%s: Decode read %q, encoding/json %q", name, raw, want[name])
		}
		if s := text(raw); s != nil {
			var want string
			if json.Unmarshal(raw, &want); string(s) != want {
				return fmt.Sprintf("%s: text(%s) = %q, want %q", name, raw, s, want)
			}
		}
	}
	return ""
}

func FuzzDecode(f *testing.F) {
	f.Add(login)
	for _, seed := range []string{`{}`, `{"type":"\ud800x","date":1e400}`, `{"type":1}{}`, `{"type":1,}`, `{"type":01}`, "{\"type\":\"\x01\"}", ` {"type":null} `, `[]`, `{"type":"\"}`,
		`{"TYPE":1,"type":2}`, `{"type":1,"Type":2}`, `{"ty\u0070e":"a"}`, `{"details":{"session_id":"a","session_id":1}}`, `{"type":"a","type":"b"}`,
		`{"date":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s := differs(raw); s != "" {
			t.Errorf("%q: %s", raw, s)
		}
	})
}

// TestDecodeDiffers does what FuzzDecode does, on damaged events rather than on random bytes: one to four times a byte is
// changed, dropped, doubled or moved, or a piece of another event stands in its place.
func TestDecodeDiffers(t *testing.T) {
	row := tier.Begin(t, "D2", tier.Size{Test: 20_000, Chaos: 2_000_000, Soak: 20_000_000})
	var events [][]byte
	for _, seed := range scanSeeds {
		events = append(events, []byte(spellSeed(seed)))
	}
	events = append(events, bytes.TrimSpace(login), bytes.TrimSpace(login))
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	accepted := 0
	const odd = "\"\\{}[],:0e-.ntu \n\x00\xff"
	for range row.Rounds() {
		raw := bytes.Clone(events[r.IntN(len(events))])
		for range r.IntN(5) {
			if len(raw) == 0 {
				break
			}
			at := r.IntN(len(raw))
			switch r.IntN(5) {
			case 0:
				raw[at] = odd[r.IntN(len(odd))]
			case 1:
				raw = append(raw[:at], raw[at+1:]...)
			case 2:
				raw = append(raw[:at+1], raw[at:]...)
			case 3:
				to := r.IntN(len(raw))
				raw[at], raw[to] = raw[to], raw[at]
			case 4:
				from := events[r.IntN(len(events))]
				i := r.IntN(len(from) + 1)
				piece := from[i:min(len(from), i+r.IntN(40))]
				raw = append(raw[:at:at], append(bytes.Clone(piece), raw[at:]...)...)
			}
		}
		if s := differs(raw); s != "" {
			row.Violation("seed %d: %q: %s", seed, raw, s)
		}
		if json.Valid(raw) {
			accepted++
		}
		row.Done()
	}
	row.Note("accepted", fmt.Sprint(accepted))
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

// Documents of any depth are judged in the time that their length takes, and end nothing: the parser behind the guard
// has no limit of its own, and its stack would end the process.
func TestDepth(t *testing.T) {
	row := tier.Begin(t, "D3", tier.Size{Test: 40})
	forms := map[string]func(n int) string{
		"arrays":             func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) },
		"objects":            func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) },
		"both":               func(n int) string { return strings.Repeat(`[{"a":`, n/2) + "1" + strings.Repeat("}]", n/2) },
		"arrays without end": func(n int) string { return strings.Repeat("[", n) },
		"in a string":        func(n int) string { return `"` + strings.Repeat(`[{`, n/2) + `"` },
		"behind a string":    func(n int) string { return `["\\\"]",` + strings.Repeat("[", n) + strings.Repeat("]", n) + "]" },
	}
	worst := time.Duration(0)
	for name, form := range forms {
		for _, n := range []int{60, 65, 10_000, 1_000_000, 5_000_000} {
			for _, member := range []string{"zzz", "details", "experiment", "data"} {
				if n > 10_000 && member != "details" {
					continue // over the limit of a record: nobody looks inside
				}
				raw := []byte(`{"log_id":"1","date":"2026-11-03T09:14:11Z","type":"s","` + member + `":` + form(n) + "}")
				began := time.Now()
				_, err := decodeOne(t, string(raw))
				records, cut := cutAll(t, bytes.NewReader(raw))
				took := time.Since(began)
				if perMiB := took * MaxRecord / time.Duration(max(len(raw), MaxRecord)); perMiB > worst {
					worst = perMiB
				}
				var why *RejectError
				errors.As(err, &why)
				switch {
				case len(raw) > MaxRecord:
					if why == nil || why.Reason != ReasonSize {
						row.Violation("%s of %d in %s: %v", name, n, member, err)
					}
				case name != "in a string" && n > MaxDepth:
					if why == nil || why.Reason != ReasonDepth && (why.Reason != ReasonSyntax || name != "arrays without end") {
						row.Violation("%s of %d in %s: %v", name, n, member, err)
					}
				}
				if cut != nil || len(records) == 0 {
					row.Violation("%s of %d in %s: cut into %d, %v", name, n, member, len(records), cut)
				}
				row.Done()
			}
		}
	}
	row.Note("slowest MiB", worst.Round(time.Millisecond).String())
	if worst > 2*time.Second { // far more than it takes, even on a busy machine
		row.Violation("a MiB took %v", worst)
	}
}
