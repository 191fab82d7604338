package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"keyramp/queries/store"
	"keyramp/queries/store/syncpoint"
)

// read runs fn with the file attached read-only, so every question in fn sees
// one state. The views ev and page resolve unqualified; temporary tables are
// the session's own and end with it.
func (d *DB) read(ctx context.Context, fn func(ctx context.Context, conn *sql.Conn) error) error {
	return d.session(ctx, true, fn)
}

// write runs fn in one transaction of the file. When the commit fails, done is asked in
// a new session whether it happened after all; DuckDB can fail after it is durable.
func (d *DB) write(ctx context.Context, fn func(ctx context.Context, conn *sql.Conn) error,
	done func(ctx context.Context, conn *sql.Conn) (bool, error)) error {
	if d.opts.ReadOnly {
		return errors.New("the store was opened for reading only")
	}
	unsure := false
	err := d.session(ctx, false, func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "begin transaction"); err != nil {
			return err
		}
		if err := fn(ctx, conn); err != nil {
			// The caller's context may be why; the rollback must run all the same.
			conn.ExecContext(context.WithoutCancel(ctx), "rollback")
			return err
		}
		syncpoint.Reach("commit", d.path)
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "commit")
		syncpoint.Reach("committed", d.path)
		unsure = err != nil
		return err
	})
	if unsure && done != nil {
		var happened bool
		again := d.read(context.WithoutCancel(ctx), func(ctx context.Context, conn *sql.Conn) error {
			var err error
			happened, err = done(ctx, conn)
			return err
		})
		if again == nil && happened {
			return nil
		}
	}
	return err
}

// A hold is the attached file, which sessions for reading share.
type hold struct {
	conn    *sql.Conn
	release func()
	fixed   bool      // within a Hold
	rows    *rowCount // nil until somebody asked
}

// Hold attaches the file once, for reading, for all that fn asks of d: its questions see one state of the store. Until
// fn returns nothing is loaded, by this process or another, so fn only gathers.
func (d *DB) Hold(ctx context.Context, fn func(ctx context.Context) error) error {
	var failed error // its words are not about the file
	err := d.session(ctx, true, func(ctx context.Context, _ *sql.Conn) error {
		h := d.held
		before := h.fixed
		h.fixed = true
		d.turn <- struct{}{} // for the sessions of fn
		defer func() {
			<-d.turn
			h.fixed = before
		}()
		failed = fn(ctx)
		return nil
	})
	return errors.Join(failed, err)
}

// session attaches the file, runs fn and detaches it again, unless it is the
// only writer's and for reading: the next such session then finds it attached.
func (d *DB) session(ctx context.Context, readOnly bool, fn func(ctx context.Context, conn *sql.Conn) error) (err error) {
	select {
	case <-d.turn:
		defer func() { d.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.pool == nil {
		return errors.New("the store is closed")
	}
	if d.held != nil && !readOnly {
		if d.held.fixed {
			return errors.New("the store is held for reading")
		}
		d.letGo()
	}
	if d.held == nil {
		if err := d.hold(ctx, readOnly); err != nil {
			return err
		}
	}
	if !d.held.fixed {
		defer func() {
			broken := fatal(err) // DuckDB refuses all work after a fatal error; the file is as the last commit left it
			if broken || !readOnly || !d.opts.Alone {
				d.letGo()
			}
			if broken {
				err = errors.Join(err, d.restart())
			}
		}()
	}
	if !readOnly {
		if err := backUp(ctx, d.held.conn, d.path, viewOf(holders(d.path), d.path)); err != nil {
			return d.wrap(fmt.Errorf("undo file: %w", err))
		}
	}
	return d.wrap(d.ended(ctx, fn(ctx, d.held.conn)))
}

// hold attaches the file.
func (d *DB) hold(ctx context.Context, readOnly bool) error {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return d.wrap(err)
	}
	release, err := d.attach(ctx, conn, readOnly)
	if err != nil {
		conn.Close()
		if fatal(err) {
			err = errors.Join(err, d.restart())
		}
		return err
	}
	d.held = &hold{conn: conn, release: release}
	return nil
}

// letGo detaches the file.
func (d *DB) letGo() {
	if h := d.held; h != nil {
		d.held = nil
		d.detach(h.conn)
		h.release()
		h.conn.Close()
	}
}

// forsake lets go of a file that is no longer the store's.
func (d *DB) forsake() {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	d.letGo()
}

// attach waits for the file and attaches it as the connection's default.
func (d *DB) attach(ctx context.Context, conn *sql.Conn, readOnly bool) (release func(), err error) {
	mode := ""
	if readOnly {
		mode = " (read_only)"
	}
	attach := "attach " + quote(d.path) + " as store" + mode
	deadline := time.Now().Add(d.opts.LockWait)
	leave := d.queue(ctx, deadline)
	defer leave()
	held := holders(d.path)
	held.mend(d.path)
	for pause := time.Millisecond; ; pause = min(2*pause, 16*time.Millisecond) {
		release, ok := held.try(readOnly)
		err := fmt.Errorf("store %s: %w (this process)", d.path, store.ErrBusy)
		if ok {
			err = nil
			if _, e := os.Stat(d.path); errors.Is(e, os.ErrNotExist) {
				err = d.missing() // DuckDB would make one
			} else if !readOnly {
				err = private(d.path)
			}
			if err == nil {
				_, err = conn.ExecContext(ctx, attach)
				err = d.wrap(err)
			}
			if err == nil {
				if _, err = conn.ExecContext(ctx, "use store"); err == nil {
					syncpoint.Reach("attached", mode)
					return release, nil
				}
				d.detach(conn)
				err = d.wrap(err)
			}
			release()
		}
		if !errors.Is(err, store.ErrBusy) {
			return nil, err
		}
		if !time.Now().Before(deadline) {
			if d.opts.LockWait > 0 {
				err = fmt.Errorf("waited %v: %w", d.opts.LockWait, err)
			}
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)): // jitter: two that collided must not meet again
		}
	}
}

// detach releases the file, after writing into it what a commit may have left
// in the log beside it. If that fails the rows are safe in the log, and
// whoever attaches next finds them there.
func (d *DB) detach(conn *sql.Conn) {
	ctx := context.Background() // a cancelled session must release the file, too
	if _, err := conn.ExecContext(ctx, "use memory; detach store"); err != nil {
		conn.Close()
		d.restart()
	}
	syncpoint.Reach("detached", d.path)
}

// restart drops the instance, and with it whatever it still held of the file.
func (d *DB) restart() error {
	d.stop()
	return d.start(context.Background())
}

// private sees to it that the file and its log are their owner's alone; DuckDB
// makes files by the umask.
func private(path string) error {
	err := os.Chmod(path, 0o600)
	if err == nil {
		if e := os.Chmod(path+".wal", 0o600); !errors.Is(e, os.ErrNotExist) {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("store %s: %w: %w", path, store.ErrResources, err)
	}
	return nil
}

// A holder orders the instances of one process: the system's lock that DuckDB
// takes does not tell them apart.
type holder struct {
	mu sync.RWMutex

	opening sync.Mutex // guards view
	view    *os.File
}

// viewOf is nil, not an interface of a nil file, when there is no view.
func viewOf(h *holder, path string) io.ReaderAt {
	if f := h.own(path); f != nil {
		return f
	}
	return nil
}

var inProcess sync.Map // path → *holder

func holders(path string) *holder {
	h, _ := inProcess.LoadOrStore(path, &holder{})
	return h.(*holder)
}

func (h *holder) try(shared bool) (release func(), ok bool) {
	if shared {
		return h.mu.RUnlock, h.mu.TryRLock()
	}
	return h.mu.Unlock, h.mu.TryLock()
}

// queue lines up everybody who wants the file, and only the first in line tries:
// readers who come without end cannot starve a writer, nor a long import its
// readers. Where no lock file can be made, luck decides.
func (d *DB) queue(ctx context.Context, deadline time.Time) (leave func()) {
	lock := flock.New(filepath.Join(d.opts.Dir, queueLock), flock.SetPermissions(0o600))
	if first, err := lock.TryLock(); !first && err == nil {
		waiting, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		lock.TryLockContext(waiting, 2*time.Millisecond)
	}
	return func() { lock.Close() }
}
