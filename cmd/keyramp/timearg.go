package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"keyramp/queries/store"
)

// parseTime reads a time argument: RFC 3339, a date (the start of that UTC
// day), or a duration back from base: 90m, 24h, 7d, 2w. It lies after the
// beginning of 1970 and before the year 10000, as all times in a store do.
func parseTime(s string, base time.Time) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		d, err := parseBack(s)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is neither a time (2026-11-01T00:00:00Z), a date (2026-11-01) nor a duration back (90m, 24h, 7d, 2w)", s)
		}
		t = base.Add(-d)
	}
	if t = t.UTC(); t.Year() > 9999 || t.UnixMicro() <= 0 {
		return time.Time{}, fmt.Errorf("%q lies outside the years 1970 to 9999", s)
	}
	return t, nil
}

// parseBack reads a duration: Go's forms, and whole days and weeks.
func parseBack(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			v, err := strconv.ParseUint(n, 10, 16)
			if err == nil && time.Duration(v) > math.MaxInt64/unit {
				err = fmt.Errorf("%q is longer than 292 years", s)
			}
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
