package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"keyramp/ingest"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// reading opens the store for questions and closes it after use. It waits for
// a writer's commit, never for its whole run, and all that use asks is of one
// state of the store: a commit in between waits, so use only gathers.
func (a *app) reading(ctx context.Context, use func(context.Context, store.Store) error) error {
	if err := a.safe(ctx); err != nil {
		return err
	}
	return duckdb.Read(ctx, duckdb.Options{Dir: a.storeDir(), Answers: true, LockWait: a.flags.lockWait, Older: a.older},
		func(ctx context.Context, db *duckdb.DB) error { return use(ctx, db) })
}

// leaveLog lets a run end as if it had died before its commits were written into the store's file. A test sets it.
var leaveLog = false

// writing makes this run the store's only writer, opens the store and loads
// the key that turns ids into pseudonyms.
func (a *app) writing(ctx context.Context, use func(context.Context, store.Store, *ingest.Pseudonyms) error) error {
	// One core stores while the others decode. What DuckDB may hold bounds the memory of an import, whatever the store's
	// size: it needs a batch and what it looks up, and would keep all it ever read.
	return a.holding(ctx, duckdb.Options{Alone: true, Threads: 1, Memory: "256MB"}, func(ctx context.Context, db *duckdb.DB, ids *ingest.Pseudonyms) error {
		return use(ctx, db, ids)
	})
}

// rewriting is writing for what writes the store anew: there must be one.
func (a *app) rewriting(ctx context.Context, use func(context.Context, *duckdb.DB, *ingest.Pseudonyms) error) error {
	if err := a.exists(); err != nil {
		return err
	}
	return a.holding(ctx, duckdb.Options{Memory: "1GB"}, use)
}

func (a *app) holding(ctx context.Context, opts duckdb.Options, use func(context.Context, *duckdb.DB, *ingest.Pseudonyms) error) error {
	unlock, err := duckdb.Lock(ctx, a.storeDir(), a.flags.lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	// Only the run that holds the lock writes these, so what is half-written was left by one that was killed.
	for _, name := range []string{a.keyPath(), a.tokenPath()} {
		for _, left := range within(a.storeDir(), "."+filepath.Base(name)+"?*") {
			os.Remove(filepath.Join(a.storeDir(), left))
		}
	}
	// A new key beside old rows would part every user from their past.
	if err := a.keyKept(); err != nil {
		return err
	}
	ids, err := a.pseudonyms()
	if err != nil {
		return err
	}
	if err := a.safe(ctx); err != nil {
		return err
	}
	opts.Dir, opts.NewKey, opts.LockWait, opts.LeaveLog, opts.Older = a.storeDir(), ids.ID(), a.flags.lockWait, leaveLog, a.older
	db, err := duckdb.Open(ctx, opts)
	if err != nil {
		return err
	}
	defer db.Leave()
	if ids, err = a.keyOf(ctx, db, ids, true); err != nil {
		return err
	}
	if err := use(ctx, db, ids); err != nil {
		return err
	}
	if err := db.Tidy(ctx); err != nil { // what was read is stored all the same
		a.log.Warn("the store was not made smaller", "why", err)
	}
	return nil
}

// older says why a command takes longer than usual.
func (a *app) older() {
	a.log.Info("the store is of an older release and is brought up to date, once; a large one is written anew, which takes a while")
}

// within lists the files of a folder whose names match a pattern. The name of the folder is none.
func within(dir, pattern string) []string {
	names, _ := fs.Glob(os.DirFS(dir), pattern)
	return names
}

// exists fails when there is no store that could be opened.
func (a *app) exists() error {
	if len(within(a.storeDir(), "*.duckdb")) == 0 {
		return fmt.Errorf("%w at %s", store.ErrMissing, a.storeDir())
	}
	return nil
}

// keyOf holds the key file against the key that the store's pseudonyms are of.
// A rotation that died between the two is finished, or dropped, by a run that
// may write, and understood by one that reads.
func (a *app) keyOf(ctx context.Context, db store.Store, ids *ingest.Pseudonyms, write bool) (*ingest.Pseudonyms, error) {
	id, err := db.KeyID(ctx)
	if err != nil {
		return nil, err
	}
	if id == "" { // a store from before ids were kept
		if write {
			err = db.SetKeyID(ctx, ids.ID())
		}
		return ids, err
	}
	pending, err := ingest.PendingRotation(a.keyPath())
	switch {
	case err != nil:
		return nil, fail(exitConfig, err, "")
	case id == ids.ID():
		if pending != nil && write {
			err = pending.Drop()
		}
		return ids, err
	case pending != nil && pending.Next.ID() == id:
		if write {
			err = pending.Finish()
		}
		return pending.Next, err
	}
	return nil, fail(exitConfig, fmt.Errorf("key file %s is not the one of this store: its people are known by another key", a.keyPath()),
		"restore the key file that belongs to the store, or start a new store with --store")
}

func (a *app) keyPath() string   { return filepath.Join(a.storeDir(), "pseudonym.key") }
func (a *app) tokenPath() string { return filepath.Join(a.storeDir(), "auth0.token") }

// pseudonyms loads the key, or makes one.
func (a *app) pseudonyms() (*ingest.Pseudonyms, error) {
	names, err := ingest.LoadPseudonyms(a.keyPath())
	switch {
	case lacking(err):
		return nil, fail(exitResources, err, "")
	case err != nil:
		return nil, fail(exitConfig, err, "")
	}
	return names, nil
}

// keyKept fails when the store has rows and its key file is gone.
func (a *app) keyKept() error {
	_, err := os.Stat(a.keyPath())
	if !errors.Is(err, fs.ErrNotExist) || len(within(a.storeDir(), "*.duckdb")) == 0 {
		return nil
	}
	return fail(exitConfig, fmt.Errorf("key file %s is gone", a.keyPath()),
		"restore it from a backup; with a new key nobody is known again, so start a new store with --store")
}

// key loads the key of a store that is open for reading.
func (a *app) key(ctx context.Context, db store.Store) (*ingest.Pseudonyms, error) {
	if err := a.keyKept(); err != nil {
		return nil, err
	}
	ids, err := a.pseudonyms()
	if err != nil {
		return nil, err
	}
	return a.keyOf(ctx, db, ids, false)
}

// testUsers are the pseudonyms of the users that the settings name as test traffic.
func (a *app) testUsers(ctx context.Context, db store.Store) ([]uint64, error) {
	if len(a.settings.TestTraffic.Users) == 0 {
		return nil, nil
	}
	ids, err := a.key(ctx, db)
	if err != nil {
		return nil, err
	}
	users := make([]uint64, len(a.settings.TestTraffic.Users))
	for i, id := range a.settings.TestTraffic.Users {
		users[i] = ids.User(id)
	}
	return users, nil
}
