package render

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"keyramp/queries/store"
)

// FuzzCSV: whatever a text holds, a reader of RFC 4180 finds it in its own cell, and no cell begins as a formula does.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "plain", `a "quoted" word`, "a,b", "line\nbreak", "\r\n", "=1+1", "+1", "-1", "-", "@sum", "\t=1", "'=1", "＝1", "\x00", "\u2028", "\ufeff=1", `\.`, " =1"} {
		f.Add(seed, "other")
	}
	columns := []store.Column{{Name: "a", Type: store.Text}, {Name: "n", Type: store.Integer}, {Name: "b", Type: store.Text}}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			t.Skip("the store gives UTF-8")
		}
		for _, plain := range []bool{true, false} {
			var out bytes.Buffer
			w, err := NewCSV(&out, columns, plain)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := w.Write([]any{a, int64(-7), b}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil || len(rows) != 3 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for i, want := range map[int]string{0: a, 1: "-7", 2: b} {
				got := rows[2][i]
				if !plain && i != 1 {
					if got != "" && got != "-" && strings.ContainsAny(got[:1], "=+-@\t\r\n") {
						t.Errorf("%q begins as a formula does", got)
					}
					if got != want {
						got, _ = strings.CutPrefix(got, "'")
					}
				}
				// The reader takes every CRLF for one line end, also inside a cell.
				if got != strings.ReplaceAll(want, "\r\n", "\n") {
					t.Errorf("plain %v, cell %d: %q, want %q", plain, i, got, want)
				}
			}
		}
	})
}
