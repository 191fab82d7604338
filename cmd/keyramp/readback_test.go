package main

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// told writes a value in the one form that all readers are compared in.
func told(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// A readback is an export as one reader gives it: types by column, then rows.
type readback struct {
	names, types []string
	rows         []string
}

func (r *readback) add(cells []string) { r.rows = append(r.rows, strings.Join(cells, "\x00")) }

// throughDuckDB reads a file by DuckDB's own reader.
func throughDuckDB(t *testing.T, ask string) (r readback) {
	t.Helper()
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "set TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(t.Context(), ask)
	if err != nil {
		t.Fatalf("%s: %v", ask, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i, c := range types {
		into[i] = &values[i]
		r.names, r.types = append(r.names, c.Name()), append(r.types, c.DatabaseTypeName())
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = told(v)
		}
		r.add(cells)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// throughArrow reads a Parquet file by Arrow's reader of columns.
func throughArrow(t *testing.T, path string) (r readback) {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	schema := f.MetaData().Schema
	for i := range schema.NumColumns() {
		r.names, r.types = append(r.names, schema.Column(i).Name()), append(r.types, schema.Column(i).LogicalType().String())
	}
	for g := range f.NumRowGroups() {
		group := f.RowGroup(g)
		n := group.NumRows()
		columns := make([][]string, schema.NumColumns())
		for i := range columns {
			c, err := group.Column(i)
			if err != nil {
				t.Fatal(err)
			}
			columns[i] = columnOf(t, c, n, r.types[i])
		}
		for row := range int(n) {
			cells := make([]string, len(columns))
			for i := range columns {
				cells[i] = columns[i][row]
			}
			r.add(cells)
		}
	}
	return r
}

// columnOf reads one column of a row group; nulls are empty.
func columnOf(t *testing.T, c file.ColumnChunkReader, n int64, logical string) (cells []string) {
	t.Helper()
	levels := make([]int16, n)
	spread := func(values int, err error, at func(int) any) {
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for _, l := range levels {
			if l == 0 {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, told(at(next)))
			next++
		}
		if next != values {
			t.Fatalf("%d values for %d levels", values, next)
		}
	}
	switch c := c.(type) {
	case *file.ByteArrayColumnChunkReader:
		v := make([]parquet.ByteArray, n)
		_, got, err := c.ReadBatch(n, v, levels, nil)
		spread(got, err, func(i int) any { return string(v[i]) })
	case *file.Int64ColumnChunkReader:
		v := make([]int64, n)
		_, got, err := c.ReadBatch(n, v, levels, nil)
		spread(got, err, func(i int) any {
			if strings.HasPrefix(logical, "Timestamp") {
				return time.UnixMicro(v[i])
			}
			return v[i]
		})
	case *file.Int32ColumnChunkReader:
		v := make([]int32, n)
		_, got, err := c.ReadBatch(n, v, levels, nil)
		spread(got, err, func(i int) any { return time.Unix(int64(v[i])*86400, 0) })
	case *file.Float64ColumnChunkReader:
		v := make([]float64, n)
		_, got, err := c.ReadBatch(n, v, levels, nil)
		spread(got, err, func(i int) any { return v[i] })
	case *file.BooleanColumnChunkReader:
		v := make([]bool, n)
		_, got, err := c.ReadBatch(n, v, levels, nil)
		spread(got, err, func(i int) any { return v[i] })
	default:
		t.Fatalf("a column of type %T", c)
	}
	return cells
}

// arrowNames are the logical types of Parquet, and DuckDB's types, for each type of an export.
var arrowNames = map[string]string{"VARCHAR": "String", "BIGINT": "Int(bitWidth=64", "DOUBLE": "None", "BOOLEAN": "None", "TIMESTAMP": "Timestamp(", "DATE": "Date"}

// Every export reads back as what it says it is, by whoever reads it: Parquet by DuckDB and Arrow, CSV by DuckDB and by
// a plain reader, with equal values and the types of the manifest.
func TestExportsReadBack(t *testing.T) {
	row := tier.Begin(t, "U4", tier.Size{Test: len(exportNames())})
	s := tell(t, tenant.Config{Seed: 12, Users: 300, Days: 6, PageUserIDs: true})
	logs, page := s.files(1)
	s.keyramp(0, "import", "logs", logs[0])
	s.keyramp(0, "import", "page", page)
	out := t.TempDir()
	for _, name := range exportNames() {
		var m manifest
		for _, as := range []string{"parquet", "csv"} {
			s.keyramp(0, "export", name, "--out", filepath.Join(out, as), "--as", as, "--as-of", s.world.End().Format(time.RFC3339), "--csv-plain")
			raw, err := os.ReadFile(filepath.Join(out, as, name, manifestName))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &m); err != nil {
				t.Fatal(err)
			}
		}
		parquetFile, csvFile := filepath.Join(out, "parquet", name, "part-0.parquet"), filepath.Join(out, "csv", name, "part-0.csv")
		var want []string
		columns := "{"
		for i, c := range m.Columns {
			want = append(want, c.Name)
			if i > 0 {
				columns += ", "
			}
			columns += "'" + c.Name + "': '" + strings.ReplaceAll(c.Type, "TIMESTAMP", "TIMESTAMPTZ") + "'"
		}
		readers := map[string]readback{
			"Parquet by DuckDB": throughDuckDB(t, "from read_parquet('"+parquetFile+"')"),
			"Parquet by Arrow":  throughArrow(t, parquetFile),
			"CSV by DuckDB":     throughDuckDB(t, "from read_csv('"+csvFile+"', header = true, nullstr = '', columns = "+columns+"})"),
		}
		plain := plainCSV(t, csvFile, m.Columns)
		slices.Sort(plain.rows)
		if int64(len(plain.rows)) != m.Rows || m.Rows == 0 {
			row.Violation("%s has %d rows, the manifest says %d", name, len(plain.rows), m.Rows)
		}
		for reader, got := range readers {
			slices.Sort(got.rows)
			if !slices.Equal(got.names, want) {
				row.Violation("%s, %s: columns %v, the manifest says %v", name, reader, got.names, want)
			}
			if !slices.Equal(got.rows, plain.rows) {
				row.Violation("%s, %s: %d rows are not the %d of the CSV file; the first is\n%q\n%q", name, reader, len(got.rows), len(plain.rows), got.rows[0], plain.rows[0])
			}
			for i, c := range m.Columns {
				ok := got.types[i] == c.Type || got.types[i] == c.Type+"TZ" || c.Type == "TIMESTAMP" && got.types[i] == "TIMESTAMPTZ"
				if reader == "Parquet by Arrow" {
					ok = strings.HasPrefix(got.types[i], arrowNames[c.Type])
				}
				if !ok {
					row.Violation("%s, %s: %s is %s, the manifest says %s", name, reader, c.Name, got.types[i], c.Type)
				}
			}
		}
		row.Done()
	}
	t.Run("hyparquet", func(t *testing.T) { foreign(t, row, filepath.Join(out, "parquet")) })
}

// plainCSV reads a CSV file with nothing but its own rules.
func plainCSV(t *testing.T, path string, columns []columnDoc) (r readback) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		for i, c := range columns {
			if v, err := time.Parse(time.DateOnly, cells[i]); c.Type == "DATE" && err == nil {
				cells[i] = told(v)
			}
		}
		r.add(cells)
	}
	return r
}

// foreign reads the exports by a reader that shares no code with ours.
func foreign(t *testing.T, row *tier.Row, dir string) {
	if os.Getenv(tier.Env) == "" || os.Getenv(tier.Env) == "test" {
		t.Skip("hyparquet is fetched from a higher tier on: make chaos")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is missing: nothing but DuckDB and Arrow has read the Parquet files")
	}
	work := t.TempDir()
	install := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "hyparquet@1", "hyparquet-compressors@1")
	install.Dir = work
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch hyparquet: %v\n%s", err, out)
	}
	const program = `import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
for (const path of process.argv.slice(2)) {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors })
  for (const r of rows) console.log(JSON.stringify(Object.values(r).map(v => v === null || v === undefined ? '' :
    v instanceof Date ? v.toISOString() : String(v))))
}`
	if err := os.WriteFile(filepath.Join(work, "read.mjs"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range exportNames() {
		path := filepath.Join(dir, name, "part-0.parquet")
		node := exec.Command("node", "read.mjs", path)
		node.Dir = work
		out, err := node.Output()
		if err != nil {
			var exit *exec.ExitError
			errors.As(err, &exit)
			t.Fatalf("hyparquet reads %s: %v\n%s", name, err, exit.Stderr)
		}
		var got readback
		dec := json.NewDecoder(bytes.NewReader(out))
		for {
			var cells []string
			if err := dec.Decode(&cells); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			got.add(instants(cells, time.Millisecond))
		}
		want := throughArrow(t, path)
		for i, r := range want.rows {
			want.rows[i] = strings.Join(instants(strings.Split(r, "\x00"), time.Millisecond), "\x00")
		}
		if !slices.Equal(got.rows, want.rows) {
			row.Violation("hyparquet reads %d rows of %s, Arrow %d; the first differ so:\n%q\n%q", len(got.rows), name, len(want.rows), got.rows[:1], want.rows[:1])
		}
	}
	row.Note("hyparquet", fmt.Sprintf("%d exports read", len(exportNames())))
}

// instants cuts times to what a JavaScript date holds.
func instants(cells []string, to time.Duration) []string {
	for i, c := range cells {
		if v, err := time.Parse(time.RFC3339Nano, c); err == nil {
			cells[i] = told(v.Truncate(to))
		}
	}
	return cells
}
