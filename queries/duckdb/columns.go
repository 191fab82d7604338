package duckdb

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// This file is the one door between Go's memory and DuckDB's. Rows go through
// it as columns: each vector of a chunk is filled in place, which takes no
// call and no conversion a value. The driver's Appender takes rows of `any`
// and costs six times as much; its Arrow interface is as fast, but wants a
// build tag and a second library.

// columns are the vectors of one chunk that is being filled.
type columns struct {
	chunk  mapping.DataChunk
	types  []mapping.Type
	faults []error
}

// A fixed value is stored in a vector as Go holds it.
type fixed interface {
	bool | uint8 | uint32 | int64 | uint64
}

// typesOf lists the DuckDB types whose values look like T.
func typesOf[T fixed]() []mapping.Type {
	switch any(*new(T)).(type) {
	case bool:
		return []mapping.Type{mapping.TypeBoolean}
	case uint8:
		return []mapping.Type{mapping.TypeUTinyInt}
	case uint32:
		return []mapping.Type{mapping.TypeUInteger}
	case int64:
		return []mapping.Type{mapping.TypeBigInt, mapping.TypeTimestamp}
	default:
		return []mapping.Type{mapping.TypeUBigInt}
	}
}

// column is the memory of column i of the chunk, as long as a chunk. It must
// not be kept. With a type that is not the column's it is memory of nobody's,
// and the append fails.
func column[T fixed](c *columns, i int) []T {
	if i < len(c.types) {
		for _, t := range typesOf[T]() {
			if t == c.types[i] {
				return unsafe.Slice((*T)(mapping.VectorGetData(mapping.DataChunkGetVector(c.chunk, mapping.IdxT(i)))), chunkRows)
			}
		}
	}
	c.faults = append(c.faults, fmt.Errorf("column %d is not a %T", i+1, *new(T)))
	return make([]T, chunkRows)
}

// text stores a text, which DuckDB copies. It must be UTF-8: any other would become NULL.
func (c *columns) text(i, row int, s string) {
	if i >= len(c.types) || c.types[i] != mapping.TypeVarchar {
		c.faults = append(c.faults, fmt.Errorf("column %d is not a text", i+1))
		return
	}
	mapping.VectorAssignStringElement(mapping.DataChunkGetVector(c.chunk, mapping.IdxT(i)), mapping.IdxT(row), s)
}

// chunkRows is how many rows a chunk takes.
var chunkRows = int(mapping.VectorSize())

// appendRows appends rows to a temporary table. fill is called for one chunk
// after another, to write the rows from, …, until-1 to its rows 0, 1, ….
func appendRows(conn *sql.Conn, table string, rows int, fill func(c *columns, from, until int)) (err error) {
	if rows == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("staging %s: %w", table, err)
		}
	}()
	return conn.Raw(func(raw any) error {
		inner, err := innerConn(raw)
		if err != nil {
			return err
		}
		var a mapping.Appender
		state := mapping.AppenderCreateExt(inner, "temp", "main", table, &a)
		defer mapping.AppenderDestroy(&a)
		check := func(state mapping.State) error {
			if state == mapping.StateError {
				return errors.New(mapping.AppenderError(a))
			}
			return nil
		}
		if err := check(state); err != nil {
			return err
		}
		c := &columns{}
		var types []mapping.LogicalType
		for i := range mapping.AppenderColumnCount(a) {
			t := mapping.AppenderColumnType(a, i)
			defer mapping.DestroyLogicalType(&t)
			types, c.types = append(types, t), append(c.types, mapping.GetTypeId(t))
		}
		c.chunk = mapping.CreateDataChunk(types)
		defer mapping.DestroyDataChunk(&c.chunk)
		for from := 0; from < rows; from += chunkRows {
			until := min(from+chunkRows, rows)
			mapping.DataChunkReset(c.chunk)
			fill(c, from, until)
			if err := errors.Join(c.faults...); err != nil {
				return err
			}
			mapping.DataChunkSetSize(c.chunk, mapping.IdxT(until-from))
			if err := check(mapping.AppendDataChunk(a, c.chunk)); err != nil {
				return err
			}
		}
		return check(mapping.AppenderClose(a))
	})
}

// innerConn is the C library's connection inside the driver's, which keeps it
// to itself. A driver that is built otherwise gives an error and not a crash.
func innerConn(raw any) (mapping.Connection, error) {
	v := reflect.Indirect(reflect.ValueOf(raw))
	if v.Kind() == reflect.Struct {
		if f := v.FieldByName("conn"); f.IsValid() && f.Type() == reflect.TypeFor[mapping.Connection]() {
			return mapping.Connection{Ptr: f.FieldByName("Ptr").UnsafePointer()}, nil
		}
	}
	return mapping.Connection{}, fmt.Errorf("this release of the DuckDB driver has no connection inside %T", raw)
}
