package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// TestModel sets the store, with the pump before it, against a few maps: whatever is pumped, in whatever order, however
// often, with whatever crash in between, both hold the same rows, accounts and cursors, and the store counts what the
// oracle counts.
func TestModel(t *testing.T) {
	row := tier.Begin(t, "R4", tier.Size{Test: 100, Chaos: 1000, Soak: 20_000})
	const workers = 2
	setFlag(t, "rapid.checks", (row.Rounds()+workers-1)/workers)
	setFlag(t, "rapid.steps", 4)
	enoughEvents, changedPart = 0, 1 // even the smallest store changes by parts
	freedMost = "1GB"
	defer func() { enoughEvents, changedPart, freedMost = usualEnough, usualPart, "1MB" }()
	syncpoint.Hook = func(name, path string) {
		if f, ok := fuses.Load(path); ok && name == "commit" {
			f.(*fuse).putOut()
		}
	}
	defer func() { syncpoint.Hook = nil }()
	var did tally
	template := emptyStore(t)
	t.Run("sequences", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				w := &workshop{did: &did, template: template, dir: memoryDir(t)}
				defer w.close()
				rapid.Check(t, func(rt *rapid.T) {
					m := newModel(rt, w)
					rt.Repeat(map[string]func(*rapid.T){
						"":         m.look,
						"page":     m.page,
						"repeat":   m.repeat,
						"late":     m.late,
						"conflict": m.conflict,
						"import":   m.importFiles,
						"other":    m.otherProcess,
						"reopen":   m.reopen,
						"crash":    m.crash,
						"phase":    m.phase,
						"forget":   m.forget,
						"purge":    m.purge,
						"ask":      m.ask,
					})
					m.check(rt)
					row.Done()
				})
			})
		}
	})
	row.Note("commits", did.commits.String())
	row.Note("crashes", did.crashes.String())
	row.Note("removals", did.removals.String())
	row.Note("reports asked", did.asked.String())
}

// A tally is how often what happened, over all sequences.
type tally struct{ commits, crashes, removals, asked counter }

type counter struct{ atomic.Int64 }

func (c *counter) String() string { return strconv.FormatInt(c.Load(), 10) }

// setFlag sets a flag of the test binary until the test ends.
func setFlag(t *testing.T, name string, value int) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, strconv.Itoa(value)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, before) })
}

// memoryDir is a new folder, in memory where the system has such a place.
func memoryDir(t *testing.T) string {
	at := "/dev/shm"
	if _, err := os.Stat(at); err != nil {
		at = ""
	}
	dir, err := os.MkdirTemp(at, "keyramp-model-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A workshop is what sequences use one after the other: starting DuckDB for each would take longer than the sequence.
type workshop struct {
	did      *tally
	template []byte
	dir      string // of the folders of stores
	db       *DB
}

func (w *workshop) close() {
	if w.db != nil {
		w.db.Close()
	}
}

// emptyStore is the file of a store without rows: copying it is faster than making one.
func emptyStore(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	db, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A told is one record that a source may tell: a row, a count or a reject.
type told struct {
	event    *store.Event
	page     *store.PageEvent
	filtered store.FilterKey
	why      *ingest.RejectError
}

// A model is a store and what it should hold.
type model struct {
	*workshop
	scope          store.Scope
	asks, rewrites bool // what takes long is done in some sequences only

	records []told // every record that any source may tell; its raw form is its number
	log     []int  // the tenant's log, in the order in which it is paged
	held    []int  // records that come late or never
	fault   fault  // of the next commit that reaches it
	files   int

	// what the store should hold
	events   []store.Event // in the order in which they were stored
	pages    []store.PageEvent
	rejects  map[uint64]store.Reject
	filtered map[string]int64
	sources  map[string]*store.SourceStatus
	ran      map[string]bool // by this opening of the store
	gaps     map[store.Gap]bool
	seen     []store.Observation

	eventOf map[uint64]uint64 // id → content
	pageOf  map[uint64]uint64
	got     map[int]bool // records that were committed

	removed   store.Removed   // without tombstones
	outEvents map[uint64]bool // ids of events that were taken out, in whichever telling they were stored
	outPages  map[uint64]bool
	forgotten map[uint64]bool // users, their sessions and transactions
}

var modelKey = ingest.NewPseudonyms([16]byte{1})

const logSource = "auth0:model"

func newModel(t *rapid.T, w *workshop) *model {
	m := &model{workshop: w, rejects: map[uint64]store.Reject{}, filtered: map[string]int64{}, sources: map[string]*store.SourceStatus{},
		ran: map[string]bool{}, gaps: map[store.Gap]bool{}, eventOf: map[uint64]uint64{}, pageOf: map[uint64]uint64{}, got: map[int]bool{}, forgotten: map[uint64]bool{},
		outEvents: map[uint64]bool{}, outPages: map[uint64]bool{}}
	if w.db == nil {
		m.open(t, w.newDir())
	} else { // an empty store in the place of the last one, which nobody may have open
		dir := w.db.opts.Dir
		if err := errors.Join(w.db.Close(), emptied(dir, w.template)); err != nil {
			t.Fatal(err)
		}
		m.open(t, dir)
	}
	m.drawWorld(t)
	return m
}

// emptied leaves nothing but an empty store in a folder.
func emptied(dir string, template []byte) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(dir, file), template, 0o600))
}

// newDir is a folder with an empty store.
func (w *workshop) newDir() string {
	dir, err := os.MkdirTemp(w.dir, "store-")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, file), w.template, 0o600)
	}
	if err != nil {
		panic(err)
	}
	return dir
}

// drawWorld makes the records of a sequence and the scope that is asked about.
func (m *model) drawWorld(t *rapid.T) {
	seed := rapid.Uint64Range(0, 1<<20).Draw(t, "world")
	events, page := world(seed)
	apart := func(session, transaction *uint64) { // ids of two kinds never meet in one number
		if *session != 0 {
			*session += 1000
		}
		if *transaction != 0 {
			*transaction += 2000
		}
	}
	for i := range events {
		apart(&events[i].Session, &events[i].Transaction)
		events[i].LogID = uint64(i + 1)
		m.tell(told{event: &events[i]})
	}
	for i := range page {
		apart(&page[i].Session, &page[i].Transaction)
		page[i].ID = uint64(i + 1)
		m.tell(told{page: &page[i]})
	}
	for i := range len(events) / 8 {
		m.tell(told{filtered: store.FilterKey{Type: []string{"sapi", "du"}[i%2], Day: dayOne + int64(i%3)*24*hour}})
		m.tell(told{why: &ingest.RejectError{Reason: ingest.ReasonTime, Detail: fmt.Sprint("rule ", i%3)}})
	}
	all := rapid.Permutation(upTo(len(m.records))).Draw(t, "order")
	late := len(all) / 5
	m.held, m.log = all[:late], all[late:]
	if rapid.Bool().Draw(t, "by time") {
		slices.SortStableFunc(m.log, func(a, b int) int { return cmp.Compare(m.at(a), m.at(b)) })
	}
	m.scope = ramp()
	m.scope.Phases = m.scope.Phases[:1]
	m.scope.Phases[0].Until = 0
	if rapid.Bool().Draw(t, "since") {
		m.scope.Since = dayOne + 12*hour
	}
	if rapid.Bool().Draw(t, "test traffic") {
		m.scope.TestClients, m.scope.TestUsers = []string{"robot"}, []uint64{3}
	}
	m.scope.Covariates = rapid.Bool().Draw(t, "covariates")
	chance := rand.New(rand.NewPCG(seed, 4)) // rapid prefers small numbers
	m.asks, m.rewrites = chance.IntN(20) == 0, chance.IntN(6) == 0
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func (m *model) tell(r told) int {
	m.records = append(m.records, r)
	return len(m.records) - 1
}

func (m *model) at(record int) store.Micros {
	switch r := m.records[record]; {
	case r.event != nil:
		return r.event.At
	case r.page != nil:
		return r.page.At
	}
	return 0
}

// open opens the store in a folder, as a new process does.
func (m *model) open(t *rapid.T, dir string) {
	db, err := Open(context.Background(), Options{Dir: dir, LockWait: time.Minute, Answers: true, Threads: 1})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.db, m.ran = db, map[string]bool{}
}

// Decode implements ingest.Decoder: a record's raw form is its number.
func (m *model) Decode(raw []byte, b *store.Batch) error {
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		return err
	}
	switch r := m.records[n]; {
	case r.why != nil:
		return r.why
	case r.event != nil:
		b.Events = append(b.Events, *r.event)
	case r.page != nil:
		b.Pages = append(b.Pages, *r.page)
	default:
		if b.Filtered == nil {
			b.Filtered = map[store.FilterKey]int64{}
		}
		b.Filtered[r.filtered]++
	}
	return nil
}

// A tape is a source that plays records, a chunk a Read.
type tape struct {
	name   string
	chunks [][]int
	next   []string // the cursor behind each chunk
	gap    *store.Gap
	at     int
}

func (s *tape) Name() string { return s.name }

func (s *tape) Read(_ context.Context, c *ingest.Chunk) error {
	if s.at == len(s.chunks) {
		return io.EOF
	}
	for i, n := range s.chunks[s.at] {
		c.Records = append(c.Records, ingest.Record{Raw: []byte(strconv.Itoa(n)), Place: ingest.Place{Line: int64(i + 1)}})
	}
	if s.at == 0 {
		c.Gap = s.gap
	}
	c.Next = store.Cursor{Position: s.next[s.at], Watermark: int64(s.at) * hour, Complete: s.at == len(s.chunks)-1}
	s.at++
	return nil
}

// A fault strikes at one of the next commits. The zero fault never does.
type fault struct {
	kind   faultKind
	commit int // counts down; it strikes at 1
	step   int // of the statements of that commit
}

type faultKind int

const (
	none      faultKind = iota
	cancelled           // the run is cancelled while it commits
	killed              // the process dies while it commits: the files stay as they are at that step
	unheardOf           // the commit is done, and the process dies before it hears so
)

var errDied = errors.New("the process died")

// A sink is the model's store as a pump sees it. What LoadAll commits, the model takes over.
type modelSink struct {
	*model
	t     *rapid.T
	fresh string // the folder that a dead process leaves
}

func (s *modelSink) Cursor(ctx context.Context, source string) (store.Cursor, bool, error) {
	return s.db.Cursor(ctx, source)
}

func (s *modelSink) RecordGap(ctx context.Context, g store.Gap) error {
	err := s.db.RecordGap(ctx, g)
	if err == nil {
		g.Noticed = 0
		s.gaps[g] = true
	}
	return err
}

func (s *modelSink) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	if s.fresh != "" {
		return nil, errDied
	}
	strikes := s.fault.kind != none && s.fault.commit == 1
	s.fault.commit--
	putOut := func() {}
	if strikes && s.fault.kind != unheardOf {
		parent, cancel := context.WithCancel(ctx)
		defer cancel()
		f := &fuse{Context: parent, left: s.fault.step, burn: func() {
			if s.fault.kind == killed {
				s.fresh = s.copyFiles()
			}
			cancel()
		}}
		ctx, putOut = f, f.putOut
		fuses.Store(s.db.path, f)
		defer fuses.Delete(s.db.path)
	}
	got, err := s.db.LoadAll(ctx, parts)
	putOut()
	if s.fresh != "" { // whatever it did to the old files, nobody will see
		return nil, errDied
	}
	if err != nil {
		if !strikes {
			s.t.Errorf("load: %v", err)
		}
		return got, err
	}
	for i, p := range parts {
		if want := s.take(p.Batch, p.Next); got[i] != want {
			s.t.Errorf("%s: loaded %+v, want %+v", p.Next.Source, got[i], want)
		}
	}
	s.did.commits.Add(1)
	if strikes && s.fault.kind == unheardOf {
		s.fresh = s.copyFiles()
		return nil, errDied
	}
	return got, nil
}

// A fuse burns at the n-th time that somebody asks whether the context has ended.
//
// database/sql asks in goroutines of its own, and some of them come late. Files that are copied while a commit writes
// them are what no process leaves that dies, so the commit puts the fuse out first.
type fuse struct {
	context.Context
	mu   sync.Mutex
	left int
	burn func()
}

func (f *fuse) Done() <-chan struct{} {
	f.mu.Lock()
	if f.left--; f.left == 0 {
		f.burn()
	}
	f.mu.Unlock()
	return f.Context.Done()
}

// putOut waits for a fuse that burns, and lets it burn no more.
func (f *fuse) putOut() {
	f.mu.Lock()
	f.left = 0
	f.mu.Unlock()
}

// fuses are those of loads that are on their way, by the file of their store.
var fuses sync.Map

// copyFiles copies the store's folder to a new one, as a process leaves it that dies at this moment.
func (m *model) copyFiles() string {
	to, err := os.MkdirTemp(m.dir, "store-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(m.db.opts.Dir))
	}
	if err != nil {
		panic(err)
	}
	return to
}

// take stores a batch in the model.
func (m *model) take(b *store.Batch, next store.Cursor) store.Loaded {
	l := store.Loaded{Received: b.Received, Rejected: int64(len(b.Rejects))}
	count := func(of map[uint64]uint64, id, content uint64) (fresh bool) {
		before, known := of[id]
		switch {
		case !known:
			of[id] = content
			l.Stored++
			return true
		case before != content:
			l.Conflicts++
		}
		l.Duplicate++
		return false
	}
	for _, e := range b.Events {
		if count(m.eventOf, e.LogID, e.Content()) {
			m.events = append(m.events, e)
		}
	}
	for _, p := range b.Pages {
		if count(m.pageOf, p.ID, p.Content()) {
			m.pages = append(m.pages, p)
		}
	}
	for _, r := range b.Rejects {
		if _, known := m.rejects[r.Record]; !known {
			m.rejects[r.Record] = r
		}
	}
	for k, n := range b.Filtered {
		l.Filtered += n
		m.filtered[fmt.Sprint(next.Source, " ", k.Type, " ", k.Day)] += n
	}
	s := m.sources[next.Source]
	if s == nil {
		s = &store.SourceStatus{}
		m.sources[next.Source] = s
	}
	s.Cursor, s.Account = next, s.Account.Add(l)
	if !m.ran[next.Source] {
		m.ran[next.Source] = true
		s.Runs++
	}
	return l
}

// pump runs sources into the store. After a death the store is the one that the dead process left.
func (m *model) pump(t *rapid.T, all ...*tape) {
	s := &modelSink{model: m, t: t}
	var sources []ingest.Source
	before, told := map[string]store.Loaded{}, map[string]store.Loaded{}
	for _, src := range all {
		sources = append(sources, src)
		before[src.name] = m.account(src.name)
	}
	removed, err := m.db.Removed(context.Background())
	if err != nil {
		t.Fatalf("removed: %v", err)
	}
	p := ingest.Pump{Sink: s, Recorder: s, Decoder: m, Pseudonyms: modelKey, Removed: ingest.NewRemoved(removed, modelKey),
		BatchRecords: rapid.SampledFrom([]int{8, 1000, 1000}).Draw(t, "batch"), Now: func() store.Micros { return dayOne }}
	err = p.RunAll(context.Background(), sources, func(a ingest.Account) { told[a.Source] = a.Loaded })
	m.fault.kind = none
	switch {
	case s.fresh != "":
		m.did.crashes.Add(1)
		m.db.Close() // of the dead one; its files are not looked at again
		os.RemoveAll(m.db.opts.Dir)
		m.open(t, s.fresh)
	case err != nil && !errors.Is(err, context.Canceled):
		t.Fatal(err)
	case err != nil:
		m.did.crashes.Add(1)
	default:
		for _, src := range all {
			for _, n := range slices.Concat(src.chunks...) {
				m.got[n] = true
			}
			name := src.name
			if got := m.account(name); told[name].Add(before[name]) != got {
				t.Fatalf("%s: a run accounts for %+v, the store went from %+v to %+v", name, told[name], before[name], got)
			}
		}
	}
}

func (m *model) account(source string) store.Loaded {
	if s := m.sources[source]; s != nil {
		return s.Account
	}
	return store.Loaded{}
}

// position is how far the tenant's log was read, by the store's own cursor.
func (m *model) position(t *rapid.T) int {
	c, _, err := m.db.Cursor(context.Background(), logSource)
	if err != nil {
		t.Fatalf("cursor: %v", err)
	}
	n, _ := strconv.Atoi(c.Position)
	return n
}

// stretch cuts the log from a place on into so many pages.
func (m *model) stretch(t *rapid.T, from, pages int) *tape {
	src := &tape{name: logSource}
	for range pages {
		to := min(len(m.log), from+rapid.IntRange(0, 12).Draw(t, "page"))
		src.chunks = append(src.chunks, m.log[from:to])
		src.next = append(src.next, strconv.Itoa(to))
		from = to
	}
	return src
}

// page pulls the next pages of the log, now and then after a gap.
func (m *model) page(t *rapid.T) {
	from := m.position(t)
	src := m.stretch(t, from, rapid.IntRange(1, 4).Draw(t, "pages"))
	if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
		src.gap = &store.Gap{Source: logSource, From: int64(from) * hour, Until: int64(from+1) * hour, Noticed: dayOne, Position: fmt.Sprint(from)}
	}
	m.pump(t, src)
}

// repeat pulls pages again that were read before, up to where the cursor stands.
func (m *model) repeat(t *rapid.T) {
	to := m.position(t)
	from := rapid.IntRange(max(0, to-20), to).Draw(t, "from")
	m.pump(t, &tape{name: logSource, chunks: [][]int{m.log[from:to]}, next: []string{strconv.Itoa(to)}})
}

// file gives a file of its own name with these records.
func (m *model) file(t *rapid.T, records []int) *tape {
	m.files++
	src := &tape{name: fmt.Sprint("file:", rapid.IntRange(0, 3).Draw(t, "file"))}
	for i := 0; len(records) > 0 || i == 0; i++ {
		n := min(len(records), rapid.IntRange(1, 15).Draw(t, "chunk"))
		src.chunks = append(src.chunks, records[:n])
		src.next = append(src.next, fmt.Sprintf("file %d, record %d", m.files, i))
		records = records[n:]
	}
	return src
}

// late imports records that no page has: they come after younger ones, in any order.
func (m *model) late(t *rapid.T) {
	n := rapid.IntRange(0, min(15, len(m.held))).Draw(t, "late")
	m.pump(t, m.file(t, m.held[:n]))
	m.held = append(slices.Clone(m.held[n:]), m.held[:n]...)
}

// importFiles imports files of any records, known or not, some of them twice.
func (m *model) importFiles(t *rapid.T) {
	var files []*tape
	for range rapid.IntRange(1, 3).Draw(t, "files") {
		f := m.file(t, rapid.SliceOfN(rapid.SampledFrom(m.log), 0, 30).Draw(t, "records"))
		if !slices.ContainsFunc(files, func(before *tape) bool { return before.name == f.name }) {
			files = append(files, f)
		}
	}
	m.pump(t, files...)
}

// conflict tells known ids again with other content, some of them together with the first telling. An id with a time
// inside keeps it and may bear any date; the dates of another differ by less than a day, as far as ids are sought: any
// telling may be the first that is stored.
func (m *model) conflict(t *rapid.T) {
	var records []int
	for range rapid.IntRange(1, 6).Draw(t, "conflicts") {
		of := rapid.SampledFrom(m.log).Draw(t, "of")
		which := rapid.IntRange(0, 3).Draw(t, "content")
		move := rapid.Int64Range(-11, 11).Draw(t, "hours") * hour
		switch r := m.records[of]; {
		case r.event != nil:
			e := *r.event
			if e.Logged != 0 {
				move *= 10
			}
			e.Connection, e.At, e.Variation = store.WordOf(fmt.Sprint("connection ", which)), e.At+move, store.WordOf("var_t")
			e.Assigned = e.At
			records = append(records, of, m.tell(told{event: &e}))
		case r.page != nil:
			p := *r.page
			p.Verified, p.At, p.Variation = which%2 == 0, p.At+move, []string{"var_c", "var_t"}[which/2]
			records = append(records, of, m.tell(told{page: &p}))
		}
	}
	if rapid.Bool().Draw(t, "the other first") {
		slices.Reverse(records)
	}
	if rapid.Bool().Draw(t, "known") {
		records = slices.DeleteFunc(records, func(n int) bool { return n < len(m.log) && !m.got[n] && m.records[n].event != nil })
	}
	m.pump(t, m.file(t, records))
}

// otherProcess loads a file through a store of its own, as another process does, while this one stays open.
func (m *model) otherProcess(t *rapid.T) {
	mine, ran := m.db, m.ran
	m.open(t, mine.opts.Dir)
	m.fault.kind = none
	m.importFiles(t)
	if err := m.db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	m.db, m.ran = mine, ran
}

func (m *model) reopen(t *rapid.T) {
	if err := m.db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	m.open(t, m.db.opts.Dir)
}

// crash makes one of the next commits fail, and pulls pages into it.
func (m *model) crash(t *rapid.T) {
	m.fault = fault{rapid.SampledFrom([]faultKind{cancelled, killed, unheardOf}).Draw(t, "fault"),
		rapid.IntRange(1, 3).Draw(t, "commit"), rapid.IntRange(1, 60).Draw(t, "step")}
	rapid.SampledFrom([]func(*rapid.T){m.page, m.repeat, m.importFiles, m.conflict}).Draw(t, "into")(t)
}

// phase observes a new share: the phase that was open ends, and after a pause another begins.
func (m *model) phase(t *rapid.T) {
	weight := rapid.SampledFrom([]int{10, 25, 50}).Draw(t, "weight")
	arms := []store.Arm{{Variation: "var_c", Weight: 100 - weight, Control: true}, {Variation: "var_t", Weight: weight}}
	seen := store.Observation{Experiment: "exp_a", Seen: dayOne + int64(len(m.seen)+1)*hour, Status: "active", Strategy: "percentage", Level: -1, Arms: arms}
	for range 2 { // what was seen before is not recorded again
		if err := m.db.Observe(context.Background(), []store.Observation{seen}); err != nil {
			t.Fatalf("observe: %v", err)
		}
	}
	if n := len(m.seen); n == 0 || m.seen[n-1].Arms[0] != arms[0] {
		m.seen = append(m.seen, seen)
	}
	if len(m.scope.Phases) == 3 {
		return
	}
	phases := slices.Clone(m.scope.Phases)
	last := &phases[len(phases)-1]
	last.Until = last.From + rapid.Int64Range(1, 70).Draw(t, "hours")*hour
	next := store.Phase{Number: last.Number + 1, Experiment: "exp_a", From: last.Until + 600*sec, Known: true, Arms: arms}
	if rapid.IntRange(0, 3).Draw(t, "continued") == 0 {
		next.Experiment, m.scope.Continues, m.scope.Experiment = "exp_b", []string{"exp_a"}, "exp_b"
	} else if next.Experiment != m.scope.Experiment {
		next.Experiment = m.scope.Experiment
	}
	m.scope.Phases = append(phases, next)
}

// forget takes people out for good.
func (m *model) forget(t *rapid.T) {
	if !m.rewrites {
		t.Skip()
	}
	users := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 14), 1, 3, rapid.ID[uint64]).Draw(t, "users")
	events, pages, gone := without(m.events, m.pages, users)
	got, err := m.db.Forget(context.Background(), users, modelKey.Tombstone, dayOne)
	if err != nil {
		t.Fatalf("forget: %v", err)
	}
	out := len(m.events) - len(events)
	want := Removal{Events: int64(out), Pages: int64(len(m.pages) - len(pages)), People: got.People}
	if got != want {
		t.Fatalf("forgot %+v, want %+v", got, want)
	}
	for _, user := range users {
		if !m.forgotten[user] {
			m.removed.People++
		}
	}
	for _, key := range gone[want.Events+want.Pages:] { // behind the ids of rows
		m.forgotten[key] = true
	}
	m.removed.Forgotten += want.Events + want.Pages
	m.left(events, pages)
}

// purge takes out what is older than a day.
func (m *model) purge(t *rapid.T) {
	if !m.rewrites {
		t.Skip()
	}
	before := dayOne + rapid.Int64Range(-1, 6).Draw(t, "day")*24*hour
	events := slices.DeleteFunc(slices.Clone(m.events), func(e store.Event) bool { return e.At < before })
	pages := slices.DeleteFunc(slices.Clone(m.pages), func(p store.PageEvent) bool { return p.At < before })
	got, err := m.db.Purge(context.Background(), before, dayOne)
	if want := (Removal{Events: int64(len(m.events) - len(events)), Pages: int64(len(m.pages) - len(pages))}); err != nil || got != want {
		t.Fatalf("purged %+v, %v, want %+v", got, err, want)
	}
	m.removed.Before = max(m.removed.Before, before)
	m.removed.Purged += got.Events + got.Pages
	m.left(events, pages)
}

// left is told what rows a removal has left.
func (m *model) left(events []store.Event, pages []store.PageEvent) {
	m.did.removals.Add(1)
	m.events, m.pages = events, pages
	before, pagesBefore := m.eventOf, m.pageOf
	m.eventOf, m.pageOf = map[uint64]uint64{}, map[uint64]uint64{}
	for _, e := range events {
		m.eventOf[e.LogID] = e.Content()
	}
	for _, p := range pages {
		m.pageOf[p.ID] = p.Content()
	}
	for id := range before {
		if _, kept := m.eventOf[id]; !kept {
			m.outEvents[id] = true
		}
	}
	for id := range pagesBefore {
		if _, kept := m.pageOf[id]; !kept {
			m.outPages[id] = true
		}
	}
}

// isRemoved tells whether a row is one that was taken out for good.
func (m *model) isRemoved(at store.Micros, user, session, transaction uint64) bool {
	if at < m.removed.Before || m.forgotten[user] {
		return true
	}
	return user == 0 && (m.forgotten[session] || m.forgotten[transaction])
}

// ask counts what a report asks as of some time, often again as of a later one. Most sequences never do: planning the
// questions takes as long as all else together.
func (m *model) ask(t *rapid.T) {
	if !m.asks {
		t.Skip()
	}
	s := m.scope
	s.Until = dayOne + rapid.Int64Range(0, 8*24).Draw(t, "as of")*hour
	for again := true; again; {
		m.did.asked.Add(1)
		got, err := m.db.Counts(context.Background(), s)
		if err != nil {
			t.Fatalf("counts: %v", err)
		}
		want := recount(s, m.events, m.pages)
		got.Losses = store.Losses{Undated: got.Undated}
		undated := map[string]int64{} // every reject of the model is without a date, and of one run
		for _, r := range m.rejects {
			undated[r.Source]++
		}
		for _, source := range slices.Sorted(maps.Keys(undated)) {
			want.Undated = append(want.Undated, store.UndatedCount{Source: source, Run: dayOne, Count: undated[source]})
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the store (+) and the oracle (-) differ:\n%s", diff)
		}
		if again = rapid.Bool().Draw(t, "again"); again {
			m.page(t)
			s.Until += rapid.Int64Range(0, 24).Draw(t, "later") * hour
		}
	}
}

// A content is all that a store holds, in one order.
type content struct {
	Removed      store.Removed
	Events       []store.Event
	Pages        []store.PageEvent
	Rejects      []store.Reject
	Filtered     map[string]int64
	Sources      []store.SourceStatus
	Gaps         []store.Gap
	Observations []store.Observation
}

// look checks after some of the actions.
func (m *model) look(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "look") == 2 {
		m.check(t)
	}
}

// check compares all that the store holds with the model.
func (m *model) check(t *rapid.T) {
	got, err := m.stored()
	if err != nil {
		t.Fatalf("reading the store: %v", err)
	}
	want := content{Removed: m.removed, Events: slices.Clone(m.events), Pages: slices.Clone(m.pages), Filtered: m.filtered,
		Gaps: slices.Collect(maps.Keys(m.gaps)), Observations: m.seen}
	for i := range want.Events {
		e := &want.Events[i]
		e.Assigned = cmp.Or(e.Assigned, e.At)
	}
	for _, r := range m.rejects {
		want.Rejects = append(want.Rejects, r)
	}
	for _, name := range slices.Sorted(maps.Keys(m.sources)) {
		s := *m.sources[name]
		if a := s.Account; a.Received != a.Stored+a.Duplicate+a.Filtered+a.Rejected {
			t.Fatalf("the account of %s does not add up: %+v", name, a)
		}
		want.Sources = append(want.Sources, s)
	}
	for _, c := range []*content{&want, &got} {
		slices.SortFunc(c.Events, func(a, b store.Event) int { return cmp.Compare(a.LogID, b.LogID) })
		slices.SortFunc(c.Pages, func(a, b store.PageEvent) int { return cmp.Compare(a.ID, b.ID) })
		slices.SortFunc(c.Rejects, func(a, b store.Reject) int { return cmp.Compare(a.Record, b.Record) })
		slices.SortFunc(c.Gaps, func(a, b store.Gap) int { return cmp.Compare(a.From, b.From) })
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the store (+) and the model (-) differ:\n%s", diff)
	}
	// What was removed does not come back, and all that was ever stored is there or counted as removed.
	for _, e := range m.events {
		if m.isRemoved(e.At, e.User, e.Session, e.Transaction) {
			t.Fatalf("event %d is back", e.LogID)
		}
	}
	for _, p := range m.pages {
		if m.isRemoved(p.At, p.User, p.Session, p.Transaction) {
			t.Fatalf("page event %d is back", p.ID)
		}
	}
	stored := int64(0)
	for _, s := range m.sources {
		stored += s.Account.Stored
	}
	if sum := int64(len(m.events)+len(m.pages)) + m.removed.Forgotten + m.removed.Purged; stored != sum {
		t.Fatalf("%d rows were stored, %d are there or removed", stored, sum)
	}
	// What stands before the cursor is there, whatever happened on the way.
	position := 0
	if s := m.sources[logSource]; s != nil {
		position, _ = strconv.Atoi(s.Cursor.Position)
	}
	for _, n := range m.log[:position] {
		there := true
		switch r := m.records[n]; {
		case r.event != nil:
			_, there = m.eventOf[r.event.LogID]
			there = there || m.outEvents[r.event.LogID] || m.isRemoved(r.event.At, r.event.User, r.event.Session, r.event.Transaction)
		case r.page != nil:
			_, there = m.pageOf[r.page.ID]
			there = there || m.outPages[r.page.ID] || m.isRemoved(r.page.At, r.page.User, r.page.Session, r.page.Transaction)
		case r.why != nil:
			_, there = m.rejects[modelKey.Record([]byte(strconv.Itoa(n)))]
		}
		if !there {
			t.Fatalf("record %d is lost: the cursor stands behind it at %d", n, position)
		}
	}
}

// stored reads the whole store.
func (m *model) stored() (c content, err error) {
	ctx := context.Background()
	c.Filtered = map[string]int64{}
	err = m.db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		known, err := readVocabulary(ctx, conn)
		if err != nil {
			return err
		}
		rows, err := conn.QueryContext(ctx, `select log_id, epoch_us(at_utc), epoch_us(assigned_utc), coalesce(epoch_us(logged_utc), 0),
			type, client, connection, strategy, device, e.experiment, variation, allocation, segment, authenticator,
			user_key, session_key, transaction_key, control, interactive, passkey_used, test
			from events e join shapes s on s.id = e.shape and s.experiment = e.experiment`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e store.Event
			var word [10]uint32
			if err := rows.Scan(&e.LogID, &e.At, &e.Assigned, &e.Logged, &word[0], &word[1], &word[2], &word[3], &word[4],
				&word[5], &word[6], &word[7], &word[8], &word[9], &e.User, &e.Session, &e.Transaction, &e.Control, &e.Interactive,
				&e.PasskeyUsed, &e.Test); err != nil {
				return err
			}
			for i, to := range []*store.Word{&e.Type, &e.ClientID, &e.Connection, &e.Strategy, &e.Device, &e.Experiment, &e.Variation,
				&e.Allocation, &e.Segment, &e.Authenticator} {
				*to = store.WordOf(known.texts[word[i]])
			}
			c.Events = append(c.Events, e)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows, err = conn.QueryContext(ctx, `select event_id, epoch_us(at_utc), phase, experiment, variation, user_key, session_key,
			transaction_key, verified, future from page_events`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p store.PageEvent
			var word [3]uint32
			if err := rows.Scan(&p.ID, &p.At, &word[0], &word[1], &word[2], &p.User, &p.Session, &p.Transaction,
				&p.Verified, &p.Future); err != nil {
				return err
			}
			p.Phase, p.Experiment, p.Variation = store.PagePhase(known.texts[word[0]]), known.texts[word[1]], known.texts[word[2]]
			c.Pages = append(c.Pages, p)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows, err = conn.QueryContext(ctx, "select source, type, epoch_us(day), n from filtered")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var source, kind string
			var day, n int64
			if err := rows.Scan(&source, &kind, &day, &n); err != nil {
				return err
			}
			c.Filtered[fmt.Sprint(source, " ", kind, " ", day)] += n
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var s store.SourceStatus
		if err := each(ctx, conn, "sources", nil, func() error {
			c.Sources = append(c.Sources, s)
			return nil
		}, &s.Cursor.Source, &s.Cursor.Position, &s.Cursor.Watermark, &s.Cursor.Complete, &s.Cursor.At, &s.Runs, &s.Account.Received,
			&s.Account.Stored, &s.Account.Duplicate, &s.Account.Filtered, &s.Account.Rejected, &s.Account.Conflicts); err != nil {
			return err
		}
		if c.Rejects, err = rejectsOf(ctx, conn, math.MaxInt64); err != nil {
			return err
		}
		if c.Gaps, err = gapsOf(ctx, conn, math.MinInt64, math.MaxInt64); err != nil {
			return err
		}
		for i := range c.Gaps {
			c.Gaps[i].Noticed, c.Gaps[i].StoredHours = 0, 0
		}
		if c.Observations, err = observations(ctx, conn, ""); err != nil {
			return err
		}
		c.Removed, err = removed(ctx, conn)
		return err
	})
	return c, err
}
