package durable

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// What a process left is removed when it is gone, also when another has its number since:
// in a container every run may have the same one.
func TestSweep(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip("needs a process that ends: ", err)
	}
	dir := t.TempDir()
	long := time.Now().Add(-time.Hour)
	for _, f := range []struct {
		name string
		at   time.Time
		left bool
	}{
		{fmt.Sprintf("new-%d-a", gone.Process.Pid), time.Now(), false},
		{fmt.Sprintf("new-%d-b", os.Getpid()), time.Now(), true},
		{fmt.Sprintf("new-%d-c", os.Getpid()), long, false},
		{fmt.Sprintf("new-%d-d", os.Getppid()), long, true},
		{fmt.Sprintf("new-x-%d-e", gone.Process.Pid), long, true},
		{fmt.Sprintf("other-%d-f", gone.Process.Pid), long, true},
		{"new", long, true},
	} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, f.at, f.at); err != nil {
			t.Fatal(err)
		}
		if got := !slices.Contains(Left(dir, "new"), path); got != f.left {
			t.Errorf("%s stays: %v, want %v", f.name, got, f.left)
		}
	}
	Sweep(dir, "new")
	if entries, _ := os.ReadDir(dir); len(entries) != 5 {
		t.Errorf("%d entries stay, want 5", len(entries))
	}
}
