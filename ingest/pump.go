package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"keyramp/queries/store"
)

// Defaults of a Pump.
const (
	DefaultBatchRecords = 100_000
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

	BatchRecords int           // a batch of this size is committed; 0 = DefaultBatchRecords
	BatchAge     time.Duration // so is one whose first record was read this long ago; 0 = DefaultBatchAge

	Now      func() store.Micros // nil = the machine's clock
	Progress func(Progress)      // hears of every read; nil = nobody does
}

// errLoop says that a source would be read for ever.
var errLoop = errors.New("the source gives records but its cursor does not move: what was read is stored; look at the source")

// Run pumps until the source has nothing more, fails, or ctx ends. What was
// read before is committed in any case, after a cancellation within four
// seconds. The account covers what was committed; it comes with every error.
//
// A chunk is never split between two commits unless its Records are more than
// a batch; the cursor then moves with its last part, so that a run which dies
// between the parts reads the chunk again.
func (p *Pump) Run(ctx context.Context, src Source) (Account, error) {
	began := time.Now()
	r := &run{Pump: p, src: src, account: Account{Source: src.Name()}, jobs: make(chan job), results: make(chan result, 1)}
	if r.BatchRecords <= 0 {
		r.BatchRecords = DefaultBatchRecords
	}
	if r.BatchAge <= 0 {
		r.BatchAge = DefaultBatchAge
	}
	if a, ok := src.(Ahead); ok {
		if d, ok := p.Decoder.(*LogDecoder); ok {
			a.DecodeAhead(d)
		}
	}
	err := r.run(ctx)
	if n, ok := src.(Noter); ok {
		r.account.Note = n.Note()
	}
	r.account.Duration = time.Since(began)
	if err != nil {
		return r.account, fmt.Errorf("%s: %w", src.Name(), err)
	}
	return r.account, nil
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
	batch *store.Batch
	bytes int64 // of the batch's raw records
	next  store.Cursor
	gap   *store.Gap // comes after the batch
}

type result struct {
	job
	loaded store.Loaded
	err    error
}

// run is one run of a pump. Its fields belong to the reading goroutine; the
// committing one knows only jobs and results.
type run struct {
	*Pump
	src     Source
	account Account

	jobs    chan job
	results chan result
	busy    bool // a job is being committed

	batch, spare *store.Batch
	batchBytes   int64
	since        time.Time    // when the first record of the batch was read
	cursor       store.Cursor // behind the last chunk that is wholly in a batch
	sent         store.Cursor // behind the last batch that was handed over
	read, bytes  int64        // of all batches, for Progress
	stuck        int
}

func (r *run) run(ctx context.Context) (err error) {
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
	reading, halt := context.WithCancel(ctx)
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

	cursor, known, err := r.Sink.Cursor(ctx, r.src.Name())
	switch {
	case err != nil:
		return fmt.Errorf("stored cursor: %w", err)
	case !known:
		cursor = store.Cursor{Source: r.src.Name(), At: r.now()}
	}
	r.cursor, r.sent = cursor, cursor
	r.batch, r.spare = batches.Get().(*store.Batch), batches.Get().(*store.Batch)

	readErr := r.pump(reading)
	if errors.As(readErr, new(*commitError)) {
		return readErr
	}
	err = r.submit(nil)
	if err == nil {
		err = r.wait()
	}
	switch {
	case err != nil:
		return err
	case readErr == io.EOF:
		batches.Put(r.batch)
		batches.Put(r.spare)
		r.account.Complete = r.cursor.Complete
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return readErr
}

// batches keeps the memory of batches from one run to the next, such as that of the next file.
var batches = sync.Pool{New: func() any { return new(store.Batch) }}

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
		if err := r.take(&c); err != nil {
			return err
		}
		if r.Progress != nil {
			r.Progress(Progress{Source: r.account.Source, Records: r.read, Bytes: r.bytes, Loaded: r.account.Loaded})
		}
		if end != nil {
			return end
		}
		if r.batch.Received >= int64(r.BatchRecords) || r.batch.Received > 0 && time.Since(r.since) >= r.BatchAge {
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
	n := int64(len(c.Records))
	if c.Decoded != nil {
		n += c.Decoded.Received
	}
	if r.batch.Received > 0 && r.batch.Received+n > int64(r.BatchRecords) {
		if err := r.submit(nil); err != nil {
			return err
		}
	}
	if c.Decoded != nil {
		r.merge(c.Decoded, c.DecodedBytes)
	}
	for i := range c.Records {
		if r.batch.Received >= int64(r.BatchRecords) { // a part of an over-large chunk
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

// merge adds to the batch what the source has decoded.
func (r *run) merge(from *store.Batch, size int64) {
	b := r.batch
	if b.Received == 0 {
		r.since = time.Now()
	}
	if len(b.Events)+len(from.Events) > cap(b.Events) {
		b.Events = slices.Grow(b.Events, max(len(from.Events), len(b.Events))) // append would grow it by quarters
	}
	b.Events = append(b.Events, from.Events...)
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
	place := rec.Place.String()
	b.Rejects = append(b.Rejects, store.Reject{
		Record: r.rejectID(rec, place, why), Source: r.src.Name(), Place: place,
		Reason: why.Reason, Detail: why.Detail, Bytes: size, At: r.now(),
	})
	return nil
}

// rejectID names a rejected record by its bytes, or, where the source could
// not hand them over, by its place, so that reading it again adds nothing.
func (r *run) rejectID(rec *Record, place string, why *RejectError) uint64 {
	if len(rec.Raw) > 0 {
		return r.Pseudonyms.Record(rec.Raw)
	}
	return r.Pseudonyms.Record([]byte(r.src.Name() + "\x00" + place + "\x00" + why.Reason))
}

// A commitError ends a run: the store may hold the batch or not, and the next
// run finds out by its cursor.
type commitError struct{ error }

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
	r.jobs <- job{batch: r.batch, bytes: r.batchBytes, next: r.cursor, gap: gap}
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
		return &commitError{res.err}
	}
	r.account.Loaded = r.account.Add(res.loaded)
	r.account.Bytes += res.bytes
	r.account.Commits++
	if res.gap != nil {
		r.account.Gaps = append(r.account.Gaps, *res.gap)
	}
	for i := range res.batch.Rejects {
		if r.account.Reasons == nil {
			r.account.Reasons = make(map[string]int64)
		}
		r.account.Reasons[res.batch.Rejects[i].Reason]++
	}
	res.batch.Reset()
	r.spare = res.batch
	return nil
}

// commit stores a batch and checks that the accounts add up, before and after.
func (r *run) commit(ctx context.Context, j job) result {
	b := j.batch
	sum := int64(len(b.Events) + len(b.Pages) + len(b.Rejects))
	for _, n := range b.Filtered {
		sum += n
	}
	if sum != b.Received {
		return result{job: j, err: fmt.Errorf("internal error: of %d records the batch accounts for %d: nothing of it was stored", b.Received, sum)}
	}
	loaded, err := r.Sink.Load(ctx, b, j.next)
	if err == nil && (loaded.Received != b.Received ||
		loaded.Received != loaded.Stored+loaded.Duplicate+loaded.Filtered+loaded.Rejected) {
		err = fmt.Errorf("internal error: %d records were committed, but the store accounts for %d = %d stored + %d duplicate + %d filtered + %d rejected",
			b.Received, loaded.Received, loaded.Stored, loaded.Duplicate, loaded.Filtered, loaded.Rejected)
	}
	if err == nil && j.gap != nil {
		err = r.Recorder.RecordGap(ctx, *j.gap)
	}
	return result{job: j, loaded: loaded, err: err}
}
