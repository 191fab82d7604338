//go:build linux || darwin

package main

import (
	"io/fs"
	"syscall"
)

// freeBytes is the room that an ordinary user has on the disk of a folder.
func freeBytes(dir string) (int64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// ownerOf is the user id of a file's owner.
func ownerOf(info fs.FileInfo) (int, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// mayWrite tells whether the system would let this process write to a folder.
func mayWrite(dir string) bool {
	const write = 2 // W_OK
	return syscall.Access(dir, write) == nil
}
