package ingest

import (
	"context"
	"io"

	"keyramp/queries/store"
)

// Retry reads a source to its end, finds the rejects of it that are wanted and
// decodes them once more. It stores nothing. A record is known again by its
// bytes; one that has grown since, by its place and the bytes it had; and one
// that the source could not hand over, because it was cut or too large, by its
// place. missing are the rejects that the source does not give any more, or
// still cannot hand over; they stay as they are. What was removed for good is
// counted and not kept. now is when this run began.
func Retry(ctx context.Context, src Source, d Decoder, ids *Pseudonyms, removed *Removed, wanted []store.Reject, now store.Micros) (r *store.Retrial, missing []store.Reject, err error) {
	r = &store.Retrial{Source: src.Name()}
	byRecord, byPlace := map[uint64]bool{}, map[string]store.Reject{}
	for _, w := range wanted {
		byRecord[w.Record] = true
		byPlace[w.Place] = w
	}
	grown := func(w store.Reject, raw []byte) bool {
		return w.Record == rejectID(ids, w.Source, &Record{}, w.Place, w.Reason) ||
			w.Bytes > 0 && w.Bytes < int64(len(raw)) && w.Record == ids.Record(raw[:w.Bytes])
	}
	again := func(rec *Record) error {
		place := rec.Place.String()
		if len(rec.Raw) == 0 {
			return nil
		}
		id := ids.Record(rec.Raw)
		if !byRecord[id] {
			w, was := byPlace[place]
			if id = w.Record; !was || !byRecord[id] || !grown(w, rec.Raw) {
				return nil
			}
		}
		why := rec.Err
		if why == nil {
			if err := d.Decode(rec.Raw, &r.Batch); err != nil {
				if why = asReject(err); why == nil {
					return err
				}
			}
		}
		delete(byRecord, id)
		if why != nil {
			r.Gone = append(r.Gone, id)
			r.Still = append(r.Still, reject(ids, src.Name(), rec, why, d, now))
			return nil
		}
		r.Batch.Received++
		r.Settled = append(r.Settled, id)
		return nil
	}
	for end := error(nil); end == nil && len(byRecord) > 0; {
		var c Chunk
		if end = src.Read(ctx, &c); end != nil && end != io.EOF {
			return nil, nil, end
		}
		for i := range c.Records {
			if err := again(&c.Records[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	removed.leaveOut(&r.Batch, now)
	for _, w := range wanted {
		if byRecord[w.Record] {
			missing = append(missing, w)
		}
	}
	return r, missing, nil
}
