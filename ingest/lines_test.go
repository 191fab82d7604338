package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"keyramp/queries/store"
)

// A yield is all that a stream gives a pump.
type yield struct {
	Events   []store.Event
	Filtered map[store.FilterKey]int64
	Rejects  []string // place, reason, size and bytes
	Received int64
	Bytes    int64
	Line     int64
	Err      string
}

// yieldOf reads a stream to its end, as a pump does.
func yieldOf(s interface {
	Fill(*Chunk) error
	Line() int64
}) (y yield) {
	d := LogDecoder{Pseudonyms: testKey, Keep: func(typ store.Word) bool { return typ.String() != "skip" }}
	b := store.Batch{Filtered: map[store.FilterKey]int64{}}
	var c Chunk
	for err := error(nil); err == nil; {
		c = Chunk{Records: c.Records[:0]}
		if err = s.Fill(&c); err != nil {
			y.Err = err.Error()
		}
		if c.Decoded != nil {
			b.Events = append(b.Events, c.Decoded.Events...)
			for k, n := range c.Decoded.Filtered {
				b.Filtered[k] += n
			}
			y.Received += c.Decoded.Received
			y.Bytes += c.DecodedBytes
		}
		for _, rec := range c.Records {
			why := rec.Err
			if why == nil {
				errors.As(d.Decode(rec.Raw, &b), &why)
			}
			size := max(rec.Bytes, int64(len(rec.Raw)))
			if y.Received++; why != nil {
				y.Rejects = append(y.Rejects, fmt.Sprintf("%s: %v, %d bytes %.200q", rec.Place, why, size, rec.Raw))
			}
			y.Bytes += size
		}
	}
	y.Events, y.Filtered, y.Line = b.Events, b.Filtered, s.Line()
	return y
}

// linesOf reads in by blocks of size.
func linesOf(r io.Reader, size int) yield {
	l := newLines(r, &LogDecoder{Pseudonyms: testKey, Keep: func(typ store.Word) bool { return typ.String() != "skip" }}, size)
	defer l.Close()
	return yieldOf(l)
}

func sameBySplitter(t interface {
	Helper()
	Fatalf(string, ...any)
}, in []byte, size, step int) {
	t.Helper()
	want := yieldOf(NewSplitter(bytes.NewReader(in)))
	got := linesOf(&stutter{in: in, step: step}, size)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("blocks of %d, reads of %d: -splitter +lines:\n%s\n%q", size, step, diff, in)
	}
}

func TestLines(t *testing.T) {
	big := ev("big")[:len(ev("big"))-1] + `,"x":"` + strings.Repeat("x", MaxRecord) + `"}`
	for name, in := range map[string]string{
		"nothing":                      "",
		"blank":                        "\n \r\n",
		"lines":                        ev("1") + "\n" + ev("2") + "\n",
		"no line end at the end":       ev("1") + "\n" + ev("2"),
		"cut at the end":               ev("1") + "\n" + ev("2")[:20],
		"junk at the end":              ev("1") + "\nxyz",
		"spaces around, mark and CRLF": "\ufeff" + ev("1") + " \r\n\r\n\t" + ev("2") + "\r\n",
		"commas":                       ev("1") + ",\n," + ev("2") + "\n",
		"two a line":                   ev("1") + ev("2") + "\n" + ev("3") + "\n",
		"one bad line each kind":       ev("1") + "\n{\"log_id\":\n" + ev("2") + "\n{\"a\":\"x\n" + ev("3") + "\n{\"a\":\"\xff\"}\n" + ev("4") + "\njunk\n" + ev("5") + "\n" + strings.Repeat("[", 70) + "\n" + ev("6") + "\n{\"a\":tru}\n" + ev("7"),
		"rejects":                      "{}\n" + ev("1") + "\n{\"log_id\":\"1\"}\n" + ev("2") + "\n{\"x\":1,\"x\":2}\n",
		"an array":                     "[" + ev("1") + ",\n" + ev("2") + ",\n" + ev("3") + "]\n" + ev("4") + "\n",
		"an array without end":         "[\n" + ev("1") + ",\n" + ev("2") + ",\n",
		"logs":                         `{"logs":[` + ev("1") + ",\n" + ev("2") + "],\n\"total\":2}\n" + ev("3") + "\n",
		"logs of an event":             ev("1")[:len(ev("1"))-1] + `,"logs":[{"a":1},` + ev("2") + "]}\n" + ev("3") + "\n",
		"pretty":                       "{\n \"log_id\":\"1\",\n \"type\":\"s\",\n\"date\":\"2026-11-03T09:14:11Z\"\n}\n" + ev("2") + "\n",
		"a value of two lines, often":  strings.Repeat("{\"a\":[1,\n2],"+ev("1")[1:]+"\n", 4) + ev("2") + "\n",
		"a line end before the end":    ev("1")[:len(ev("1"))-1] + "\n}\n" + ev("2") + "\n",
		"filtered":                     strings.Replace(ev("1"), `"s"`, `"skip"`, 1) + "\n" + ev("2") + "\n",
		"too large":                    ev("1") + "\n" + big + "\n" + ev("2") + "\n",
		"brackets open for long":       ev("1") + "\n[[[\n" + strings.Repeat(ev("2")+",\n", 100) + "]]]\n" + strings.Repeat(ev("3")+"\n", 100),
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{16, 100, 4096, blockSize} {
				for _, step := range []int{3, 70, 1 << 30} {
					if len(in) > MaxRecord && step < 70 {
						continue
					}
					sameBySplitter(t, []byte(in), size, step)
				}
			}
		})
	}
}

// However odd a document and however small the blocks, the records are those of a Splitter.
func TestLinesLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		n := 0
		event := func() string {
			n++
			e := ev(fmt.Sprint(n))
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				return e[:len(e)-1] + `,"user_name":"` + rapid.SampledFrom([]string{"é", `\"`, `{[`, `]}`, `\\`, "\xff"}).Draw(t, "name") + `"}`
			case 1:
				return `{"data":` + e + `}`
			case 2:
				return strings.Replace(e, `"s"`, `"skip"`, 1)
			case 3:
				return "{ \"zzz\" : [ 1, {} ],\n " + e[1:]
			case 4:
				return `{"type":"s"}`
			}
			return e
		}
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			switch rapid.IntRange(0, 11).Draw(t, "part") {
			case 0:
				b.WriteString("[" + event() + "," + event() + "]")
			case 1:
				b.WriteString("[\n" + event() + ",\n" + event() + "\n]")
			case 2:
				b.WriteString(`{"logs":[` + event() + "],\n\"n\":1}")
			case 3:
				b.WriteString(rapid.StringOfN(rapid.SampledFrom([]rune("{}[]\",:\\a1 \n\ufeff")), 0, 12, -1).Draw(t, "junk"))
			case 4:
				e := event()
				b.WriteString(e[:rapid.IntRange(0, len(e)).Draw(t, "cut")])
			case 5:
				b.WriteString(event() + event())
			default:
				b.WriteString(event())
			}
			b.WriteString(rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", "\n\n", "", " ", ",\n"}).Draw(t, "end"))
		}
		sameBySplitter(t, b.Bytes(), rapid.IntRange(1, 300).Draw(t, "size"), rapid.IntRange(1, 400).Draw(t, "step"))
	})
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{ev("1") + "\n" + ev("2") + "\n", "[" + ev("1") + ",\n" + ev("2") + "]\n" + ev("3"), ev("1") + "\n{\"a\":\n" + ev("2") + "\n", `{"logs":[` + ev("1") + "]}\n{}\n"} {
		f.Add([]byte(seed), byte(40), byte(70))
	}
	f.Fuzz(func(t *testing.T, in []byte, size, step byte) {
		sameBySplitter(t, in, int(size)+1, int(step)+1)
	})
}

// The reader's own error comes out as it is, after the records before it.
func TestLinesReadError(t *testing.T) {
	in := func() io.Reader {
		return io.MultiReader(strings.NewReader(ev("1")+"\n"+ev("2")+"\n{\"a\""), iotest.ErrReader(io.ErrClosedPipe))
	}
	want, got := yieldOf(NewSplitter(in())), linesOf(in(), 50)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || got.Err != io.ErrClosedPipe.Error() {
		t.Errorf("-splitter +lines:\n%s", diff)
	}
	if got := linesOf(iotest.ErrReader(io.ErrClosedPipe), 50); got.Err != io.ErrClosedPipe.Error() {
		t.Errorf("%+v", got)
	}
}

// What stands in a pipe is handed over before the pipe says more.
func TestLinesDoNotWait(t *testing.T) {
	pr, pw := io.Pipe()
	l := NewLines(pr, &LogDecoder{Pseudonyms: testKey})
	defer l.Close()
	defer pw.Close()
	for i := range 5 {
		go io.WriteString(pw, ev(fmt.Sprint(i))+"\n")
		var c Chunk
		if err := l.Fill(&c); err != nil || c.Decoded == nil || len(c.Decoded.Events) != 1 {
			t.Fatalf("%v, %+v", err, c)
		}
	}
}

// Close ends the reading of an endless stream, wherever it stands.
func TestLinesClose(t *testing.T) {
	line := ev("1") + "\n"
	for fills := range 3 {
		l := newLines(endless(line), &LogDecoder{Pseudonyms: testKey}, 1000)
		var c Chunk
		for range fills {
			if err := l.Fill(&c); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		l.Close()
	}
}

type endless string

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }
