package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"keyramp/queries/store"
)

// An owner is what the lock file tells of the run that holds it.
type owner struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// Lock makes this process the one whose run may write to the store in dir,
// waiting for another to end. It fails with ErrBusy, naming the other. The
// system releases the lock of a process that dies.
func Lock(ctx context.Context, dir string, wait time.Duration) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store %s: %w: %w", dir, store.ErrResources, err)
	}
	if err := owned(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, runLock)
	lock := flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	got, err := lock.TryLock()
	if err == nil && !got {
		got, _ = lock.TryLockContext(waiting, 20*time.Millisecond)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w: %w", path, store.ErrResources, err)
	case !got && ctx.Err() != nil:
		return nil, ctx.Err()
	case !got:
		return nil, fmt.Errorf("%w: %s: try later, or wait longer", store.ErrBusy, holds(path))
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(owner{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		lock.Unlock()
		return nil, fmt.Errorf("lock %s: %w: %w", path, store.ErrResources, err)
	}
	return func() {
		os.Truncate(path, 0)
		lock.Unlock()
	}, nil
}

// Names in the store's folder beside its file.
const (
	runLock   = "run.lock"
	queueLock = "queue.lock"
)

// owned fails when something in the folder of a store stands for a file elsewhere: what we
// write there, and the mode that we give it, would be another's. The folder itself may be a
// link.
func owned(dir string) error {
	for _, name := range []string{file, file + ".wal", file + undoSuffix, runLock, queueLock, answerFolder} {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("store %s: %w: %s is a symbolic link, and nothing is written through one: move what it names here, or link the folder", dir, store.ErrResources, name)
		}
	}
	return nil
}

// holds says in words who holds the lock.
func holds(path string) string {
	var o owner
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &o) != nil {
		return "another run holds " + path
	}
	return fmt.Sprintf("process %d on %s since %s holds %s", o.PID, o.Host, o.Since.Format(time.RFC3339), path)
}
