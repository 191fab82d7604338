package render

import (
	"fmt"
	"math"
	"time"

	"keyramp/queries/store"
)

// A RowWriter takes the rows of an export, one at a time, in the order of its columns. Values are those of
// store.ColumnType; nil is null. Close finishes the output and must be called; it
// does not close what lies below.
type RowWriter interface {
	Write(values []any) error
	Close() error
}

// cellOf checks a value against its column. A double that is not finite becomes null: no output format of ours has a word
// for it that every reader knows.
func cellOf(c store.Column, v any) (any, error) {
	ok := true
	switch x := v.(type) {
	case nil:
		return nil, nil
	case string:
		ok = c.Type == store.Text
	case int64:
		ok = c.Type == store.Integer
	case float64:
		if ok = c.Type == store.Double; math.IsNaN(x) || math.IsInf(x, 0) {
			v = nil
		}
	case bool:
		ok = c.Type == store.Boolean
	case time.Time:
		ok = c.Type == store.Timestamp || c.Type == store.Date
	default:
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("export: column %s is %s but its value is a %T: the question's header and its result disagree", c.Name, c.Type, v)
	}
	return v, nil
}

func checkWidth(columns []store.Column, values []any) error {
	if len(values) != len(columns) {
		return fmt.Errorf("export: a row has %d values for %d columns", len(values), len(columns))
	}
	return nil
}
