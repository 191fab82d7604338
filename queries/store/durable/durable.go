// Package durable holds what files need beyond being written: names that survive a power
// loss, and no trace of writers that were killed.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// started is when this process began, as far as files can tell.
var started = time.Now().Add(-time.Second)

// Folder makes the names in a folder survive a power loss: an fsync of a file keeps what
// is in the file, and not that it is there.
func Folder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) && runtime.GOOS != "windows" {
		return err
	}
	return nil
}

// TempDir makes a folder for one writer beside what it writes, for its owner alone. What
// writers of the same name left there when they were killed is removed.
func TempDir(dir, name string) (string, error) {
	Sweep(dir, name)
	return os.MkdirTemp(dir, fmt.Sprintf("%s-%d-", name, os.Getpid()))
}

// Left lists the temporary files and folders NAME-PID-… in a folder whose process is gone.
func Left(dir, name string) []string {
	var out []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), name+"-")
		if !ok {
			continue
		}
		number, _, ok := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		if pid == os.Getpid() { // ours, unless another had our number: in a container every run has the same one
			if info, err := e.Info(); err != nil || !info.ModTime().Before(started) {
				continue
			}
		} else if alive(pid) {
			continue
		}
		out = append(out, filepath.Join(dir, e.Name()))
	}
	return out
}

// Sweep removes what Left lists.
func Sweep(dir, name string) {
	for _, path := range Left(dir, name) {
		os.RemoveAll(path)
	}
}

// alive tells whether a process of this machine exists.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
