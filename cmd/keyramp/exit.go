package main

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"keyramp/queries/store"
)

// Exit statuses. Scripts branch on them; docs/exit-codes.md explains each.
const (
	exitOK          = 0
	exitInternal    = 1 // a bug
	exitUsage       = 2 // wrong flags or arguments
	exitConfig      = 3 // config file, key file or environment
	exitAuth        = 4 // 401, 403, a missing scope
	exitUpstream    = 5 // network, 5xx, 429 beyond patience: try later
	exitBusy        = 6 // another run holds the store: try later
	exitStore       = 7 // store damaged or of a newer version
	exitData        = 8 // a gap, or too many rejected records
	exitResources   = 9 // disk full, memory limit, permissions
	exitHold        = 10
	exitRollBack    = 11
	exitInvestigate = 12
	exitInterrupt   = 130
	exitTerminated  = 143
)

// An exitError carries the exit status and a hint beside the message.
type exitError struct {
	code int
	err  error
	hint string // what to do next, without a full stop; "" when the message says it
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// fail makes an error that ends the run with code.
func fail(code int, err error, hint string) error {
	return &exitError{code: code, err: err, hint: hint}
}

// A verdict ends a run with a status and no message: decide --exit-code.
type verdict int

func (v verdict) Error() string { return "verdict" }

// exitCode finds the status and the hint of an error. What a command said
// itself comes first; the sentinels of other rooms come next; what nobody
// foresaw is a bug.
func exitCode(ctx context.Context, err error) (code int, hint string) {
	if err == nil {
		return exitOK, ""
	}
	var stopped signalError
	if errors.As(context.Cause(ctx), &stopped) {
		return 128 + int(stopped.sig), stoppedHint
	}
	var v verdict
	if errors.As(err, &v) {
		return int(v), ""
	}
	var e *exitError
	if errors.As(err, &e) {
		if e.code == exitResources && e.hint == "" {
			e.hint = lackHint
		}
		return e.code, e.hint
	}
	switch {
	case errors.Is(err, store.ErrMissing):
		return exitConfig, "--store or KEYRAMP_STORE names another folder"
	case errors.Is(err, store.ErrBusy):
		return exitBusy, "try again later, or wait longer with --lock-wait 5m"
	case errors.Is(err, store.ErrNewer):
		return exitStore, "use the keyramp that wrote it, or a newer one"
	case errors.Is(err, store.ErrDamaged):
		return exitStore, "keyramp repair says what can be brought back, and does it with --yes"
	case errors.Is(err, store.ErrResources), lacking(err):
		return exitResources, lackHint
	}
	return exitInternal, ""
}

// After a signal. What loads records commits as it goes, and goes on from there; everything else begins again.
const (
	stoppedHint = "run the same command again"
	resumeHint  = "everything up to the last commit is kept; run the same command again to go on"
)

const lackHint = "see that the disk has room and that the folder is yours"

// lacking reports whether an error says that the machine did not give what was needed: room,
// permission, a disk that works.
func lacking(err error) bool {
	for _, kind := range []error{fs.ErrPermission, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EIO, syscall.EROFS,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
