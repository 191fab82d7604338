package render

import (
	"io"

	"keyramp/queries/store"
)

// A RowWriter takes the rows of an export, one at a time. Values follow
// store.ColumnType; nil is null. Close finishes the output and must be called.
type RowWriter interface {
	Write(values []any) error
	Close() error
}

// NewCSV starts a CSV file with a header line.
func NewCSV(w io.Writer, columns []store.Column, unsafe bool) (RowWriter, error) { return nil, nil }

// NewParquet starts a Parquet file.
func NewParquet(w io.Writer, columns []store.Column, metadata map[string]string) (RowWriter, error) {
	return nil, nil
}
