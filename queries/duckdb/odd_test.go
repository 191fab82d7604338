package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/ingest/logfile"
	"keyramp/queries/store"
)

var oddKey = ingest.NewPseudonyms([16]byte{9})

// pumpFile brings a file with log events into a store, as import does, and tells why records of it were put aside.
func pumpFile(t *testing.T, db *DB, name string, in []byte) (ingest.Account, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, in, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := logfile.Open([]string{path}, nil, logfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	to := &noting{DB: db}
	p := ingest.Pump{Sink: to, Recorder: db, Pseudonyms: oddKey, Decoder: &ingest.LogDecoder{Pseudonyms: oddKey}}
	a, err := p.Run(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	return a, to.reasons
}

// noting is a store that notes why records were put aside.
type noting struct {
	*DB
	reasons []string
}

func (n *noting) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	for _, p := range parts {
		for _, r := range p.Rejects {
			n.reasons = append(n.reasons, r.Reason)
		}
	}
	return n.DB.LoadAll(ctx, parts)
}

// oddEvent is an event whose connection is text, as JSON spells it.
func oddEvent(id int, text string) string {
	return fmt.Sprintf(`{"log_id":"%d","date":"2026-11-03T09:14:11Z","type":"s","connection":"%s","experiment":{"experiment_id":"exp_1","variation_id":"var_1"}}`, id, text)
}

// TestLinesArrive follows odd lines from a file into the store: each is stored exactly or put aside with its reason, and
// the lines beside it are whole. No text becomes null, which is what DuckDB's chunks make of one that is not UTF-8.
func TestLinesArrive(t *testing.T) {
	const limit = ingest.MaxRecord
	sized := func(id, size int) string { // an event of so many bytes
		e := oddEvent(id, "db")
		return e[:len(e)-1] + `,"user_agent":"` + strings.Repeat("a", size-len(e)-len(`,"user_agent":""`)) + `"}`
	}
	wide := func(text string, order func(uint16) [2]byte) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			two := order(u)
			b = append(b, two[:]...)
		}
		return b
	}
	little := func(u uint16) [2]byte { return [2]byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) [2]byte { return [2]byte{byte(u >> 8), byte(u)} }
	type odd struct {
		name    string
		in      string
		stored  []string // connections of the events that are stored, in order of their ids
		reasons []string
	}
	next := 0
	id := func() int { next++; return next }
	around := func(name, line string, reasons ...string) odd { // a line that is put aside, between two that are not
		return odd{name, oddEvent(id(), "before") + "\n" + line + "\n" + oddEvent(id(), "after") + "\n", []string{"before", "after"}, reasons}
	}
	cases := []odd{
		{"a MiB", sized(id(), limit) + "\n", []string{"db"}, nil},
		{"a MiB, no line end", sized(id(), limit), []string{"db"}, nil},
		{"a MiB and CRLF", sized(id(), limit) + "\r\n", []string{"db"}, nil},
		around("a MiB and a byte", sized(id(), limit+1), ingest.ReasonSize),
		around("10 MB", sized(id(), 10_000_000), ingest.ReasonSize),
		around("20 MB without a quote", strings.Repeat("a", 20_000_000), ingest.ReasonSize),
		around("100 MB", sized(id(), 100_000_000), ingest.ReasonSize),
		{"20 MB and no line end", oddEvent(id(), "before") + "\n" + sized(id(), 20_000_000), []string{"before"}, []string{ingest.ReasonSize}},
		{"no line end", oddEvent(id(), "db"), []string{"db"}, nil},
		{"CRLF", oddEvent(id(), "a") + "\r\n" + oddEvent(id(), "b") + "\r\n", []string{"a", "b"}, nil},
		{"CR alone", oddEvent(id(), "a") + "\r" + oddEvent(id(), "b") + "\r", []string{"a", "b"}, nil},
		{"LF CR", oddEvent(id(), "a") + "\n\r" + oddEvent(id(), "b"), []string{"a", "b"}, nil},
		{"blank lines", "\n\n" + oddEvent(id(), "a") + "\n \t\n\r\n" + oddEvent(id(), "b") + "\n\n", []string{"a", "b"}, nil},
		{"a mark", "\ufeff" + oddEvent(id(), "a") + "\n", []string{"a"}, nil},
		{"a mark on every line", "\ufeff" + oddEvent(id(), "a") + "\n\ufeff" + oddEvent(id(), "b") + "\n", []string{"a", "b"}, nil},
		around("a raw NUL", oddEvent(id(), "a\x00b"), ingest.ReasonSyntax),
		around("NULs", "\x00\x00\x00\x00", ingest.ReasonSyntax),
		{"a NUL behind an event", oddEvent(id(), "a") + "\x00\n" + oddEvent(id(), "b"), []string{"a", "b"}, []string{ingest.ReasonSyntax}},
		{"a hole of NULs at the end", oddEvent(id(), "a") + "\n" + strings.Repeat("\x00", 5000), []string{"a"}, []string{ingest.ReasonSyntax}},
		{"UTF-16, little end first", "\xff\xfe" + string(wide(oddEvent(id(), "a")+"\n", little)), nil, []string{ingest.ReasonSyntax}},
		{"UTF-16, big end first", "\xfe\xff" + string(wide(oddEvent(id(), "a")+"\n", big)), nil, []string{ingest.ReasonSyntax}},
		{"UTF-16 without a mark", string(wide(oddEvent(id(), "a"), little)), nil, []string{ingest.ReasonSyntax}},
		around("Latin-1", oddEvent(id(), "caf\xe9"), ingest.ReasonEncoding),
		around("an overlong slash", oddEvent(id(), "a\xc0\xafb"), ingest.ReasonEncoding),
		around("a surrogate, raw", oddEvent(id(), "a\xed\xa0\x80b"), ingest.ReasonEncoding),
		around("beyond Unicode", oddEvent(id(), "a\xf4\x90\x80\x80b"), ingest.ReasonEncoding),
		around("five bytes", oddEvent(id(), "\xf8\x88\x80\x80\x80"), ingest.ReasonEncoding),
		around("half a rune at the end of a text", oddEvent(id(), "a\xe2\x82"), ingest.ReasonEncoding),
		around("a raw tab in a text", oddEvent(id(), "a\tb"), ingest.ReasonSyntax),
		around("a raw escape in a text", oddEvent(id(), "\x1b[31m"), ingest.ReasonSyntax),
		around("an escape that is none", oddEvent(id(), `\x41`), ingest.ReasonSyntax),
		around("half an escape", oddEvent(id(), `\u12`), ingest.ReasonSyntax),
		around("a line cut inside a text", `{"log_id":"1","connection":"abc`, ingest.ReasonSyntax),
		{"cut at the end", oddEvent(id(), "a") + "\n" + oddEvent(id(), "b")[:40], []string{"a"}, []string{ingest.ReasonTruncated}},
	}
	texts := []struct{ name, spelled, want string }{
		{"a mark inside", `a\ufeffb`, "a\ufeffb"},
		{"a mark inside, raw", "a\ufeffb", "a\ufeffb"},
		{"an escaped NUL", `a\u0000b`, "a\x00b"},
		{"an escaped NUL at the end", `a\u0000`, "a\x00"},
		{"a high surrogate alone", `a\ud83db`, "a\ufffdb"},
		{"a low surrogate alone", `a\ude00b`, "a\ufffdb"},
		{"surrogates in the wrong order", `\ude00\ud83d`, "\ufffd\ufffd"},
		{"a high surrogate at the end", `a\ud83d`, "a\ufffd"},
		{"a pair", `\ud83e\udd86`, "🦆"},
		{"a pair in capitals", `\uD83E\uDD86`, "🦆"},
		{"emoji", "🦆👩‍👩‍👧‍👦🇪🇺", "🦆👩‍👩‍👧‍👦🇪🇺"},
		{"line separator", "a\u2028b", "a\u2028b"},
		{"paragraph separator, escaped", `a\u2029b`, "a\u2029b"},
		{"next line", "a\u0085b", "a\u0085b"},
		{"right to left", "\u202eabc\u202c \u0634", "\u202eabc\u202c \u0634"},
		{"isolates", "\u2066a\u2069\u200f", "\u2066a\u2069\u200f"},
		{"zero width", "a\u200bb\u200d", "a\u200bb\u200d"},
		{"composed otherwise", "e\u0301\u00e9", "e\u0301\u00e9"},
		{"the last rune", "\U0010ffff", "\U0010ffff"},
		{"no character", "\ufffe\uffff", "\ufffe\uffff"},
		{"the replacement itself", "\ufffd", "\ufffd"},
		{"delete", "a\x7fb", "a\x7fb"},
		{"escapes", `\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t"},
		{"a quote for SQL", `it's; drop table events --`, "it's; drop table events --"},
		{"the word null", "null", "null"},
		{"the word NULL", "NULL", "NULL"},
		{"nothing", "", ""},
		{"a space", " ", " "},
		{"256 bytes", strings.Repeat("b", 256), strings.Repeat("b", 256)},
		{"257 bytes are no id", strings.Repeat("b", 257), ""},
		{"an escaped escape", `\u001b[31m`, "\x1b[31m"},
	}
	all := odd{name: "texts"} // of one file: a load each would take longer than all of them
	for _, c := range texts {
		all.in += oddEvent(id(), c.spelled) + "\n"
		all.stored = append(all.stored, c.want)
	}
	cases = append(cases, all)
	// Every place where one byte may be wrong: after a whole file of them the next line is whole.
	var wrong strings.Builder
	whole, reasons := oddEvent(9_000_000, "é"), []string{}
	for at := range len(whole) {
		for _, c := range []string{"\xff", "\xc3"} {
			if line := whole[:at] + c + whole[at:]; line != whole {
				fmt.Fprintf(&wrong, "%s\n", line)
				reasons = append(reasons, ingest.ReasonEncoding)
			}
		}
	}

	cases = append(cases, odd{"a byte that is not UTF-8, everywhere", wrong.String() + oddEvent(id(), "after"), []string{"after"}, reasons})

	row := tier.Begin(t, "D5", tier.Size{Test: 60})
	db := scratch(t)
	want := map[uint64]string{}
	for _, c := range cases {
		a, got := pumpFile(t, db, "f.ndjson", []byte(c.in))
		slices.Sort(got)
		slices.Sort(c.reasons)
		if !slices.Equal(got, c.reasons) || a.Stored != int64(len(c.stored)) || a.Rejected != int64(len(c.reasons)) || a.Duplicate != 0 {
			row.Violation("%s: %+v, put aside for %v, want %d stored and %v", c.name, a.Loaded, counts(got), len(c.stored), counts(c.reasons))
		}
		i := 0
		for line := range strings.SplitSeq(strings.ReplaceAll(c.in, "\r", "\n"), "\n") { // ids in the order of their lines
			var id int
			line = strings.TrimPrefix(line, "\ufeff")
			if n, _ := fmt.Sscanf(line, `{"log_id":"%d"`, &id); n == 1 && i < len(c.stored) && strings.Contains(line, `"exp_1"`) && wantedLine(c.stored[i], line) {
				want[oddKey.LogID(fmt.Sprint(id))] = c.stored[i]
				i++
			}
		}
		if i != len(c.stored) {
			t.Fatalf("%s: the test finds %d lines of %d", c.name, i, len(c.stored))
		}
		row.Done()
	}
	for range texts[1:] {
		row.Done()
	}
	stored := map[uint64]string{}
	err := db.Query(context.Background(), "events", store.Scope{}, func(columns []store.Column, values []any) error {
		name := func(of string) any {
			return values[slices.IndexFunc(columns, func(c store.Column) bool { return c.Name == of })]
		}
		connection, ok := name("connection").(string)
		if !ok && name("connection") != nil {
			return fmt.Errorf("a connection of type %T", name("connection"))
		}
		var id uint64
		if _, err := fmt.Sscanf(name("event_key").(string), "%x", &id); err != nil {
			return err
		}
		stored[id] = connection
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, text := range want {
		if got, ok := stored[id]; !ok || got != text {
			row.Violation("stored as %.60q, %v, want %.60q", got, ok, text)
		}
	}
	if len(stored) != len(want) {
		row.Violation("%d events are stored, %d were expected", len(stored), len(want))
	}
	row.Note("places of a wrong byte", fmt.Sprint(len(reasons)))
}

// counts tells how often each text is there.
func counts(texts []string) map[string]int {
	all := map[string]int{}
	for _, t := range texts {
		all[t]++
	}
	return all
}

// wantedLine tells whether a line is the one that was stored as before, after or anything else.
func wantedLine(text, line string) bool {
	return text != "before" && text != "after" || strings.Contains(line, `"`+text+`"`)
}

// TestIDOfTwoDays: an id without a time inside is sought around its date, so one that is dated days later is stored
// again. A batch that reaches over both days meets both rows.
func TestIDOfTwoDays(t *testing.T) {
	db := scratch(t)
	event := func(day int, text string) string {
		return fmt.Sprintf(`{"log_id":"1","date":"2026-11-%02dT09:14:11Z","type":"s","connection":"%s"}`+"\n", day, text)
	}
	for _, c := range []struct {
		in   string
		want store.Loaded
	}{
		{event(3, "a"), store.Loaded{Received: 1, Stored: 1}},
		{event(9, "a"), store.Loaded{Received: 1, Stored: 1}},
		{event(3, "a") + event(9, "a"), store.Loaded{Received: 2, Duplicate: 2}},
		{event(9, "a") + event(3, "b"), store.Loaded{Received: 2, Duplicate: 2, Conflicts: 1}},
	} {
		if a, _ := pumpFile(t, db, "f.ndjson", []byte(c.in)); a.Loaded != c.want {
			t.Errorf("%s: %+v, want %+v", c.in, a.Loaded, c.want)
		}
	}
}

// TestSameID: of one id the first telling stays, however often and however differently it is told again, by whomever;
// equal content under another id is another event.
func TestSameID(t *testing.T) {
	row := tier.Begin(t, "D8", tier.Size{Test: 6, Chaos: 6})
	db := scratch(t)
	event := func(id string, text string) string {
		return fmt.Sprintf(`{"log_id":"%s","date":"2026-11-03T09:14:11Z","type":"s","connection":"%s","experiment":{"experiment_id":"exp_1","variation_id":"var_1"}}`+"\n", id, text)
	}
	stream := func(id string, text string) string {
		return fmt.Sprintf(`{"log_id":"%s","data":%s}`+"\n", id, strings.TrimSpace(event(id, text)))
	}
	times := 200_000
	if os.Getenv(tier.Env) != "" && os.Getenv(tier.Env) != "test" {
		times = 1_000_000
	}
	for _, c := range []struct {
		name string
		in   string
		want store.Loaded
	}{
		{"one id, three contents", event("1", "a") + event("1", "b") + event("1", "c"), store.Loaded{Received: 3, Stored: 1, Duplicate: 2, Conflicts: 2}},
		{"again, the other first", event("1", "b") + event("1", "a"), store.Loaded{Received: 2, Duplicate: 2, Conflicts: 1}},
		{"one content, three ids", event("2", "a") + event("3", "a") + event("4", "a"), store.Loaded{Received: 3, Stored: 3}},
		{"equal events", strings.Repeat(event("5", "a"), times), store.Loaded{Received: int64(times), Stored: 1, Duplicate: int64(times) - 1}},
		{"a stream tells the same", stream("1", "a") + stream("2", "a") + stream("6", "a"), store.Loaded{Received: 3, Stored: 1, Duplicate: 2}},
		{"the log tells what a stream told", event("6", "a"), store.Loaded{Received: 1, Duplicate: 1}},
	} {
		a, aside := pumpFile(t, db, "f.ndjson", []byte(c.in))
		if a.Loaded != c.want || len(aside) > 0 {
			row.Violation("%s: %+v, want %+v", c.name, a.Loaded, c.want)
		}
		row.Done()
	}
	var kept []string
	err := db.Query(context.Background(), "events", store.Scope{}, func(columns []store.Column, values []any) error {
		kept = append(kept, fmt.Sprint(values[slices.IndexFunc(columns, func(c store.Column) bool { return c.Name == "connection" })]))
		return nil
	})
	if err != nil || !slices.Equal(kept, slices.Repeat([]string{"a"}, 6)) {
		row.Violation("kept: %v, %v", kept, err)
	}
	row.Note("equal events", fmt.Sprint(times))
}
