//go:build unix

package logfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyramp/ingest"
)

// A named pipe that nobody writes into does not hold a cancelled run.
func TestPipeCancel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Open([]string{path}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var c ingest.Chunk
	if err := files[0].Read(ctx, &c); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	files[0].Close()
	w, err := os.OpenFile(path, os.O_RDWR, 0) // the opening that is still on its way ends
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
}

// Files whose names are no text are sources of different names, which are, and by which they are found again.
func TestNamesThatAreNoText(t *testing.T) {
	dir := t.TempDir()
	on := []string{"a\xfe.json", "a\xff.json", "b%FF.json", "c%20\xe9.json"}
	for _, name := range on {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(three), 0o600); err != nil {
			t.Skip(err) // some systems have no such names
		}
	}
	files, err := Open([]string{dir}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a%FE.json", "a%FF.json", "b%FF.json", "c%20%E9.json"} {
		name := files[i].Name()
		if got := filepath.Base(name); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := Named(strings.TrimPrefix(name, "file:")); got != filepath.Join(dir, on[i]) {
			t.Errorf("%q is found at %q, want %q", name, got, on[i])
		}
	}
}
