package ingest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyramp/queries/store"
)

// byParser decodes a record without the scanner.
func byParser(d *LogDecoder, raw []byte) (e store.Event, err error) {
	if err = d.parse(raw); err == nil {
		err = d.event(&e)
	}
	if err != nil {
		e = store.Event{}
	}
	return e, err
}

// scanSeeds are records that a scanner may get wrong. {…} stands for the
// members that every event has.
var scanSeeds = []string{
	`{…}`, ` { … , "zzz" : [ 1 , { "a" : [ ] , "b" : { } } , null , true , false , -0.5e+7 ] } `, "{\n\t…,\r\n\"zzz\":\"\"}",
	`{…,"zzz":01}`, `{…,"zzz":1.}`, `{…,"zzz":.5}`, `{…,"zzz":1e}`, `{…,"zzz":-}`, `{…,"zzz":+1}`, `{…,"zzz":1E-2}`, `{…,"zzz":0}`, `{…,"zzz":-0}`, `{…,"zzz":1x}`,
	`{…,"zzz":tru}`, `{…,"zzz":nul}`, `{…,"zzz":truex}`, `{…,}`, `{,…}`, `{…,,"a":1}`, `{…,"zzz":[1,]}`, `{…,"zzz":[,1]}`, `{…,"zzz":[1 2]}`, `{…,"zzz":{"a":1,}}`, `{…,"zzz":{"a"}}`,
	`{…,"zzz":{1:2}}`, `{…,"zzz":[}`, `{…,"zzz":{]}`, `{…,"zzz":[1}}`, `{…,"zzz" "a"}`, `{…,"zzz":}`, `{…,"zzz"}`, `{…`, `{…}}`, `{…},`, `{…}x`, `{…}{…}`, `{}`, `{`, ``, `[]`, `"`, `{"`, `{"a`, `{"a"`, `{"a":`,
	`{…,"zzz":"\"\\\/\b\f\n\r\t\u00e9"}`, `{…,"zzz":"\x"}`, `{…,"zzz":"\u00g0"}`, `{…,"zzz":"\u12"}`, `{…,"zzz":"\"}`, `{…,"zzz":"\\"}`, `{…,"zzz":"a\\\"b"}`, "{…,\"zzz\":\"\t\"}", "{…,\"zzz\":\"\x7f\"}", "{…,\"zzz\":\"\xff\"}", "{…,\"zzz\":\"\u00e9\u2028\"}", "{…,\"z\nz\":1}", "{…,\"zzz\":1\x00}", "{…\x0b}",
	"{…,\"zzz\":\"\xc3\",\"yyy\":\"\xa9\"}", "{…,\"zzz\":\"\xc3\\n\xa9\"}", "{…,\"z\xc3\":\"\xa9\"}", "{…,\"z\u00e9\":\"\u00e9\"}", "{…,\x01\"zzz\":1}", "{…,\x01\x00\":1,\"zzzzzzzzzzzzzzz\":1}",
	`{…,"sixteen_bytes":1,"sixteen_byteS":2,"seventeen_bytes":3,"seventeen_byteS":4}`, `{…,"seventeen_bytes":{"a":1},"seventeen_byte":{"b":2},"seventeen_bytes_":{"c":3}}`, `{…,"seventeen_byte`,
	`{…,"log_id":"2"}`, `{…,"log\u005fid":"2"}`, `{…,"zz\u007a":"2"}`, `{…,"zzz":1,"zzz":2}`, `{…,"ty\pe":1}`,
	`{…,"logs":[{"a":1}]}`, `{…,"logs":{"a":[1]}}`, `{…,"logs":1}`,
	`{…,"details":{"prompts":[{"performed_amr":["phr"]}]}}`, `{…,"details":{"prompts":[{"performed_amr":["xphr","phr"]},{"performed_amr":"phr"}]}}`, `{…,"details":{"prompts":[{"performed_amr":["ph\u0072"]}]}}`,
	`{…,"details":{"prompts":[1,null,{},{"performed_amr":{"type":"phr"}}]}}`, `{…,"details":{"prompts":[{"performed_amr":1,"performed_amr":["phr"]}]}}`, `{…,"details":{"prompts":[[{"performed_amr":["phr"]}]]}}`,
	`{…,"details":{"prompts":[{"performed_amr":[{"type":"phr"}]}]}}`, `{…,"details":{"prompts":[{"performed_amr":["pwd"]},]}}`, `{…,"details":{"prompts":{"performed_amr":["phr"]}}}`, `{…,"details":{"prompts":[ ]}}`, `{…,"details":{"prompts":[],"prompts":[{}]}}`,
	`{…,"details":{"experiment":{"experiment_id":"e","variation_id":"v","is_control":true,"config":{"a":[1]}}}}`, `{…,"details":{"experiment":[{"experiment_id":"e","variation_id":"v"}]}}`,
	`{…,"experiment":{"experiment_id":"e","variation_id":"v"},"details":{"experiment":{"experiment_id":"f","variation_id":"w","segment_id":"s"}}}`,
	`{…,"details":{"experiment":{"experiment_id":"e"}},"experiment":{"experiment_id":"f","variation_id":"w"}}`, `{…,"details":{"session_id":1,"transaction_id":"t"},"session_id":"u"}`,
	`{…,"details":{},"details":{"session_id":"s"}}`, `{…,"details":{"experiment":1},"details":null}`,
	`{"data":{…},"log_id":"9"}`, `{"log_id":"9","data":{"data":{"detail":{…}}}}`, `{"detail":{"data":{…}},"details":{"session_id":"outer"}}`, `{"data":{"log_id":"1","log_id":"2","type":"s","date":"2026-11-03T09:14:11Z"}}`,
	`{…,"data":{"a":1}}`, `{"data":{"x":"\ud83d","date":null},"date":null}`,
	`{…,"zzz":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{…,"zzz":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	`{…,"details":{"zzz":` + strings.Repeat(`{"a":`, 62) + "1" + strings.Repeat("}", 62) + `}}`, `{…,"details":{"zzz":` + strings.Repeat(`{"a":`, 63) + "1" + strings.Repeat("}", 63) + `}}`,
	`{…,"details":{"prompts":[` + strings.Repeat(`[`, 61) + strings.Repeat("]", 61) + `]}}`, `{…,"details":{"prompts":[` + strings.Repeat(`[`, 62) + strings.Repeat("]", 62) + `]}}`,
}

func spellSeed(seed string) string {
	return strings.ReplaceAll(seed, "…", `"log_id":"`+loginID+`","date":"2026-11-03T09:14:11.902Z","type":"s"`)
}

// sameByParser fails unless d makes of raw what the parser makes of it.
func sameByParser(t testing.TB, d *LogDecoder, raw []byte) {
	t.Helper()
	var got store.Event
	err := d.Event(raw, &got)
	want, wantErr := byParser(&LogDecoder{Pseudonyms: testKey}, raw)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || got != want {
		t.Errorf("%q\nby the scanner %v, by the parser %v, -parser +scanner:\n%s", raw, err, wantErr, cmp.Diff(want, got))
	}
}

// FuzzScan sets the scanner against the parser. The decoder has read another
// record before, so it guesses names that may not come.
func FuzzScan(f *testing.F) {
	f.Add(login, login)
	for i, seed := range scanSeeds {
		f.Add([]byte(spellSeed(seed)), []byte(spellSeed(scanSeeds[(i+1)%len(scanSeeds)])))
	}
	f.Fuzz(func(t *testing.T, first, raw []byte) {
		d := &LogDecoder{Pseudonyms: testKey}
		for _, r := range [][]byte{first, raw, raw} {
			sameByParser(t, d, r)
		}
	})
}

// A decoder that has seen everything still reads each record as a new one does.
func TestScan(t *testing.T) {
	d := &LogDecoder{Pseudonyms: testKey}
	for range 2 {
		for _, seed := range scanSeeds {
			sameByParser(t, d, []byte(spellSeed(seed)))
		}
		for _, line := range bytes.Split(sampleLog(200), []byte("\n")) {
			sameByParser(t, d, line)
		}
	}
	for i := range 3 * maxNames { // more names than are learned
		sameByParser(t, d, []byte(spellSeed(fmt.Sprintf(`{"x%d":1,…,"y%d":{"type":"f"}}`, i, i))))
	}
}

// Names are remembered up to a length, so that a log with names of any length takes no memory without end.
func TestScanLongNames(t *testing.T) {
	d := &LogDecoder{Pseudonyms: testKey}
	for _, n := range []int{maxValue, maxValue + 1, 100_000} {
		name := strings.Repeat("x", n)
		sameByParser(t, d, []byte(spellSeed(`{"`+name+`":1,…}`)))
		if _, known := d.scanner.event.known[name]; known != (n <= maxValue) {
			t.Errorf("a name of %d bytes: known %v", n, known)
		}
	}
}

// Every cut and every single wrong byte of an event is judged as the parser judges it.
func TestScanDamage(t *testing.T) {
	d := &LogDecoder{Pseudonyms: testKey}
	raw := bytes.TrimSpace(login)
	for i := range raw {
		sameByParser(t, d, raw[:i])
		for _, c := range []byte(`"\{}[],:0e-. ` + "\n\x00\xff") {
			bad := bytes.Clone(raw)
			bad[i] = c
			sameByParser(t, d, bad)
		}
	}
}

// A string is judged as the parser judges it, however long and wherever the odd bytes of it stand.
func TestScanStrings(t *testing.T) {
	d := &LogDecoder{Pseudonyms: testKey}
	for n := range 40 {
		for at := range n + 1 {
			for _, odd := range []string{"", `\n`, `\"`, `\u00e9`, `\u00e`, `\`, `\x`, "\n", "\x1f", "\x7f", "\u00e9", "\u5c71", "\xc3", "\x80", "\xa2", "\xdc", `"`} {
				text := strings.Repeat("a", at) + odd + strings.Repeat("b", n-at)
				sameByParser(t, d, []byte(spellSeed(`{…,"client_id":"`+text+`"}`)))
				sameByParser(t, d, []byte(spellSeed(`{…,"`+text+`":1}`)))
			}
		}
	}
}

// What the scanner is for, it does: ordinary events do not fall back.
func TestScanSure(t *testing.T) {
	d := &LogDecoder{Pseudonyms: testKey}
	for _, line := range bytes.Split(bytes.TrimSpace(sampleLog(200)), []byte("\n")) {
		if !d.scan(line) {
			t.Fatalf("the scanner is not sure of %s", line)
		}
	}
	if name := os.Getenv("KEYRAMP_SCAN_FILE"); name != "" {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(in) {
			sameByParser(t, d, line)
		}
	}
}
