package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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

// RunAll is Run for one source after the other, up to the first that fails. The
// last batch of a source is committed while the next source is read. done
// hears of each account in the order of the sources, once all of it is
// committed, and of that of the source that failed.
func (p *Pump) RunAll(ctx context.Context, sources []Source, done func(Account)) error {
	r := &run{Pump: p, done: done, jobs: make(chan job), results: make(chan result, 1),
		began: p.now(), batch: new(store.Batch), spare: new(store.Batch)}
	if r.BatchRecords <= 0 {
		r.BatchRecords = DefaultBatchRecords
	}
	if r.BatchAge <= 0 {
		r.BatchAge = DefaultBatchAge
	}
	at, err := r.run(ctx, sources)
	if at != nil {
		r.close(at)
	}
	r.settle()
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
	of    *reading
	batch *store.Batch
	bytes int64 // of the batch's raw records
	next  store.Cursor
	gap   *store.Gap // comes after the batch
}

type result struct {
	job
	loaded            store.Loaded
	forgotten, purged int64
	err               error
}

// run is one run of a pump. Its fields belong to the reading goroutine; the
// committing one knows only jobs and results.
type run struct {
	*Pump
	done func(Account)

	jobs    chan job
	results chan result
	busy    bool       // a job is being committed
	closed  []*reading // sources that were read, whose last batch may still be on its way

	began        store.Micros // by the pump's clock
	batch, spare *store.Batch
	batchBytes   int64
	since        time.Time // when the first record of the batch was read
	*reading
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
}

// close is told when nothing more will be read of a source.
func (r *run) close(of *reading) {
	if n, ok := of.src.(Noter); ok {
		of.account.Note = n.Note()
	}
	r.closed = append(r.closed, of)
}

// settle hands over the accounts of sources that are wholly committed: all of
// the closed ones, when no job is on its way.
func (r *run) settle() {
	for _, of := range r.closed {
		of.account.Duration = time.Since(of.began)
		r.done(of.account)
	}
	r.closed = nil
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
			res := r.commit(commits, j)
			if res.err != nil {
				halt()
			}
			r.results <- res
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
		if i+1 < len(all) {
			if next, ok := all[i+1].src.(Preparer); ok {
				next.Prepare(readCtx)
			}
		}
		if at, err = of, r.one(ctx, readCtx, of); err != nil {
			break
		}
	}
	if err == nil {
		err = r.wait()
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

// one reads a source to its end and hands its last batch over. After an error
// other than a failed commit everything that was read is committed.
func (r *run) one(ctx, readCtx context.Context, of *reading) error {
	r.reading = of
	of.began = time.Now()
	readErr := r.pump(readCtx)
	if errors.As(readErr, new(*commitError)) {
		return readErr
	}
	err := r.submit(nil)
	if err == nil && readErr != io.EOF {
		err = r.wait()
	}
	switch {
	case err != nil:
		return err
	case readErr == io.EOF:
		of.account.Complete = of.cursor.Complete
		r.close(of)
		if !r.busy {
			r.settle()
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return readErr
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
		end := r.src.Read(ctx, &c)
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
		if rows(r.batch) >= r.BatchRecords || r.batch.Received > 0 && time.Since(r.since) >= r.BatchAge {
			if err := r.submit(nil); err != nil {
				return err
			}
		}
	}
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
	if r.batch.Received > 0 && rows(r.batch)+n > r.BatchRecords {
		if err := r.submit(nil); err != nil {
			return err
		}
	}
	if c.Decoded != nil {
		r.merge(c.Decoded, c.DecodedBytes)
	}
	for i := range c.Records {
		if rows(r.batch) >= r.BatchRecords { // a part of an over-large chunk
			if err := r.submit(nil); err != nil {
				return err
			}
		}
		if r.batch.Received == 0 {
			r.since = time.Now()
		}
		if err := r.decode(&c.Records[i]); err != nil {
			// Not the record's fault. Nothing of this chunk may count as read,
			// so the batch is dropped and the next run reads it again.
			r.batch.Reset()
			r.batchBytes, r.cursor = 0, r.sent
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

// rows is the size of a batch: what is counted and not stored takes no room.
func rows(b *store.Batch) int { return len(b.Events) + len(b.Pages) + len(b.Rejects) }

// merge adds to the batch what the source has decoded.
func (r *run) merge(from *store.Batch, size int64) {
	b := r.batch
	if b.Received == 0 {
		r.since = time.Now()
	}
	if n := len(b.Events) + len(from.Events); n > cap(b.Events) { // once: memory that no event reaches is never touched
		b.Events = slices.Grow(b.Events, max(n, r.BatchRecords)-len(b.Events))
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
	r.batchBytes += size
}

// decode adds one record to the batch, as a row, as filtered or as a reject.
func (r *run) decode(rec *Record) error {
	b := r.batch
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
	r.batchBytes += size
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
// run finds out by its cursor.
type commitError struct {
	error
	of *reading
}

func (e *commitError) Unwrap() error { return e.error }

// submit hands the batch, the cursor behind it and a gap after that to the
// committing goroutine, once that has finished with the batch before.
func (r *run) submit(gap *store.Gap) error {
	if err := r.wait(); err != nil {
		return err
	}
	if r.batch.Received == 0 && gap == nil && r.cursor == r.sent {
		return nil
	}
	r.jobs <- job{of: r.reading, batch: r.batch, bytes: r.batchBytes, next: r.cursor, gap: gap}
	r.busy = true
	r.sent = r.cursor
	r.batch, r.spare, r.batchBytes = r.spare, nil, 0
	return nil
}

// wait takes the account of the batch that is being committed, if there is one.
func (r *run) wait() error {
	if !r.busy {
		return nil
	}
	res := <-r.results
	r.busy = false
	if res.err != nil {
		// What was closed before the failed batch is committed; its own source is not.
		r.closed = slices.DeleteFunc(r.closed, func(of *reading) bool { return of == res.of })
		return &commitError{res.err, res.of}
	}
	account := &res.of.account
	account.Loaded = account.Add(res.loaded)
	account.Bytes += res.bytes
	account.Commits++
	account.Forgotten += res.forgotten
	account.Purged += res.purged
	if res.gap != nil {
		account.Gaps = append(account.Gaps, *res.gap)
	}
	for i := range res.batch.Rejects {
		if account.Reasons == nil {
			account.Reasons = make(map[string]int64)
		}
		account.Reasons[res.batch.Rejects[i].Reason]++
	}
	res.batch.Reset()
	r.spare = res.batch
	r.settle()
	return nil
}

// commit stores a batch and checks that the accounts add up, before and after.
func (r *run) commit(ctx context.Context, j job) result {
	b := j.batch
	forgotten, purged := r.Removed.leaveOut(b, r.now())
	sum := int64(len(b.Events) + len(b.Pages) + len(b.Rejects))
	for _, n := range b.Filtered {
		sum += n
	}
	if sum != b.Received {
		return result{job: j, err: fmt.Errorf("internal error: of %d records the batch accounts for %d: nothing of it was stored", b.Received, sum)}
	}
	loaded, err := r.Sink.Load(ctx, b, j.next)
	if err == nil {
		syncpoint.Reach("acknowledged", j.next.Position)
	}
	if err == nil && (loaded.Received != b.Received ||
		loaded.Received != loaded.Stored+loaded.Duplicate+loaded.Filtered+loaded.Rejected) {
		err = fmt.Errorf("internal error: %d records were committed, but the store accounts for %d = %d stored + %d duplicate + %d filtered + %d rejected",
			b.Received, loaded.Received, loaded.Stored, loaded.Duplicate, loaded.Filtered, loaded.Rejected)
	}
	if err == nil && j.gap != nil {
		err = r.Recorder.RecordGap(ctx, *j.gap)
	}
	return result{job: j, loaded: loaded, forgotten: forgotten, purged: purged, err: err}
}
