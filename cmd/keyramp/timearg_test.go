package main

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	base := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	for arg, want := range map[string]string{
		"2026-11-01T00:00:00Z":          "2026-11-01T00:00:00Z",
		"2026-11-01T02:00:00+02:00":     "2026-11-01T00:00:00Z",
		"2026-11-01T00:00:00.123456Z":   "2026-11-01T00:00:00.123456Z",
		"2026-11-01":                    "2026-11-01T00:00:00Z",
		"90m":                           "2026-11-22T09:00:00Z",
		"24h":                           "2026-11-21T10:30:00Z",
		"1h30m":                         "2026-11-22T09:00:00Z",
		"7d":                            "2026-11-15T10:30:00Z",
		"2w":                            "2026-11-08T10:30:00Z",
		"0s":                            "2026-11-22T10:30:00Z",
		"2026-11-01T00:00:00.123+01:00": "2026-10-31T23:00:00.123Z",
	} {
		got, err := parseTime(arg, base)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v; want %s", arg, got, err, want)
		}
	}
	for _, arg := range []string{"", "yesterday", "-7d", "-1h", "7", "d", "1.5d", "2026-13-01", "2026-11-01 00:00", "99999999d"} {
		if got, err := parseTime(arg, base); err == nil {
			t.Errorf("%q: no error, got %v", arg, got)
		}
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 301187: "301,187", -1000: "-1,000", -999: "-999", 1234567890: "1,234,567,890"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %s, want %s", n, got, want)
		}
	}
}
