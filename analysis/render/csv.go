package render

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"keyramp/queries/store"
)

// csvRows writes RFC 4180: a header, ISO times, dots for decimals, nothing for null.
type csvRows struct {
	w       *csv.Writer
	columns []store.Column
	unsafe  bool
	row     []string
}

// NewCSV starts a CSV file with a header line. Text cells that a spreadsheet would take for a formula get an
// apostrophe in front, unless unsafe says to leave them for a round trip between machines.
func NewCSV(w io.Writer, columns []store.Column, unsafe bool) (RowWriter, error) {
	c := &csvRows{w: csv.NewWriter(w), columns: columns, unsafe: unsafe, row: make([]string, len(columns))}
	for i, col := range columns {
		c.row[i] = col.Name
	}
	return c, c.w.Write(c.row)
}

func (c *csvRows) Write(values []any) error {
	if err := checkWidth(c.columns, values); err != nil {
		return err
	}
	for i, v := range values {
		v, err := cellOf(c.columns[i], v)
		if err != nil {
			return err
		}
		c.row[i] = c.text(c.columns[i], v)
	}
	return c.w.Write(c.row)
}

func (c *csvRows) text(col store.Column, v any) string {
	switch x := v.(type) {
	case string:
		if c.unsafe {
			return x
		}
		return csvSafe(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case time.Time:
		if col.Type == store.Date {
			return x.UTC().Format(time.DateOnly)
		}
		return x.UTC().Format(time.RFC3339Nano)
	}
	return ""
}

func (c *csvRows) Close() error {
	c.w.Flush()
	return c.w.Error()
}
