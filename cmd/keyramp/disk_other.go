//go:build !linux && !darwin

package main

import "io/fs"

// Elsewhere the system is not asked.
func freeBytes(string) (int64, bool)  { return 0, false }
func ownerOf(fs.FileInfo) (int, bool) { return 0, false }
func mayWrite(string) bool            { return true }
