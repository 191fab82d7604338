package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries/store"
)

// wrap says which store failed and adds the store.Err… that tells a caller
// whether trying again helps.
func (d *DB) wrap(err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("store %s: %w: %w", d.path, kind, err)
	}
	return fmt.Errorf("store %s: %w", d.path, err)
}

// ended tells how the context ended where DuckDB only says that it was interrupted.
func (d *DB) ended(ctx context.Context, err error) error {
	var e *duck.Error
	if ctx.Err() != nil && errors.As(err, &e) && e.Type == duck.ErrorTypeInterrupt {
		return fmt.Errorf("store %s: %w: %w", d.path, ctx.Err(), err)
	}
	return err
}

// isOurs tells errors that say all there is to say.
func isOurs(err error) bool {
	for _, kind := range []error{store.ErrBusy, store.ErrDamaged, store.ErrNewer, store.ErrMissing,
		store.ErrResources, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// kindOf reads DuckDB's messages and the system's, which write large letters differently: DuckDB's
// types of errors alone do not tell a full disk from a damaged file.
func kindOf(err error) error {
	var e *duck.Error
	text := err.Error()
	if errors.As(err, &e) {
		text = e.Msg
		if e.Type == duck.ErrorTypeInterrupt { // DuckDB says it in its own words when the context ends while it works
			return context.Canceled
		}
	}
	text = strings.ToLower(text)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("conflicting lock", "could not set lock", "being used by another process"):
		return store.ErrBusy
	case has("no space left", "permission denied", "read-only file system", "file too large", "disk quota",
		"too many open files", "input/output error", "fsync failed", "out of memory error", "failed to allocate", "could not allocate"):
		return store.ErrResources
	case has("we can only read version", "newer version of duckdb", "newer duckdb version"):
		return store.ErrNewer
	case has("checksum", "corrupt", "not a valid duckdb database", "replaying wal", "serialization error",
		"failed to deserialize", "internal error", "fatal error", "could not read enough bytes", "could not read from file"):
		return store.ErrDamaged
	}
	return nil
}

// fatal tells errors after which DuckDB refuses to go on in this instance.
func fatal(err error) bool {
	var e *duck.Error
	return errors.As(err, &e) && (e.Type == duck.ErrorTypeFatal || e.Type == duck.ErrorTypeInternal) ||
		err != nil && strings.Contains(err.Error(), "database has been invalidated")
}
