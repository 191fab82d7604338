package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"unsafe"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// This file is the one door between Go's memory and DuckDB's, and holds the
// package's only unsafe code. A batch stands in Go as columns, and SQL reads
// it as a table function that copies stretches of them into DuckDB's vectors.
//
// Other ways are dearer. The driver's Appender converts value by value and
// takes most of a second for a million events. Chunks appended to a temporary
// table are stored there once more, with statistics that nobody asks for.
// Arrow is no faster and needs a build tag and a second library.

// A table is a part of a batch, for SQL to read. Its memory is used again for
// the next batch: begin, then ask for the same columns in the same order.
type table struct {
	columns []column
	begun   int // how many columns this batch has asked for
	rows    int
}

func (t *table) begin(rows int) { t.rows, t.begun = rows, 0 }

// A column holds the values of one column of a table.
type column interface {
	info() (duck.ColumnInfo, error)
	copy(to mapping.Vector, from, until int) // into the rows 0, 1, … of a vector of the type that info tells
}

// A fixed value has the same form in DuckDB as in Go.
type fixed interface {
	bool | uint8 | uint32 | int64 | uint64
}

type values[T fixed] struct {
	name string
	of   []T
}

// numbers is the next column of t, to be filled.
func numbers[T fixed](t *table, name string) []T {
	c := next(t, func() *values[T] { return &values[T]{name: name} })
	c.of = sized(c.of, t.rows)
	return c.of
}

func (c *values[T]) info() (duck.ColumnInfo, error) {
	t := duck.TYPE_UBIGINT
	switch any(c.of).(type) {
	case []bool:
		t = duck.TYPE_BOOLEAN
	case []uint8:
		t = duck.TYPE_UTINYINT
	case []uint32:
		t = duck.TYPE_UINTEGER
	case []int64:
		t = duck.TYPE_BIGINT
	}
	of, err := duck.NewTypeInfo(t)
	return duck.ColumnInfo{Name: c.name, T: of}, err
}

func (c *values[T]) copy(to mapping.Vector, from, until int) {
	copy(unsafe.Slice((*T)(mapping.VectorGetData(to)), until-from), c.of[from:until])
}

// texts are copied by DuckDB one by one. They must be UTF-8; others would become NULL.
type texts struct {
	name string
	of   []string
}

// texts is the next column of t, to be filled.
func (t *table) texts(name string) []string {
	c := next(t, func() *texts { return &texts{name: name} })
	c.of = sized(c.of, t.rows)
	return c.of
}

func (c *texts) info() (duck.ColumnInfo, error) {
	of, err := duck.NewTypeInfo(duck.TYPE_VARCHAR)
	return duck.ColumnInfo{Name: c.name, T: of}, err
}

func (c *texts) copy(to mapping.Vector, from, until int) {
	for i, text := range c.of[from:until] {
		mapping.VectorAssignStringElement(to, mapping.IdxT(i), text)
	}
}

// next is the column that comes next, made the first time.
func next[C column](t *table, fresh func() C) C {
	if t.begun == len(t.columns) {
		t.columns = append(t.columns, fresh())
	}
	t.begun++
	return t.columns[t.begun-1].(C)
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// register lets SQL read a table as name(). It stays until the instance ends,
// and the table must not change while a statement reads it.
func (t *table) register(conn *sql.Conn, name string) error {
	return duck.RegisterTableUDF(conn, name, duck.ChunkTableFunction{
		BindArgumentsContext: func(context.Context, map[string]any, ...any) (duck.ChunkTableSource, error) {
			s := &scan{table: t}
			for _, c := range t.columns {
				info, err := c.info()
				if err != nil {
					return nil, err
				}
				s.infos = append(s.infos, info)
			}
			return s, nil
		},
	})
}

// chunkRows is how many rows a chunk takes.
var chunkRows = duck.GetDataChunkCapacity()

// A scan is one statement's reading of a table, on one thread. Two would each
// leave a row group half full, which the next commits then write again; and the
// other core has the next batch to decode.
type scan struct {
	*table
	infos []duck.ColumnInfo
	at    int
}

func (s *scan) ColumnInfos() []duck.ColumnInfo { return s.infos }

func (s *scan) Cardinality() *duck.CardinalityInfo {
	return &duck.CardinalityInfo{Cardinality: uint(s.rows), Exact: true}
}

func (s *scan) Init() {}

func (s *scan) FillChunk(chunk duck.DataChunk) error {
	from, until := s.at, min(s.at+chunkRows, s.rows)
	s.at = until
	for i, c := range s.columns {
		to, wanted, err := vector(&chunk, i)
		if err != nil {
			return err
		}
		if wanted {
			c.copy(to, from, until)
		}
	}
	return chunk.SetSize(until - from)
}

// vector is the memory of a column inside a chunk, unless the statement does
// not read that column. The driver keeps it to itself and offers to set one
// value at a time; a driver that is built otherwise gives an error here.
func vector(chunk *duck.DataChunk, column int) (to mapping.Vector, wanted bool, err error) {
	inside := reflect.ValueOf(chunk).Elem()
	c, p := inside.FieldByName("chunk"), inside.FieldByName("projection")
	if !c.IsValid() || c.Type() != reflect.TypeFor[mapping.DataChunk]() || !p.IsValid() || p.Type() != reflect.TypeFor[[]int]() {
		return to, false, fmt.Errorf("this release of the DuckDB driver does not let its vectors be filled")
	}
	at := p.Index(column).Int()
	if at < 0 {
		return to, false, nil
	}
	return mapping.DataChunkGetVector(mapping.DataChunk{Ptr: c.FieldByName("Ptr").UnsafePointer()}, mapping.IdxT(at)), true, nil
}
