package analysis

import (
	"encoding/json"
	"time"

	"keyramp/queries/store"
)

// Time is a moment of a report: microseconds since 1970-01-01 UTC, written as
// RFC 3339 in UTC. Zero means that no time is known, and is written as null.
type Time store.Micros

const day = 24 * time.Hour

// Std returns the moment as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// String is the moment in RFC 3339, UTC; "" when no time is known.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Std().Format(time.RFC3339Nano)
}

// MarshalJSON writes the moment as a string, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(t.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if *t = 0; s == nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		return err
	}
	*t = Time(at.UnixMicro())
	return nil
}
