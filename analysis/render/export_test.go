package render

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"keyramp/analysis"
	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

var exported = []store.Column{
	{Name: "name", Type: store.Text, Doc: "what it is called"},
	{Name: "n", Type: store.Integer, Doc: "how many"},
	{Name: "rate", Type: store.Double},
	{Name: "good", Type: store.Boolean},
	{Name: "at", Type: store.Timestamp, Doc: "when, UTC"},
	{Name: "day", Type: store.Date},
}

var noon = time.Date(2026, 11, 3, 12, 0, 0, 123456000, time.FixedZone("CET", 3600))

// With several treatments control is in the CSV of a report once: who sums a column counts nobody twice.
func TestControlOnce(t *testing.T) {
	r := analysis.Build(tenants["three"]())
	var out bytes.Buffer
	if err := Report(&out, r, analysis.Decide(r.Plan, r), Options{Format: CSV}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range strings.Split(out.String(), "\n")[1:] {
		fact := row[:strings.LastIndex(row, ",")+1]
		if fact == "" {
			continue
		}
		if seen[fact] && !strings.Contains(fact, ",decision,reason,") {
			t.Error("twice:", row)
		}
		seen[fact] = true
	}
	if len(seen) < 100 {
		t.Error(len(seen), "facts")
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	w, err := NewCSV(&b, exported, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{
		{"=1+1", int64(-5), 0.25, true, noon, noon},
		{"a,\"b\"\nc", int64(math.MaxInt64), math.NaN(), false, nil, nil},
		{nil, nil, nil, nil, nil, nil},
	} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := "name,n,rate,good,at,day\n'=1+1,-5,0.25,true,2026-11-03T11:00:00.123456Z,2026-11-03\n" +
		"\"a,\"\"b\"\"\nc\",9223372036854775807,,false,,\n,,,,,\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if err := w.Write([]any{int64(1), nil, nil, nil, nil, nil}); err == nil || !strings.Contains(err.Error(), "column name") {
		t.Errorf("a number in a text column: %v", err)
	}
	if err := w.Write([]any{"a"}); err == nil {
		t.Error("a short row is taken")
	}
}

// formulas are texts that a spreadsheet runs.
var formulas = []string{"=1+1", "+1+1", "-1+1", "@SUM(1+1)", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil.example\")", "=WEBSERVICE(\"http://evil.example\")",
	"=IMPORTXML(\"http://evil.example\",\"//a\")", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "=1+1\",=1+1,\"", "=1,=2", "=\"a\"&\"b\"", "-", "--1", "+", "@",
	"=", "==1", "=DDE(\"cmd\";\"/C calc\";\"x\")", "@A1", "-2+3+cmd|' /C calc'!D2", "+cmd|' /C calc'!A0", "=A1:A9", "={1;2}", "=-1", "=+1", "\r\n=1", "=1\n=2", "=\u202e1+1", "=\x00",
	"=REGISTER.ID(1)", "=SUM(1;2)", "@import", "+491701234567"}

// Text that looks like a formula gets an apostrophe in every text cell, numbers stay numbers, and --csv-plain is exact.
func TestFormulas(t *testing.T) {
	row := tier.Begin(t, "S5", tier.Size{Test: len(formulas)})
	columns := []store.Column{{Name: "a", Type: store.Text}, {Name: "n", Type: store.Integer}, {Name: "b", Type: store.Text}, {Name: "x", Type: store.Double}, {Name: "c", Type: store.Text}}
	cells := func(b *bytes.Buffer) [][]string {
		t.Helper()
		rows, err := csv.NewReader(b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	for _, f := range formulas {
		for _, unsafe := range []bool{false, true} {
			var b bytes.Buffer
			w, err := NewCSV(&b, columns, unsafe)
			if err == nil {
				err = errors.Join(w.Write([]any{f, int64(-5), f, -0.5, "x" + f}), w.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			got := cells(&b)[1]
			want := []string{"'" + f, "-5", "'" + f, "-0.5", "x" + f}
			if unsafe {
				want[0], want[2] = f, f
			}
			for i := range want {
				want[i] = strings.ReplaceAll(want[i], "\r\n", "\n") // RFC 4180 readers take a line end inside quotes for one
				if got[i] != want[i] {
					row.Violation("%q, unsafe %v: column %d reads back as %q, want %q", f, unsafe, i, got[i], want[i])
				}
			}
			// Reports and decisions: every name and id may be one.
			in := tenants["phases"]()
			in.Scope.Experiment = f
			in.Counts.Gaps[0].Source, in.Counts.Undated[0].Source, in.Counts.Conflicts[0].Source, in.Counts.Rejects[0].Reason = f, f, f, f
			for _, p := range in.Scope.Phases {
				for i := range p.Arms {
					p.Arms[i].Variation, p.Arms[i].Name = f+p.Arms[i].Variation, f
				}
			}
			r := analysis.Build(in)
			d := analysis.Decide(r.Plan, r)
			b.Reset()
			if err := Report(&b, r, d, Options{Format: CSV, Unsafe: unsafe}); err != nil {
				t.Fatal(err)
			}
			if err := Decision(&b, d, Options{Format: CSV, Unsafe: unsafe}); err != nil {
				t.Fatal(err)
			}
			for _, cs := range cells(&b) {
				for i, c := range cs {
					if _, err := strconv.ParseFloat(c, 64); err == nil && i == 7 { // a value
						continue
					}
					if !unsafe && csvSafe(c) != c {
						row.Violation("%q: a report's cell is %q", f, c)
					}
				}
			}
		}
		row.Done()
	}
}

// TestParquet writes more rows than a row group holds and reads them back, types, nulls, metadata and comments.
func TestParquet(t *testing.T) {
	var b bytes.Buffer
	w, err := NewParquet(&b, exported, map[string]string{"keyramp.version": "test", "as_of": "2026-11-04"})
	if err != nil {
		t.Fatal(err)
	}
	const rows = groupRows + 10
	for i := range rows {
		row := []any{"n\xff", int64(i), float64(i) / 2, i%2 == 0, noon, noon}
		if i%10 == 3 {
			row = make([]any, len(exported))
		}
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	r, err := file.NewParquetReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.NumRows() != rows || r.NumRowGroups() != 2 {
		t.Fatalf("%d rows in %d groups", r.NumRows(), r.NumRowGroups())
	}
	meta := r.MetaData().KeyValueMetadata()
	if v := meta.FindValue("keyramp.version"); v == nil || *v != "test" {
		t.Error("metadata is missing")
	}
	raw, err := base64.StdEncoding.DecodeString(*meta.FindValue("ARROW:schema"))
	if err != nil {
		t.Fatal(err)
	}
	described, err := ipc.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range described.Schema().Fields() {
		if doc, _ := f.Metadata.GetValue("comment"); f.Name != exported[i].Name || doc != exported[i].Doc || !f.Nullable {
			t.Errorf("field %v", f)
		}
	}
	for i, want := range []string{"String", "Int(bitWidth=64, isSigned=true)", "None", "None",
		"Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, force_set_converted_type=false)", "Date"} {
		if got := r.MetaData().Schema.Column(i).LogicalType().String(); got != want {
			t.Errorf("column %d is %s", i, got)
		}
	}
	if c, err := r.MetaData().RowGroup(0).ColumnChunk(0); err != nil || c.Compression().String() != "ZSTD" {
		t.Errorf("compression: %v", err)
	}

	column := func(i int) file.ColumnChunkReader {
		c, err := r.RowGroup(1).Column(i)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	levels, names, moments, dates := make([]int16, 10), make([]parquet.ByteArray, 10), make([]int64, 10), make([]int32, 10)
	if n, _, err := column(0).(*file.ByteArrayColumnChunkReader).ReadBatch(10, names, levels, nil); err != nil || n != 10 || string(names[0]) != "n\ufffd" {
		t.Errorf("%d names, first %q: %v", n, names[0], err)
	}
	if n, _, err := column(4).(*file.Int64ColumnChunkReader).ReadBatch(10, moments, levels, nil); err != nil || n != 10 || moments[0] != noon.UnixMicro() {
		t.Errorf("%d times, first %d: %v", n, moments[0], err)
	}
	if n, _, err := column(5).(*file.Int32ColumnChunkReader).ReadBatch(10, dates, levels, nil); err != nil || n != 10 || dates[0] != 20760 {
		t.Errorf("%d days, first %d: %v", n, dates[0], err)
	}
	nulls := 0
	for _, l := range levels {
		if l == 0 {
			nulls++
		}
	}
	if nulls != 1 {
		t.Errorf("%d nulls in the last ten rows, want 1", nulls)
	}
}
