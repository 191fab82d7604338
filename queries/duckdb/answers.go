package duckdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// Answers that a report has found once are kept in a folder beside the store,
// so that the next one counts what has changed since and no more. They are
// sums of integers: what is new now, minus what the same people came to then,
// added to the kept answer gives exactly what counting everything would give.
// A kept answer is never needed: one that is missing, damaged, of another
// program or of a changed store is not used.
const answerFolder = "answers"

// keptAnswers is how many files stay; the ones used least lately go first.
const keptAnswers = 32

// enoughEvents is from what size of the store on counting changes alone is
// faster than counting everything, as long as they are at most one in
// changedPart of the events.
var enoughEvents, changedPart int64 = usualEnough, usualPart

const (
	usualEnough = 400_000
	usualPart   = 5
)

// An answer is the counts of a scope as of its end, with the rows that were there.
type answer struct {
	rowCount
	Tail   string // of these rows
	Until  store.Micros
	Counts *store.Counts
}

// counts answers the questions of a report from what is kept of them and what
// has changed since, or from everything.
func (d *DB) counts(ctx context.Context, conn *sql.Conn, s store.Scope) (*store.Counts, error) {
	if !d.opts.Answers {
		return d.count(ctx, conn, s)
	}
	at, err := d.rows(ctx, conn)
	if err != nil {
		return nil, err
	}
	now := answer{rowCount: at, Until: s.Until}
	of := s
	of.Until = 0
	key, err := answerKey("counts", of)
	if err != nil {
		return nil, err
	}
	var kept answer
	still := d.recall(key, &kept) && kept.Counts != nil
	if still {
		if still, err = stands(ctx, conn, kept.rowCount, kept.Tail, now.rowCount); err != nil {
			return nil, err
		}
	}
	known := still && kept.Until <= now.Until
	changed := now.Events + now.Pages - kept.Events - kept.Pages
	same := known && changed == 0
	if same && kept.Until < now.Until {
		var pending bool
		if err := one(ctx, conn, "pending", []any{sql.Named("until_us", min(kept.Until, latest))}, &pending); err != nil {
			return nil, err
		}
		same = !pending
	}
	switch {
	case same:
		return kept.Counts, nil
	case known && now.Events >= enoughEvents && changed <= now.Events/changedPart:
		now.Counts, err = d.update(ctx, conn, s, kept)
	default:
		now.Counts, err = d.count(ctx, conn, s)
	}
	if err != nil {
		return nil, err
	}
	if !still || known { // an earlier as-of does not push the latest answer aside
		if now.Tail, err = tail(ctx, conn, at); err != nil {
			return nil, err
		}
		d.keep(key, now)
	}
	return now.Counts, nil
}

// tail tells rows that were lost and others that took their places from rows that are still there.
func tail(ctx context.Context, conn *sql.Conn, of rowCount) (hash string, err error) {
	err = one(ctx, conn, "tail", []any{sql.Named("events", of.Events), sql.Named("pages", of.Pages)}, &hash)
	return hash, err
}

// stands tells whether the rows that an answer was made of are the first ones of the store.
func stands(ctx context.Context, conn *sql.Conn, kept rowCount, ending string, now rowCount) (bool, error) {
	if kept.Identity != now.Identity || kept.Events > now.Events || kept.Pages > now.Pages {
		return false, nil
	}
	hash, err := tail(ctx, conn, kept)
	return hash == ending, err
}

// count answers the questions from all events.
func (d *DB) count(ctx context.Context, conn *sql.Conn, s store.Scope) (*store.Counts, error) {
	k, err := d.newDesk(ctx, conn, s)
	if err != nil {
		return nil, err
	}
	defer k.close()
	c, err := k.answers(ctx)
	if err != nil {
		return nil, err
	}
	return c, times(ctx, conn, s.Until, &c.Quality)
}

// update brings a kept answer up to date.
func (d *DB) update(ctx context.Context, conn *sql.Conn, s store.Scope, kept answer) (*store.Counts, error) {
	k, err := d.newDesk(ctx, conn, s)
	if err != nil {
		return nil, err
	}
	defer k.close()
	events, pages := sql.Named("events", kept.Events), sql.Named("pages", kept.Pages)
	until := sql.Named("until_us", min(kept.Until, latest))
	var tasks []task
	for _, step := range []struct {
		name   string
		params []any
	}{
		{"fresh", []any{events, until}}, {"loose", nil}, {"changed", nil}, {"touched", []any{pages, until}},
		{"theirs", nil}, {"asking", nil}, {"related", nil}, {"related_pages", []any{pages, until}},
	} {
		tasks = append(tasks, task{step.name, func(ctx context.Context, conn *sql.Conn) error {
			return keep(ctx, conn, step.name, step.params...)
		}})
	}
	if err := k.do(ctx, tasks); err != nil {
		return nil, err
	}
	if err := ddl(ctx, conn, "update"); err != nil {
		return nil, err
	}
	asOf := func(events, pages int64, until store.Micros) (*store.Counts, error) {
		for _, set := range []struct {
			name   string
			params []any
		}{
			{"clear_before", nil},
			{"put_before", []any{sql.Named("events", events), sql.Named("pages", pages)}},
			{"put_until", []any{sql.Named("until_us", until)}},
			{"put_readings_until", []any{sql.Named("until_us", until)}},
		} {
			if _, err := run(ctx, conn, set.name, set.params...); err != nil {
				return nil, err
			}
		}
		c, err := k.answers(ctx)
		if err != nil {
			return nil, err
		}
		return c, k.drop(ctx, steps)
	}
	now, err := asOf(1<<62, 1<<62, s.Until)
	if err != nil {
		return nil, err
	}
	then, err := asOf(kept.Events, kept.Pages, kept.Until)
	if err != nil {
		return nil, err
	}
	c := difference(kept.Counts, now, then)
	return c, times(ctx, conn, s.Until, &c.Quality)
}

// answerKey names an answer by the program's questions, since another one may count otherwise, and by what is asked.
func answerKey(kind string, of any) (string, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s\n%s\n%s", counting, queries.Digest(), kind, text)
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// counting is to be raised when Go's part of counting changes: what a scope becomes before it is asked about, how rows
// are read, how answers are added up.
const counting = 1

func (d *DB) answerPath(key string) string {
	return filepath.Join(d.opts.Dir, answerFolder, key+".json")
}

// recall reads a kept answer: a line with the hash of the JSON that follows. It
// reports false when there is none that can be used.
func (d *DB) recall(key string, into any) bool {
	path := d.answerPath(key)
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	sum, body, _ := strings.Cut(string(text), "\n")
	if want := sha256.Sum256([]byte(body)); sum != hex.EncodeToString(want[:]) || json.Unmarshal([]byte(body), into) != nil {
		return false
	}
	now := time.Now()
	os.Chtimes(path, now, now) // it was of use
	return true
}

// keep writes an answer. Where it cannot be written the next report counts everything.
func (d *DB) keep(key string, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		return
	}
	dir := filepath.Join(d.opts.Dir, answerFolder)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	sum := sha256.Sum256(body)
	// No fsync: what a power loss leaves half written does not have its hash.
	durable.Sweep(dir, "new")
	f, err := os.CreateTemp(dir, fmt.Sprintf("new-%d-*", os.Getpid()))
	if err != nil {
		return
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%x\n%s", sum, body)
	if e := f.Close(); err != nil || e != nil {
		return
	}
	syncpoint.Reach("answer written", f.Name())
	if os.Rename(f.Name(), d.answerPath(key)) == nil {
		syncpoint.Reach("answer kept", key)
		prune(dir)
	}
}

// prune removes the answers that were not used for the longest time.
func prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= keptAnswers {
		return
	}
	type file struct {
		name string
		used time.Time
	}
	var all []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			all = append(all, file{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b file) int { return b.used.Compare(a.used) })
	for _, f := range all[min(len(all), keptAnswers):] {
		os.Remove(filepath.Join(dir, f.name))
	}
}
