package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"keyramp/queries/duckdb"
)

// newQuery answers an analyst's own SQL on the documented views.
func newQuery(a *app) *cobra.Command {
	q := query{app: a}
	cmd := &cobra.Command{
		Use:   "query [SQL | -]",
		Short: "Read-only SQL on the documented views",
		Long: `Run one SQL statement that reads, and print its rows. - takes it from stdin.

The store is attached read-only; nothing that the statement does can change it,
reach another file or load an extension. ` + "`keyramp query --views`" + ` lists the views
and tables that may be asked, with the meaning of every column; the dialect is
DuckDB's. Users, sessions and transactions are the store's pseudonyms.`,
		Example: `  keyramp query --views
  keyramp query 'from ev select type, count(*) as n group by all'
  keyramp query --file funnel.sql -f csv -o funnel.csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, "table", listFormats...)
			if err != nil {
				return err
			}
			if q.views {
				if len(args) > 0 || q.file != "" {
					return usage(cmd, errors.New("--views takes no statement"))
				}
				return a.emit(func(w io.Writer) error { return a.writeViews(w, format) })
			}
			text, err := q.text(cmd, args)
			if err != nil {
				return err
			}
			switch {
			case q.limit < 0 || q.limit == math.MaxInt64:
				return usage(cmd, fmt.Errorf("--limit %d: it is 0 for all, or more", q.limit))
			case q.timeout < 0:
				return usage(cmd, fmt.Errorf("--timeout %v: it is 0 for none, or more", q.timeout))
			case !memoryForm.MatchString(q.memory):
				return usage(cmd, fmt.Errorf("--memory %s: it is a size, as 2GB or 512MB", q.memory))
			}
			if err := q.run(cmd.Context(), format, text); err != nil {
				return fmt.Errorf("query: %w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.file, "file", "", "read the statement from `file`; - is stdin")
	f.BoolVar(&q.views, "views", false, "list what can be asked, and stop")
	f.Int64Var(&q.limit, "limit", 10_000, "print at most `N` rows; 0 = all")
	f.DurationVar(&q.timeout, "timeout", time.Minute, "end a statement that takes longer; 0 = never")
	f.StringVar(&q.memory, "memory", "2GB", "end a statement that takes more than this `size`")
	return cmd
}

// memoryForm is a size as DuckDB reads it.
var memoryForm = regexp.MustCompile(`(?i)^\d{1,9}(\.\d{1,3})?\s?([KMGT]i?B)$`)

// A query is one run of the command.
type query struct {
	*app
	file, memory string
	views        bool
	limit        int64
	timeout      time.Duration
}

// maxStatement bounds the text: a larger one is a file named by mistake.
const maxStatement = 1 << 20

// text is the statement, from the one place that was named.
func (q *query) text(cmd *cobra.Command, args []string) (string, error) {
	if (len(args) == 1) == (q.file != "") {
		return "", usage(cmd, errors.New("name one statement: as an argument, or with --file, or - for stdin"))
	}
	in := q.in
	switch {
	case q.file != "" && q.file != "-":
		f, err := os.Open(q.file)
		if err != nil {
			return "", fail(exitUsage, fmt.Errorf("query: %w", err), "")
		}
		defer f.Close()
		in = f
	case len(args) == 1 && args[0] != "-":
		return args[0], nil
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxStatement+1))
	switch {
	case err != nil:
		return "", fail(exitUsage, fmt.Errorf("query: %w", err), "")
	case len(raw) > maxStatement:
		return "", fail(exitUsage, fmt.Errorf("query: the statement is longer than %s", size(maxStatement)), "")
	}
	return string(bytes.TrimPrefix(raw, []byte("\ufeff"))), nil
}

// run collects the answer and lets go of the store before anything is printed:
// a pager that waits for its reader must not hold up the next pull.
func (q *query) run(ctx context.Context, format, text string) error {
	if err := q.safe(ctx); err != nil {
		return err
	}
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: q.storeDir(), ReadOnly: true, LockWait: q.flags.lockWait, Memory: q.memory, Older: q.older})
	if err != nil {
		return err
	}
	sheet := newSheet(format)
	rows := int64(0)
	cut, err := db.Ask(ctx, duckdb.Question{Text: text, Limit: q.limit, Timeout: q.timeout}, sheet.head, func(cells []*string) error {
		rows++
		return sheet.row(cells)
	})
	err = errors.Join(err, db.Close())
	var faulty *duckdb.StatementError
	switch {
	case errors.As(err, &faulty):
		return fail(exitUsage, faulty, first(faulty.Hint, "`keyramp query --views` lists views and columns"))
	case errors.Is(err, duckdb.ErrTime):
		return fail(exitResources, fmt.Errorf("%w (%v)", duckdb.ErrTime, q.timeout), "ask for less, for instance fewer days, or give it longer with --timeout 10m")
	case errors.Is(err, duckdb.ErrMemory):
		return fail(exitResources, fmt.Errorf("%w (%s)", duckdb.ErrMemory, q.memory), "ask for less, for instance fewer days or columns, or give it more with --memory 4GB")
	case err != nil:
		return err
	}
	if err := q.emit(func(w io.Writer) error { return sheet.end(w, cut) }); err != nil {
		return err
	}
	if cut {
		q.log.Warn(fmt.Sprintf("only the first %s rows are shown; --limit 0 shows all", group(rows)))
	}
	return nil
}

// A sheet puts an answer into its format as the rows come, since many
// rows take least room in the form in which they are printed.
type sheet struct {
	format string
	fields []duckdb.Field
	doc    bytes.Buffer
	csv    *csv.Writer
	list   listing
	rows   int
}

func newSheet(format string) *sheet {
	s := &sheet{format: format}
	s.csv = csv.NewWriter(&s.doc)
	return s
}

func (s *sheet) head(fields []duckdb.Field) error {
	s.fields = fields
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
		if f.Kind == duckdb.Number {
			s.list.right = append(s.list.right, i)
		}
	}
	switch s.format {
	case "csv":
		for i := range names {
			names[i] = csvSafe(names[i])
		}
		return s.csv.Write(names)
	case "json":
		type column struct {
			Name string `json:"name"`
			Type string `json:"type"`
		}
		columns := make([]column, len(fields))
		for i, f := range fields {
			columns[i] = column{f.Name, f.Type}
		}
		fmt.Fprintf(&s.doc, "{\n  \"schema_version\": 1,\n  \"columns\": %s,\n  \"rows\": [", inJSON(columns))
		return nil
	}
	for i := range names {
		names[i] = visible(names[i])
	}
	s.list.head = names
	return nil
}

func (s *sheet) row(cells []*string) error {
	s.rows++
	if s.format == "json" {
		s.jsonRow(cells)
		return nil
	}
	texts := make([]string, len(cells))
	for i, c := range cells {
		switch {
		case c == nil:
		case s.format != "csv":
			texts[i] = visible(*c)
		case s.fields[i].Kind == duckdb.Number:
			texts[i] = *c
		default:
			texts[i] = csvSafe(*c)
		}
	}
	if s.format == "csv" {
		if len(texts) == 1 && texts[0] == "" { // encoding/csv would write an empty line, which readers skip
			s.csv.Flush()
			s.doc.WriteString("\"\"\n")
			return s.csv.Error()
		}
		return s.csv.Write(texts)
	}
	s.list.add(texts...)
	return nil
}

// jsonRow writes an object in the order of the columns. What is no number in
// JSON (NaN, an infinity) is null.
func (s *sheet) jsonRow(cells []*string) {
	sep := ",\n    {"
	if s.rows == 1 {
		sep = "\n    {"
	}
	s.doc.WriteString(sep)
	for i, c := range cells {
		if i > 0 {
			s.doc.WriteString(", ")
		}
		s.doc.Write(inJSON(s.fields[i].Name))
		s.doc.WriteString(": ")
		switch kind := s.fields[i].Kind; {
		case c == nil, kind != duckdb.Words && !json.Valid([]byte(*c)):
			s.doc.WriteString("null")
		case kind == duckdb.Words:
			s.doc.Write(inJSON(*c))
		default:
			s.doc.WriteString(*c)
		}
	}
	s.doc.WriteString("}")
}

// end writes the finished answer.
func (s *sheet) end(w io.Writer, cut bool) error {
	switch s.format {
	case "json":
		if s.rows > 0 {
			s.doc.WriteString("\n  ")
		}
		fmt.Fprintf(&s.doc, "],\n  \"complete\": %t\n}\n", !cut)
	case "csv":
		s.csv.Flush()
		if err := s.csv.Error(); err != nil {
			return err
		}
	case "table":
		if len(s.fields) == 2 && s.fields[1].Name == "explain_value" { // a drawing of many lines
			for _, row := range s.list.rows {
				if _, err := fmt.Fprintln(w, strings.ReplaceAll(row[1], `\n`, "\n")); err != nil {
					return err
				}
			}
			return nil
		}
		fallthrough
	default: // whole cells, however wide: a shortened id is no id
		return s.list.write(w, s.format, math.MaxInt32, nil)
	}
	_, err := s.doc.WriteTo(w)
	return err
}

func inJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts and structs of texts always encode
	return bytes.TrimRight(b.Bytes(), "\n")
}

// visible writes out what a terminal would obey instead of showing.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// writeViews lists what can be asked.
func (a *app) writeViews(w io.Writer, format string) error {
	type columnDoc struct {
		Name    string `json:"name"`
		Type    string `json:"type"`
		Meaning string `json:"meaning"`
	}
	type viewDoc struct {
		Name    string      `json:"name"`
		Meaning string      `json:"meaning"`
		Columns []columnDoc `json:"columns"`
	}
	doc := struct {
		SchemaVersion int       `json:"schema_version"`
		Views         []viewDoc `json:"views"`
	}{1, []viewDoc{}}
	l := listing{head: []string{"view", "column", "type", "meaning"}}
	for _, v := range duckdb.Views() {
		d := viewDoc{v.Name, v.Doc, []columnDoc{}}
		l.add(v.Name, "", "", v.Doc)
		for _, c := range v.Columns {
			d.Columns = append(d.Columns, columnDoc{c.Name, string(c.Type), c.Doc})
			l.add(v.Name, c.Name, string(c.Type), c.Doc)
		}
		doc.Views = append(doc.Views, d)
	}
	if format != "table" {
		return l.write(w, format, a.width(), doc)
	}
	width := a.width()
	for i, v := range doc.Views {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, a.outStyle.bold(fmt.Sprintf("%-16s", v.Name)), " ")
		wrapFrom(w, width, 17, v.Meaning)
		for _, c := range v.Columns {
			fmt.Fprintf(w, "  %-15s %-9s ", c.Name, c.Type)
			wrapFrom(w, width, 28, c.Meaning)
		}
	}
	return nil
}
