package ingest

import (
	"time"

	"keyramp/queries/store"
)

// An Account tells what became of everything that one run read from one
// source. Received = Stored + Duplicate + Filtered + Rejected always holds.
type Account struct {
	Source string
	store.Loaded
	Reasons map[string]int64 // rejects by reason; nil when there are none
	// Forgotten and Purged are a part of Filtered: records that were taken out of the store once and came again.
	Forgotten, Purged int64

	Bytes    int64 // of the raw records
	Commits  int64
	Gaps     []store.Gap // that the source reported in this run
	Duration time.Duration
	// Complete: the source had nothing more when it was last asked, and what it had could be read to its end.
	Complete bool
	Note     string // a remark of the source for the reader, such as "the file is empty"
}

// A Noter is a source that may have a remark for the account.
type Noter interface{ Note() string }

// Progress is how far a run has come, told after every read.
type Progress struct {
	Source  string
	Records int64 // read and decoded
	Bytes   int64 // of these records
	Loaded  store.Loaded
}
