package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyramp/cmd/bench/synth"
)

func TestAgree(t *testing.T) {
	truth := synth.Truth{
		{Experiment: "e", Variation: "v", Type: "s", Events: 3, Lines: 4},
		{Type: "slo", Events: 5, Lines: 6},
	}
	for _, c := range []struct {
		out  string
		rule rule
		ok   bool
	}{
		{"e\tv\ts\t3\n\t\tslo\t5\n", byEvents, true},
		{"e\tv\ts\t4\n\t\tslo\t6\n", byLines, true},
		{"e\tv\ts\t3\n\t\tslo\t6\n", asKept, true},
		{"e\tv\ts\t4\n\t\tslo\t5\n", byEvents, false},
		{"e\tv\ts\t3\n", byEvents, false},
		{"e\tv\ts\t3\n\t\tslo\t5\n\t\tf\t1\n", byEvents, false},
	} {
		counts, err := parseCounts([]byte(c.out))
		if err != nil {
			t.Fatal(err)
		}
		if err := agree(counts, truth, c.rule); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.out, err)
		}
	}
	if _, err := parseCounts([]byte("3\n")); err == nil {
		t.Error("a row of one column passed")
	}
}

func TestBlock(t *testing.T) {
	const page = "a\n<!-- bench:begin x -->\nold\n<!-- bench:end x -->\nb\n"
	got, err := block(page, "x", "new\n\n")
	if want := strings.Replace(page, "old", "new", 1); err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := block(page, "y", "new"); err == nil {
		t.Error("a block that is not there was replaced")
	}
}

// TestPageHasBlocks wants a place in the page for every section.
func TestPageHasBlocks(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if _, err := block(string(page), s.name, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestData makes a small log twice: the second time it is found.
func TestData(t *testing.T) {
	b := &bench{log: new(bytes.Buffer), cache: t.TempDir()}
	c := synth.Config{Seed: 3, Events: 2000}
	d, err := b.data(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(d.files(formPlain)[0])
	if err != nil || d.truth().Events() != 2000 {
		t.Fatalf("%d events, %v", d.truth().Events(), err)
	}
	again, err := b.data(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(again.files(formPlain)[0])
	if err != nil || !after.ModTime().Equal(before.ModTime()) || !slices.Equal(again.truth(), d.truth()) {
		t.Errorf("the log was made again, or its truth changed: %v", err)
	}
}

// TestIgnored wants the peer that stores what keyramp stores to leave out the same types.
func TestIgnored(t *testing.T) {
	sql, err := fs.ReadFile(peerFiles, "peers/duckdb_same.sql")
	if err != nil {
		t.Fatal(err)
	}
	if want := "('" + strings.Join(ignored, "', '") + "')"; strings.Count(string(sql), want) != 2 {
		t.Errorf("duckdb_same.sql does not say %s twice", want)
	}
}

func TestMedian(t *testing.T) {
	if median([]float64{3, 1, 2}) != 2 || median([]float64{4, 1, 2, 3}) != 2.5 || median(nil) != 0 {
		t.Error("the median is wrong")
	}
}
