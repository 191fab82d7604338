package queries

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed duckdb/*/*.sql report/*.sql export/*.sql
var files embed.FS

// folders are those whose files carry a header.
var folders = []string{"duckdb/load", "duckdb/rewrite", "duckdb/state", "duckdb/update", "export", "report"}

// A Query is one named SQL text with what its header promises.
type Query struct {
	Name    string
	Folder  string // "report", "export", "duckdb/load", "duckdb/rewrite", "duckdb/state" or "duckdb/update"
	Asks    string
	Grain   []string // columns that together make a row unique
	Params  []Column // names without the dollar sign
	Reads   []string // tables and views
	Columns []Column
	SQL     string // the whole file, without a semicolon at its end
}

// A Column is a column of the result or a parameter.
type Column struct {
	Name string
	Type string // as DuckDB prints it: BIGINT, VARCHAR, TIMESTAMP, …
	Doc  string // "" when the header says no more
}

// A Step is one file of a schema. Steps run in order, each once a store.
type Step struct {
	Number int // 1, 2, …
	Name   string
	SQL    string // one or more statements
}

// All lists every query, by folder and name. The error joins what is wrong
// with any header; the queries that could be read come with it.
func All() ([]Query, error) {
	var all []Query
	var faults []error
	for _, folder := range folders {
		names, texts, err := read(folder)
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			q, err := parse(folder, name, texts[i])
			if err != nil {
				faults = append(faults, fmt.Errorf("%s/%s.sql: %w", folder, name, err))
				continue
			}
			if slices.ContainsFunc(all, func(o Query) bool { return o.Name == q.Name }) {
				faults = append(faults, fmt.Errorf("%s/%s.sql: another folder has a query of this name", folder, name))
				continue
			}
			all = append(all, q)
		}
	}
	return all, errors.Join(faults...)
}

// Get returns the named query. It fails when there is none of that name, or
// when its header cannot be read. Other headers are not looked at.
func Get(name string) (Query, error) {
	if q, ok := parsed.Load(name); ok {
		return q.(Query), nil
	}
	for _, folder := range folders {
		text, err := files.ReadFile(path.Join(folder, name+".sql"))
		if err != nil {
			continue
		}
		q, err := parse(folder, name, string(text))
		if err != nil {
			return Query{}, fmt.Errorf("query %q: %s/%s.sql: %w", name, folder, name, err)
		}
		parsed.Store(name, q)
		return q, nil
	}
	return Query{}, fmt.Errorf("query %q: not in the catalogue", name)
}

var parsed sync.Map // name → Query

// Names lists the queries of a folder, such as "export".
func Names(folder string) ([]string, error) {
	names, _, err := read(folder)
	return names, err
}

// Digest tells programs with different SQL apart: it is a hash of every file.
func Digest() string { return digest() }

var digest = sync.OnceValue(func() string {
	h := sha256.New()
	if err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	}); err != nil {
		panic(err) // the files are in the program
	}
	return hex.EncodeToString(h.Sum(nil))
})

// Schema returns the steps that build a store of the dialect, such as "duckdb".
func Schema(dialect string) ([]Step, error) {
	names, texts, err := read(dialect + "/schema")
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(names))
	for i, name := range names {
		if !strings.HasPrefix(name, fmt.Sprintf("%03d_", i+1)) {
			return nil, fmt.Errorf("schema step %s: expected number %03d", name, i+1)
		}
		steps[i] = Step{i + 1, name, texts[i]}
	}
	return steps, nil
}

// Text returns a file that has no header, such as "duckdb/session/session.sql".
func Text(name string) (string, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("SQL file %s: %w", name, err)
	}
	return string(text), nil
}

// read returns the names, without ".sql", and texts of a folder's files, sorted.
func read(folder string) (names, texts []string, err error) {
	entries, err := files.ReadDir(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("SQL folder %s: %w", folder, err)
	}
	for _, e := range entries {
		text, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			return nil, nil, fmt.Errorf("SQL folder %s: %w", folder, err)
		}
		names = append(names, strings.TrimSuffix(e.Name(), ".sql"))
		texts = append(texts, string(text))
	}
	return names, texts, nil
}
