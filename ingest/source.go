package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"keyramp/queries/store"
)

// A Record is one raw record of a source, before decoding.
type Record struct {
	// Raw is the record's JSON. It is valid until the source's next Read.
	Raw []byte
	// Place says where the record stands in its source, for errors and rejects.
	Place Place
	// Err is set when the record is known to be unusable. Raw is empty if the
	// source itself could not hand it over: a line over the size limit, a
	// truncated end. Bytes is then its size.
	Err   *RejectError
	Bytes int64
}

// A Place is where a record stands: a line of a file (1-based), an item of an
// array or page (1-based), a byte offset. Zero parts are left out.
type Place struct {
	Line int64
	Item int64
	Page string // the page cursor for paged sources
}

// String is the place as messages and rejects show it.
func (p Place) String() string {
	switch {
	case p.Page != "":
		return fmt.Sprintf("page after %s, item %d", p.Page, p.Item)
	case p.Item > 0 && p.Line > 0:
		return fmt.Sprintf("line %d, item %d", p.Line, p.Item)
	case p.Item > 0:
		return fmt.Sprintf("item %d", p.Item)
	default:
		return fmt.Sprintf("line %d", p.Line)
	}
}

// PageOf returns the page cursor of a place that String wrote; false when the
// place is on no page.
func PageOf(place string) (cursor string, ok bool) {
	cursor, ok = strings.CutPrefix(place, "page after ")
	end := strings.LastIndex(cursor, ", item ")
	if !ok || end < 0 {
		return "", false
	}
	return cursor[:end], true
}

// A Chunk is what one Read gives: records and the cursor that stands behind them.
type Chunk struct {
	Records []Record
	// Decoded is nil, or what the source itself has decoded, for a Pump that
	// let it: Events, Filtered and Received. It is valid until the next Read,
	// and may come beside Records. DecodedBytes is the size of those records.
	Decoded      *store.Batch
	DecodedBytes int64
	Next         store.Cursor
	// Gap is set when the source found that it no longer holds what came
	// after the last cursor. The pump records it before it goes on.
	Gap *store.Gap
}

// A Source hands over records in order. Read fills c and returns io.EOF when
// the source has nothing more for now; the chunk filled beside io.EOF still
// counts. An error ends the run after what was read before it is committed.
type Source interface {
	Name() string
	Read(ctx context.Context, c *Chunk) error
}

// An Ahead is a Source that can decode tenant log events while it reads on, in
// the order in which they stand. DecodeAhead must come before the first Read.
type Ahead interface {
	Source
	DecodeAhead(d *LogDecoder)
}

// A Preparer is a Source that can begin its work while the source before it is
// read. Prepare comes after DecodeAhead, before the first Read and at most
// once; what it began ends with ctx. It does not fail: Read does.
type Preparer interface {
	Source
	Prepare(ctx context.Context)
}

// A Decoder turns one raw record into a row of the batch or counts it as
// filtered there. A *RejectError says why the record is unusable; the batch is
// then unchanged.
type Decoder interface {
	Decode(raw []byte, b *store.Batch) error
}

// A RejectError says which rule a record broke. It never quotes the record.
type RejectError struct {
	Reason string // one of the Reason codes
	Detail string
	At     store.Micros // the date that the record gives; 0 when it cannot be read
}

func (e *RejectError) Error() string {
	if e.Detail == "" {
		return e.Reason
	}
	return e.Reason + ": " + e.Detail
}

// asReject returns the RejectError in err, if there is one.
func asReject(err error) *RejectError {
	var why *RejectError
	errors.As(err, &why)
	return why
}

// Reject reasons. They are stable: scripts and the status table name them.
const (
	ReasonSyntax    = "not_json"       // not one JSON object
	ReasonEncoding  = "invalid_utf8"   // bytes that are not UTF-8
	ReasonSize      = "too_large"      // over the size limit of a record
	ReasonDepth     = "too_deep"       // nested deeper than the limit
	ReasonTruncated = "truncated"      // the input ends inside the record
	ReasonNoID      = "no_id"          // neither log_id nor _id; id and source for page events
	ReasonNoType    = "no_type"        // no type code
	ReasonTime      = "bad_time"       // no date, or one that is no time
	ReasonMetadata  = "bad_experiment" // experiment data that is not an object, or without usable ids
	ReasonContract  = "contract"       // a page event that breaks the event contract
)
