package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// smallDisk mounts a disk of a few megabytes until the test ends.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill leaves so many free bytes on a disk; room is given back by removing the file.
func fill(t *testing.T, disk string, free int64) (ballast string) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(disk, &fs); err != nil {
		t.Fatal(err)
	}
	ballast = filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, max(0, int64(fs.Bavail)*fs.Bsize-free)), 0o600); err != nil {
		t.Fatal(err)
	}
	return ballast
}

// attempt runs a command of the real binary and returns its status and what it said.
func (s *story) attempt(args ...string) (code int, errw string) {
	s.t.Helper()
	r := s.end(end{after: time.Minute}, args...)
	if !r.ended {
		s.t.Fatalf("keyramp %v did not end\n%s", args, r.errw)
	}
	return r.code, r.errw
}

// A full disk ends a run with 9 and the name of the place. What was there can be read, and
// with room again the next run needs no help.
func TestFullDisk(t *testing.T) {
	unmade := regexp.MustCompile("schema step|undo file") // a store whose tables are there is read without either
	row := tier.Begin(t, "C3", tier.Size{Test: 3, Chaos: 30, Soak: 300})
	k := newKiller(t, row)
	disk := smallDisk(t, "16m")
	s, pull := pulls(t, tenant.Config{Seed: 31, Users: 300, Days: 10})
	_, page := s.files(1)
	logs := []string{"import", "logs", s.pack(t.TempDir(), "a.ndjson.gz", 0, 1, tenant.NDJSON)}
	whole := s.with("whole")
	whole.keyramp(0, pull...)
	want := whole.tables()
	imported := s.with("imported")
	imported.keyramp(0, logs...)
	imported.keyramp(0, "import", "page", page)
	wantImported := imported.tables()
	early, late := s.world.End().AddDate(0, 0, -4).Format(time.RFC3339), s.world.End().AddDate(0, 0, 1).Format(time.RFC3339)

	full := map[string]int{}
	told := func(place string, code int, errw string) {
		switch {
		case code == 0: // there was room enough
		case code != exitResources || !strings.Contains(errw, disk):
			k.Violation("%s on a full disk: exit %d, want %d and the place\n%s", place, code, exitResources, errw)
		default:
			full[place]++
		}
	}
	for round := range row.Rounds() {
		switch place := round % 3; place {
		case 0, 1: // the store
			p := s.with(fmt.Sprint("round-", round))
			onDisk := filepath.Join(disk, "store")
			if err := os.Rename(p.store, onDisk); err != nil { // another file system: copied
				if err := os.CopyFS(onDisk, os.DirFS(p.store)); err != nil {
					t.Fatal(err)
				}
				os.Chmod(filepath.Join(onDisk, "pseudonym.key"), 0o600)
			}
			p.store = onDisk
			ballast := fill(t, disk, k.rand.Int64N(2<<20))
			name, commands, expected := "pull", [][]string{pull}, want
			if place == 1 {
				name, commands, expected = "import", [][]string{logs, {"import", "page", page}}, wantImported
			}
			code, errw := p.attempt(commands[0]...)
			told(name, code, errw)
			if st, err := p.seen(); errors.Is(err, store.ErrResources) && unmade.MatchString(err.Error()) {
				// the first run did not come to the end of making the tables: who opens the store goes on with that
			} else if err != nil {
				k.Violation("%s: the store cannot be read on the full disk: %v", name, err)
			} else if st != nil {
				if err := accounts(st); err != nil {
					k.Violation("%s: %v", name, err)
				}
			}
			os.Remove(ballast)
			for _, args := range commands {
				p.keyramp(0, args...)
			}
			if p.tables() != expected {
				k.Violation("%s: with room again the store differs from one that always had it", name)
			}
			if rest := left(t, onDisk, atRest...); len(rest) > 0 {
				k.Violation("%s: the last run left %q", name, rest)
			}
			os.RemoveAll(onDisk)
		case 2: // what others read
			out := filepath.Join(disk, "out")
			os.Mkdir(out, 0o700)
			for _, c := range []struct {
				args []string
				path string
			}{
				{[]string{"export", "daily", "--overwrite", "--out", out}, filepath.Join(out, "daily")},
				{[]string{"report", "-f", "html", "-o", filepath.Join(out, "report.html")}, filepath.Join(out, "report.html")},
			} {
				whole.keyramp(0, append(c.args, "--as-of", early)...)
				old := filesIn(t, c.path)
				ballast := fill(t, disk, k.rand.Int64N(8<<10))
				code, errw := whole.attempt(append(c.args, "--as-of", late)...)
				told(c.args[0], code, errw)
				if code != 0 && fmt.Sprint(filesIn(t, c.path)) != fmt.Sprint(old) {
					k.Violation("%v: the old output is not what it was", c.args)
				}
				os.Remove(ballast)
				whole.keyramp(0, append(c.args, "--as-of", late)...)
				if rest := left(t, out, "report.html", "daily"); len(rest) > 0 {
					k.Violation("%v: the next run left %q", c.args, rest)
				}
			}
			os.RemoveAll(out)
		}
		row.Done()
	}
	row.Note("full in", fmt.Sprint(full))
	if len(full) < 3 {
		t.Errorf("the disk was full in %v only: the test has lost its teeth", full)
	}
}

// openFolder is a temporary folder that others may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "keyramp-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// nobody runs a command as a user who owns nothing.
func (s *story) nobody(args ...string) (code int, errw string) {
	s.t.Helper()
	if os.Geteuid() != 0 {
		s.t.Skip("needs the right to run as another user")
	}
	cmd := s.command(args...)
	dir := openFolder(s.t)
	binary := filepath.Join(dir, "keyramp")
	if err := os.Link(cmd.Path, binary); err != nil { // nobody may enter the folder of ours
		s.t.Skip("needs a second name for the test binary: ", err)
	}
	cmd.Path = binary
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Env, cmd.Dir = append(cmd.Env, "HOME=/", "XDG_CONFIG_HOME=/"), "/" // our home is not theirs
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// A place that keyramp may not write to is told as one, and nothing outside of it changes.
func TestForbiddenPlaces(t *testing.T) {
	row := tier.Begin(t, "C8", tier.Size{Test: 15})
	s, pull := pulls(t, tenant.Config{Seed: 33, Users: 100, Days: 5})
	want := func(what string, code int, errw string, codes ...int) {
		t.Helper()
		row.Done()
		if !slices.Contains(codes, code) {
			row.Violation("%s: exit %d, want %v\n%s", what, code, codes, errw)
		}
		if code == exitResources && !regexp.MustCompile(`(?m)^keyramp: hint: `).MatchString(errw) {
			row.Violation("%s: no hint\n%s", what, errw)
		}
	}

	t.Run("read-only", func(t *testing.T) {
		disk := smallDisk(t, "16m")
		p := s.with("whole")
		p.keyramp(0, pull...)
		onDisk := filepath.Join(disk, "store")
		if err := os.CopyFS(onDisk, os.DirFS(p.store)); err != nil {
			t.Fatal(err)
		}
		p.store = onDisk
		if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		code, errw := p.attempt(pull...)
		want("pull into a read-only store", code, errw, exitResources)
		code, errw = p.attempt("status")
		want("status of a read-only store", code, errw, 0)
		code, errw = p.attempt("export", "daily", "--out", filepath.Join(disk, "out"))
		want("export to a read-only folder", code, errw, exitResources)
		code, errw = p.attempt("report", "-o", filepath.Join(disk, "report"))
		want("report to a read-only folder", code, errw, exitResources)
	})

	t.Run("another's", func(t *testing.T) {
		p := s.with("theirs")
		p.t = t
		p.store = filepath.Join(openFolder(t), "store")
		p.keyramp(0, pull...)
		code, errw := p.nobody("status")
		want("status of another's store", code, errw, exitResources)
		code, errw = p.nobody(pull...)
		want("pull into another's store", code, errw, exitResources)
		p.store = "/nowhere/mounted/store"
		code, errw = p.nobody("status")
		want("status of a store on a disk that is not mounted", code, errw, exitConfig)
		code, errw = p.nobody(pull...)
		want("pull into a store on a disk that is not mounted", code, errw, exitResources)
	})

	t.Run("links", func(t *testing.T) {
		for _, name := range []string{"keyramp.duckdb", "keyramp.duckdb.wal", "keyramp.duckdb.undo", "run.lock", "queue.lock", "answers", "auth0.token"} {
			outside := t.TempDir()
			p := s.with("linked")
			if name == "keyramp.duckdb.wal" || name == "answers" {
				p.keyramp(0, pull...)
			}
			target := filepath.Join(outside, name)
			switch name {
			case "answers":
				os.Mkdir(target, 0o755)
				os.RemoveAll(filepath.Join(p.store, name))
			case "keyramp.duckdb":
				from := s.with("real")
				from.keyramp(0, pull...)
				raw, err := os.ReadFile(filepath.Join(from.store, name))
				if err != nil {
					t.Fatal(err)
				}
				os.WriteFile(target, raw, 0o644)
			default:
				os.WriteFile(target, []byte("not ours"), 0o644)
			}
			if err := os.Symlink(target, filepath.Join(p.store, name)); err != nil {
				t.Fatal(err)
			}
			before := filesIn(t, outside)
			codes := []int{exitResources, exitConfig}
			if name == "auth0.token" { // the link is replaced, not followed
				codes = []int{0}
			}
			code, errw := p.attempt(pull...)
			want("pull with a link for "+name, code, errw, codes...)
			p.attempt("report")
			if fmt.Sprint(filesIn(t, outside)) != fmt.Sprint(before) {
				row.Violation("a link for %s: the file outside was written", name)
			}
			if info, err := os.Stat(target); err != nil || info.Mode().Perm() != map[bool]os.FileMode{true: 0o755, false: 0o644}[name == "answers"] {
				row.Violation("a link for %s: the file outside has another mode (%v)", name, err)
			}
		}
	})

	t.Run("outputs", func(t *testing.T) {
		p := s.with("outputs")
		p.keyramp(0, pull...)
		dir, outside := t.TempDir(), t.TempDir()
		p.keyramp(0, "export", "daily", "--out", outside)
		os.WriteFile(filepath.Join(outside, "file"), []byte("not ours"), 0o644)
		os.Symlink(filepath.Join(outside, "daily"), filepath.Join(dir, "daily"))
		os.Symlink(filepath.Join(outside, "file"), filepath.Join(dir, "report"))
		before := fmt.Sprint(filesIn(t, outside))
		p.keyramp(0, "export", "daily", "--out", dir, "--overwrite", "--as-of", s.world.Start().AddDate(0, 0, 1).Format(time.RFC3339))
		p.keyramp(0, "report", "-o", filepath.Join(dir, "report"))
		if fmt.Sprint(filesIn(t, outside)) != before {
			row.Violation("an output was written through a link")
		}
		pipe := filepath.Join(dir, "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		got := make(chan string, 1)
		go func() {
			f, err := os.Open(pipe)
			if err != nil {
				got <- err.Error()
				return
			}
			text, _ := io.ReadAll(f)
			got <- string(text)
		}()
		p.keyramp(0, "report", "-f", "json", "-o", pipe)
		if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			row.Violation("a pipe was replaced by a file")
		} else if text := <-got; !strings.HasPrefix(text, "{") {
			row.Violation("the pipe got %.40q", text)
		}
	})
}

var (
	renamed = regexp.MustCompile(`^\d+ +(?:rename|renameat|renameat2|link|linkat)\((?:[^"]*)"([^"]+)"(?:[^"]*)"([^"]+)".* = 0`)
	synced  = regexp.MustCompile(`^\d+ +(?:fsync|fdatasync)\(\d+<([^>]+)>\) += 0`)
)

// Whatever appears in its place has reached the disk before, and its name does after: a power
// loss leaves the old one or the new one. The calls are those of the real binary.
func TestPlacedIsSynced(t *testing.T) {
	needStrace(t)
	row := tier.Begin(t, "C1", tier.Size{Test: 4})
	s, pull := pulls(t, tenant.Config{Seed: 35, Users: 100, Days: 5})
	p := s.with("store")
	os.RemoveAll(p.store)
	out := t.TempDir()
	for _, c := range []struct {
		places []string // as they are named when they are there
		args   []string
	}{
		{[]string{filepath.Join(p.store, "pseudonym.key"), filepath.Join(p.store, "keyramp.duckdb")}, pull},
		{[]string{filepath.Join(out, "daily")}, []string{"export", "daily", "--out", out}},
		{[]string{filepath.Join(out, "daily")}, []string{"export", "daily", "--out", out, "--overwrite"}},
		{[]string{filepath.Join(out, "report")}, []string{"report", "-o", filepath.Join(out, "report")}},
	} {
		log := filepath.Join(t.TempDir(), "calls")
		cmd := p.traced(log, []string{"-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat"}, c.args...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("keyramp %v under strace: %v\n%s", c.args, err, text)
		}
		row.Done()
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		placed := map[string]bool{}
		for i, line := range lines {
			m := renamed.FindStringSubmatch(line)
			if m == nil || !slices.Contains(c.places, m[2]) {
				continue
			}
			from, to := m[1], m[2]
			placed[to] = true
			names := []string{from}
			if info, err := os.Stat(to); err == nil && info.IsDir() {
				for name := range filesIn(t, to) {
					// what is in the folder was put there under this name or under its own
					names = append(names, filepath.Join(from, name))
				}
			}
			for _, name := range names {
				if !syncedAs(lines[:i], name) {
					row.Violation("keyramp %v: %s was not synced before it was placed", c.args, name)
				}
			}
			if !syncedAs(lines[i:], filepath.Dir(to)) {
				row.Violation("keyramp %v: the folder of %s was not synced after it was placed", c.args, to)
			}
		}
		for _, place := range c.places {
			if !placed[place] {
				row.Violation("keyramp %v: nothing was put in the place of %s at once", c.args, place)
			}
		}
	}
}

// syncedAs reports whether a file was synced under a name, or under one that was then changed to it.
func syncedAs(lines []string, name string) bool {
	for i := len(lines) - 1; i >= 0; i-- {
		if m := synced.FindStringSubmatch(lines[i]); m != nil && m[1] == name {
			return true
		}
		if m := renamed.FindStringSubmatch(lines[i]); m != nil && m[2] == name {
			return syncedAs(lines[:i], m[1])
		}
	}
	return false
}
