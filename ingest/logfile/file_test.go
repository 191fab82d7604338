package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"keyramp/ingest"
	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func gz(t testing.TB, in []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(in)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, in []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(in, nil)
}

// write puts a file into a new folder and returns its path.
func write(t testing.TB, name string, in []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, in, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A reading is all that a file gave.
type reading struct {
	raw    []string
	faults []string // reasons
	next   store.Cursor
	note   string
}

func readAll(t testing.TB, f *File) (r reading, err error) {
	t.Helper()
	var c ingest.Chunk
	for err == nil {
		c.Records, c.Next = c.Records[:0], store.Cursor{}
		err = f.Read(t.Context(), &c)
		for _, rec := range c.Records {
			if rec.Err != nil {
				r.faults = append(r.faults, rec.Err.Reason)
				continue
			}
			r.raw = append(r.raw, string(rec.Raw))
		}
		if c.Next != (store.Cursor{}) {
			r.next = c.Next
		}
	}
	r.note = f.Note()
	if err == io.EOF {
		err = nil
	}
	return r, err
}

// readPath reads a file. On the way it makes sure that a pump gets the same
// from it whether its records are decoded ahead or not, and whether the file was prepared.
func readPath(t testing.TB, path string) reading {
	t.Helper()
	want := pumpPath(t, path, false, false)
	for _, prepared := range []bool{false, true} {
		got := pumpPath(t, path, true, prepared)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(pumped{})); diff != "" {
			t.Errorf("%s: -one after the other +decoded ahead, prepared %v:\n%.5000s", path, prepared, diff)
		}
	}
	files, err := Open([]string{path}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := readAll(t, files[0])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pumped is what a pump made of a file.
type pumped struct {
	account ingest.Account
	next    store.Cursor
	events  []store.Event
	rejects []store.Reject
	err     string
}

var testKey = ingest.NewPseudonyms([16]byte{1})

// behind hides from a pump that its decoder can be used ahead.
type behind struct{ ingest.Decoder }

func pumpPath(t testing.TB, path string, ahead, prepared bool) (got pumped) {
	t.Helper()
	files, err := Open([]string{path}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := new(sink)
	p := ingest.Pump{Sink: s, Pseudonyms: testKey, Decoder: &ingest.LogDecoder{Pseudonyms: testKey}, Now: func() store.Micros { return 42 }}
	if prepared {
		files[0].DecodeAhead(p.Decoder.(*ingest.LogDecoder))
		files[0].Prepare(t.Context())
	}
	if !ahead {
		p.Decoder = behind{p.Decoder}
	}
	got.account, err = p.Run(t.Context(), files[0])
	if err != nil {
		got.err = err.Error()
	}
	files[0].Close()
	got.account.Duration, got.account.Commits = 0, 0
	got.next, got.events, got.rejects = s.next, s.events, s.rejects
	for i := range got.rejects {
		if !ahead { // with the decoder hides the kind that it reads
			got.rejects[i].Kind = store.KindLog
		}
	}
	return got
}

const three = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"

var threeRaw = []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}

// What a file is shows in its bytes; its name says nothing.
func TestSniff(t *testing.T) {
	halves := append(gz(t, []byte(three[:8])), gz(t, []byte(three[8:]))...)
	skippable := append([]byte{0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'}, zst(t, []byte(three))...)
	for name, in := range map[string][]byte{
		"plain.gz":            []byte(three),
		"gzip.json":           gz(t, []byte(three)),
		"gzip of two members": halves,
		"zstd.gz":             zst(t, []byte(three)),
		"zstd of two frames":  append(zst(t, []byte(three[:8])), zst(t, []byte(three[8:]))...),
		"zstd, skippable":     skippable,
		"array":               []byte(`[{"a":1},{"a":2},{"a":3}]`),
		"logs":                gz(t, []byte(`{"logs":[{"a":1},{"a":2}]}{"logs":[{"a":3}]}`)),
	} {
		r := readPath(t, write(t, name, in))
		if diff := cmp.Diff(threeRaw, r.raw); diff != "" || len(r.faults) > 0 || r.next.Position != "done" || !r.next.Complete || r.note != "" {
			t.Errorf("%s: %+v, -want +got:\n%s", name, r, diff)
		}
	}
}

func TestEmpty(t *testing.T) {
	for name, in := range map[string][]byte{"nothing": nil, "gzip": gz(t, nil), "zstd": zst(t, nil), "blank": []byte("\ufeff\r\n \n"), "array": []byte("[]")} {
		r := readPath(t, write(t, name, in))
		if len(r.raw)+len(r.faults) != 0 || !r.next.Complete || !strings.Contains(r.note, "empty") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What can be read of a damaged file is read, and the damage is told once.
func TestDamaged(t *testing.T) {
	many := []byte(strings.Repeat("{\"a\":\"0123456789\"}\n", 50_000))
	noise := make([]byte, 0, 1<<20) // does not compress, so that a cut falls between many blocks
	for i := range 50_000 {
		noise = fmt.Appendf(noise, "{\"a\":\"%x\"}\n", uint64(i)*0x9e3779b97f4a7c15)
	}
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	gzipped, zstded := gz(t, noise), zst(t, noise)
	named := append([]byte{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3}, "second.json"...) // a header that ends inside the name
	for _, test := range []struct {
		name    string
		in      []byte
		atLeast int
		reason  string
		note    string
	}{
		{"plain, cut", many[:len(many)-5], 49_999, ingest.ReasonTruncated, "ends inside a record"},
		{"array, cut", []byte("[" + `{"a":1},{"a":2}`), 2, ingest.ReasonTruncated, "ends inside an array"},
		{"gzip, cut", gzipped[:len(gzipped)*2/3], 10_000, ingest.ReasonTruncated, "ends too early"},
		{"gzip, cut in its end", gzipped[:len(gzipped)-3], 50_000, ingest.ReasonTruncated, "ends too early"},
		{"gzip, cut in its head", gzipped[:5], 0, ingest.ReasonTruncated, "ends too early"},
		{"gzip, head only", gzipped[:2], 0, ingest.ReasonTruncated, "ends too early"},
		{"gzip, cut in the name of a member", append(bytes.Clone(gzipped), named...), 50_000, ingest.ReasonTruncated, "ends too early"},
		{"gzip, zeros behind", append(bytes.Clone(gzipped), make([]byte, 512)...), 50_000, ingest.ReasonTruncated, "damaged"},
		{"gzip, wrong checksum", flip(gzipped, len(gzipped)-6), 50_000, ingest.ReasonTruncated, "checksum"},
		{"gzip, junk behind", append(bytes.Clone(gzipped), "junk junk junk junk"...), 50_000, ingest.ReasonTruncated, "damaged"},
		{"zstd, cut", zstded[:len(zstded)*2/3], 10_000, ingest.ReasonTruncated, "ends too early"},
		{"zstd, wrong checksum", flip(zstded, len(zstded)-2), 1, ingest.ReasonTruncated, "checksum"},
		{"compressed twice", gz(t, zst(t, many)), 0, ingest.ReasonSyntax, "compressed twice"},
		{"zip", []byte("PK\x03\x04junk"), 0, ingest.ReasonSyntax, "zip archive"},
		{"UTF-16", []byte("\xff\xfe{\x00}\x00"), 0, ingest.ReasonSyntax, "UTF-16"},
		{"Parquet", []byte("PAR1junk"), 0, ingest.ReasonSyntax, "Parquet"},
		{"zstd window of 2 GiB", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0, 0, 'x'}, 0, ingest.ReasonTruncated, "MiB of memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := readPath(t, write(t, "f", test.in))
			if len(r.raw) < test.atLeast || !slices.Equal(r.faults, []string{test.reason}) || !strings.Contains(r.note, test.note) || r.next.Complete {
				t.Errorf("%d records, faults %v, note %q, cursor %+v", len(r.raw), r.faults, r.note, r.next)
			}
		})
	}
}

// A megabyte that unpacks to gigabytes is neither held nor unpacked to its end.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1024 {
		w.Write(zeros)
	}
	w.Close()
	r := readPath(t, write(t, "bomb.zst", b.Bytes()))
	if len(r.raw) != 0 || !slices.Contains(r.faults, ingest.ReasonSize) || !strings.Contains(r.note, "200 times") || r.next.Complete {
		t.Errorf("%d records, faults %v, note %q", len(r.raw), r.faults, r.note)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.ndjson", "a.jsonl.gz", "c.json.zst", "d.log", "sub/z.json", "sub/a.json",
		".hidden.json", "x.json~", "~x.json", "#x.json#", "notes.txt", "store.duckdb", "x.json.tmp", "x.gz", ".git/x.json",
		"own/spool.ndjson", "empty/none.txt"} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		os.WriteFile(path, []byte(three), 0o600)
	}
	os.Symlink("b.ndjson", filepath.Join(dir, "link.json"))
	os.Symlink("sub", filepath.Join(dir, "linked"))
	os.Symlink("nowhere", filepath.Join(dir, "dangling.json"))
	own := Options{Skip: []string{filepath.Join(dir, "own"), filepath.Join(dir, "missing")}}
	names := func(files []*File) (n []string) {
		for _, f := range files {
			n = append(n, strings.TrimPrefix(strings.TrimPrefix(f.Name(), "file:"), filepath.ToSlash(dir)+"/"))
		}
		return n
	}
	for _, test := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"a folder", []string{"."}, []string{"a.jsonl.gz", "b.ndjson", "c.json.zst", "d.log", "link.json", "sub/a.json", "sub/z.json"}},
		{"files in the order given, each once", []string{"d.log", "./b.ndjson", "sub/../d.log"}, []string{"d.log", "b.ndjson"}},
		{"a file of any name", []string{"notes.txt"}, []string{"notes.txt"}},
		{"a glob", []string{"*.json*"}, []string{"a.jsonl.gz", "c.json.zst", "link.json", "x.json.tmp"}},
		{"a glob that matches a folder", []string{"s[tu]b"}, []string{"sub/a.json", "sub/z.json"}},
		{"a folder by a link", []string{"linked"}, []string{"linked/a.json", "linked/z.json"}},
		{"a folder after its file", []string{"sub/z.json", "sub"}, []string{"sub/z.json", "sub/a.json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			for _, p := range test.paths {
				paths = append(paths, filepath.Join(dir, p))
			}
			files, err := Open(paths, nil, own)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, names(files)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for path, fault := range map[string]string{
		"missing.json": "no such file", "*.nothing": "no file matches", "x[": "not a pattern", "empty": "holds no log files",
		"own": "keyramp's own", "own/spool.ndjson": "keyramp's own",
	} {
		if _, err := Open([]string{filepath.Join(dir, path)}, nil, own); err == nil || !strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q", path, err, fault)
		}
	}
	if _, err := Open(nil, nil, Options{}); err == nil {
		t.Error("no path is no error")
	}
	if _, err := Open([]string{"-"}, nil, Options{}); err == nil {
		t.Error("a missing stdin is no error")
	}
	if _, err := Open([]string{filepath.Join(dir, "m1"), filepath.Join(dir, "m2")}, nil, Options{}); err == nil || !strings.Contains(err.Error(), "m1") || !strings.Contains(err.Error(), "m2") {
		t.Errorf("not all faults were told: %v", err)
	}
}

func TestStdin(t *testing.T) {
	files, err := Open([]string{"-", "-"}, bytes.NewReader(gz(t, []byte(three))), Options{})
	if err != nil || len(files) != 1 || files[0].Name() != "file:-" {
		t.Fatalf("%v, %d files", err, len(files))
	}
	r, err := readAll(t, files[0])
	if diff := cmp.Diff(threeRaw, r.raw); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// A pipe that says nothing does not hold a cancelled run.
func TestStdinCancel(t *testing.T) {
	pr, pw := io.Pipe()
	files, err := Open([]string{"-"}, pr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	go pw.Write([]byte(three + "{\"a\":"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var c ingest.Chunk
	got := 0
	for err == nil {
		c.Records = c.Records[:0]
		err = files[0].Read(ctx, &c)
		got += len(c.Records)
	}
	if !errors.Is(err, context.DeadlineExceeded) || got != 3 {
		t.Errorf("%v after %d records", err, got)
	}
	pw.Close() // lets the last read go
}

// Nor when its records are decoded ahead: what it said before is stored.
func TestStdinCancelAhead(t *testing.T) {
	pr, pw := io.Pipe()
	defer pw.Close() // lets the last read go
	files, err := Open([]string{"-"}, pr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(pw, "{\"log_id\":\"1\",\"date\":\"2026-11-03T09:14:11Z\",\"type\":\"s\"}\n{\"log_id\":")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p := ingest.Pump{Sink: new(sink), Pseudonyms: testKey, Decoder: &ingest.LogDecoder{Pseudonyms: testKey}}
	got, err := p.Run(ctx, files[0])
	files[0].Close()
	if !errors.Is(err, context.DeadlineExceeded) || got.Stored != 1 || got.Rejected != 0 || got.Complete {
		t.Errorf("%v, %+v", err, got)
	}
}

// An error of the file system is no damage of the file: it ends the run.
func TestReadError(t *testing.T) {
	f := &File{name: "file:x", open: func() (io.Reader, error) {
		return io.MultiReader(strings.NewReader(three), iotest.ErrReader(os.ErrPermission)), nil
	}}
	r, err := readAll(t, f)
	if !errors.Is(err, os.ErrPermission) || len(r.raw) != 3 || r.next.Complete {
		t.Errorf("%v, %+v", err, r)
	}
	gone := &File{name: "file:x", open: func() (io.Reader, error) { return os.Open(filepath.Join(t.TempDir(), "x")) }}
	if _, err := readAll(t, gone); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that went away: %v", err)
	}
	if err := gone.Close(); err != nil {
		t.Error(err)
	}
}

// Read after Close, and Close twice, do no harm.
func TestClose(t *testing.T) {
	path := write(t, "f", zst(t, bytes.Repeat([]byte(three), 100_000)))
	for _, ahead := range []*ingest.LogDecoder{nil, {Pseudonyms: testKey}} {
		files, err := Open([]string{path}, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		files[0].DecodeAhead(ahead)
		files[0].Prepare(t.Context())
		var c ingest.Chunk
		if err := files[0].Read(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := files[0].Close(); err != nil {
				t.Error(err)
			}
		}
		if err := files[0].Read(t.Context(), &c); err != io.EOF {
			t.Error(err)
		}
	}
}

// Wherever a packed file is left, its reading ahead comes to an end.
func TestCloseWhileUnpacking(t *testing.T) {
	path := write(t, "f", gz(t, bytes.Repeat([]byte(three), 200_000)))
	for round := range 20 {
		files, err := Open([]string{path}, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		files[0].DecodeAhead(&ingest.LogDecoder{Pseudonyms: testKey})
		files[0].Prepare(t.Context())
		for range round % 4 {
			var c ingest.Chunk
			if err := files[0].Read(t.Context(), &c); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
		closed := make(chan struct{})
		go func() {
			files[0].Close()
			close(closed)
		}()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Fatalf("round %d: not closed", round)
		}
	}
}

// Whoever still reads what was closed is told so, instead of waiting for a piece that nobody sends.
func TestReadOfClosedUnpacker(t *testing.T) {
	u := newUnpacker(endless{})
	u.close()
	failed := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, u)
		failed <- err
	}()
	select {
	case err := <-failed:
		if err != io.ErrClosedPipe {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// However the same events are written, split into files, wrapped and packed,
// the same rows come out of them, and every record is accounted for.
func TestAnyFormLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var events []json.RawMessage
		want := map[uint64]int{}
		key := ingest.NewPseudonyms([16]byte{1})
		for i := range rapid.IntRange(0, 30).Draw(rt, "events") {
			id := fmt.Sprint(i)
			events = append(events, json.RawMessage(fmt.Sprintf(
				`{"log_id":%q,"date":"2026-11-03T09:14:%02dZ","type":"s","user_name":%s,"details":{"prompts":[{},{"a":[1,{"b":"]}"}]}],"experiment":{"experiment_id":"e","variation_id":"v"}}}`,
				id, i%60, rapid.SampledFrom([]string{`"pat@example.org"`, `"{\"a\":[\\\\"`, `"é\u00e9\n"`, `"\ud83d\ude00,]}"`}).Draw(rt, "text"))))
			want[key.LogID(id)] = 1
		}
		dir := t.TempDir()
		d := ingest.LogDecoder{Pseudonyms: key}
		var b store.Batch
		records := 0
		for n := 0; len(events) > 0; n++ {
			take := rapid.IntRange(1, len(events)).Draw(rt, "take")
			in := form(rt, events[:take])
			events = events[take:]
			switch rapid.IntRange(0, 2).Draw(rt, "pack") {
			case 1:
				in = gz(t, in)
			case 2:
				in = zst(t, in)
			}
			path := filepath.Join(dir, fmt.Sprint(n))
			if err := os.WriteFile(path, in, 0o600); err != nil {
				t.Fatal(err)
			}
			r := readPath(t, path)
			if len(r.faults) > 0 || !r.next.Complete {
				rt.Fatalf("%+v in\n%s", r, in)
			}
			for _, raw := range r.raw {
				records++
				if err := d.Decode([]byte(raw), &b); err != nil {
					rt.Fatalf("%v: %s", err, raw)
				}
			}
		}
		got := map[uint64]int{}
		for _, e := range b.Events {
			got[e.LogID]++
		}
		if diff := cmp.Diff(want, got); diff != "" || records != len(want) {
			rt.Fatalf("%d records, -want +got:\n%s", records, diff)
		}
	})
}

// form writes events in one of the forms that exports and streams have.
func form(t *rapid.T, events []json.RawMessage) []byte {
	wrapped := slices.Clone(events)
	for i, e := range wrapped {
		switch rapid.IntRange(0, 3).Draw(t, "wrapper") {
		case 1:
			wrapped[i] = json.RawMessage(fmt.Sprintf(`{"log_id":"x","data":%s}`, e))
		case 2:
			wrapped[i] = json.RawMessage(fmt.Sprintf(`{"id":"1","detail-type":"Auth0 log","detail":%s}`, e))
		case 3:
			wrapped[i] = json.RawMessage(fmt.Sprintf(`{"detail":{"data":%s}}`, e))
		}
	}
	end := rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "end")
	var b bytes.Buffer
	if rapid.Bool().Draw(t, "bom") {
		b.WriteString("\ufeff")
	}
	join := func(sep string) string {
		var parts []string
		for _, e := range wrapped {
			parts = append(parts, string(e))
		}
		return strings.Join(parts, sep)
	}
	indent := func(v any) {
		j, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b.Write(j)
	}
	switch rapid.IntRange(0, 8).Draw(t, "form") {
	case 0:
		b.WriteString(join(end) + end)
	case 1:
		b.WriteString(join(end))
	case 2:
		b.WriteString(join(""))
	case 3:
		b.WriteString("[" + join(",") + "]")
	case 4:
		b.WriteString("[" + end + join(","+end) + end + "]" + end)
	case 5:
		b.WriteString(`{"logs":[` + join(",") + `],"total":1}`)
	case 6:
		indent(wrapped)
	case 7:
		indent(map[string]any{"logs": wrapped, "length": 3, "start": 0})
	case 8: // each line an array or a logs object of one
		for _, e := range wrapped {
			fmt.Fprintf(&b, rapid.SampledFrom([]string{"[%s]", `{"logs":[%s]}`, "%s"}).Draw(t, "line")+"%s", e, end)
		}
	}
	return b.Bytes()
}

// A file through the pump: lines are told rightly, one bad line costs one record.
func TestFileThroughPump(t *testing.T) {
	const good = `{"log_id":"%d","date":"2026-11-03T09:14:11Z","type":"s"}` + "\n"
	in := "\ufeff" + fmt.Sprintf(good, 1) + "\r\n{\"log_id\":\"2\",\"date\":\n" + fmt.Sprintf(good, 3) +
		`{"log_id":"4","details":"` + strings.Repeat("x", 2<<20) + "\"}\n" + fmt.Sprintf(good, 5) +
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "\n" + "{\"log_id\":\"\xff\"}\n" + fmt.Sprintf(good, 6) + `{"log_id":`
	files, err := Open([]string{write(t, "f.ndjson", []byte(in))}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	key := ingest.NewPseudonyms([16]byte{1})
	s := &sink{}
	p := ingest.Pump{Sink: s, Pseudonyms: key, Decoder: &ingest.LogDecoder{Pseudonyms: key}}
	got, err := p.Run(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, r := range s.rejects {
		places = append(places, r.Place+" "+r.Reason)
	}
	want := []string{"line 3 not_json", "line 5 too_large", "line 7 too_deep", "line 8 invalid_utf8", "line 10 truncated"}
	for i := range places {
		places[i] = strings.Replace(places[i], ", item 1", "", 1)
	}
	if diff := cmp.Diff(want, places); diff != "" || got.Stored != 4 || got.Complete || got.Note == "" {
		t.Errorf("%+v, -want +got:\n%s", got, diff)
	}
}

type sink struct {
	next    store.Cursor
	events  []store.Event
	rejects []store.Reject
}

func (*sink) Cursor(context.Context, string) (c store.Cursor, ok bool, err error) { return }

func (s *sink) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return s.load(ctx, b, next) })
}

func (s *sink) load(_ context.Context, b *store.Batch, next store.Cursor) (store.Loaded, error) {
	s.next = next
	s.events = append(s.events, b.Events...)
	s.rejects = append(s.rejects, b.Rejects...)
	return store.Loaded{Received: b.Received, Stored: int64(len(b.Events)), Rejected: int64(len(b.Rejects))}, nil
}

// nowhere is a sink that keeps nothing.
type nowhere struct{ *sink }

func (s nowhere) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return s.load(ctx, b, next) })
}

func (nowhere) load(_ context.Context, b *store.Batch, _ store.Cursor) (store.Loaded, error) {
	return store.Loaded{Received: b.Received, Stored: int64(len(b.Events)), Rejected: int64(len(b.Rejects))}, nil
}

// BenchmarkFile pumps a file into a sink that keeps nothing.
func BenchmarkFile(b *testing.B) {
	line := `{"log_id":"9002026110309141241820700000000000000122337205551%07d","date":"2026-11-03T09:14:11Z","type":"s","user_agent":"` + strings.Repeat("Chrome 141.0.0 / ", 60) + `"}` + "\n"
	var in []byte
	for i := range 50_000 {
		in = fmt.Appendf(in, line, i)
	}
	for name, packed := range map[string][]byte{"plain": in, "gzip": gz(b, in), "zstd": zst(b, in)} {
		path := write(b, "f", packed)
		for how, dec := range map[string]ingest.Decoder{
			"ahead": &ingest.LogDecoder{Pseudonyms: testKey}, "behind": behind{&ingest.LogDecoder{Pseudonyms: testKey}},
		} {
			b.Run(name+"/"+how, func(b *testing.B) {
				b.SetBytes(int64(len(in)))
				for b.Loop() {
					files, err := Open([]string{path}, nil, Options{})
					if err != nil {
						b.Fatal(err)
					}
					p := ingest.Pump{Sink: nowhere{}, Pseudonyms: testKey, Decoder: dec}
					if _, err := p.Run(b.Context(), files[0]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A prepared file that is never read, and one whose run is cancelled, leave nothing behind; pipes are not waited for.
func TestPrepare(t *testing.T) {
	path := write(t, "f", gz(t, bytes.Repeat([]byte(three), 2_000_000))) // more than is unpacked ahead
	open := func(path string) *File {
		files, err := Open([]string{path}, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		files[0].DecodeAhead(&ingest.LogDecoder{Pseudonyms: testKey})
		return files[0]
	}
	f := open(path)
	f.Prepare(t.Context())
	if f.unpacks == nil {
		t.Error("nothing was begun")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f = open(path)
	f.Prepare(ctx)
	cancel()
	var c ingest.Chunk
	if err := f.Read(ctx, &c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	f.Close()
	for name, in := range map[string][]byte{"plain": []byte(three), "cut": {0x1f, 0x8b}, "zip": []byte("PK\x03\x04abcdefgh")} {
		f := open(write(t, name, in))
		f.Prepare(t.Context())
		if f.unpacks != nil || f.in != nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// FuzzFile: whatever a file holds, packed or not, it is read to an end, once, without an error of its own.
func FuzzFile(f *testing.F) {
	f.Add([]byte(three))
	f.Add(gz(f, []byte(three)))
	f.Add(zst(f, []byte(three)))
	f.Add(append(gz(f, []byte(three)), gz(f, []byte("["+three))...))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0, 0, 'x'})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, in []byte) {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		one, ahead := pumpPath(t, path, false, false), pumpPath(t, path, true, true)
		if one.err != "" || one.account.Loaded != ahead.account.Loaded || fmt.Sprint(one.rejects) != fmt.Sprint(ahead.rejects) ||
			fmt.Sprint(one.events) != fmt.Sprint(ahead.events) || one.next != ahead.next {
			t.Errorf("%q: one after the other %+v, decoded ahead %+v", in, one, ahead)
		}
		if one.account.Received != one.account.Stored+one.account.Rejected {
			t.Errorf("%+v", one.account)
		}
	})
}
