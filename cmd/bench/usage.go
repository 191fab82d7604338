package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A usage is what processes took. The time is that of the whole process, its
// start included, and the CPU that of its children too.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory, of the largest process
}

// add joins a process that ran after the others.
func (u usage) add(v usage) usage { return usage{u.wall + v.wall, u.cpu + v.cpu, max(u.peak, v.peak)} }

// A step is a command line, with what it needs in its environment.
type step struct {
	args []string
	env  []string
}

// measure runs a step in a folder and returns what it printed and took.
func measure(ctx context.Context, dir string, s step) ([]byte, usage, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(os.Environ(), s.env...)
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if err != nil {
		return nil, usage{}, fmt.Errorf("%s: %w\n%s", strings.Join(s.args[:min(4, len(s.args))], " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	u := usage{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = int64(r.Maxrss)
		if runtime.GOOS != "darwin" { // where it is bytes already
			u.peak *= 1024
		}
	}
	return out.Bytes(), u, nil
}

// stored is the size of everything in a folder.
func stored(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// room fails when a folder's disk has fewer free bytes than are needed.
func room(dir string, need int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return err
	}
	if free := int64(s.Bavail) * int64(s.Bsize); free < need {
		return fmt.Errorf("%s has %s free, %s are needed", dir, megabytes(free), megabytes(need))
	}
	return nil
}
