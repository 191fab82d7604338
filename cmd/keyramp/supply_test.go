package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tier"
)

// licences are those that a module of the released binary may have, by words that only their texts have.
var licences = map[string]*regexp.Regexp{
	"Apache-2.0": regexp.MustCompile(`Apache License\s+Version 2\.0`),
	"MPL-2.0":    regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`),
	"BSD":        regexp.MustCompile(`Redistribution and use in source and binary forms`),
	"MIT":        regexp.MustCompile(`Permission is hereby granted, free of charge`),
	"ISC":        regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software`),
	"FTL":        regexp.MustCompile(`The FreeType Project LICENSE|FreeType License`),
	"OFL-1.1":    regexp.MustCompile(`SIL OPEN FONT LICENSE Version 1\.1`),
	"CC-BY-4.0":  regexp.MustCompile(`Creative Commons Attribution 4\.0 International Public License`),
	"CC0":        regexp.MustCompile(`CC0 1\.0 Universal`),
	"Unlicense":  regexp.MustCompile(`This is free and unencumbered software released into the public domain`),
}

// What is released can be made again to the byte, of modules that are what their sums say and that may be passed on.
func TestSupplyChain(t *testing.T) {
	row := tier.Begin(t, "S11", tier.Size{Chaos: 3})
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is missing")
	}
	out, err := exec.Command("go", "mod", "verify").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "all modules verified") {
		row.Violation("go mod verify: %v\n%s", err, out)
	}
	row.Done()

	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}{{end}}", ".")
	out, err = list.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	lines := strings.Fields(strings.ReplaceAll(string(out), "\t", "|"))
	slices.Sort(lines)
	for _, l := range slices.Compact(lines) {
		path, dir, _ := strings.Cut(l, "|")
		if path == module {
			continue
		}
		kind := licenceOf(t, dir)
		if kind == "" {
			row.Violation("%s has no licence of the list", path)
		}
		found[kind]++
	}
	row.Note("licences", strings.TrimPrefix(fmt.Sprint(found), "map"))
	row.Done()

	// Two builds in different folders, and the second from nothing: it shares the compiler alone.
	var sums []string
	for i := range 2 {
		dir := t.TempDir()
		src := filepath.Join(dir, fmt.Sprint("somewhere", i))
		copied(t, "../..", src)
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-X main.version=test", "-o", filepath.Join(dir, "keyramp"), "./cmd/keyramp")
		build.Dir = src
		if i > 0 {
			build.Env = append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"))
		}
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %d: %v\n%s", i+1, err, out)
		}
		sums = append(sums, hashOf(t, filepath.Join(dir, "keyramp")))
	}
	if sums[0] != sums[1] {
		row.Violation("two builds of the same sources differ")
	}
	row.Done()
}

// copied copies what a build reads of the sources.
func copied(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != from && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// licenceOf tells the licence in the folder of a module or in one above it; "" when none of the list is there.
func licenceOf(t *testing.T, dir string) string {
	t.Helper()
	for ; len(dir) > 1 && !strings.HasSuffix(dir, "mod"); dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.ToUpper(e.Name())
			if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") && !strings.HasPrefix(name, "UNLICENSE") {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for kind, words := range licences {
				if words.Match(raw) {
					return kind
				}
			}
		}
	}
	return ""
}

// Starting costs nothing that a person would notice. Times are told and never a failure: machines differ.
func TestStart(t *testing.T) {
	row := tier.Begin(t, "L4", tier.Size{Test: 3, Chaos: 20})
	s, _ := filled(t)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"version", []string{"version"}},
		{"--help", []string{"--help"}},
		{"completion of an experiment id", []string{"__complete", "report", "--store", s.store, ""}},
	} {
		var took []time.Duration
		for range row.Rounds() {
			cmd := exec.Command("keyramp", c.args...)
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, s.env...)
			began := time.Now()
			out, err := cmd.Output()
			took = append(took, time.Since(began))
			if err != nil || len(out) == 0 {
				row.Violation("%s: %v", c.name, err)
			}
			if strings.HasPrefix(c.name, "completion") && !strings.Contains(string(out), s.server.ExperimentIDs[0]) {
				row.Violation("the completion does not have the experiment:\n%s", out)
			}
		}
		slices.Sort(took)
		row.Note(c.name, took[len(took)/2].Round(time.Millisecond).String())
	}
	for range row.Rounds() {
		row.Done()
	}
}
