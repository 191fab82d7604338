package render

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"keyramp/queries/store"
)

// groupRows is the length of a row group: what is held in memory before it is written.
const groupRows = 64 * 1024

// parquetRows collects rows by column and writes a row group when it is full.
//
// It uses Arrow's Parquet writer directly. Its bridge from Arrow records (pqarrow) would bring gRPC into the program
// for the sake of one line of metadata, which is written here instead.
type parquetRows struct {
	w       *file.Writer
	columns []store.Column
	cells   []cells
	row     []any
	rows    int // in the row group so far
}

// NewParquet starts a Parquet file: zstd, typed columns that all may be null, the given key-value metadata, and each column's
// Doc as `comment` in the metadata of its Arrow field.
func NewParquet(w io.Writer, columns []store.Column, keyValues map[string]string) (RowWriter, error) {
	p := &parquetRows{columns: columns, row: make([]any, len(columns))}
	var nodes schema.FieldList
	var fields []arrow.Field
	for _, c := range columns {
		kind, ok := parquetTypes[c.Type]
		if !ok {
			return nil, fmt.Errorf("export: column %s has the type %q, which has no Parquet form", c.Name, c.Type)
		}
		node, err := schema.NewPrimitiveNodeLogical(c.Name, parquet.Repetitions.Optional, kind.logical, kind.physical, -1, -1)
		if err != nil {
			return nil, fmt.Errorf("export: column %s: %w", c.Name, err)
		}
		nodes, p.cells = append(nodes, node), append(p.cells, kind.cells())
		fields = append(fields, arrow.Field{Name: c.Name, Type: kind.arrow, Nullable: true,
			Metadata: arrow.NewMetadata([]string{"comment"}, []string{c.Doc})})
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return nil, fmt.Errorf("export: parquet schema: %w", err)
	}
	var meta metadata.KeyValueMetadata
	for _, k := range slices.Sorted(maps.Keys(keyValues)) {
		if err := meta.Append(k, keyValues[k]); err != nil {
			return nil, fmt.Errorf("export: metadata %s: %w", k, err)
		}
	}
	described, err := arrowSchema(fields)
	if err != nil {
		return nil, err
	}
	if err := meta.Append("ARROW:schema", described); err != nil {
		return nil, fmt.Errorf("export: parquet schema: %w", err)
	}
	p.w, err = file.NewParquetWriterWithError(w, root, file.WithWriteMetadata(meta),
		file.WithWriterProps(parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd),
			parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("keyramp"))))
	if err != nil {
		return nil, fmt.Errorf("export: parquet: %w", err)
	}
	return p, nil
}

// arrowSchema is the schema as Arrow readers look for it in the metadata: an empty stream, in base64.
func arrowSchema(fields []arrow.Field) (string, error) {
	var b bytes.Buffer
	if err := ipc.NewWriter(&b, ipc.WithSchema(arrow.NewSchema(fields, nil))).Close(); err != nil {
		return "", fmt.Errorf("export: parquet schema: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func (p *parquetRows) Write(values []any) error {
	if err := checkWidth(p.columns, values); err != nil {
		return err
	}
	for i, v := range values { // all of the row or nothing: columns must stay equally long
		v, err := cellOf(p.columns[i], v)
		if err != nil {
			return err
		}
		p.row[i] = v
	}
	for i, v := range p.row {
		p.cells[i].add(v)
	}
	if p.rows++; p.rows == groupRows {
		return p.flush()
	}
	return nil
}

func (p *parquetRows) flush() error {
	if p.rows == 0 {
		return nil
	}
	group, err := p.w.AppendRowGroupChecked()
	if err != nil {
		return fmt.Errorf("export: parquet: %w", err)
	}
	for i := range p.cells {
		w, err := group.NextColumn()
		if err != nil {
			return fmt.Errorf("export: parquet column %s: %w", p.columns[i].Name, err)
		}
		if err := p.cells[i].write(w); err != nil {
			return fmt.Errorf("export: parquet column %s: %w", p.columns[i].Name, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("export: parquet column %s: %w", p.columns[i].Name, err)
		}
	}
	p.rows = 0
	if err := group.Close(); err != nil {
		return fmt.Errorf("export: parquet: %w", err)
	}
	return nil
}

func (p *parquetRows) Close() error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("export: parquet: %w", err)
	}
	return nil
}

// A parquetType is one column type in the terms of Parquet and Arrow.
type parquetType struct {
	physical parquet.Type
	logical  schema.LogicalType
	arrow    arrow.DataType
	cells    func() cells
}

var parquetTypes = map[store.ColumnType]parquetType{
	store.Text: {parquet.Types.ByteArray, schema.StringLogicalType{}, arrow.BinaryTypes.String, newCells(func(v any) parquet.ByteArray {
		return parquet.ByteArray(strings.ToValidUTF8(v.(string), "\ufffd"))
	})},
	store.Integer: {parquet.Types.Int64, schema.NewIntLogicalType(64, true), arrow.PrimitiveTypes.Int64, newCells(func(v any) int64 { return v.(int64) })},
	store.Double:  {parquet.Types.Double, schema.NoLogicalType{}, arrow.PrimitiveTypes.Float64, newCells(func(v any) float64 { return v.(float64) })},
	store.Boolean: {parquet.Types.Boolean, schema.NoLogicalType{}, arrow.FixedWidthTypes.Boolean, newCells(func(v any) bool { return v.(bool) })},
	store.Timestamp: {parquet.Types.Int64, schema.NewTimestampLogicalType(true, schema.TimeUnitMicros),
		&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, newCells(func(v any) int64 { return v.(time.Time).UnixMicro() })},
	store.Date: {parquet.Types.Int32, schema.DateLogicalType{}, arrow.FixedWidthTypes.Date32, newCells(func(v any) int32 {
		return int32(arrow.Date32FromTime(v.(time.Time).UTC()))
	})},
}

// cells hold one column of the row group that is being filled.
type cells interface {
	add(v any)
	write(w file.ColumnChunkWriter) error
}

// typed are the cells of one Parquet type. Levels say of each row whether it has a value (1) or is null (0).
type typed[T any] struct {
	values []T
	levels []int16
	of     func(any) T
}

func newCells[T any](of func(any) T) func() cells { return func() cells { return &typed[T]{of: of} } }

func (c *typed[T]) add(v any) {
	if v == nil {
		c.levels = append(c.levels, 0)
		return
	}
	c.values, c.levels = append(c.values, c.of(v)), append(c.levels, 1)
}

func (c *typed[T]) write(w file.ColumnChunkWriter) error {
	_, err := w.(interface {
		WriteBatch(values []T, definition, repetition []int16) (int64, error)
	}).WriteBatch(c.values, c.levels, nil)
	c.values, c.levels = c.values[:0], c.levels[:0]
	return err
}
