package ingest

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

func TestParseTime(t *testing.T) {
	const sec = store.Micros(1793697251) * second // 2026-11-03T09:14:11Z
	row := tier.Begin(t, "D6", tier.Size{Test: 40})
	for in, want := range map[string]store.Micros{
		"2026-11-03T09:14:11Z":               sec,
		"2026-11-03T09:14:11.902Z":           sec + 902_000,
		"2026-11-03t09:14:11.9z":             sec + 900_000,
		"2026-11-03T09:14:11,902Z":           sec + 902_000,
		"2026-11-03T09:14:11.902418Z":        sec + 902_418,
		"2026-11-03T09:14:11.902418999Z":     sec + 902_418, // cut, not rounded
		"2026-11-03T09:14:11.9024189999999Z": sec + 902_418,
		"2026-11-03 09:14:11.689000000":      sec + 689_000, // a vendor's form, trouble 20
		"2026-11-03T09:14:11":                sec,
		"2026-11-03 09:14:11 UTC":            sec,
		"2026-11-03 09:14:11 +0000":          sec,
		"2026-11-03T09:14:11-00:00":          sec,
		"2026-11-03T10:14:11+01:00":          sec,
		"2026-11-03T10:14:11+01":             sec,
		"2026-11-03T23:14:11+14:00":          sec,
		"2026-11-03T03:44:11.5-0530":         sec + 500_000,
		"2024-02-29T00:00:00Z":               1709164800 * second,
		"2000-02-29T00:00:00Z":               951782400 * second,
		"1970-01-01T00:00:01Z":               second,
		"9999-12-31T23:59:59.999999Z":        253402300799999999,
		"2026-10-25T02:30:00+02:00":          1792888200 * second, // both sides of a clock change
		"2026-10-25T02:30:00+01:00":          1792891800 * second,
		"1793697251":                         sec,
		"1793697251.902":                     sec + 902_000,
		"1793697251902":                      sec + 902_000,
		"1793697251902.4189":                 sec + 902_418,
		"1793697251902418":                   sec + 902_418,
		"1793697251902418999":                sec + 902_418,
		"1.793697251902E12":                  sec + 902_000, // trouble 4
		"1.793697251902e+12":                 sec + 902_000,
		"1793697251902000e-3":                sec + 902_000,
		"17936972519020000000000e-10":        sec + 902_000,
		"001793697251":                       sec,
		"100000000":                          100000000 * second,
		"99999999999":                        99999999999 * second,

		"": 0, "x": 0, "-1": 0, "0": 0, "1": 0, "99999999": 0, "1e400": 0, "1e-400": 0, "1.7e": 0, "1e1234": 0, ".": 0, "e12": 0,
		"100000000000000000000": 0, "NaN": 0, "1793697251x": 0,
		"2026-11-03":                    0,
		"2026-11-03T09:14":              0,
		"2026-11-03T09:14:60Z":          0, // a leap second
		"2026-11-03T24:00:00Z":          0,
		"2026-11-03T09:60:00Z":          0,
		"2026-13-03T09:14:11Z":          0,
		"2026-00-03T09:14:11Z":          0,
		"2026-11-31T09:14:11Z":          0,
		"2023-02-29T09:14:11Z":          0,
		"1900-02-29T09:14:11Z":          0,
		"1969-12-31T23:59:59Z":          0,
		"1970-01-01T00:00:00Z":          0,
		"0001-01-01T00:00:00Z":          0,
		"2026-11-03T09:14:11.Z":         0,
		"2026-11-03T09:14:11+1:00":      0,
		"2026-11-03T09:14:11+25:00":     0,
		"2026-11-03T09:14:11+01:60":     0,
		"2026-11-03T09:14:11 Europe":    0,
		"2026-11-03T09:14:11Zx":         0,
		"2026-11-0XT09:14:11Z":          0,
		"Tue, 03 Nov 2026 09:14:11 GMT": 0,
	} {
		got, ok := ParseTime([]byte(in))
		if !ok {
			got = 0
		}
		if got != want {
			row.Violation("ParseTime(%q) = %d, want %d", in, got, want)
		}
		row.Done()
	}
}

// What package time writes is read back, whatever the zone and the precision.
func TestParseTimeLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(second, 253402300799*second).Draw(t, "at")
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes"))
		in := time.UnixMicro(at).In(zone).Format(time.RFC3339Nano)
		if len(in) > 4 && in[4] != '-' {
			t.Skip("the zone moved it to the year 10000")
		}
		if year := in[:4]; year < "1970" {
			t.Skip("the zone moved it before 1970")
		}
		if got, ok := ParseTime([]byte(in)); got != at || !ok {
			t.Fatalf("ParseTime(%q) = %d, want %d", in, got, at)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-11-03T09:14:11.902+01:00")
	f.Add("1.793697251902E12")
	f.Fuzz(func(t *testing.T, in string) {
		got, ok := ParseTime([]byte(in))
		if ok && got <= 0 || !ok && got < 0 {
			t.Errorf("ParseTime(%q) = %d, %v", in, got, ok)
		}
		// Where package time understands the text, both agree.
		if want, err := time.Parse(time.RFC3339Nano, in); err == nil && ok && got != want.UnixMicro() {
			t.Errorf("ParseTime(%q) = %d, package time says %d", in, got, want.UnixMicro())
		}
	})
}
