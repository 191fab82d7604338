package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cut is a record as the tests compare it: its bytes, or the reason and size
// of what could not be handed over, after its place.
func cutAll(t interface{ Helper() }, r io.Reader) (cuts []string, err error) {
	t.Helper()
	s := NewSplitter(r)
	var c Chunk
	for err == nil {
		c.Records = c.Records[:0]
		err = s.Fill(&c)
		for _, rec := range c.Records {
			place := fmt.Sprint(rec.Place.Line)
			if rec.Place.Item > 0 {
				place += fmt.Sprint(".", rec.Place.Item)
			}
			if rec.Err != nil {
				cuts = append(cuts, fmt.Sprintf("%s %s %d", place, rec.Err.Reason, rec.Bytes))
				continue
			}
			cuts = append(cuts, place+" "+string(rec.Raw))
		}
	}
	if err == io.EOF {
		err = nil
	}
	return cuts, err
}

func TestSplitter(t *testing.T) {
	big := `{"a":"` + strings.Repeat("x", MaxRecord) + `"}`
	limit := `{"a":"` + strings.Repeat("x", MaxRecord-8) + `"}`
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"blank lines", "\n \r\n\t\n", nil},
		{"NDJSON", "{\"a\":1}\n{\"a\":2}\n", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"no line end at the end", "{\"a\":1}\n{\"a\":2}", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"byte order mark and CRLF", "\ufeff{\"a\":1}\r\n\r\n{\"a\":2}\r\n", []string{`1 {"a":1}`, `3 {"a":2}`}},
		{"a byte order mark in the middle, as cat leaves it", "{\"a\":1}\n\ufeff{\"a\":2}\n", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"array", `[{"a":1},{"a":2}]`, []string{`1.1 {"a":1}`, `1.2 {"a":2}`}},
		{"array, an item a line", "[\n{\"a\":1},\n{\"a\":2}\n]\n", []string{`2.1 {"a":1}`, `3.2 {"a":2}`}},
		{"array, pretty", "[\n  {\n    \"a\": [\n      1\n    ]\n  },\n  {\n    \"a\": {}\n  }\n]", []string{
			"2.1 {\n    \"a\": [\n      1\n    ]\n  }", "7.2 {\n    \"a\": {}\n  }"}},
		{"array, items opened on the line of the last", "[{\n \"a\":1\n}, {\n \"a\":2\n}]", []string{"1.1 {\n \"a\":1\n}", "3.2 {\n \"a\":2\n}"}},
		{"empty arrays", "[]\n[ ]\n[[]]", nil},
		{"array of pages", `[[{"a":1}],[{"a":2},{"a":3}]]`, []string{`1.1 {"a":1}`, `1.2 {"a":2}`, `1.3 {"a":3}`}},
		{"an array a line", "[{\"a\":1},{\"a\":2}]\n[{\"a\":3}]\n", []string{`1.1 {"a":1}`, `1.2 {"a":2}`, `2.1 {"a":3}`}},
		{"objects without anything between", `{"a":1}{"a":2} {"a":3}`, []string{`1 {"a":1}`, `1.2 {"a":2}`, `1.3 {"a":3}`}},
		{"pretty objects", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", []string{"1 {\n \"a\": 1\n}", "4 {\n \"a\": 2\n}"}},
		{"commas first", "{ \"a\": {\"x\":\"}\"}\n, \"b\": 1 }\n{}", []string{"1 { \"a\": {\"x\":\"}\"}\n, \"b\": 1 }", "3 {}"}},
		{"logs object", `{"logs":[{"a":1},{"a":2}]}`, []string{`1.1 {"a":1}`, `1.2 {"a":2}`}},
		{"logs with totals around", `{"start":0, "logs" : [{"a":1}],"total":{"n":[1]}}` + "\n{\"a\":2}", []string{`1.1 {"a":1}`, `2 {"a":2}`}},
		{"a logs object a line", "{\"logs\":[{\"a\":1}]}\n{\"logs\":[]}\n{\"logs\":[{\"a\":2}]}\n", []string{`1.1 {"a":1}`, `3.1 {"a":2}`}},
		{"logs objects in an array", `[{"logs":[{"a":1}]},{"logs":[{"a":2}]}]`, []string{`1.2 {"a":1}`, `1.4 {"a":2}`}},
		{"logs deeper inside is the record's own", `{"data":{"logs":[{"a":1}]}}`, []string{`1 {"data":{"logs":[{"a":1}]}}`}},
		{"logs that is no array", `{"logs":{"a":1}}`, []string{`1 {"logs":{"a":1}}`}},
		{"brackets and quotes in strings", `{"a":"}{][\"\\"}{"b":"\\\\"}`, []string{`1 {"a":"}{][\"\\"}`, `1.2 {"b":"\\\\"}`}},
		{"records hidden in strings stay there", `["a,{\"b\":1}",{"c":2}]`, []string{`1.1 "a,{\"b\":1}"`, `1.2 {"c":2}`}},
		{"scalars", "[1, null,\"x\"]\ntrue\n", []string{"1.1 1", "1.2 null", `1.3 "x"`, "2 true"}},
		{"junk costs its line", "junk {\"a\":1}\n{\"a\":2}\n}\n]\n{\"a\":3}", []string{`1 junk {"a":1}`, `2 {"a":2}`, "3 }", "4 ]", `5 {"a":3}`}},
		{"junk after a record", "{\"a\":1} tail\n{\"a\":2}", []string{`1 {"a":1}`, "1.2 tail", `2 {"a":2}`}},
		{"a line cut in a string", "{\"a\":\"x\n{\"a\":2}\n", []string{`1 {"a":"x`, `2 {"a":2}`}},
		{"a line cut after a value", "{\"a\":1\n{\"a\":2}\n{\"a\":3}\n", []string{`1 {"a":1`, `2 {"a":2}`, `3 {"a":3}`}},
		{"a line cut after a colon", "{\"a\":\n{\"a\":2}\n{\"a\":3}\n", []string{`1 {"a":`, `2 {"a":2}`, `3 {"a":3}`}},
		{"a line cut in an array", "{\"a\":[\n{\"a\":2}\n{\"a\":3}\n", []string{`1 {"a":[`, `2 {"a":2}`, `3 {"a":3}`}},
		{"a line cut before the last", "{\"a\":\n{\"a\":2}\n", []string{`1 {"a":`, `2 {"a":2}`}},
		{"a line that lost its beginning", "\"b\":1}\n{\"a\":2}\n", []string{`1 "b"`, `1.2 :1}`, `2 {"a":2}`}},
		{"brackets that do not match", "{\"a\":[1}}\n{\"a\":2}\n", []string{`1 {"a":[1}}`, `2 {"a":2}`}},
		{"ends in a record", "{\"a\":1}\n{\"a\":", []string{`1 {"a":1}`, "2 truncated 5"}},
		{"ends in a string", `[{"a":1},{"a":"\`, []string{`1.1 {"a":1}`, "1.2 truncated 7"}},
		{"ends in an array", "[{\"a\":1},\n", []string{`1.1 {"a":1}`, "2 truncated 0"}},
		{"ends in a logs object", `{"logs":[{"a":1}]`, []string{`1.1 {"a":1}`, "1 truncated 0"}},
		{"the largest record", limit + "\n{\"a\":2}", []string{"1 " + limit, `2 {"a":2}`}},
		{"a record too large", big + "\n{\"a\":2}", []string{fmt.Sprint("1 too_large ", len(big)), `2 {"a":2}`}},
		{"too large in an array", "[" + big + ",{\"a\":2}]", []string{fmt.Sprint("1.1 too_large ", len(big)), `1.2 {"a":2}`}},
		{"junk too large", strings.Repeat("x", 3<<20) + "\n{\"a\":2}", []string{fmt.Sprint("1 too_large ", 3<<20), `2 {"a":2}`}},
		{"a cut line before a long file", "{\"a\":[\n" + strings.Repeat("{\"b\":1},\n", 2)[:17] + strings.Repeat("\n", MaxRecord) + "{\"c\":1}",
			[]string{`1 {"a":[`, `2 {"b":1}`, `3 {"b":1}`, fmt.Sprint(MaxRecord+3, ` {"c":1}`)}},
		{"UTF-8 is the decoder's business", "{\"a\":\"\xff\"}\n", []string{"1 {\"a\":\"\xff\"}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []struct {
				how string
				io.Reader
			}{
				{"at once", strings.NewReader(test.in)},
				{"in halves", iotest.HalfReader(strings.NewReader(test.in))},
				{"error beside the last bytes", iotest.DataErrReader(strings.NewReader(test.in))},
				{"byte by byte", iotest.OneByteReader(strings.NewReader(test.in))},
			} {
				got, err := cutAll(t, r)
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%s: %v, -want +got:\n%.2000s", r.how, err, diff)
				}
			}
		})
	}
}

// Deep nesting must cost neither the stack nor the time of more than one pass or two.
func TestSplitterDeep(t *testing.T) {
	for _, deep := range []string{
		strings.Repeat("[", 1_000_000),
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
		strings.Repeat("{\"a\":[\n", 200_000),
		strings.Repeat("[", 5_000_000),
	} {
		got, err := cutAll(t, strings.NewReader(deep+"\n{\"good\":1}\n"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, c := range got {
			found = found || strings.HasSuffix(c, ` {"good":1}`)
		}
		if !found {
			t.Errorf("%.20s…: the good record after it is lost among %d records", deep, len(got))
		}
	}
}

// One bad line costs one record: whatever stands in it, the lines around it are found.
func TestOneBadLineLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		good := func(n int) string { return fmt.Sprintf(`{"id":%d,"a":[{"b":"}"},{"c":[]}],"d":{"e":"\\"}}`, n) }
		n := rapid.IntRange(1, 6).Draw(t, "lines")
		at := rapid.IntRange(0, n).Draw(t, "at")
		bad := rapid.OneOf(
			rapid.StringOfN(rapid.SampledFrom([]rune(`{}[]",:\a1 `)), 0, 12, -1),
			rapid.Map(rapid.IntRange(0, len(good(0))), func(i int) string { return good(0)[:i] }), // its end is lost
			rapid.Map(rapid.IntRange(0, len(good(0))), func(i int) string { return good(0)[i:] }), // its beginning is lost
		).Draw(t, "bad")
		var in strings.Builder
		for i := range n {
			if i == at {
				in.WriteString(bad + "\n")
			}
			in.WriteString(good(i+1) + "\n")
		}
		cuts, err := cutAll(t, strings.NewReader(in.String()))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, c := range cuts {
			_, raw, _ := strings.Cut(c, " ")
			found[raw] = true
		}
		for i := range n {
			if !found[good(i+1)] {
				t.Fatalf("record %d is lost in\n%s\n%q", i+1, in.String(), cuts)
			}
		}
	})
}

// The reader's own error comes out as it is, after the records before it.
func TestSplitterReadError(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\""), iotest.ErrReader(io.ErrClosedPipe))
	got, err := cutAll(t, broken)
	want := []string{`1 {"a":1}`, "2 truncated 4"}
	if diff := cmp.Diff(want, got); diff != "" || err != io.ErrClosedPipe {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// objects is the slow and simple splitter: what encoding/json finds in a
// stream of objects and arrays. It reports false for anything else.
func objects(in []byte) (found []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(in))
	var walk func(raw json.RawMessage, depth int) bool
	walk = func(raw json.RawMessage, depth int) bool {
		switch {
		case raw[0] == '{':
			var head struct {
				Logs json.RawMessage `json:"logs"`
			}
			if bytes.Contains(raw, []byte("ogs")) && json.Unmarshal(raw, &head) == nil && len(head.Logs) > 0 {
				return false // a wrapper, perhaps, with a name in other letters: too subtle for an oracle
			}
			found = append(found, string(raw))
		case raw[0] == '[' && depth < maxWrap:
			var items []json.RawMessage
			if json.Unmarshal(raw, &items) != nil {
				return false
			}
			for _, item := range items {
				if !walk(item, depth+1) {
					return false
				}
			}
		case depth == 0: // a scalar on its own takes the rest of its line with it
			return false
		default:
			found = append(found, string(raw))
		}
		return true
	}
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF {
			return found, true
		}
		if err != nil || !walk(raw, 0) {
			return nil, false
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"{\"a\":1}\n{\"a\":2}\r\n", `[{"a":[1,2]},{"b":{"c":"}"}}]`, `{"logs":[{"a":1}],"n":1}`, "{\"a\":\"\\\"\n{}", "[[{},1],\"x\"]{}\n",
		"\ufeff{}", "{\"a\":[\n{}\n{}", `{"a":"\\"}{"a":"\\\""}`,
	} {
		f.Add([]byte(seed), byte(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, step byte) {
		got, err := cutAll(t, bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		// However the bytes come, they are cut alike.
		slow, _ := cutAll(t, &stutter{in: in, step: int(step)%7 + 1})
		if diff := cmp.Diff(got, slow); diff != "" {
			t.Errorf("cut by reads of a few bytes, -at once +slowly:\n%s", diff)
		}
		want, ok := objects(in)
		if !ok {
			return
		}
		for i := range got {
			_, got[i], _ = strings.Cut(got[i], " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-encoding/json +splitter:\n%s", diff)
		}
	})
}

// stutter reads a few bytes at a time.
type stutter struct {
	in   []byte
	step int
}

func (s *stutter) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in[:min(s.step, len(s.in))])
	s.in = s.in[n:]
	return n, nil
}

func BenchmarkSplit(b *testing.B) {
	line := append(bytes.TrimSpace(login), '\n')
	for name, in := range map[string][]byte{
		"lines": bytes.Repeat(line, 10_000),
		"array": append([]byte("["), bytes.ReplaceAll(bytes.Repeat(line, 10_000), []byte("\n"), []byte(","))...),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			var c Chunk
			for b.Loop() {
				s := NewSplitter(bytes.NewReader(in))
				for err := error(nil); err == nil; {
					c.Records = c.Records[:0]
					err = s.Fill(&c)
				}
			}
		})
	}
}
