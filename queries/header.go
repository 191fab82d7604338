package queries

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	keyLine = regexp.MustCompile(`^-- (name|asks|grain|params|columns):\s+(\S.*)$`)
	moreOf  = "--          "
	// A type may have its own brackets, as DECIMAL(38,0) has; the note's bracket stands after a space.
	column = regexp.MustCompile(`^(\$?)([a-z][a-z0-9_]*) ([A-Z][A-Z0-9_]*(?:\([0-9, ]+\))?(?:\[\])?)(?: \((.+)\))?$`)
)

// parse reads the header of one file.
func parse(folder, name, text string) (Query, error) {
	q := Query{Name: name, Folder: folder, SQL: strings.TrimRight(strings.TrimSpace(text), ";")}
	values := map[string]string{}
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n ")
		if m := keyLine.FindStringSubmatch(line); m != nil {
			last = m[1]
			if _, twice := values[last]; twice {
				return Query{}, fmt.Errorf("header has %q twice", last)
			}
			values[last] = m[2]
		} else if more, ok := strings.CutPrefix(line, moreOf); ok && last != "" {
			values[last] += " " + strings.TrimSpace(more)
		} else {
			break
		}
	}
	if values["name"] != name {
		return Query{}, fmt.Errorf("header names %q, the file %q", values["name"], name)
	}
	if q.Asks = values["asks"]; q.Asks == "" {
		return Query{}, errors.New("header does not say what the query asks")
	}
	var err error
	params, reads, _ := strings.Cut(values["params"], ";")
	for _, table := range split(reads) {
		q.Reads = append(q.Reads, strings.TrimSpace(strings.TrimPrefix(table, "reads ")))
	}
	if q.Params, err = columns(params, "$"); err != nil {
		return Query{}, fmt.Errorf("params: %w", err)
	}
	if q.Columns, err = columns(values["columns"], ""); err != nil {
		return Query{}, fmt.Errorf("columns: %w", err)
	}
	for _, g := range split(values["grain"]) {
		if values["grain"] == "none" {
			break
		}
		if !slices.ContainsFunc(q.Columns, func(c Column) bool { return c.Name == g }) {
			return Query{}, fmt.Errorf("grain: %q is not among the columns", g)
		}
		q.Grain = append(q.Grain, g)
	}
	if question := folder == "report" || folder == "export"; question {
		for _, key := range []string{"grain", "params", "columns"} {
			if values[key] == "" {
				return Query{}, fmt.Errorf("header has no %q", key)
			}
		}
	}
	return q, nil
}

// columns reads "name TYPE (note), …"; "none" and "" are none. Each name has the sign before it.
func columns(list, sign string) ([]Column, error) {
	var all []Column
	if strings.TrimSpace(list) == "none" {
		return nil, nil
	}
	for _, part := range split(list) {
		m := column.FindStringSubmatch(part)
		if m == nil || m[1] != sign {
			return nil, fmt.Errorf("%q is not of the form %sname TYPE (note)", part, sign)
		}
		all = append(all, Column{Name: m[2], Type: m[3], Doc: m[4]})
	}
	return all, nil
}

// split cuts at the commas that stand outside brackets.
func split(list string) []string {
	var parts []string
	depth, start := 0, 0
	for i, r := range list {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	if rest := strings.TrimSpace(list[start:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}
