package duckdb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"database/sql"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries"
	"keyramp/queries/store"
	"keyramp/queries/store/durable"
	"keyramp/queries/store/syncpoint"
)

func TestFilesArePrivateWhateverTheUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "it's a store")
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	unlock, err := Lock(context.Background(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	fill(t, db, traffic(1000, 1, dayOne).Events, nil)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		info, _ := e.Info()
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingStoreSaysWhatMakesIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := Open(context.Background(), Options{Dir: dir, ReadOnly: true})
	if !errors.Is(err, store.ErrMissing) || !strings.Contains(err.Error(), "keyramp pull") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("a reader made the folder")
	}
}

// Read brings an older store up to date, attaches the file of one that is just once, and tells what Open would tell.
func TestReadAttachesOnce(t *testing.T) {
	ctx := context.Background()
	attached := 0
	syncpoint.Hook = func(name, _ string) {
		if name == "attached" {
			attached++
		}
	}
	defer func() { syncpoint.Hook = nil }()
	steps, err := queries.Schema("duckdb")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, filepath.Join("testdata", "released", "002.duckdb.gz"), dir)
	for _, old := range []bool{true, false} {
		attached = 0
		asked := false
		err := Read(ctx, Options{Dir: dir}, func(ctx context.Context, d *DB) error {
			asked = true
			s, err := d.Status(ctx)
			if err != nil || s.Schema != len(steps) || s.Events == 0 {
				t.Errorf("schema %d, %d events, %v", s.Schema, s.Events, err)
			}
			e, err := d.Extent(ctx)
			if err != nil || !reflect.DeepEqual(*e, s.Extent) {
				t.Errorf("the extent is %+v, of the status %+v, %v", e, s.Extent, err)
			}
			if _, err := d.Counts(ctx, ramp()); err != nil {
				t.Error(err)
			}
			_, err = d.Load(ctx, &store.Batch{}, store.Cursor{Source: "x"})
			if err == nil {
				t.Error("a reader loaded")
			}
			return io.EOF
		})
		if !errors.Is(err, io.EOF) || !asked || !old && attached != 1 {
			t.Errorf("older %v: attached %d times, asked %v: %v", old, attached, asked, err)
		}
	}

	for want, content := range map[error][]byte{store.ErrMissing: nil, store.ErrDamaged: bytes.Repeat([]byte("keyramp\n"), 4096)} {
		dir := t.TempDir()
		if content != nil {
			if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Read(ctx, Options{Dir: dir}, nil); !errors.Is(err, want) {
			t.Errorf("want %v: %v", want, err)
		}
	}
}

// The only writer attaches the file for reading once between two commits, and keeps out no reader meanwhile.
func TestOnlyWriterStaysAttached(t *testing.T) {
	ctx := context.Background()
	dir := scratch(t).opts.Dir
	db, err := Open(ctx, Options{Dir: dir, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var attached []string
	syncpoint.Hook = func(name, mode string) {
		if name == "attached" {
			attached = append(attached, strings.TrimSpace(mode))
		}
	}
	defer func() { syncpoint.Hook = nil }()
	look := func(db *DB, want int64) {
		t.Helper()
		e, err := db.Extent(ctx)
		if err != nil || e.Events != want {
			t.Fatalf("%d events, want %d: %v", e.Events, want, err)
		}
	}
	read := func() {
		t.Helper()
		r, err := Open(ctx, Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		look(r, 1000)
	}
	look(db, 0)
	if _, _, err := db.Cursor(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := db.Hold(ctx, func(ctx context.Context) error {
		look(db, 0)
		if _, err := db.Load(ctx, traffic(1000, 1, dayOne), store.Cursor{Source: "x"}); err == nil {
			t.Error("it loaded while it was held")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(attached) != 0 {
		t.Errorf("attached after it was opened: %q", attached)
	}
	if _, err := db.Load(ctx, traffic(1000, 1, dayOne), store.Cursor{Source: "x"}); err != nil {
		t.Fatal(err)
	}
	look(db, 1000)
	look(db, 1000)
	if want := []string{"", "(read_only)"}; !slices.Equal(attached, want) {
		t.Errorf("attached %q, want %q", attached, want)
	}
	read()
	before, err := os.Stat(db.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(db.path); err != nil || os.SameFile(before, after) {
		t.Fatal("not written anew", err)
	}
	attached = nil
	look(db, 1000)
	if len(attached) != 1 {
		t.Errorf("attached %d times after the store was written anew", len(attached))
	}
	read()
}

func TestReadOnlyDoesNotLoad(t *testing.T) {
	w := scratch(t)
	r, err := Open(context.Background(), Options{Dir: w.opts.Dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Load(context.Background(), &store.Batch{}, store.Cursor{Source: "x"}); err == nil {
		t.Fatal("it loaded")
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	db := scratch(t)
	err := db.write(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		_, err := run(ctx, conn, "put_schema", sql.Named("step", int64(99)))
		return err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := Open(context.Background(), Options{Dir: db.opts.Dir, ReadOnly: readOnly}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("read-only %v: %v", readOnly, err)
		}
	}
	if err := Read(context.Background(), Options{Dir: db.opts.Dir}, nil); !errors.Is(err, store.ErrNewer) {
		t.Error("read:", err)
	}
}

// Damage is told as such, by whatever it is met first, and never ends the process.
func TestDamageIsTold(t *testing.T) {
	whole := scratch(t)
	fill(t, whole, traffic(20_000, 1, dayOne).Events, nil)
	text, err := os.ReadFile(whole.path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(text)
	for i := 3 * 4096; i < len(flipped); i += 4096 { // every block, the three headers not
		flipped[i+100] ^= 1
	}
	for name, content := range map[string][]byte{
		"empty":          {},
		"another format": bytes.Repeat([]byte("keyramp\n"), 4096),
		"cut short":      text[:len(text)/3],
		"headers only":   text[:3*4096],
		"flipped":        flipped,
	} {
		for _, readOnly := range []bool{true, false} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(context.Background(), Options{Dir: dir, ReadOnly: readOnly})
			if err == nil {
				err = db.Query(context.Background(), "events", store.Scope{}, func([]store.Column, []any) error { return nil })
				db.Close()
			}
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s, read-only %v: %v", name, readOnly, err)
			}
			if kept, e := os.ReadFile(filepath.Join(dir, file)); e != nil || !bytes.Equal(kept, content) {
				t.Errorf("%s, read-only %v: the file was changed", name, readOnly)
			}
		}
	}
}

// A log that a killed process left is read by whoever comes next; one with a
// zeroed tail, as a power loss leaves it, is damage.
func TestLogLeftBehind(t *testing.T) {
	db := scratch(t)
	fill(t, db, traffic(1000, 1, dayOne).Events, nil)
	before, err := os.ReadFile(db.path)
	if err != nil {
		t.Fatal(err)
	}
	log := logOf(t, db.path)
	open := func(log []byte, readOnly bool) (*DB, error) {
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(dir, file), before, 0o600),
			os.WriteFile(filepath.Join(dir, file+".wal"), log, 0o600)); err != nil {
			t.Fatal(err)
		}
		return Open(context.Background(), Options{Dir: dir, ReadOnly: readOnly})
	}
	for _, readOnly := range []bool{true, false} {
		db, err := open(log, readOnly)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := db.Status(context.Background()); err != nil || len(s.Gaps) != 1 || s.Events != 1000 {
			t.Errorf("read-only %v: %+v, %v", readOnly, s, err)
		}
		db.Close()
		if _, err := open(append(bytes.Clone(log), make([]byte, 100)...), readOnly); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("read-only %v, zeroed tail: %v", readOnly, err)
		}
	}
}

// logOf is what DuckDB writes beside the file when it is left to itself: our
// own commits go into the file, and leave a log only where that fails.
func logOf(t *testing.T, path string) []byte {
	t.Helper()
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	ctx := context.Background()
	conn, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err = conn.ExecContext(ctx, "attach "+quote(path)+" as store; use store"); err != nil {
		t.Fatal(err)
	}
	if _, err = run(ctx, conn, "add_gap", sql.Named("source", "a"), sql.Named("from_us", 1), sql.Named("until_us", 2),
		sql.Named("noticed_us", 3), sql.Named("position", "b")); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + ".wal")
	if err != nil || len(log) == 0 {
		t.Fatalf("no log: %v", err)
	}
	return log
}

func TestHeldFileIsBusy(t *testing.T) {
	db := scratch(t)
	inside, leave := make(chan bool), make(chan bool)
	go db.read(context.Background(), func(context.Context, *sql.Conn) error {
		close(inside)
		<-leave
		return nil
	})
	<-inside
	w, err := Open(context.Background(), Options{Dir: db.opts.Dir, LockWait: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err) // opening only reads when the schema is up to date
	}
	defer w.Close()
	if _, err := w.Load(context.Background(), &store.Batch{}, store.Cursor{Source: "x"}); !errors.Is(err, store.ErrBusy) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.Load(ctx, &store.Batch{}, store.Cursor{Source: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(leave)
	if _, err := w.Load(context.Background(), &store.Batch{}, store.Cursor{Source: "x"}); err != nil {
		t.Error(err)
	}
}

// While a store is held its answers are of one state, and it comes free whatever happens to the one who holds it.
func TestHold(t *testing.T) {
	ctx, db := context.Background(), scratch(t)
	other, err := Open(ctx, Options{Dir: db.opts.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	load := func(db *DB, source string) error {
		_, err := db.Load(ctx, &store.Batch{}, store.Cursor{Source: source})
		return err
	}
	sources := func(db *DB) int {
		s, err := db.Status(ctx)
		if err != nil {
			t.Error(err)
			return -1
		}
		return len(s.Sources)
	}
	own := errors.New("in its own words")
	err = db.Hold(ctx, func(ctx context.Context) error {
		before := sources(db)
		if err := load(other, "of another"); !errors.Is(err, store.ErrBusy) {
			t.Errorf("another writer met %v", err)
		}
		if err := load(db, "of the holder"); err == nil || errors.Is(err, store.ErrBusy) {
			t.Errorf("the holder's own load: %v", err)
		}
		var together sync.WaitGroup
		for range 4 {
			together.Go(func() {
				if n := sources(db); n != before {
					t.Errorf("%d sources after %d", n, before)
				}
			})
		}
		together.Wait()
		if err := db.Hold(ctx, func(context.Context) error { return own }); !errors.Is(err, own) || sources(db) != before {
			t.Errorf("held twice: %v", err)
		}
		stopped, stop := context.WithCancel(ctx)
		stop()
		if _, err := db.Status(stopped); !errors.Is(err, context.Canceled) {
			t.Errorf("a question that was stopped: %v", err)
		}
		return own
	})
	if !errors.Is(err, own) || err.Error() != own.Error() {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(load(other, "of another"), load(db, "of the holder")); err != nil {
		t.Error(err)
	}
	if n := sources(db); n != 2 {
		t.Errorf("%d sources", n)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := db.Hold(stopped, func(context.Context) error { t.Error("it was held"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLockNamesItsOwner(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	unlock, err := Lock(ctx, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(ctx, dir, 30*time.Millisecond)
	if !errors.Is(err, store.ErrBusy) || !strings.Contains(err.Error(), "process ") {
		t.Fatalf("got %v", err)
	}
	time.AfterFunc(30*time.Millisecond, unlock)
	again, err := Lock(ctx, dir, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// Questions reach the store's folder and nothing else.
func TestNoDoorIsOpen(t *testing.T) {
	db := scratch(t)
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		for _, q := range []string{
			"select * from read_text('/etc/passwd')", "copy (select 1) to '/tmp/keyramp-door.csv'", "attach '/tmp/keyramp-door.db' as x",
			"install httpfs", "load httpfs", "set enable_external_access = true", "select * from 'https://example.org/x.parquet'",
			"create table ev2 as select 1", "insert into words values (9, 'x')", "copy (select 1) to '" + db.opts.Dir + "/../x.csv'",
		} {
			if _, err := conn.ExecContext(ctx, q); err == nil {
				t.Errorf("allowed: %s", q)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSpillOfTheDeadIsSwept(t *testing.T) {
	dir := t.TempDir()
	left, mine := filepath.Join(dir, "spill-4194303-1"), filepath.Join(dir, "spill-1-2") // over the largest pid; init
	for _, d := range []string{left, mine} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	durable.Sweep(dir, "spill")
	if _, err := os.Stat(left); err == nil {
		t.Error("the dead process's folder is still there")
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error("a living process lost its folder")
	}
}

// A log without its file is damage, for whoever reads and whoever writes: a store that is made anew would take it for its own.
func TestFileIsGone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file+".wal"), []byte("a log"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := Open(t.Context(), Options{Dir: dir, ReadOnly: readOnly}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
}

// Folders that DuckDB cannot open a file in are refused with the reason.
func TestNamesOfFolders(t *testing.T) {
	for name, fits := range map[string]bool{"a?b": false, "a\xffb": false, "a[1]*'b ü": true} {
		db, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), name)})
		if fits && err != nil || !fits && !errors.Is(err, store.ErrResources) {
			t.Errorf("%q: %v", name, err)
		}
		if err == nil {
			db.Close()
		}
	}
}
