package ingest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzWait: whatever an answer's headers say, we come back neither before the time that
// they name nor, for a mistake, never.
func FuzzWait(f *testing.F) {
	f.Add(429, "7", "", "", "")
	f.Add(503, "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:00 GMT", "0", "1792567680")
	f.Add(200, "-5", "Mon, 01 Jan 0001 00:00:00 GMT", "0", "-9223372036854775808")
	f.Add(429, "99999999999999999999", "x", "", "9223372036854775807")
	f.Add(429, " 31536000 ", "", "-1", "0x10")
	f.Fuzz(func(t *testing.T, status int, after, date, left, at string) {
		a := &Answer{Status: status, Date: time.Now().Truncate(time.Second), Header: http.Header{
			"Retry-After": {after}, "X-Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {at}}}
		if d, err := http.ParseTime(date); err == nil {
			a.Date = d
		}
		p := NewPolite(&url.URL{Scheme: "https", Host: "acme.example"}, Manners{})
		before := time.Now()
		p.heed(a)
		gate := p.gate()
		if n, err := strconv.ParseUint(strings.TrimSpace(after), 10, 31); err == nil && n > 0 && n < 1e8 && gate.Before(before.Add(time.Duration(n)*time.Second)) {
			t.Errorf("Retry-After %q: may come at %v, asked at %v", after, gate, before)
		}
		if r := reset(a); r < 0 || r > maxReset {
			t.Errorf("reset %q holds us for %v", at, r)
		}
		p.heed(&Answer{Status: 429, Header: http.Header{"Retry-After": {"1"}}, Date: a.Date})
		if p.gate().Before(gate) {
			t.Errorf("the gate went back from %v to %v", gate, p.gate())
		}
	})
}

// TestArray decodes what a server may send for an array, and stops at a size that only
// an attack has.
func TestArray(t *testing.T) {
	for text, want := range map[string]int{"null": 0, "[]": 0, "[1, 2]": 2, "[" + strings.Repeat("7,", MaxElements-1) + "7]": MaxElements} {
		var a Array[int]
		if err := json.Unmarshal([]byte(text), &a); err != nil || len(a) != want {
			t.Errorf("%.40s: %d elements, error %v", text, len(a), err)
		}
	}
	for _, text := range []string{"{}", "7", `"x"`, `["x"]`, "[1,[]]"} {
		var a Array[int]
		if err := json.Unmarshal([]byte(text), &a); err == nil || errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, error %v", text, a, err)
		}
	}
	var whole struct{ A Array[struct{ X [100]int64 }] }
	large := []byte(`{"A":[` + strings.Repeat("{},", 1<<18) + `{}]}`)
	got := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := json.Unmarshal(large, &whole); !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
		}
	})
	if got.AllocedBytesPerOp() > 8<<20 {
		t.Errorf("%d bytes were allocated for %d", got.AllocedBytesPerOp(), len(large))
	}
}
