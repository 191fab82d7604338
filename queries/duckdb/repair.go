package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

// A Found is what reading a store to its end showed.
type Found struct {
	Damage  string               `json:"damage"` // why the file cannot be opened; "" when it can
	Tables  []TableFound         `json:"tables"`
	Sources []store.SourceStatus `json:"sources"` // nil when they cannot be read
}

// A TableFound is one table of a store.
type TableFound struct {
	Name   string       `json:"name"`
	Rows   int64        `json:"rows"` // -1 when that cannot be told
	From   store.Micros `json:"from_us"`
	Until  store.Micros `json:"until_us"` // of events, 0 when not known
	Damage string       `json:"damage"`   // "" when every column of every row was read
}

// Whole tells whether everything could be read.
func (f *Found) Whole() bool { return f.Why() == "" }

// Why says what could not be read; "" when everything could.
func (f *Found) Why() string {
	if f.Damage != "" {
		return f.Damage
	}
	for _, t := range f.Tables {
		if t.Damage != "" {
			return t.Damage
		}
	}
	return ""
}

// Rows counts the rows of all tables.
func (f *Found) Rows() (n int64) {
	for _, t := range f.Tables {
		n += max(0, t.Rows)
	}
	return n
}

// Examine reads every column of every table of the store in dir, from a file that may be
// damaged. DuckDB may end the process on one that is: call it in a process that may end.
// With into, what can be brought back is written to that file of dir. Damage is told in
// Found; the error is one of ErrBusy, ErrNewer, ErrMissing and ErrResources.
func Examine(ctx context.Context, dir, into string, wait time.Duration) (*Found, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// One thread: rows are copied in their order.
	d := &DB{opts: Options{Dir: dir, ReadOnly: true, LockWait: wait, Memory: "2GB", Threads: 1, TempDir: dir},
		path: filepath.Join(dir, file), perQuestion: 1, turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	if info, err := os.Stat(d.path); err != nil || info.Size() == 0 {
		return nil, d.missing()
	}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	defer d.Close()
	steps, err := queries.Schema("duckdb")
	if err != nil {
		return nil, err
	}
	f := &Found{}
	err = d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		step, err := stepOf(ctx, conn, len(steps))
		if step > 0 {
			steps = steps[:step] // one that an older release left is mended as that one made it
		}
		return err
	})
	if err != nil {
		if other(err) {
			return nil, err
		}
		f.Damage = err.Error()
		return f, nil
	}
	names, err := expected(ctx, steps)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := d.examine(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Tables = append(f.Tables, t)
	}
	if f.readable("sources") {
		s := store.SourceStatus{}
		c, a := &s.Cursor, &s.Account
		err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
			return each(ctx, conn, "sources", nil, func() error {
				f.Sources = append(f.Sources, s)
				return nil
			}, &c.Source, &c.Position, &c.Watermark, &c.Complete, &c.At, &s.Runs,
				&a.Received, &a.Stored, &a.Duplicate, &a.Filtered, &a.Rejected, &a.Conflicts)
		})
		if err != nil {
			return nil, err
		}
	}
	if into != "" {
		return f, d.salvage(ctx, f, into, steps)
	}
	return f, nil
}

// other tells errors that are not about damage.
func other(err error) bool {
	for _, kind := range []error{store.ErrBusy, store.ErrNewer, store.ErrMissing, store.ErrResources, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// expected are the tables that a store of these steps has.
func expected(ctx context.Context, steps []queries.Step) ([]string, error) {
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for _, s := range steps {
		if _, err := conn.ExecContext(ctx, s.SQL); err != nil {
			return nil, err
		}
	}
	return tablesOf(ctx, conn)
}

// examine reads one table, in a session of its own: after some damage DuckDB refuses all else in the same one.
func (d *DB) examine(ctx context.Context, name string) (TableFound, error) {
	t := TableFound{Name: name, Rows: -1}
	err := d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		var all sql.NullString
		return conn.QueryRowContext(ctx, "select count(*), bit_xor(hash(t))::varchar from "+name+" t").Scan(&t.Rows, &all)
	})
	if err != nil && other(err) {
		return t, err
	}
	if err != nil {
		t.Damage = fmt.Sprintf("table %s: %v", name, err)
		t.Rows = -1
		d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
			return conn.QueryRowContext(ctx, "select count(*) from "+name).Scan(&t.Rows)
		})
	}
	if times := map[string]string{"events": "event_times", "page_events": "page_event_times"}[name]; times != "" {
		var from, until sql.NullInt64
		d.read(ctx, func(ctx context.Context, conn *sql.Conn) error { return one(ctx, conn, times, nil, &from, &until) })
		t.From, t.Until = from.Int64, until.Int64
	}
	return t, nil
}

func (f *Found) readable(names ...string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(f.Tables, func(t TableFound) bool { return t.Name == name && t.Damage == "" }) {
			return false
		}
	}
	return f.Damage == ""
}

// vocabulary names the tables that rows of events are of no use without.
func (f *Found) vocabulary() []string {
	if slices.ContainsFunc(f.Tables, func(t TableFound) bool { return t.Name == "shapes" }) {
		return []string{"words", "shapes"}
	}
	return []string{"words"} // of an older release
}

// Kept are the tables whose rows can be brought back. Rows are only of use with the shapes and
// words that they name. Cursors and accounts say of rows that they are there, so they are kept when all
// are; without them sources are read from their beginning again, and rows that are kept are
// found as duplicates.
func (f *Found) Kept() (kept []string) {
	accounts := f.CursorsKept()
	for _, t := range f.Tables {
		var keep bool
		switch t.Name {
		case "meta":
			continue
		case "events":
			keep = f.readable(append(f.vocabulary(), t.Name)...)
		case "page_events":
			keep = f.readable(t.Name, "words")
		case "sources", "filtered", "rejects":
			keep = accounts
		default:
			keep = f.readable(t.Name)
		}
		if keep {
			kept = append(kept, t.Name)
		}
	}
	return kept
}

// CursorsKept tells whether every source goes on where it was.
func (f *Found) CursorsKept() bool {
	return f.readable(append(f.vocabulary(), "events", "page_events", "sources", "filtered", "rejects")...)
}

// salvage writes what can be brought back into a new file. It is another store than the
// damaged one: answers that were kept of that are not used.
func (d *DB) salvage(ctx context.Context, f *Found, into string, steps []queries.Step) error {
	kept := f.Kept()
	if len(kept) == 0 {
		return nil
	}
	var emptied []string
	if slices.Contains(kept, "words") {
		emptied = []string{"words"}
	}
	return d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		defer conn.ExecContext(context.WithoutCancel(ctx), "use store; detach database if exists fresh")
		if err := attachFresh(ctx, conn, into, steps, emptied...); err != nil {
			return err
		}
		for _, table := range kept {
			if _, err := copyTable(ctx, conn, table, false); err != nil {
				return err
			}
		}
		if f.readable("meta") { // the id of the key that the rows' pseudonyms are of
			if _, err := run(ctx, conn, "keep_meta", sql.Named("key_id", "")); err != nil {
				return err
			}
		}
		if _, err := conn.ExecContext(ctx, "use fresh"); err != nil {
			return err
		}
		if _, err := run(ctx, conn, "put_schema", sql.Named("step", int64(len(steps)))); err != nil {
			return err
		}
		return detachFresh(ctx, conn, into)
	})
}

// A Repair is what was done about a store, or would be.
type Repair struct {
	Damage string   `json:"damage"` // "" when the store is whole: nothing is to be done
	Aside  []string `json:"aside"`  // names of the files that are put aside
	Folder string   `json:"folder"` // where to; "" when nothing was done
	// LogOnly: the log beside the store is damaged and the store is not. It is as its last commit into the file left it.
	LogOnly bool   `json:"log_only"`
	Found   *Found `json:"found"` // what is in the store; nil when nothing could be read
}

// Mend finds out what is damaged in the store in dir, and with do puts damaged files aside
// and in their place what can be brought back. It deletes nothing. A process that is killed
// meanwhile leaves the damage or the result; running again is always right. It is for a
// run that holds Lock. examine is Examine, in another process.
func Mend(ctx context.Context, dir string, do bool, examine func(ctx context.Context, dir, into string) (*Found, error)) (*Repair, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, file)
	r := &Repair{}
	main, log := exists(path), exists(path+".wal")
	r.Found, err = examine(ctx, dir, "")
	switch {
	case errors.Is(err, store.ErrMissing) && (main || log):
		r.Damage = fmt.Sprintf("store %s: it is empty", path)
		if !main {
			r.Damage = fmt.Sprintf("store %s: it is gone, and its log is there", path)
		}
	case err != nil:
		return nil, err
	case r.Found.Whole() && !log:
		return r, nil
	case r.Found.Whole(): // with the log that is beside it; whether that says anything shows below
	default:
		r.Damage = r.Found.Why()
	}
	scratch := filepath.Join(dir, fmt.Sprintf("repair-%d-%x", os.Getpid(), rand.Uint32()))
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrResources, err)
	}
	defer os.RemoveAll(scratch)
	fresh := ""
	if main && r.Found != nil {
		if err := link(path, filepath.Join(scratch, file)); err != nil {
			return nil, fmt.Errorf("%w: %w", store.ErrResources, err)
		}
		if log { // without it, the file may be whole
			with := r.Found
			if r.Found, err = examine(ctx, scratch, ""); err != nil {
				return nil, err
			}
			r.LogOnly = r.Found.Whole()
			if r.Damage == "" {
				// DuckDB takes a log whose first commit is torn for an empty one, and leaves it there for good.
				if !r.LogOnly || !reflect.DeepEqual(r.Found, with) {
					return &Repair{Found: with}, nil
				}
				r.Damage = fmt.Sprintf("store %s: its log holds nothing that can be read", path)
			}
		}
		if !r.LogOnly && do && len(r.Found.Kept()) > 0 {
			fresh = filepath.Join(scratch, "fresh.duckdb")
			if r.Found, err = examine(ctx, scratch, fresh); err != nil {
				return nil, err
			}
			if !exists(fresh) {
				fresh = ""
			}
		}
	}
	if log {
		r.Aside = append(r.Aside, file+".wal")
	}
	if !r.LogOnly {
		for _, name := range []string{file, file + undoSuffix} {
			if exists(filepath.Join(dir, name)) {
				r.Aside = append(r.Aside, name)
			}
		}
	}
	if !do {
		return r, nil
	}
	return r, r.do(dir, fresh)
}

// do puts files aside, the log first: it must never meet another file than its own.
func (r *Repair) do(dir, fresh string) error {
	base := "damaged-" + time.Now().UTC().Format("20060102T150405Z")
	r.Folder = filepath.Join(dir, base)
	for n := 2; exists(r.Folder); n++ {
		r.Folder = filepath.Join(dir, fmt.Sprintf("%s-%d", base, n))
	}
	err := os.Mkdir(r.Folder, 0o700)
	for _, name := range r.Aside {
		from, to := filepath.Join(dir, name), filepath.Join(r.Folder, name)
		syncpoint.Reach("put aside", name)
		if err == nil && name == file && fresh != "" {
			// Both stay until the new one has taken the place.
			err = cmp.Or(link(from, to), durable.Folder(r.Folder), os.Rename(fresh, from))
		} else if err == nil {
			err = os.Rename(from, to)
		}
	}
	if err = cmp.Or(err, durable.Folder(r.Folder), durable.Folder(dir)); err != nil {
		return fmt.Errorf("store %s: %w: %w", dir, store.ErrResources, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// link gives a file a second name, or makes a copy where the file system knows no such thing.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// HasLog tells whether a log lies beside the store's file, as a run that was killed may leave it. DuckDB may end the
// process that replays a damaged one.
func HasLog(dir string) bool { return exists(filepath.Join(dir, file+".wal")) }

// Size is the size of the store's files in bytes.
func Size(dir string) int64 { return (&DB{path: filepath.Join(dir, file)}).bytes() }
