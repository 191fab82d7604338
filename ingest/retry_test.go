package ingest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyramp/queries/store"
)

// A cutText is a source of the records in a text.
type cutText struct {
	name string
	s    *Splitter
	n    int64
}

func (c *cutText) Name() string { return c.name }

func (c *cutText) Read(_ context.Context, out *Chunk) error {
	err := c.s.Fill(out)
	c.n++
	out.Next = store.Cursor{Source: c.name, Position: strconv.FormatInt(c.n, 10)}
	return err
}

func textSource(name, text string) Source {
	return &cutText{name: name, s: NewSplitter(strings.NewReader(text))}
}

// grim is a program that can use nothing.
type grim struct{ Decoder }

func (grim) Decode([]byte, *store.Batch) error { return &RejectError{Reason: ReasonContract} }

// Records that were put aside are known again by their bytes wherever they stand, and cut ones by their place.
func TestRetry(t *testing.T) {
	line := func(id string) string {
		return `{"log_id":"` + id + `","date":"2026-11-03T09:14:11Z","type":"s"}`
	}
	ids := NewPseudonyms([16]byte([]byte("sixteen byte key")))
	d := &LogDecoder{Pseudonyms: ids, Keep: func(typ store.Word) bool { return typ.String() == "s" }}
	sink := newMemory()
	pump := Pump{Sink: sink, Decoder: grim{}, Pseudonyms: ids}
	whole := strings.Join([]string{line("1"), line("2"), strings.Replace(line("3"), `"s"`, `"odd"`, 1), `{"log_id":"4"}`, line("5"), line("6")}, "\n")
	if _, err := pump.Run(t.Context(), textSource("file:a", whole[:len(whole)-9])); err != nil {
		t.Fatal(err)
	}
	var wanted []store.Reject
	for _, r := range sink.rejects {
		wanted = append(wanted, r)
	}
	if len(wanted) != 6 {
		t.Fatalf("%d records were put aside", len(wanted))
	}
	// The file has grown at its beginning, one record is gone, and the last one is whole.
	lines := strings.Split(whole, "\n")
	again := strings.Join([]string{lines[1], lines[0], lines[2], lines[3], line("other"), lines[5]}, "\n")
	r, missing, err := Retry(t.Context(), textSource("file:a", again), d, ids, nil, wanted, 77)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Settled) != 4 || r.Batch.Received != 4 || len(r.Batch.Events) != 3 || len(r.Batch.Filtered) != 1 {
		t.Errorf("%d settled, %d received, %d events, %d filtered", len(r.Settled), r.Batch.Received, len(r.Batch.Events), len(r.Batch.Filtered))
	}
	if len(r.Still) != 1 || r.Still[0].Reason != ReasonNoType || r.Still[0].At != 77 || r.Still[0].Kind != store.KindLog || !slices.Equal(r.Gone, []uint64{r.Still[0].Record}) {
		t.Errorf("still unusable: %+v, gone %v", r.Still, r.Gone)
	}
	if len(missing) != 1 || missing[0].Place != "line 5" {
		t.Errorf("not found: %+v", missing)
	}
	// What is still cut is not found, and nothing is settled twice.
	if r, missing, err = Retry(t.Context(), textSource("file:a", whole[:len(whole)-9]), d, ids, nil, wanted, 77); err != nil || len(r.Settled) != 4 || len(missing) != 1 || missing[0].Reason != ReasonTruncated {
		t.Errorf("%v: %d settled, missing %+v", err, len(r.Settled), missing)
	}
	// What was removed for good does not come back this way either.
	purged := NewRemoved(store.Removed{Before: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC).UnixMicro()}, ids)
	if r, _, err = Retry(t.Context(), textSource("file:a", again), d, ids, purged, wanted, 77); err != nil || len(r.Batch.Events) != 0 || r.Batch.Received != 4 {
		t.Errorf("%v: %d events older than the purge are back, of %d received", err, len(r.Batch.Events), r.Batch.Received)
	}
}

// A reject tells the date of its record where it can be read, and what it was read as.
func TestRejectsAreDated(t *testing.T) {
	ids := NewPseudonyms([16]byte([]byte("sixteen byte key")))
	sink := newMemory()
	text := `{"date":"2026-11-03T09:14:11Z","type":"s"}
{"log_id":"2","date":"2026-11-03T09:14:12Z"}
{"log_id":"3","date":"2026-11-03T09:14:13Z","type":"s","details":{"experiment":[]}}
{"log_id":"4","type":"s"}
{"log_id":"5","date":"2026-11-03T09:14:11Z","type":"s"
`
	pump := Pump{Sink: sink, Decoder: &LogDecoder{Pseudonyms: ids}, Pseudonyms: ids, Now: func() store.Micros { return 5 }}
	if _, err := pump.Run(t.Context(), textSource("file:a", text)); err != nil {
		t.Fatal(err)
	}
	got := map[string]store.Micros{}
	for _, r := range sink.rejects {
		got[r.Reason] = r.Dated
		if r.At != 5 || r.Kind != store.KindLog {
			t.Errorf("%+v", r)
		}
	}
	first, _ := ParseTime([]byte("2026-11-03T09:14:11Z"))
	for reason, want := range map[string]store.Micros{ReasonNoID: first, ReasonNoType: first + 1e6, ReasonMetadata: first + 2e6, ReasonTime: 0} {
		if at, ok := got[reason]; !ok || at != want {
			t.Errorf("%s: dated %d, want %d (%v)", reason, at, want, ok)
		}
	}
}
