package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peerFiles are the peers' programs and the versions of what they need.
//
//go:embed peers
var peerFiles embed.FS

// peers are the other programs, as far as they can be had here.
type peers struct {
	dir      string
	versions map[string]string // of tools that are there
	absent   map[string]string // tools that are not, and why
}

// tools are what peers and floors need, with a command that prints the version.
var tools = []struct {
	name    string
	npm     bool // a package of package.json
	version []string
}{
	{"duckdb", true, []string{"node", "-e", "import('@duckdb/node-api').then(d => console.log('DuckDB ' + d.version()))"}},
	{"chdb", true, []string{"node", "-e", "console.log('ClickHouse ' + require('chdb').query('select version()', 'TSV').trim() + ' (chdb)')"}},
	{"node", false, []string{"node", "-p", "'node ' + process.version"}},
	{"python3", false, []string{"python3", "--version"}},
	{"jq", false, []string{"jq", "--version"}},
	{"gzip", false, []string{"gzip", "--version"}},
	{"zstd", false, []string{"zstd", "--version"}},
	{"wc", false, []string{"wc", "--version"}},
}

// install puts the peers into the cache folder, with the versions of the lock
// file, and finds out which of them work.
func (b *bench) install(ctx context.Context) (*peers, error) {
	if b.found != nil {
		return b.found, nil
	}
	p := &peers{dir: filepath.Join(b.cache, "peers"), versions: map[string]string{}, absent: map[string]string{}}
	fresh, err := p.unpack()
	if err != nil {
		return nil, err
	}
	failed := ""
	if _, err := os.Stat(filepath.Join(p.dir, "node_modules", ".package-lock.json")); err != nil || fresh {
		b.say("installing peers in %s", p.dir)
		// Not npm ci: it refuses a lock file without the packages of other platforms.
		npm := exec.CommandContext(ctx, "npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = p.dir
		if out, err := npm.CombinedOutput(); err != nil {
			failed = fmt.Sprintf("npm install: %v: %s", err, errorLine(out))
		}
	}
	for _, t := range tools {
		cmd := exec.CommandContext(ctx, t.version[0], t.version[1:]...)
		cmd.Dir = p.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			p.absent[t.name] = strings.TrimSuffix(fmt.Sprintf("%v: %s", err, errorLine(out)), ": ")
			if failed != "" && t.npm {
				p.absent[t.name] = failed
			}
			continue
		}
		first, _, _ := strings.Cut(string(out), "\n")
		first, _, _ = strings.Cut(first, ", by")
		p.versions[t.name] = strings.Trim(first, "* ")
	}
	b.found = p
	return p, ctx.Err()
}

// unpack writes the peers' files and says whether the packages' versions changed.
func (p *peers) unpack() (fresh bool, err error) {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return false, err
	}
	return fresh, fs.WalkDir(peerFiles, "peers", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := peerFiles.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(p.dir, d.Name())
		old, _ := os.ReadFile(to)
		if bytes.Equal(old, text) {
			return nil
		}
		fresh = fresh || d.Name() == "package-lock.json"
		return os.WriteFile(to, text, 0o644)
	})
}

func (p *peers) path(name string) string { return filepath.Join(p.dir, name) }

// errorLine is the first line of an output that speaks of an error.
func errorLine(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.Contains(strings.ToLower(line), "error") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
