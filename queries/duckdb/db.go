package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries/store"
	"keyramp/queries/store/durable"
)

// file is the store's name in its folder.
const file = "keyramp.duckdb"

// Files are the names of what a store leaves in its folder.
var Files = []string{file, file + ".wal", file + undoSuffix, queueLock, runLock, answerFolder}

// Options say where a store is and what it may use.
type Options struct {
	Dir      string        // folder of the store; made when missing, unless ReadOnly
	NewKey   string        // id of the key that the pseudonyms of a new store are of; "" = it is set later
	ReadOnly bool          // refuse to make a store or to load
	Alone    bool          // the caller holds Lock: the file may stay attached for reading, which keeps no reader out
	LockWait time.Duration // how long to wait for others; 0 = not at all
	Memory   string        // limit of DuckDB's memory, as "2GB", the default
	Threads  int           // that work at once; default 2
	TempDir  string        // where large questions spill; default Dir
	Answers  bool          // keep the answers of reports beside the store, and start from them
	Older    func()        // told before the store of an older release is brought up to date, which may take a while; or nil
	LeaveLog bool          // leave commits in the log beside the file, as a process does that dies early; for tests
}

// A DB is a store in one DuckDB file. It is safe for concurrent use; one
// session runs at a time.
type DB struct {
	opts        Options
	path        string
	pool        *sql.DB // the in-memory instance
	spill       string
	perQuestion int           // threads that DuckDB gives one question
	turn        chan struct{} // holds one token: the right to run a session
	held        *hold         // nil while the file is not attached

	loading sync.Mutex  // guards what follows
	known   *vocabulary // nil until it is read
	staged  staging
	ran     map[string]bool // sources whose run is counted
	wrote   bool            // something was committed
}

var _ store.Store = (*DB)(nil)

// Open opens the store in a folder, makes it when there is none and ReadOnly
// is false, and brings an older one up to date. It fails with ErrMissing,
// ErrBusy, ErrDamaged, ErrNewer or ErrResources.
func Open(ctx context.Context, opts Options) (*DB, error) {
	d, err := begin(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := d.bringUpToDate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Read is Open for reading alone, Hold and Leave in one: it attaches the file of a store that is up to date just once.
func Read(ctx context.Context, opts Options, fn func(ctx context.Context, d *DB) error) error {
	opts.ReadOnly = true
	d, err := begin(ctx, opts)
	if err != nil {
		return err
	}
	defer d.Leave()
	current := false
	err = d.Hold(ctx, func(ctx context.Context) (err error) {
		if current, err = d.isUpToDate(ctx); err != nil || !current {
			return err
		}
		return fn(ctx, d)
	})
	if current || err != nil {
		return err
	}
	if err := d.bringUpToDate(ctx); err != nil {
		return err
	}
	return d.Hold(ctx, func(ctx context.Context) error { return fn(ctx, d) })
}

// begin looks at the folder and starts DuckDB. It leaves the file alone.
func begin(ctx context.Context, opts Options) (*DB, error) {
	dir, err := filepath.Abs(cmp.Or(opts.Dir, "."))
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", opts.Dir, err)
	}
	if strings.ContainsAny(dir, "?") || !utf8.ValidString(dir) {
		return nil, fmt.Errorf("store %q: %w: DuckDB opens no file in a folder with a question mark, or anything that is not UTF-8, in its name: use another folder",
			dir, store.ErrResources)
	}
	opts.Dir = dir
	opts.Memory = cmp.Or(opts.Memory, "2GB")
	opts.Threads = cmp.Or(opts.Threads, 2)
	temp, err := filepath.Abs(cmp.Or(opts.TempDir, dir))
	if err != nil {
		return nil, fmt.Errorf("temporary folder %s: %w", opts.TempDir, err)
	}
	opts.TempDir = temp
	d := &DB{opts: opts, path: filepath.Join(dir, file), perQuestion: opts.Threads, turn: make(chan struct{}, 1), ran: map[string]bool{}}
	d.turn <- struct{}{}
	if info, err := os.Stat(d.path); err != nil || info.Size() < smallStore {
		d.perQuestion = 1
	}
	if err := owned(dir); err != nil {
		return nil, err
	}
	if opts.ReadOnly {
		info, err := os.Stat(d.path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("store %s: %w: %w", dir, store.ErrResources, err)
		case err != nil:
			return nil, d.missing()
		case info.Size() == 0: // none was ever made so
			return nil, fmt.Errorf("store %s: %w: it is empty", d.path, store.ErrDamaged)
		}
	} else {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("store %s: %w: %w", dir, store.ErrResources, err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, fmt.Errorf("store %s: %w: %w", dir, store.ErrResources, err)
		}
		if _, err := os.Stat(d.path); err == nil { // also when this run will have nothing to write
			if err := private(d.path); err != nil {
				return nil, err
			}
		}
		durable.Sweep(temp, "spill")
		durable.Sweep(dir, file+".new")
		durable.Sweep(dir, "repair")
	}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// smallStore is the size in bytes up to which the questions of a report, each on one thread, are faster two at a time
// than one after the other on two: DuckDB's threads wait for each other by spinning, and a small question is mostly
// waiting. The two ways cross near three million events of one experiment.
var smallStore int64 = usualSmall

const usualSmall = 128 << 20

// Close ends the instance. Every Load has left its rows in the file by then.
func (d *DB) Close() error {
	<-d.turn // a session that still runs ends first
	defer func() { d.turn <- struct{}{} }()
	d.letGo()
	return d.stop()
}

// Leave is Close for a process that is about to end: DuckDB takes as long to take itself apart as a short question
// takes, and nobody need wait for it. The file is released already.
func (d *DB) Leave() {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	d.letGo()
	if d.spill != "" {
		os.RemoveAll(d.spill)
	}
	if d.pool != nil {
		go d.pool.Close()
		d.pool = nil
	}
}

// freedMost is how much freed memory a writer keeps for itself. A test of many small commits has no use for giving it back.
var freedMost = "1MB"

// start makes the in-memory instance and closes every door that a question
// could use: DuckDB then reaches the store's folder only.
func (d *DB) start(ctx context.Context) error {
	connector, err := duck.NewConnector("", nil)
	if err != nil {
		return fmt.Errorf("DuckDB does not start: %w", err)
	}
	d.pool = sql.OpenDB(connector)
	d.pool.SetMaxIdleConns(-1) // a session's temporary tables end with its connection
	d.spill = filepath.Join(d.opts.TempDir, fmt.Sprintf("spill-%d-%x", os.Getpid(), time.Now().UnixNano()))
	settings := []string{
		"set autoinstall_known_extensions = false",
		"set autoload_known_extensions = false",
		"set global TimeZone = 'UTC'",
		"set preserve_insertion_order = false",
		"set threads = " + strconv.Itoa(d.perQuestion),
		"set checkpoint_threshold = '1B'", // a commit writes into the file at once, and not first into the log beside it
		"set memory_limit = " + quote(d.opts.Memory),
		"set temp_directory = " + quote(d.spill),
		"set allowed_directories = [" + quote(d.opts.Dir) + ", " + quote(d.spill) + "]",
		"set enable_external_access = false",
	}
	if !d.opts.ReadOnly {
		// What a commit frees goes back to the system; otherwise a long import grows by some megabytes with each.
		settings = append(settings, "set allocator_flush_threshold = "+quote(freedMost), "set allocator_bulk_deallocation_flush_threshold = "+quote(freedMost))
	}
	if d.opts.LeaveLog {
		settings = append(settings, "set checkpoint_threshold = '1TB'", "pragma disable_checkpoint_on_shutdown")
	}
	settings = append(settings, "set lock_configuration = true")
	if _, err := d.pool.ExecContext(ctx, strings.Join(settings, "; ")); err != nil {
		d.stop()
		return fmt.Errorf("DuckDB does not start: %w", err)
	}
	if d.opts.ReadOnly {
		return nil
	}
	conn, err := d.pool.Conn(ctx)
	if err == nil {
		err = errors.Join(d.staged.register(conn), conn.Close())
	}
	if err != nil {
		d.stop()
		return fmt.Errorf("DuckDB does not start: %w", err)
	}
	return nil
}

func (d *DB) stop() error {
	if d.pool == nil {
		return nil
	}
	err := d.pool.Close()
	d.pool = nil
	if d.spill != "" {
		os.RemoveAll(d.spill)
	}
	return err
}

// quote makes an SQL text literal, for the few places that take no parameter.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d *DB) missing() error {
	if HasLog(d.opts.Dir) && !exists(d.path) {
		return fmt.Errorf("store %s: %w: it is gone, and its log is there", d.path, store.ErrDamaged)
	}
	return fmt.Errorf("%w at %s: keyramp pull or keyramp import makes it", store.ErrMissing, d.opts.Dir)
}
