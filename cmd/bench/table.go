package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A table is written in Markdown; every column but the first holds numbers.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table with a line end after each row.
func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	b.WriteString("|---|" + strings.Repeat("---:|", len(t.head)-1) + "\n")
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

func scale(d time.Duration, factor float64) time.Duration { return time.Duration(float64(d) * factor) }

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', 2, 64) }

func ratio(r float64) string { return strconv.FormatFloat(r, 'f', 2, 64) }

func megabytes(n int64) string { return thousands((n + 500_000) / 1_000_000) }

func megabytesLong(n int64) string { return megabytes(n) + " MB" }

// thousands writes a count with separators.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// machine is the line that says what the figures were measured on.
func (b *bench) machine(p *peers) string {
	parts := []string{time.Now().UTC().Format(time.DateOnly), fmt.Sprintf("%d cores", runtime.NumCPU())}
	if cpu := fact("/proc/cpuinfo", "model name"); cpu != "" {
		parts = append(parts, cpu)
	}
	if kb, err := strconv.ParseInt(strings.TrimSuffix(fact("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		parts = append(parts, megabytesLong(kb*1024)+" of memory")
	}
	parts = append(parts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version())
	if p != nil {
		for _, t := range tools {
			if v := p.versions[t.name]; v != "" && t.name != "wc" {
				parts = append(parts, v)
			}
		}
	}
	return "Measured " + strings.Join(parts, ", ") + "."
}

// fact reads a line "name : value" of a file of /proc; "" where there is none.
func fact(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
