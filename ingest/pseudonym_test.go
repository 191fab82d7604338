package ingest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestPseudonyms(t *testing.T) {
	p := NewPseudonyms([16]byte{1})
	kinds := map[string]func(string) uint64{
		"user": p.User, "session": p.Session, "transaction": p.Transaction, "log_id": p.LogID,
		"record": func(s string) uint64 { return p.Record([]byte(s)) },
		"page":   func(s string) uint64 { return p.PageID("", s) },
	}
	seen := map[uint64]string{}
	for kind, of := range kinds {
		if got := of(""); got != 0 {
			t.Errorf("%s: nothing became %d", kind, got)
		}
		if other, twice := seen[of("a")]; twice || of("a") == 0 {
			t.Errorf("%s and %s give one number to one text", kind, other)
		}
		seen[of("a")] = kind
		if of("a") == of("b") {
			t.Errorf("%s gives one number to two texts", kind)
		}
	}
	if p.User("a") == NewPseudonyms([16]byte{2}).User("a") {
		t.Error("the key makes no difference")
	}
	if p.PageID("ab", "c") == p.PageID("a", "bc") || p.PageID("a", "") == p.PageID("", "a") {
		t.Error("source and id run into each other")
	}
	if long := strings.Repeat("x", 1000); p.PageID(long, "a") == p.PageID(long, "b") {
		t.Error("a long source hides the id")
	}
	// Stored rows outlive releases: these numbers must never change.
	if got := p.User("auth0|1"); got != 0xfc7e37c225acde32 {
		t.Errorf("the pseudonym of a known user changed to %#x", got)
	}
}

func TestPseudonymsStaySecret(t *testing.T) {
	p := NewPseudonyms([16]byte{1})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", *p, "at", p)
	j, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(p), fmt.Sprint(*p), fmt.Sprintf("%+v %#v %x %d", p, p, p, *p), log.String(), string(j)} {
		if !strings.Contains(shown, redacted) || strings.ContainsAny(shown, "{}") {
			t.Errorf("shown as %s", shown)
		}
	}
}

func TestLoadPseudonyms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "key")
	first, err := LoadPseudonyms(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadPseudonyms(path)
	if err != nil || first.ID() != second.ID() {
		t.Errorf("read back: %v", err)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(p); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, want %v", p, info.Mode(), want)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files were left in the folder", len(left))
	}

	key := [16]byte([]byte("0123456789abcde\n"))
	for _, test := range []struct {
		name, holds string
		mode        os.FileMode
		fault       string // part of the error
	}{
		{"hexadecimal", fmt.Sprintf("%x\n", key), 0o600, ""},
		{"hexadecimal, read-only, CRLF", fmt.Sprintf("%X\r\n", key), 0o400, ""},
		{"raw", string(key[:]), 0o600, ""},
		{"for the group", fmt.Sprintf("%x", key), 0o640, "chmod 600"},
		{"for all", fmt.Sprintf("%x", key), 0o604, "chmod 600"},
		{"empty", "", 0o600, "32 hexadecimal digits"},
		{"short", fmt.Sprintf("%x", key[:15]), 0o600, "32 hexadecimal digits"},
		{"long", fmt.Sprintf("%x00", key), 0o600, "32 hexadecimal digits"},
		{"very long", strings.Repeat("00", 10_000), 0o600, "32 hexadecimal digits"},
		{"no digits", strings.Repeat("zz", 16), 0o600, "32 hexadecimal digits"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			os.WriteFile(path, []byte(test.holds), 0o600)
			os.Chmod(path, test.mode)
			p, err := LoadPseudonyms(path)
			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "3031") {
					t.Errorf("error %v, want one that names the file and %q and not the key", err, test.fault)
				}
				return
			}
			if err != nil || p.ID() != NewPseudonyms(key).ID() {
				t.Errorf("read wrongly: %v", err)
			}
		})
	}
	if _, err := LoadPseudonyms(t.TempDir()); err == nil {
		t.Error("a folder was taken for a key")
	}
}

// Two processes that start together must not each keep a key of their own.
func TestLoadPseudonymsTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var wg sync.WaitGroup
	got := make([]*Pseudonyms, 16)
	for i := range got {
		wg.Go(func() { got[i], _ = LoadPseudonyms(path) })
	}
	wg.Wait()
	for _, p := range got {
		if p == nil || p.ID() != got[0].ID() {
			t.Fatal("two keys")
		}
	}
}
