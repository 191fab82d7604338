//go:build unix

package duckdb

import (
	"io"
	"os"
	"syscall"
)

// own is this process's own view of the store's file. It stays open: the system drops every lock
// that a process has on a file when it closes any of its views of it, DuckDB's too.
func (h *holder) own(path string) *os.File {
	h.opening.Lock()
	defer h.opening.Unlock()
	now, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if h.view != nil {
		if was, err := h.view.Stat(); err == nil && os.SameFile(was, now) {
			return h.view
		}
		h.view.Close() // of a file that another one has replaced: nobody writes into it
		h.view = nil
	}
	if h.view, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		h.view = nil
	}
	return h.view
}

// mend puts back what a killed process has torn, when nobody has the file open.
func (h *holder) mend(path string) {
	f := h.own(path)
	if f == nil || !unfinished(path, f) {
		return
	}
	release, ok := h.try(false)
	if !ok {
		return
	}
	defer release()
	all := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &all) != nil {
		return // the commit that it belongs to is being made
	}
	putBack(path, f) // where it fails DuckDB tells of the damage
	all.Type = syscall.F_UNLCK
	syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &all)
}
