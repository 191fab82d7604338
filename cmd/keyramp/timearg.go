package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"keyramp/queries/store"
)

// parseTime reads a time argument: RFC 3339, a date (the start of that UTC
// day), or a duration back from base: 90m, 24h, 7d, 2w.
func parseTime(s string, base time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	d, err := parseBack(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time (2026-11-01T00:00:00Z), a date (2026-11-01) nor a duration back (90m, 24h, 7d, 2w)", s)
	}
	return base.Add(-d), nil
}

// parseBack reads a duration: Go's forms, and whole days and weeks.
func parseBack(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			v, err := strconv.ParseUint(n, 10, 16)
			return time.Duration(v) * unit, err
		}
	}
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		err = fmt.Errorf("%q is negative", s)
	}
	return d, err
}

func micros(t time.Time) store.Micros {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// stamp shows a stored time; an unknown one as a dash.
func stamp(m store.Micros) string {
	if m == 0 {
		return "-"
	}
	return time.UnixMicro(m).UTC().Format("2006-01-02T15:04:05Z")
}
