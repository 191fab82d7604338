package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A memory is a sink with the promises of a store and the faults of a test.
type memory struct {
	rows    map[uint64]uint64 // identity → content
	rejects map[uint64]store.Reject
	cursor  map[string]store.Cursor
	loads   []store.Cursor
	sizes   []int64
	gaps    []store.Gap
	order   []string // "load 3", "gap"
	commits []string // the names of their sources

	before, after func(n int) error // may fail the n-th load before or after it holds
}

func newMemory() *memory {
	return &memory{rows: map[uint64]uint64{}, rejects: map[uint64]store.Reject{}, cursor: map[string]store.Cursor{}}
}

func (m *memory) Cursor(_ context.Context, source string) (store.Cursor, bool, error) {
	c, ok := m.cursor[source]
	return c, ok, nil
}

func (m *memory) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	var of []string
	for _, p := range parts {
		of = append(of, p.Next.Source)
	}
	m.commits = append(m.commits, strings.Join(of, " "))
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return m.load(ctx, b, next) })
}

func (m *memory) load(ctx context.Context, b *store.Batch, next store.Cursor) (store.Loaded, error) {
	n := len(m.loads)
	m.loads = append(m.loads, next)
	m.sizes = append(m.sizes, b.Received)
	if m.before != nil {
		if err := m.before(n); err != nil {
			return store.Loaded{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return store.Loaded{}, err
	}
	l := store.Loaded{Received: b.Received, Rejected: int64(len(b.Rejects))}
	for _, e := range b.Events {
		content, known := m.rows[e.LogID]
		switch {
		case !known:
			m.rows[e.LogID] = e.Content()
			l.Stored++
		case content != e.Content():
			l.Conflicts++
			fallthrough
		default:
			l.Duplicate++
		}
	}
	for _, r := range b.Rejects {
		m.rejects[r.Record] = r
	}
	for _, n := range b.Filtered {
		l.Filtered += n
	}
	m.cursor[next.Source] = next
	m.order = append(m.order, fmt.Sprint("load ", b.Received))
	if m.after != nil {
		if err := m.after(n); err != nil {
			return store.Loaded{}, err
		}
	}
	return l, nil
}

func (m *memory) RecordGap(_ context.Context, g store.Gap) error {
	m.gaps = append(m.gaps, g)
	m.order = append(m.order, "gap")
	return nil
}

// A tape is a source that plays chunks, from behind the cursor it is given.
type tape struct {
	chunks []tapeChunk
	at     int
}

type tapeChunk struct {
	records []string
	next    string
	gap     bool
	err     error
	wait    time.Duration
}

func (*tape) Name() string { return "tape" }

func (s *tape) Read(ctx context.Context, c *Chunk) error {
	if s.at == len(s.chunks) {
		return io.EOF
	}
	t := s.chunks[s.at]
	s.at++
	if t.wait > 0 {
		select {
		case <-time.After(t.wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for i, r := range t.records {
		rec := Record{Raw: []byte(r), Place: Place{Page: t.next, Item: int64(i + 1)}}
		if r == "" {
			rec.Err, rec.Bytes = &RejectError{Reason: ReasonSize, Detail: "2 MiB"}, 2<<20
		}
		c.Records = append(c.Records, rec)
	}
	if t.next != "" {
		c.Next = store.Cursor{Position: t.next, Complete: s.at == len(s.chunks)}
	}
	if t.gap {
		c.Gap = &store.Gap{Source: "tape", Position: t.next}
	}
	return t.err
}

func ev(id string) string {
	return `{"log_id":"` + id + `","date":"2026-11-03T09:14:11Z","type":"s"}`
}

func newPump(m *memory) *Pump {
	return &Pump{Sink: m, Recorder: m, Pseudonyms: testKey,
		Decoder: &LogDecoder{Pseudonyms: testKey, Keep: KeepRoles(store.DefaultRoles())},
		Now:     func() store.Micros { return 42 }}
}

func (m *memory) positions() (p []string) {
	for _, c := range m.loads {
		p = append(p, c.Position)
	}
	return p
}

func TestPumpAccount(t *testing.T) {
	m := newMemory()
	src := &tape{chunks: []tapeChunk{
		{next: "1", records: []string{ev("a"), ev("b"), ev("a"), strings.Replace(ev("b"), `"s"`, `"f"`, 1)}},
		{next: "2", records: []string{strings.Replace(ev("c"), `"s"`, `"ssa"`, 1), "junk", "", strings.Replace(ev("d"), `"s"`, `"s","experiment":1`, 1)}},
		{next: "3"},
	}}
	var told []Progress
	p := newPump(m)
	p.Progress = func(p Progress) { told = append(told, p) }
	got, err := p.Run(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	got.Duration = 0
	want := Account{
		Source:  "tape",
		Loaded:  store.Loaded{Received: 8, Stored: 2, Duplicate: 2, Filtered: 1, Rejected: 3, Conflicts: 1},
		Reasons: map[string]int64{ReasonSyntax: 1, ReasonSize: 1, ReasonMetadata: 1},
		Bytes:   got.Bytes, Commits: 1, Complete: true,
	}
	if diff := cmp.Diff(want, got); diff != "" || got.Bytes < 2<<20 {
		t.Errorf("%d bytes, -want +got:\n%s", got.Bytes, diff)
	}
	if len(told) != 4 || told[3].Records != 8 || told[3].Bytes != got.Bytes {
		t.Errorf("progress was told as %+v", told)
	}
	if c := m.cursor["tape"]; c != (store.Cursor{Source: "tape", Position: "3", Complete: true, At: 42}) {
		t.Errorf("the cursor is %+v", c)
	}
	for _, r := range m.rejects {
		if r.Record == 0 || r.Source != "tape" || !strings.HasPrefix(r.Place, "page after 2, item ") || r.At != 42 || strings.Contains(r.Detail, "junk") {
			t.Errorf("put aside as %+v", r)
		}
	}
	// Reading it all again adds no row and no reject.
	src.at = 0
	again, err := p.Run(t.Context(), src)
	if err != nil || again.Stored != 0 || again.Duplicate != 4 || len(m.rejects) != 3 {
		t.Errorf("again: %v, %+v, %d rejects", err, again.Loaded, len(m.rejects))
	}
}

// A chunk is not split between commits unless it is larger than a batch; its
// cursor then moves with the last part.
func TestPumpBatches(t *testing.T) {
	var chunks []tapeChunk
	id := 0
	for i, n := range []int{2, 2, 3, 12, 1, 0} {
		c := tapeChunk{next: fmt.Sprint(i + 1)}
		for range n {
			id++
			c.records = append(c.records, ev(fmt.Sprint(id)))
		}
		chunks = append(chunks, c)
	}
	m := newMemory()
	p := newPump(m)
	p.BatchRecords = 5
	got, err := p.Run(t.Context(), &tape{chunks: chunks})
	if err != nil || got.Stored != 20 || got.Commits != 5 {
		t.Fatalf("%v, %+v", err, got)
	}
	if diff := cmp.Diff([]int64{4, 3, 5, 5, 3}, m.sizes); diff != "" {
		t.Errorf("batch sizes, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2", "3", "3", "3", "6"}, m.positions()); diff != "" {
		t.Errorf("cursors, -want +got:\n%s", diff)
	}
}

// A slow source is committed by age.
func TestPumpAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		p := newPump(m)
		p.BatchAge = 2500 * time.Millisecond
		var chunks []tapeChunk
		for i := range 6 {
			chunks = append(chunks, tapeChunk{next: fmt.Sprint(i), records: []string{ev(fmt.Sprint(i))}, wait: time.Second})
		}
		got, err := p.Run(t.Context(), &tape{chunks: chunks})
		if err != nil || got.Duration != 6*time.Second {
			t.Errorf("%v, took %v", err, got.Duration)
		}
		if diff := cmp.Diff([]int64{3, 3}, m.sizes); diff != "" {
			t.Errorf("batch sizes, -want +got:\n%s", diff)
		}
	})
}

// What a source gave before it fell silent is committed while it is: a run that is killed then has lost nothing.
func TestPumpSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		began := time.Now()
		var commits []time.Duration
		m.after = func(int) error {
			commits = append(commits, time.Since(began))
			return nil
		}
		got, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{
			{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b")}, wait: time.Hour}}})
		if err != nil || got.Stored != 2 || !got.Complete {
			t.Errorf("%v, %+v", err, got)
		}
		if diff := cmp.Diff([]time.Duration{DefaultBatchAge, time.Hour}, commits); diff != "" {
			t.Errorf("commits, -want +got:\n%s", diff)
		}
	})
}

// A batch that cannot be stored ends the run, though its source says nothing.
func TestPumpSilenceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		full := errors.New("disk full")
		m.before = func(int) error { return full }
		got, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{
			{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b")}, wait: time.Hour}}})
		if !errors.Is(err, full) || got.Duration >= time.Minute || got.Stored != 0 {
			t.Errorf("%v, %+v", err, got)
		}
	})
}

func TestPumpSourceError(t *testing.T) {
	m := newMemory()
	broken := errors.New("broken")
	got, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{
		{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b")}, err: broken}}})
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "tape: ") {
		t.Errorf("error %v", err)
	}
	if got.Stored != 2 || m.cursor["tape"].Position != "2" || got.Complete {
		t.Errorf("what was read before is not all there: %+v", got)
	}
}

// Nothing was read, so nothing is written.
func TestPumpNothing(t *testing.T) {
	m := newMemory()
	if got, err := newPump(m).Run(t.Context(), &tape{}); err != nil || got.Received != 0 || len(m.loads) != 0 {
		t.Errorf("%v, %+v, %d loads", err, got, len(m.loads))
	}
	broken := errors.New("broken")
	if _, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{{err: broken}}}); !errors.Is(err, broken) || len(m.loads) != 0 {
		t.Errorf("%v, %d loads", err, len(m.loads))
	}
}

func TestPumpCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Minute); cancel() }()
		got, err := newPump(m).Run(ctx, &tape{chunks: []tapeChunk{
			{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b")}, wait: time.Hour}}})
		if !errors.Is(err, context.Canceled) || got.Stored != 1 || m.cursor["tape"].Position != "1" {
			t.Errorf("%v, %+v", err, got)
		}
	})
	// A sink that hangs is left after the grace.
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := newPump(m)
		p.Sink = hanging{m}
		began := time.Now()
		_, err := p.Run(ctx, &tape{chunks: []tapeChunk{
			{next: "1", records: []string{ev("a")}}, {next: "2", wait: time.Hour}}})
		if err == nil || time.Since(began) != time.Minute+commitGrace {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

type hanging struct{ *memory }

func (s hanging) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return s.load(ctx, b, next) })
}

func (hanging) load(ctx context.Context, _ *store.Batch, _ store.Cursor) (store.Loaded, error) {
	<-ctx.Done()
	return store.Loaded{}, ctx.Err()
}

// A failed commit ends a source that waits.
func TestPumpCommitError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		full := errors.New("disk full")
		m.before = func(int) error { return full }
		p := newPump(m)
		p.BatchRecords = 1
		began := time.Now()
		got, err := p.Run(t.Context(), &tape{chunks: []tapeChunk{
			{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b")}, wait: time.Hour}}})
		if !errors.Is(err, full) || got.Received != 0 || time.Since(began) > time.Second || len(m.loads) != 1 {
			t.Errorf("%v after %v, %+v, %d loads", err, time.Since(began), got, len(m.loads))
		}
	})
}

// The gap is recorded behind what came before it and before anything after it.
func TestPumpGap(t *testing.T) {
	m := newMemory()
	got, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{
		{next: "1", records: []string{ev("a")}}, {next: "2", gap: true, records: []string{ev("b"), ev("c")}}}})
	if err != nil || len(got.Gaps) != 1 || len(m.gaps) != 1 {
		t.Fatalf("%v, %+v", err, got)
	}
	if diff := cmp.Diff([]string{"load 1", "gap", "load 2"}, m.order); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Trouble 5: a poller that reads one page for ever.
func TestPumpLoop(t *testing.T) {
	m := newMemory()
	var chunks []tapeChunk
	for range 100 {
		chunks = append(chunks, tapeChunk{next: "same", records: []string{ev("a")}})
	}
	src := &tape{chunks: chunks}
	got, err := newPump(m).Run(t.Context(), src)
	if !errors.Is(err, errLoop) || !errors.Is(err, ErrUpstream) || src.at != 1+stuckReads || got.Stored != 1 {
		t.Errorf("%v after %d reads, %+v", err, src.at, got)
	}
	// Empty pages at the end of a log name the same cursor again and again, rightly.
	chunks = []tapeChunk{{next: "1", records: []string{ev("a")}}, {next: "1"}, {next: "1"}, {next: "1"}, {next: "1"}}
	if _, err := newPump(m).Run(t.Context(), &tape{chunks: chunks}); err != nil {
		t.Error(err)
	}
}

// Trouble 11: a page of which nothing is stored still moves the cursor.
func TestPumpAllFiltered(t *testing.T) {
	m := newMemory()
	got, err := newPump(m).Run(t.Context(), &tape{chunks: []tapeChunk{{next: "1", records: []string{strings.Replace(ev("a"), `"s"`, `"sapi"`, 1)}}}})
	if err != nil || got.Filtered != 1 || m.cursor["tape"].Position != "1" {
		t.Errorf("%v, %+v", err, got)
	}
}

// Accounts that do not add up are a fault of ours and never pass.
func TestPumpAsserts(t *testing.T) {
	m := newMemory()
	p := newPump(m)
	p.Decoder = decoderFunc(func([]byte, *store.Batch) error { return nil }) // swallows its record
	got, err := p.Run(t.Context(), &tape{chunks: []tapeChunk{{next: "1", records: []string{ev("a")}}}})
	if err == nil || !strings.Contains(err.Error(), "internal error") || got.Received != 0 || len(m.loads) != 0 {
		t.Errorf("%v, %+v", err, got)
	}
	p = newPump(m)
	p.Sink = forgetful{m}
	if _, err := p.Run(t.Context(), &tape{chunks: []tapeChunk{{next: "1", records: []string{ev("a")}}}}); err == nil || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("%v", err)
	}
	// An error that is not the record's ends the run, and its chunk is read again.
	m = newMemory()
	p = newPump(m)
	calls := 0
	p.Decoder = decoderFunc(func(raw []byte, b *store.Batch) error {
		if calls++; calls == 3 {
			return io.ErrShortBuffer
		}
		return (&LogDecoder{Pseudonyms: testKey}).Decode(raw, b)
	})
	p.BatchRecords = 1
	got, err = p.Run(t.Context(), &tape{chunks: []tapeChunk{{next: "1", records: []string{ev("a")}}, {next: "2", records: []string{ev("b"), ev("c")}}}})
	if !errors.Is(err, io.ErrShortBuffer) || m.cursor["tape"].Position != "1" {
		t.Errorf("%v, cursor %+v, %+v", err, m.cursor["tape"], got)
	}
}

type decoderFunc func([]byte, *store.Batch) error

func (f decoderFunc) Decode(raw []byte, b *store.Batch) error { return f(raw, b) }

type forgetful struct{ *memory }

func (s forgetful) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return s.load(ctx, b, next) })
}

func (forgetful) load(_ context.Context, b *store.Batch, _ store.Cursor) (store.Loaded, error) {
	return store.Loaded{Received: b.Received}, nil
}

// However often a run dies, before or after a commit holds, the runs together
// store every event once, in any cutting into chunks and batches, and the
// cursor never stands ahead of the rows.
func TestPumpCrashLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var chunks []tapeChunk
		want := map[uint64]bool{}
		for i := range rapid.IntRange(1, 12).Draw(t, "chunks") {
			c := tapeChunk{next: fmt.Sprint(i + 1)}
			for range rapid.IntRange(0, 9).Draw(t, "records") {
				id := fmt.Sprint(rapid.IntRange(1, 60).Draw(t, "id"))
				c.records = append(c.records, ev(id))
				want[testKey.LogID(id)] = true
			}
			chunks = append(chunks, c)
		}
		m := newMemory()
		crash := errors.New("crash")
		for run := 0; ; run++ {
			if run > 100 {
				t.Fatal("no end")
			}
			fail := -1
			if run < 20 {
				fail = len(m.loads) + rapid.IntRange(0, 4).Draw(t, "fail")
			}
			fault := func(n int) error {
				if n == fail {
					return crash
				}
				return nil
			}
			m.before, m.after = fault, nil
			if rapid.Bool().Draw(t, "after") {
				m.before, m.after = nil, fault
			}
			src := &tape{chunks: chunks}
			if c, ok := m.cursor["tape"]; ok && c.Position != "" {
				fmt.Sscan(c.Position, &src.at)
			}
			for _, c := range chunks[:src.at] { // everything behind the cursor is there
				for _, r := range c.records {
					id := strings.Split(r, `"`)[3]
					if _, ok := m.rows[testKey.LogID(id)]; !ok {
						t.Fatalf("the cursor %d stands ahead of event %s", src.at, id)
					}
				}
			}
			p := newPump(m)
			p.BatchRecords = rapid.IntRange(1, 12).Draw(t, "batch")
			_, err := p.Run(context.Background(), src)
			if err == nil {
				break
			}
			if !errors.Is(err, crash) {
				t.Fatal(err)
			}
		}
		got := slices.Sorted(maps.Keys(m.rows))
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

// A reel is a tape with a name.
type reel struct {
	tape
	name string
	read chan string // hears the name at the first Read
}

func (r *reel) Name() string { return r.name }

func (r *reel) Read(ctx context.Context, c *Chunk) error {
	if r.at == 0 && r.read != nil {
		r.read <- r.name
	}
	return r.tape.Read(ctx, c)
}

// Sources share commits as long as they fit into a batch, in any cutting; accounts come in order, each whole and not
// before it is committed.
func TestPumpRunAll(t *testing.T) {
	for records, commits := range map[int]string{
		1: "a | a | b | b | b | empty c", // a chunk that is more than a batch is cut
		2: "a | b | b empty c",           // of a source without records there is only a cursor to tell, and only when it moved
		3: "a | b | empty c",
		5: "a b | empty c",
		9: "a b empty c",
	} {
		m := newMemory()
		sources := []Source{
			&reel{tape{chunks: []tapeChunk{{records: []string{ev("1"), ev("2")}, next: "p1"}}}, "a", nil},
			&reel{tape{chunks: []tapeChunk{{records: []string{ev("2"), ev("3"), "junk"}, next: "p1"}}}, "b", nil},
			&reel{tape{}, "unmoved", nil},
			&reel{tape{chunks: []tapeChunk{{next: "p1"}}}, "empty", nil},
			&reel{tape{chunks: []tapeChunk{{records: []string{ev("4")}, next: "p1"}}}, "c", nil},
		}
		p := newPump(m)
		p.BatchRecords = records
		var got []string
		err := p.RunAll(t.Context(), sources, func(a Account) {
			got = append(got, fmt.Sprintf("%s %d=%d+%d+%d %v", a.Source, a.Received, a.Stored, a.Duplicate, a.Rejected, a.Complete))
			if a.Received > 0 && m.cursor[a.Source].Position != "p1" {
				t.Errorf("%d records: account of %s before it was committed", records, a.Source)
			}
		})
		want := []string{"a 2=2+0+0 true", "b 3=1+1+1 true", "unmoved 0=0+0+0 false", "empty 0=0+0+0 true", "c 1=1+0+0 true"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d records: %v\n%v, want\n%v", records, err, got, want)
		}
		if c := m.cursor["b"]; c.Source != "b" || c.Position != "p1" || len(m.cursor) != 4 {
			t.Errorf("%d records: %+v", records, m.cursor)
		}
		if got := strings.Join(m.commits, " | "); got != commits {
			t.Errorf("%d records: commits %s, want %s", records, got, commits)
		}
	}
}

// However many sources there are, and however little they hold, a commit comes from time to time.
func TestPumpManySources(t *testing.T) {
	m := newMemory()
	sources := make([]Source, 2*partsAtMost+10)
	for i := range sources {
		sources[i] = &reel{tape{chunks: []tapeChunk{{next: "p1"}}}, fmt.Sprint(i), nil}
	}
	told := 0
	err := newPump(m).RunAll(t.Context(), sources, func(a Account) {
		if a.Source != fmt.Sprint(told) || !a.Complete {
			t.Fatalf("account %d: %+v", told, a)
		}
		told++
	})
	if err != nil || told != len(sources) || len(m.commits) != 3 || len(m.cursor) != len(sources) {
		t.Errorf("%v, %d accounts, %d commits, %d cursors", err, told, len(m.commits), len(m.cursor))
	}
	if err := newPump(m).RunAll(t.Context(), nil, func(Account) { t.Error("an account of no source") }); err != nil {
		t.Error(err)
	}
}

// A batch that cannot be stored ends the run at its first source, however far the next one has been read.
func TestPumpRunAllFails(t *testing.T) {
	full := errors.New("disk full")
	sources := func(read chan string) (all []Source) {
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, &reel{tape{chunks: []tapeChunk{{records: []string{ev(name)}, next: "p1"}}}, name, read})
		}
		return all
	}
	for fails, want := range map[int]string{0: "a 0", 1: "a 1 b 0", 2: "a 1 b 1 c 0"} {
		m := newMemory()
		read := make(chan string, 9)
		m.before = func(n int) error {
			if n != fails {
				return nil
			}
			if n < 2 { // the next source is being read by now
				for name := range read {
					if name == string(rune('b'+n)) {
						break
					}
				}
			}
			return full
		}
		var got []string
		p := newPump(m)
		p.BatchRecords = 1
		err := p.RunAll(t.Context(), sources(read), func(a Account) { got = append(got, fmt.Sprint(a.Source, " ", a.Stored)) })
		failed := string(rune('a' + fails))
		if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), failed+": ") || strings.Join(got, " ") != want {
			t.Errorf("load %d fails: %v, accounts %q, want %q", fails, err, got, want)
		}
		if _, ok := m.cursor[failed]; ok || len(m.rows) != fails {
			t.Errorf("load %d fails: cursors %v, %d rows", fails, m.cursor, len(m.rows))
		}
	}
	// All three in one commit: the first is told of, and nothing is said to be read.
	m := newMemory()
	m.before = func(int) error { return full }
	var got []string
	err := newPump(m).RunAll(t.Context(), sources(nil), func(a Account) { got = append(got, fmt.Sprint(a.Source, " ", a.Stored)) })
	if !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "a: ") || strings.Join(got, " ") != "a 0" || len(m.cursor) != 0 {
		t.Errorf("%v, accounts %q, %v", err, got, m.cursor)
	}
	// A source that fails ends the run; what was read before it is committed, in the same commit as what it gave.
	m, got = newMemory(), nil
	broken := append(sources(nil)[:1], &reel{tape{chunks: []tapeChunk{{records: []string{ev("x")}, next: "p1"}, {err: io.ErrNoProgress}}}, "b", nil}, sources(nil)[2])
	err = newPump(m).RunAll(t.Context(), broken, func(a Account) { got = append(got, fmt.Sprint(a.Source, " ", a.Stored)) })
	if !errors.Is(err, io.ErrNoProgress) || !strings.HasPrefix(err.Error(), "b: ") || strings.Join(got, " ") != "a 1 b 1" || strings.Join(m.commits, " | ") != "a b" {
		t.Errorf("%v, accounts %q, commits %q", err, got, m.commits)
	}
}
