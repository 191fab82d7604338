package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries/store"
)

// A Question is somebody's own SQL on the documented views.
type Question struct {
	Text    string
	Limit   int64         // rows at most; 0 = all
	Timeout time.Duration // for the statement alone, not for waiting; 0 = none
}

// A Field is a column of an answer.
type Field struct {
	Name string
	Type string // as DuckDB prints it
	Kind Kind
}

// A Kind says how the text of a value is to be written.
type Kind int

// The kinds. Integers of 64 bits without a sign are text: in this store they
// are pseudonyms, and readers of JSON round what is over 53 bits.
const (
	Words   Kind = iota
	Number       // digits; a double may also be NaN, Infinity or -Infinity
	Truth        // true or false
	Encoded      // JSON, of lists, structs and maps
)

// Errors of a question. A StatementError is the asker's to mend.
var (
	ErrTime   = errors.New("the statement ran out of time")
	ErrMemory = errors.New("the statement ran out of memory")
)

// A StatementError says why a statement was not answered.
type StatementError struct {
	What string
	Hint string // what to do instead; "" when What says it
}

func (e *StatementError) Error() string { return e.What }

// overtime is how long a statement may go on after it was interrupted. DuckDB
// looks for an interruption between chunks of rows, and not while it plans.
const overtime = 5 * time.Second

// Ask runs one statement that reads, and hands over its columns and then its
// rows, as texts; nil is null. It reports whether rows were cut by the limit.
// The file is held until Ask returns. Errors are *StatementError, ErrTime,
// ErrMemory or those of every session.
//
// The statement runs in an instance of its own, to which the file is attached
// for reading before all other files are put out of reach: instances of other
// questions may reach the store's folder, where the key of the pseudonyms lies.
func (d *DB) Ask(ctx context.Context, q Question, head func([]Field) error, row func([]*string) error) (cut bool, err error) {
	s, err := readable(q.Text)
	if err != nil {
		return false, err
	}
	type end struct {
		cut bool
		err error
	}
	ended, begun := make(chan end, 1), make(chan struct{})
	go func() {
		var e end
		defer func() {
			if p := recover(); p != nil { // nobody else would: the caller's own is another goroutine
				e = end{false, fmt.Errorf("internal error: %v\n%s", p, debug.Stack())}
			}
			ended <- e
		}()
		e.cut, e.err = d.ask(ctx, s, q, begun, head, row)
	}()
	var late <-chan time.Time
	for {
		select {
		case e := <-ended:
			return e.cut, e.err
		case <-begun:
			if begun = nil; q.Timeout > 0 {
				late = time.After(q.Timeout + overtime)
			}
		case <-late: // the process is about to end, and the statement with it
			return false, ErrTime
		}
	}
}

func (d *DB) ask(ctx context.Context, s statement, q Question, begun chan<- struct{}, head func([]Field) error, row func([]*string) error) (cut bool, err error) {
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		return false, fmt.Errorf("DuckDB does not start: %w", err)
	}
	pool := sql.OpenDB(connector)
	release := func() {}
	defer func() { release() }() // when the instance has let go of the file
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return false, d.wrap(err)
	}
	defer conn.Close()
	if err := set(ctx, conn,
		"set autoinstall_known_extensions = false",
		"set autoload_known_extensions = false",
		"set global TimeZone = 'UTC'",
		"set threads = "+strconv.Itoa(d.opts.Threads),
		"set memory_limit = "+quote(d.opts.Memory),
		"set temp_directory = ''", // nothing is spilled: what takes more memory ends
	); err != nil {
		return false, d.wrap(err)
	}
	attached, err := d.attach(ctx, conn, true)
	if err != nil {
		return false, err
	}
	release = attached
	if err := set(ctx, conn,
		"set enable_external_access = false",
		"set disabled_filesystems = 'LocalFileSystem'", // also what the first allows: the attached file and its log
		"set lock_configuration = true",
	); err != nil {
		return false, d.wrap(err)
	}
	close(begun)
	limited := ctx
	if q.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, q.Timeout)
		defer cancel()
	}
	cut, err = s.run(limited, conn, q.Limit, head, row)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return false, ctx.Err()
	case limited.Err() != nil:
		return false, ErrTime
	}
	return cut, d.explain(err)
}

func set(ctx context.Context, conn *sql.Conn, settings ...string) error {
	_, err := conn.ExecContext(ctx, strings.Join(settings, "; "))
	return err
}

// explain tells what is wrong with the statement from what is wrong with the store.
func (d *DB) explain(err error) error {
	var e *duck.Error
	if !errors.As(err, &e) {
		if err != nil && strings.Contains(err.Error(), "unsupported data type") { // the driver's word
			err = &StatementError{What: "a column has a type that is not shown", Hint: "cast it to varchar"}
		}
		return err
	}
	switch kind := kindOf(err); {
	case strings.Contains(e.Msg, "Out of Memory") || strings.Contains(e.Msg, "allocate"):
		return ErrMemory
	case fatal(err) || errors.Is(kind, store.ErrDamaged) && e.Type != duck.ErrorTypeSerialization:
		return d.wrap(err)
	case e.Type == duck.ErrorTypePermission:
		what := "files, networks and extensions are out of reach: a statement reads the store alone"
		if _, where, ok := strings.Cut(oneLine(e.Msg), " · "); ok {
			what += " · " + where
		}
		return &StatementError{What: what}
	}
	return &StatementError{What: oneLine(e.Msg)}
}

// oneLine makes one line of DuckDB's message: what, then where.
func oneLine(msg string) string {
	_, what, ok := strings.Cut(msg, " Error: ")
	if !ok {
		what = msg
	}
	where := ""
	if before, after, ok := strings.Cut(what, "\n\nLINE "); ok {
		what = before
		lines := strings.Split(after, "\n")
		number, excerpt, _ := strings.Cut(lines[0], ": ")
		where = "line " + number
		if len(lines) > 1 {
			// The caret stands under the excerpt, which the words "LINE n: " precede.
			at := strings.IndexByte(lines[1], '^') - len("LINE "+number+": ")
			if at >= 0 && at < len(excerpt) {
				rest := []rune(strings.ToValidUTF8(excerpt[at:], ""))
				where += ", at " + strings.TrimSpace(string(rest[:min(len(rest), 40)]))
			}
		}
	}
	what = strings.Join(strings.Fields(what), " ")
	if where != "" {
		what += " · " + where
	}
	return what
}

// A statement is a text that was found to be one statement that reads.
type statement struct {
	text    string // without a semicolon at its end
	explain string // the words before it, of an EXPLAIN
}

// readers are the words that a statement which reads begins with.
var readers = []string{"select", "with", "from", "values", "table", "describe", "desc", "show", "summarize", "pivot", "unpivot", "explain"}

const beginWith = "begin with select, with, from, values, describe, show, summarize or explain"

// doors are functions that do something else than read rows: they change how
// the process logs or what it prints, follow addresses in memory, or run text.
var doors = []string{"enable_profiling", "disable_profiling", "enable_logging", "disable_logging", "truncate_duckdb_logs", "write_log",
	"checkpoint", "force_checkpoint", "arrow_scan", "arrow_scan_dumb", "seq_scan", "query", "query_table", "json_execute_serialized_sql",
	"enable_peg_parser", "disable_peg_parser", "check_peg_parser"}

// readable looks at the words of a text. What it lets pass is judged again by
// DuckDB's own parser, and runs where nothing can be written.
func readable(text string) (statement, error) {
	if strings.ContainsRune(text, 0) { // DuckDB would not see what stands behind it
		return statement{}, &StatementError{What: "the text holds a NUL character"}
	}
	words := lex(text)
	for i, w := range words {
		if w.text != ";" {
			continue
		}
		for _, later := range words[i:] {
			if later.text != ";" {
				return statement{}, &StatementError{
					What: "the text holds more than one statement: " + strconv.Quote(later.text) + " follows a semicolon",
					Hint: "run one statement at a time; nothing was run"}
			}
		}
		text, words = text[:w.at], words[:i]
		break
	}
	if len(words) == 0 {
		return statement{}, &StatementError{What: "the text holds no statement", Hint: "for instance: keyramp query 'from sources'"}
	}
	for i, w := range words[:len(words)-1] {
		if words[i+1].text == "(" && slices.Contains(doors, w.text) {
			return statement{}, &StatementError{What: w.text + " is refused: it does more than read rows",
				Hint: "`keyramp query --views` lists what can be asked"}
		}
	}
	s := statement{text: text}
	if words[0].text == "explain" {
		i := 1
		s.explain = "explain "
		if i < len(words) && words[i].text == "(" { // options, as in explain (analyze, format json)
			for i < len(words) && words[i].text != ")" {
				if word := words[i].text; word == "(" || word == "," || isName(word) {
					s.explain += word + " "
				}
				i++
			}
			s.explain += ") "
			i++
		} else if i < len(words) && words[i].text == "analyze" {
			s.explain += "analyze "
			i++
		}
		if i >= len(words) {
			return statement{}, &StatementError{What: "explain names no statement"}
		}
		s.text, words = text[words[i].at:], words[i:]
	}
	for i, w := range words[:len(words)-1] { // DuckDB would say first what is wrong with its values
		if pair := w.text + " " + words[i+1].text; slices.Contains([]string{"insert into", "delete from", "merge into"}, pair) {
			return statement{}, &StatementError{What: strconv.Quote(pair) + " is refused: only a statement that reads may run, and the store stays as it is",
				Hint: beginWith}
		}
	}
	first := 0
	for first < len(words)-1 && words[first].text == "(" {
		first++
	}
	if w := words[first].text; !slices.Contains(readers, w) || s.explain != "" && w == "explain" {
		return statement{}, &StatementError{
			What: strconv.Quote(w) + " is refused: only a statement that reads may run, and the store stays as it is",
			Hint: beginWith}
	}
	return s, nil
}

func isName(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return !(r == '_' || 'a' <= r && r <= 'z') })
}

// check asks DuckDB what the text is, without running any of it.
func check(conn *sql.Conn, text string) error {
	return conn.Raw(func(c any) error {
		// This Prepare, other than the one with a context, runs nothing: it refuses a text of several statements.
		prepared, err := c.(*duck.Conn).Prepare(text)
		var told *duck.Error
		switch {
		case errors.As(err, &told):
			return err
		case err != nil:
			return &StatementError{What: "the text is not one statement",
				Hint: "run one statement at a time; a pivot must name its values: on x in ('a', 'b')"}
		}
		defer prepared.Close()
		kind, err := prepared.(*duck.Stmt).StatementType()
		switch {
		case err != nil:
			return err
		case kind != duck.STATEMENT_TYPE_SELECT:
			return &StatementError{What: "the statement is refused: it does more than read, and the store stays as it is",
				Hint: beginWith}
		case prepared.NumInput() > 0:
			return &StatementError{What: "the statement has parameters, and there is nothing to fill them with", Hint: "write the values into it"}
		}
		return nil
	})
}

// run checks the statement and answers it.
func (s statement) run(ctx context.Context, conn *sql.Conn, limit int64, head func([]Field) error, row func([]*string) error) (cut bool, err error) {
	if err := check(conn, s.text); err != nil {
		return false, err
	}
	text := s.explain + s.text
	if s.explain == "" {
		// As a subquery its columns get names of their own, and DuckDB makes no row that is not wanted.
		within := "select * from (\n" + s.text + "\n)"
		if limit > 0 {
			within += " limit " + strconv.FormatInt(limit+1, 10)
		}
		if check(conn, within) == nil {
			text = within
		}
	}
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return false, err
	}
	fields := make([]Field, len(types))
	for i, t := range types {
		fields[i] = Field{t.Name(), t.DatabaseTypeName(), kindOfType(t.DatabaseTypeName())}
	}
	if err := head(fields); err != nil {
		return false, err
	}
	values, into, cells := make([]any, len(types)), make([]any, len(types)), make([]*string, len(types))
	for i := range into {
		into[i] = &values[i]
	}
	for n := int64(0); rows.Next(); n++ {
		if limit > 0 && n == limit {
			return true, nil
		}
		if err := rows.Scan(into...); err != nil {
			return false, err
		}
		for i, v := range values {
			if cells[i], err = textOf(v, fields[i]); err != nil {
				return false, err
			}
		}
		if err := row(cells); err != nil {
			return false, err
		}
	}
	return false, rows.Err()
}

// A word is a token outside strings and comments: an unquoted name in lower
// case, a quoted one without its quotes, or one other character.
type word struct {
	text string
	at   int
}

// lex splits SQL as DuckDB does, as far as telling names, strings and comments apart.
func lex(text string) []word {
	var words []word
	for i := 0; i < len(text); {
		rest := text[i:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "--"):
			i += until(rest, "\n", 2)
		case strings.HasPrefix(rest, "/*"):
			depth, j := 1, 2
			for ; depth > 0 && j < len(rest); j++ {
				if strings.HasPrefix(rest[j:], "*/") {
					depth, j = depth-1, j+1
				} else if strings.HasPrefix(rest[j:], "/*") {
					depth, j = depth+1, j+1
				}
			}
			i += j
		case c == '\'':
			// In e'…' a backslash hides the quote that follows.
			escapes := len(words) > 0 && words[len(words)-1].text == "e" && words[len(words)-1].at == i-1
			j := 1
			for j < len(rest) && rest[j] != '\'' {
				if escapes && rest[j] == '\\' {
					j++
				}
				j++
			}
			words = append(words, word{"''", i})
			i += min(j+1, len(rest)) // a doubled quote begins the next string
		case c == '"':
			j := until(rest, `"`, 1)
			words = append(words, word{strings.ToLower(strings.Trim(rest[:j], `"`)), i})
			i += j
		case c == '$':
			// $tag$ … $tag$
			if j := strings.IndexByte(rest[1:], '$') + 1; j > 0 && !strings.ContainsFunc(rest[1:j], func(r rune) bool { return !nameRune(r) }) {
				words = append(words, word{"''", i})
				i += until(rest, rest[:j+1], j+1)
				continue
			}
			i++
		case nameRune(rune(c)) || c >= 0x80:
			j := 0
			for j < len(rest) && (nameRune(rune(rest[j])) || rest[j] >= 0x80) {
				j++
			}
			words = append(words, word{strings.ToLower(rest[:j]), i})
			i += j
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			i++
		default:
			words = append(words, word{rest[:1], i})
			i++
		}
	}
	return words
}

func nameRune(r rune) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// until is the length of text up to the end of the next mark after from; all of it without one.
func until(text, mark string, from int) int {
	if j := strings.Index(text[from:], mark); j >= 0 {
		return from + j + len(mark)
	}
	return len(text)
}
