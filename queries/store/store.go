// Package store holds the row types and the contract of a keyramp store: what
// ingest hands over, what a report asks for, and the promises in between. The
// stores themselves are in the rooms beside it.
package store

import (
	"context"
	"errors"
)

// A Sink takes batches. LoadAll stores the rows, accounts and cursors of all
// parts together or not at all, as if they came one after the other, and
// returns the account of each. A record that is already stored is counted as a
// duplicate, so replaying after any doubt is always right.
type Sink interface {
	LoadAll(ctx context.Context, parts []Part) ([]Loaded, error)
	Cursor(ctx context.Context, source string) (Cursor, bool, error)
}

// A Part is what one commit stores of one source: a batch and the cursor behind
// it. No two parts of a commit are of the same source.
type Part struct {
	*Batch
	Next Cursor
}

// A Store keeps events and answers questions about them.
type Store interface {
	Sink
	// Load is LoadAll for one part.
	Load(ctx context.Context, b *Batch, next Cursor) (Loaded, error)

	// Observe records what the tenant says of an experiment when it differs from what was last recorded.
	Observe(ctx context.Context, seen []Observation) error
	// RecordGap keeps a gap for every later report; the same gap is kept once.
	RecordGap(ctx context.Context, g Gap) error

	// Observations returns what was recorded of an experiment, oldest first; "" means all.
	Observations(ctx context.Context, experiment string) ([]Observation, error)
	// Calls returns the calls in the log that changed an experiment, oldest first.
	Calls(ctx context.Context, experiment string) ([]Call, error)
	// Experiments lists the experiments that events or observations name.
	Experiments(ctx context.Context) ([]Seen, error)
	// Counts answers all questions of a report from one state of the store.
	Counts(ctx context.Context, s Scope) (*Counts, error)
	// Query streams the rows of a named export question.
	Query(ctx context.Context, name string, s Scope, row func(columns []Column, values []any) error) error
	// Extent tells sources with cursors and accounts, and what was removed.
	Extent(ctx context.Context) (*Extent, error)
	// Status tells also gaps, sizes and what was not stored.
	Status(ctx context.Context) (*Status, error)
	// Rejects lists what was put aside, newest first; limit 0 means all.
	Rejects(ctx context.Context, limit int) ([]Reject, error)
	// Resettle stores rejects that are usable after all, takes them off the list and moves them in the account of their
	// source from rejected to what became of them, all together or not at all. The account of these is returned.
	Resettle(ctx context.Context, r *Retrial) (Loaded, error)
	// Removed tells what was taken out for good, with all tombstones: a run that loads leaves out what comes back.
	Removed(ctx context.Context) (Removed, error)
	// KeyID tells which key the pseudonyms are of; "" when nothing was recorded.
	KeyID(ctx context.Context) (string, error)
	// SetKeyID records it.
	SetKeyID(ctx context.Context, id string) error

	// RecordDecision appends a decision; added is false when one of the same id is there already, which stays.
	RecordDecision(ctx context.Context, d Decision) (added bool, err error)
	// Decisions lists what was recorded of an experiment, oldest first, without the records; "" means all.
	Decisions(ctx context.Context, experiment string) ([]Decision, error)
	// DecisionRecord returns the record of a decision, byte for byte as it was given; "" when there is none.
	DecisionRecord(ctx context.Context, id string) (string, error)

	Close() error
}

// Seen is an experiment as the stored events show it.
type Seen struct {
	Experiment  string
	Name        string // from observations, else ""
	Status      string // likewise
	Events      int64
	First, Last Micros
	Variations  []string
	Control     []string // variations that events marked as control
	Segment     bool     // some events were allocated by segment
}

// A Column describes one column of an export.
type Column struct {
	Name string
	Type ColumnType
	Doc  string
}

// A ColumnType is the type of an exported column.
type ColumnType string

// The column types and the Go values that carry them; nil is null everywhere.
const (
	Text      ColumnType = "VARCHAR"   // string
	Integer   ColumnType = "BIGINT"    // int64
	Double    ColumnType = "DOUBLE"    // float64
	Boolean   ColumnType = "BOOLEAN"   // bool
	Timestamp ColumnType = "TIMESTAMP" // time.Time, UTC
	Date      ColumnType = "DATE"      // time.Time at UTC midnight
)

// An Extent says which store it is, and how far it reaches.
type Extent struct {
	Identity string // changes whenever rows are removed or changed
	Events   int64
	Pages    int64
	Sources  []SourceStatus
	Removed  Removed `json:",omitzero"` // without Tombstones
}

// Status is the state of a store.
type Status struct {
	Extent
	Gaps     []Gap
	Filtered []FilteredCount
	Rejects  []RejectCount
	Bytes    int64 // size of the files
	Schema   int
}

// Removed is what was taken out of a store for good. The sources' Stored add up
// to the store's Events + Pages + Forgotten + Purged.
type Removed struct {
	Before     Micros   // what is dated before this was purged; 0 = nothing was
	Purged     int64    // rows
	Forgotten  int64    // rows of forgotten people
	People     int64    // how many were forgotten, those without rows included
	Tombstones []uint64 // keyed hashes of their users, sessions and transactions
}

// Rules by which records are counted as filtered because they were removed
// once. They stand where an event type would.
const (
	FilterForgotten = "forgotten"
	FilterPurged    = "purged"
)

// A SourceStatus is one source with its account over all runs.
type SourceStatus struct {
	Cursor  Cursor
	Account Loaded
	Runs    int64
}

// A FilteredCount tells how many events of a type were counted, not stored.
type FilteredCount struct {
	Type        string
	Count       int64
	First, Last Micros // days
}

// A RejectCount tells how many records were put aside for one reason.
type RejectCount struct {
	Reason string
	Count  int64
}

// Errors that a caller can act on. Stores wrap them.
var (
	// ErrBusy: another process holds the store; trying later helps.
	ErrBusy = errors.New("the store is held by another process")
	// ErrDamaged: the store cannot be read; trying again does not help.
	ErrDamaged = errors.New("the store is damaged")
	// ErrNewer: the store was written by a newer keyramp.
	ErrNewer = errors.New("the store was written by a newer keyramp")
	// ErrMissing: there is no store yet.
	ErrMissing = errors.New("there is no store yet")
	// ErrResources: disk full, memory limit or permissions.
	ErrResources = errors.New("resources exhausted")
)
