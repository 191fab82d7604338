package main

import (
	"strings"
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
	for _, arg := range []string{"", "yesterday", "-7d", "-1h", "7", "d", "1.5d", "2026-13-01", "2026-11-01 00:00", "99999999d",
		"65535w", "3000w", "0001-01-01", "1970-01-01", "9999-12-31T23:59:59-01:00", "2562047h"} {
		if got, err := parseTime(arg, base); err == nil {
			t.Errorf("%q: no error, got %v", arg, got)
		}
	}
}

// FuzzParseTime: a time that is written whole is read back, a duration never leads into the future, and nothing leads
// out of the years that a store can hold.
func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-11-01T00:00:00Z", "2026-11-01", "90m", "7d", "65535w", "0001-01-01", "9999-12-31T23:59:59-23:59", "2562047h47m16s", "1970-01-01"} {
		f.Add(seed)
	}
	base := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, arg string) {
		got, err := parseTime(arg, base)
		if err != nil {
			return
		}
		if got.Location() != time.UTC || got.Year() < 1970 || got.Year() > 9999 || micros(got) <= 0 {
			t.Errorf("%q is taken for %v", arg, got)
		}
		if again, err := parseTime(got.Format(time.RFC3339Nano), base); err != nil || !again.Equal(got) {
			t.Errorf("%q is taken for %v, and that for %v, %v", arg, got, again, err)
		}
		if !strings.Contains(arg, "-") && got.After(base) {
			t.Errorf("%q leads from %v to %v", arg, base, got)
		}
	})
}

func TestGroup(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 301187: "301,187", -1000: "-1,000", -999: "-999", 1234567890: "1,234,567,890"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %s, want %s", n, got, want)
		}
	}
}
