package synth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var small = Config{Seed: 7, Events: 20_000}

func lines(t *testing.T, c Config) ([]byte, Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := NewWriter(c).WriteFile(&b, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), truth
}

// TestTruth decodes the lines with encoding/json and counts again.
func TestTruth(t *testing.T) {
	text, want := lines(t, small)
	counts := tally{}
	seen := map[string]bool{}
	for scan := bufio.NewScanner(bytes.NewReader(text)); scan.Scan(); {
		var e struct {
			LogID   string `json:"log_id"`
			Type    string `json:"type"`
			Date    string `json:"date"`
			Details *struct {
				Experiment *struct {
					ID        string `json:"experiment_id"`
					Variation string `json:"variation_id"`
				} `json:"experiment"`
			} `json:"details"`
		}
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			t.Fatalf("%v\n%s", err, scan.Bytes())
		}
		tag := Tag{Type: e.Type}
		if e.Details != nil && e.Details.Experiment != nil {
			tag.Experiment, tag.Variation = e.Details.Experiment.ID, e.Details.Experiment.Variation
		}
		counts.add(tag, seen[e.LogID])
		seen[e.LogID] = true
		if len(e.LogID) != 56 || !strings.HasPrefix(e.LogID[3:], "202611") || !strings.HasPrefix(e.Date, "2026-11-") {
			t.Errorf("log_id %s, date %s", e.LogID, e.Date)
		}
	}
	if got := counts.truth(); !slices.Equal(got, want) {
		t.Errorf("decoded\n%v\nthe writer says\n%v", got, want)
	}
	if len(seen) != small.Events || want.Events() != int64(small.Events) {
		t.Errorf("%d different ids, %d events in the truth", len(seen), want.Events())
	}
	again := float64(want.Lines()-want.Events()) / float64(small.Events)
	if again < 0.003 || again > 0.007 {
		t.Errorf("%.4f of the events are redelivered", again)
	}
	if len(want) < 30 {
		t.Errorf("only %d groups", len(want))
	}
}

// TestShape holds what the benchmark says of its lines.
func TestShape(t *testing.T) {
	text, _ := lines(t, small)
	var sizes []int
	escapes, others, first := 0, 0, 0
	for line := range bytes.Lines(text) {
		sizes = append(sizes, len(line))
		if bytes.IndexByte(line, '\\') >= 0 {
			escapes++
		}
		if bytes.IndexFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			others++
		}
		if bytes.HasPrefix(line, []byte(`{"date"`)) {
			first++
		}
	}
	slices.Sort(sizes)
	n := len(sizes)
	t.Logf("bytes a line: %d to %d, median %d; %d %% with escapes, %d %% with other alphabets, %d %% begin with the date",
		sizes[0], sizes[n-1], sizes[n/2], 100*escapes/n, 100*others/n, 100*first/n)
	if sizes[0] < 1100 || sizes[n-1] > 2100 || sizes[n/2] < 1500 {
		t.Errorf("lines of %d to %d bytes, median %d", sizes[0], sizes[n-1], sizes[n/2])
	}
	if escapes < n/4 || others < n/4 || first > n*95/100 || first < n*85/100 {
		t.Error("too few escapes or other alphabets, or the order of members is too constant")
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, _ := lines(t, small)
	b, _ := lines(t, small)
	if !bytes.Equal(a, b) {
		t.Error("two runs differ")
	}
	other := small
	other.Seed++
	if c, _ := lines(t, other); bytes.Equal(a, c) {
		t.Error("another seed makes the same bytes")
	}
}

func BenchmarkAppend(b *testing.B) {
	w := NewWriter(Config{Seed: 1, Events: 1_000_000})
	var line []byte
	for i := 0; b.Loop(); i++ {
		line, _ = w.Append(line[:0], i%1_000_000)
		b.SetBytes(int64(len(line)))
	}
}
