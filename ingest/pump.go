package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// Defaults of a Pump.
const (
	DefaultBatchRecords = 240_000 // just under two row groups of the store, which then lie in its file whole
	DefaultBatchAge     = 5 * time.Second
)

// commitGrace is how long commits may go on after the run was cancelled.
const commitGrace = 4 * time.Second

// partsAtMost is how many sources share a commit: of empty files there may be any number.
const partsAtMost = 1000

// stuckReads is how often in a row a source may give records without moving its cursor.
const stuckReads = 3

// A GapRecorder keeps gaps for later reports.
type GapRecorder interface {
	RecordGap(ctx context.Context, g store.Gap) error
}

// A holder is a Sink for which many questions at once are cheaper than one by one.
type holder interface {
	Hold(ctx context.Context, ask func(ctx context.Context) error) error
}

// A Pump moves records from a source into a store: it reads, decodes, gathers
// batches and commits each with the cursor behind it. One batch is committed
// while the next is read, so at most two are held in memory. A source that is
// an Ahead does the decoding itself when Decoder is a *LogDecoder. Sink, Decoder
// and Pseudonyms are needed; Recorder too when a source can report gaps.
type Pump struct {
	Sink       store.Sink
	Recorder   GapRecorder
	Decoder    Decoder
	Pseudonyms *Pseudonyms // names the records that are put aside
	Removed    *Removed    // what must not come back; nil = nothing was removed

	BatchRecords int           // a batch with so many records to store is committed; 0 = DefaultBatchRecords
	BatchAge     time.Duration // so is one whose first record was read this long ago; 0 = DefaultBatchAge

	Now      func() store.Micros // nil = the machine's clock
	Progress func(Progress)      // hears of every read; nil = nobody does
}

// errLoop says that a source would be read for ever.
var errLoop = fmt.Errorf("%w: the source gives records but its cursor does not move: what was read is stored; look at the source", ErrUpstream)

// Run pumps until the source has nothing more, fails, or ctx ends. What was
// read before is committed in any case, after a cancellation within four
// seconds. The account covers what was committed; it comes with every error.
//
// A chunk is never split between two commits unless its Records are more than
// a batch; the cursor then moves with its last part, so that a run which dies
// between the parts reads the chunk again.
func (p *Pump) Run(ctx context.Context, src Source) (account Account, err error) {
	err = p.RunAll(ctx, []Source{src}, func(a Account) { account = a })
	return account, err
}

// RunAll is Run for one source after the other, up to the first that fails. A
// batch goes on with the next source where one ends, so that many short ones
// share a commit. done hears of each account in the order of the sources, once
// all of it is committed, and of that of the source that failed; when a batch of
// several sources cannot be stored, that is the first of them.
func (p *Pump) RunAll(ctx context.Context, sources []Source, done func(Account)) error {
	r := &run{Pump: p, done: done, jobs: make(chan job), results: make(chan result, 1),
		began: p.now(), batch: new(gathering), spare: new(gathering)}
	if r.BatchRecords <= 0 {
		r.BatchRecords = DefaultBatchRecords
	}
	if r.BatchAge <= 0 {
		r.BatchAge = DefaultBatchAge
	}
	at, err := r.run(ctx, sources)
	r.settle()
	if at != nil {
		r.tell(at)
	}
	if err != nil && at != nil {
		return fmt.Errorf("%s: %w", at.src.Name(), err)
	}
	return err
}

// now returns the time by the pump's clock.
func (p *Pump) now() store.Micros {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now().UnixMicro()
}

// A job is a batch on its way into the store.
type job struct {
	parts []*part
	gap   *store.Gap // of the last part's source; comes after the batch
}

type result struct {
	job
	err error
}

// run is one run of a pump. Its fields belong to the reading goroutine, and while
// a source reads to the timer of fill; the committing one knows only jobs and results.
type run struct {
	*Pump
	done func(Account)

	jobs    chan job
	results chan result
	busy    bool       // a job is being committed
	closed  []*reading // sources that were read, a batch of which may still be on its way

	began        store.Micros // by the pump's clock
	batch, spare *gathering
	*reading     // the source that is being read; nil between two
}

// A reading is one source of a run.
type reading struct {
	src         Source
	began       time.Time
	account     Account
	cursor      store.Cursor // behind the last chunk that is wholly in a batch
	sent        store.Cursor // behind the last batch that was handed over
	read, bytes int64        // of all batches, for Progress
	stuck       int
	parts       int // that are not committed
}

// settle hands over the accounts of sources that are wholly committed.
func (r *run) settle() {
	for len(r.closed) > 0 && r.closed[0].parts == 0 {
		r.tell(r.closed[0])
		r.closed = r.closed[1:]
	}
}

// tell hands over the account of a source of which nothing more will be read.
func (r *run) tell(of *reading) {
	if n, ok := of.src.(Noter); ok {
		of.account.Note = n.Note()
	}
	of.account.Duration = time.Since(of.began)
	r.done(of.account)
}

// run returns the source at which it ended, unless all were read and committed.
func (r *run) run(ctx context.Context, sources []Source) (at *reading, err error) {
	// Commits outlive a cancellation for a while: a batch that was read should
	// not be read again because of a keystroke.
	commits, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(commitGrace, abort)
		context.AfterFunc(commits, func() { t.Stop() })
	})
	defer stop()
	// A failed commit ends the reading, which may be waiting for a server.
	readCtx, halt := context.WithCancel(ctx)
	defer halt()

	committed := make(chan struct{})
	go func() {
		defer close(committed)
		for j := range r.jobs {
			err := r.commit(commits, j)
			if err != nil {
				halt()
			}
			r.results <- result{j, err}
		}
	}()
	defer func() { close(r.jobs); <-committed }()

	all, at, err := r.open(ctx, sources)
	if err != nil {
		return at, err
	}
	for _, of := range all {
		if a, ok := of.src.(Ahead); ok {
			if d, ok := r.Decoder.(*LogDecoder); ok {
				a.DecodeAhead(d)
			}
		}
	}
	for i, of := range all {
		if len(r.batch.parts) >= partsAtMost {
			if err = r.submit(nil); err != nil {
				break
			}
		}
		if i+1 < len(all) {
			if next, ok := all[i+1].src.(Preparer); ok {
				next.Prepare(readCtx)
			}
		}
		if at, err = of, r.one(ctx, readCtx, of); err != nil {
			break
		}
	}
	if !errors.As(err, new(*commitError)) { // what was read before any other error is committed
		if failed := cmp.Or(r.submit(nil), r.wait()); failed != nil {
			err = failed
		}
	}
	if failed := new(commitError); errors.As(err, &failed) { // maybe of the source before
		at = failed.of
	}
	if err != nil {
		return at, err
	}
	return nil, nil
}

// open asks how far each source was read. It does so before anything is committed: nobody waits for a commit then. With
// an error it returns the source that it is about.
func (r *run) open(ctx context.Context, sources []Source) (all []*reading, at *reading, err error) {
	for _, src := range sources {
		all = append(all, &reading{src: src, account: Account{Source: src.Name()}})
	}
	ask := func(ctx context.Context) error {
		for _, at = range all {
			cursor, known, err := r.Sink.Cursor(ctx, at.src.Name())
			switch {
			case err != nil:
				return fmt.Errorf("stored cursor: %w", err)
			case !known:
				cursor = store.Cursor{Source: at.src.Name(), At: r.now()}
			}
			at.cursor, at.sent = cursor, cursor
		}
		return nil
	}
	if h, ok := r.Sink.(holder); ok && len(all) > 1 {
		at = all[0]
		err = h.Hold(ctx, ask)
	} else {
		err = ask(ctx)
	}
	return all, at, err
}

// one reads a source to its end.
func (r *run) one(ctx, readCtx context.Context, of *reading) error {
	r.reading = of
	r.batch.begin(of)
	of.began = time.Now()
	err := r.pump(readCtx)
	r.reading = nil
	switch {
	case err == io.EOF:
		of.account.Complete = of.cursor.Complete
		r.closed = append(r.closed, of)
		return nil
	case ctx.Err() != nil && !errors.As(err, new(*commitError)):
		return context.Cause(ctx)
	}
	return err
}

// pump reads until the source ends. It returns io.EOF, the source's error, or
// a *commitError; in the first two cases the last batch is still to be committed.
func (r *run) pump(ctx context.Context) error {
	var c Chunk
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c = Chunk{Records: c.Records[:0]}
		end, err := r.fill(ctx, &c)
		if err != nil {
			return err
		}
		syncpoint.Reach("read", r.account.Source)
		if err := r.take(&c); err != nil {
			return err
		}
		syncpoint.Reach("decoded", r.account.Source)
		if r.Progress != nil {
			r.Progress(Progress{Source: r.account.Source, Records: r.read, Bytes: r.bytes, Loaded: r.account.Loaded})
		}
		if end != nil {
			return end
		}
		if r.batch.rows() >= r.BatchRecords || !r.batch.since.IsZero() && time.Since(r.batch.since) >= r.BatchAge {
			if err := r.submit(nil); err != nil {
				return err
			}
		}
	}
}

// fill reads a chunk. A batch that comes of age meanwhile is handed over: a pipe may say nothing for hours. Nobody else
// touches the run while its source reads. failed is the *commitError of that.
func (r *run) fill(ctx context.Context, c *Chunk) (end, failed error) {
	if r.batch.since.IsZero() {
		return r.src.Read(ctx, c), nil
	}
	handed := make(chan struct{})
	aged := time.AfterFunc(time.Until(r.batch.since.Add(r.BatchAge)), func() {
		defer close(handed)
		failed = r.submit(nil)
	})
	end = r.src.Read(ctx, c)
	if !aged.Stop() {
		<-handed
	}
	return end, failed
}

// take decodes a chunk into the batch and moves the cursor behind it.
func (r *run) take(c *Chunk) error {
	if c.Gap != nil {
		if r.Recorder == nil {
			return errors.New("the source reports a gap and there is nobody to record it")
		}
		gap := *c.Gap // c is filled anew before the gap is recorded
		if err := r.submit(&gap); err != nil {
			return err
		}
	}
	// A chunk that fits a batch is not split: what is there already goes first.
	n := len(c.Records)
	if c.Decoded != nil {
		n += rows(c.Decoded)
	}
	if !r.batch.since.IsZero() && r.batch.rows()+n > r.BatchRecords {
		if err := r.submit(nil); err != nil {
			return err
		}
	}
	if c.Decoded != nil {
		r.merge(c.Decoded, c.DecodedBytes)
	}
	for i := range c.Records {
		if r.batch.rows() >= r.BatchRecords { // a part of an over-large chunk
			if err := r.submit(nil); err != nil {
				return err
			}
		}
		if err := r.decode(&c.Records[i]); err != nil {
			// Not the record's fault. Nothing of this chunk may count as read,
			// so its source's part is dropped and the next run reads it again.
			r.batch.Batch.Reset()
			r.batch.bytes, r.cursor = 0, r.sent
			return fmt.Errorf("%s: %w", c.Records[i].Place, err)
		}
	}
	if c.Next == (store.Cursor{}) {
		return nil
	}
	if c.Next.Source == "" {
		c.Next.Source = r.src.Name()
	}
	if c.Next.At == 0 {
		c.Next.At = r.now()
	}
	if n > 0 && c.Next.Position == r.cursor.Position {
		if r.stuck++; r.stuck >= stuckReads {
			return errLoop
		}
	} else {
		r.stuck = 0
	}
	r.cursor = c.Next
	return nil
}

// merge adds to the batch what the source has decoded.
func (r *run) merge(from *store.Batch, size int64) {
	b := r.batch.take()
	if n := len(b.Events) + len(from.Events); n > cap(b.Events) { // once; slices.Grow would clear it, and so touch what no event reaches
		b.Events = append(make([]store.Event, 0, max(n, r.BatchRecords)), b.Events...)
	}
	b.Events = append(b.Events, from.Events...)
	b.Calls = append(b.Calls, from.Calls...)
	for key, n := range from.Filtered {
		if b.Filtered == nil {
			b.Filtered = make(map[store.FilterKey]int64)
		}
		b.Filtered[key] += n
	}
	b.Received += from.Received
	r.read += from.Received
	r.bytes += size
	r.batch.bytes += size
}

// decode adds one record to the batch, as a row, as filtered or as a reject.
func (r *run) decode(rec *Record) error {
	b := r.batch.take()
	size := max(rec.Bytes, int64(len(rec.Raw)))
	why := rec.Err
	if why == nil {
		if err := r.Decoder.Decode(rec.Raw, b); err != nil {
			if why = asReject(err); why == nil {
				return err
			}
		}
	}
	b.Received++
	r.read++
	r.bytes += size
	r.batch.bytes += size
	if why == nil {
		return nil
	}
	b.Rejects = append(b.Rejects, reject(r.Pseudonyms, r.src.Name(), rec, why, r.Decoder, r.began))
	return nil
}

// reject makes the row of a record that a run, which began at that time, puts aside.
func reject(ids *Pseudonyms, source string, rec *Record, why *RejectError, d Decoder, began store.Micros) store.Reject {
	kind := store.KindPage
	if _, ok := d.(*LogDecoder); ok {
		kind = store.KindLog
	}
	place := rec.Place.String()
	return store.Reject{Record: rejectID(ids, source, rec, place, why.Reason), Source: source, Place: place,
		Reason: why.Reason, Detail: why.Detail, Bytes: max(rec.Bytes, int64(len(rec.Raw))), At: began, Dated: why.At, Kind: kind}
}

// rejectID names a rejected record by its bytes, or, where the source could
// not hand them over, by its place, so that reading it again adds nothing.
func rejectID(ids *Pseudonyms, source string, rec *Record, place, reason string) uint64 {
	if len(rec.Raw) > 0 {
		return ids.Record(rec.Raw)
	}
	return ids.Record([]byte(source + "\x00" + place + "\x00" + reason))
}

// A commitError ends a run: the store may hold the batch or not, and the next
// run finds out by its cursors.
type commitError struct {
	error
	of *reading // the first of the batch
}

func (e *commitError) Unwrap() error { return e.error }

// submit hands the batch, the cursors behind it and a gap after that to the
// committing goroutine, once that has finished with the batch before.
func (r *run) submit(gap *store.Gap) error {
	if err := r.wait(); err != nil {
		return err
	}
	full := r.batch
	j := job{gap: gap}
	for i, p := range full.parts {
		if p.Received == 0 && p.of.cursor == p.of.sent && (gap == nil || i+1 < len(full.parts)) {
			p.of.parts-- // it has nothing to tell
			continue
		}
		p.Next, p.of.sent = p.of.cursor, p.of.cursor
		j.parts = append(j.parts, p)
	}
	r.batch, r.spare = r.spare, full
	if r.reading != nil {
		r.batch.begin(r.reading)
	}
	if len(j.parts) == 0 {
		full.reset()
		return nil
	}
	r.jobs <- j
	r.busy = true
	return nil
}

// wait takes the accounts of the batch that is being committed, if there is one.
func (r *run) wait() error {
	if !r.busy {
		return nil
	}
	res := <-r.results
	r.busy = false
	if res.err != nil {
		return &commitError{res.err, res.parts[0].of}
	}
	for _, p := range res.parts {
		account := &p.of.account
		account.Loaded = account.Add(p.loaded)
		account.Bytes += p.bytes
		account.Commits++
		account.Forgotten += p.forgotten
		account.Purged += p.purged
		for i := range p.Rejects {
			if account.Reasons == nil {
				account.Reasons = make(map[string]int64)
			}
			account.Reasons[p.Rejects[i].Reason]++
		}
		p.of.parts--
	}
	if res.gap != nil {
		account := &res.parts[len(res.parts)-1].of.account
		account.Gaps = append(account.Gaps, *res.gap)
	}
	r.spare.reset()
	r.settle()
	return nil
}

// commit stores a batch and checks that the accounts add up, before and after.
func (r *run) commit(ctx context.Context, j job) error {
	parts := make([]store.Part, len(j.parts))
	for i, p := range j.parts {
		p.forgotten, p.purged = r.Removed.leaveOut(p.Batch, r.now())
		sum := int64(rows(p.Batch))
		for _, n := range p.Filtered {
			sum += n
		}
		if sum != p.Received {
			return fmt.Errorf("internal error: of %d records the batch accounts for %d: nothing of it was stored", p.Received, sum)
		}
		parts[i] = p.Part
	}
	loaded, err := r.Sink.LoadAll(ctx, parts)
	if err != nil {
		return err
	}
	syncpoint.Reach("acknowledged", parts[len(parts)-1].Next.Position)
	if len(loaded) != len(parts) {
		return fmt.Errorf("internal error: the store accounts for %d of %d sources", len(loaded), len(parts))
	}
	for i, l := range loaded {
		if l.Received != parts[i].Received || l.Received != l.Stored+l.Duplicate+l.Filtered+l.Rejected {
			return fmt.Errorf("internal error: %d records were committed, but the store accounts for %d = %d stored + %d duplicate + %d filtered + %d rejected",
				parts[i].Received, l.Received, l.Stored, l.Duplicate, l.Filtered, l.Rejected)
		}
		j.parts[i].loaded = l
	}
	if j.gap != nil {
		return r.Recorder.RecordGap(ctx, *j.gap)
	}
	return nil
}
