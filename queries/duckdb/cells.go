package duckdb

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
)

// kindOfType is the kind of a type's values, by DuckDB's name of it.
func kindOfType(name string) Kind {
	base, _, _ := strings.Cut(name, "(")
	switch base {
	case "BOOLEAN":
		return Truth
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UHUGEINT", "BIGNUM",
		"FLOAT", "DOUBLE", "DECIMAL":
		return Number
	case "JSON", "STRUCT", "MAP", "UNION", "LIST", "ARRAY":
		return Encoded
	}
	if strings.HasSuffix(name, "]") {
		return Encoded
	}
	return Words
}

// textOf is a value of an answer as text; nil is null. Every digit is kept.
func textOf(v any, f Field) (*string, error) {
	if v == nil {
		return nil, nil
	}
	var text string
	switch f.Kind {
	case Encoded:
		b, err := json.Marshal(plain(v, f.Type))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		text = string(b)
	default:
		switch p := scalar(v, f.Type).(type) {
		case string:
			text = p
		default:
			return nil, &StatementError{What: fmt.Sprintf("column %s: values of type %s are not shown", f.Name, f.Type), Hint: "cast it to varchar"}
		}
	}
	return &text, nil
}

// scalar is the text of a value that holds no others, else the value.
func scalar(v any, typ string) any {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v)
	case float32:
		return double(float64(v), 32)
	case float64:
		return double(v, 64)
	case *big.Int:
		return v.String()
	case duck.Decimal:
		return v.String()
	case time.Time:
		return timeText(v, typ)
	case duck.Interval:
		return fmt.Sprintf("P%dM%dDT%sS", v.Months, v.Days, strings.TrimSuffix(strings.TrimRight(new(big.Rat).SetFrac64(v.Micros, 1e6).FloatString(6), "0"), "."))
	case duck.UUID:
		return v.String()
	case []byte:
		if len(v) == 16 && strings.Contains(typ, "UUID") && !strings.Contains(typ, "BLOB") {
			return (*duck.UUID)(v).String()
		}
		return hex.EncodeToString(v)
	}
	return v
}

// double is the shortest text that reads back as the same number.
func double(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case v != 0 && (math.Abs(v) < 1e-6 || math.Abs(v) >= 1e21):
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}

// timeText writes a moment, a day or a time of day. typ may be that of a list
// or a struct which holds the value: only one that is certain is heeded.
func timeText(t time.Time, typ string) string {
	switch stamp := strings.Contains(typ, "TIMESTAMP"); {
	case stamp && t.Year() > 9999 && t.UnixMicro() == math.MaxInt64, t.Unix() == math.MaxInt32*86400:
		return "infinity"
	case stamp && t.Year() < 0 && t.UnixMicro() == -math.MaxInt64, t.Unix() == -math.MaxInt32*86400:
		return "-infinity"
	case stamp:
		return t.UTC().Format(time.RFC3339Nano)
	case strings.Contains(typ, "DATE") && !strings.Contains(typ, "TIME"):
		return t.UTC().Format(time.DateOnly)
	case strings.Contains(typ, "TIME") && !strings.Contains(typ, "DATE"):
		return t.Format("15:04:05.999999")
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// plain is a nested value in a form that encodes as JSON without loss.
func plain(v any, typ string) any {
	switch v := v.(type) {
	case nil, bool, string:
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i], typ)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k], typ)
		}
		return out
	case duck.OrderedMap:
		return pairs(v.Keys(), v.Values(), typ)
	case *duck.OrderedMap:
		return pairs(v.Keys(), v.Values(), typ)
	case duck.Map:
		out := map[string]any{}
		for k, x := range v {
			out[fmt.Sprint(scalar(k, typ))] = plain(x, typ)
		}
		return out
	case duck.Union:
		return map[string]any{v.Tag: plain(v.Value, typ)}
	case float32:
		return finite(float64(v), 32)
	case float64:
		return finite(v, 64)
	case int8, int16, int32, int64, uint8, uint16, uint32, *big.Int, duck.Decimal:
		return json.Number(fmt.Sprint(scalar(v, typ)))
	}
	return fmt.Sprint(scalar(v, typ))
}

func pairs(keys, values []any, typ string) map[string]any {
	out := make(map[string]any, len(keys))
	for i := range keys {
		out[fmt.Sprint(scalar(keys[i], typ))] = plain(values[i], typ)
	}
	return out
}

// finite is a number, or null for what JSON has no number for.
func finite(v float64, bits int) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return json.Number(double(v, bits))
}
