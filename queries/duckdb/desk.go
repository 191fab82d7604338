package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"keyramp/queries"
	"keyramp/queries/store"
)

// A desk is where one report is counted. Its tables lie in the instance's
// memory, where all connections see them: where a question has one thread, as
// of a small store, another connection has the next question meanwhile.
type desk struct {
	scope  store.Scope
	places []string // the variations that the questions call by their places, from 1 on
	conns  []*sql.Conn
}

// deskSchema has the tables of a desk. Names are sought there first and then in the store.
const deskSchema = "memory.report"

// newDesk puts the scope into tables. Unless there is an error, close must be called.
func (d *DB) newDesk(ctx context.Context, conn *sql.Conn, s store.Scope) (*desk, error) {
	k := &desk{scope: s, conns: []*sql.Conn{conn}}
	if err := k.lay(ctx, d); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

// lay makes the schema, the other connections and the tables of the scope.
func (k *desk) lay(ctx context.Context, d *DB) (err error) {
	if _, err := k.conns[0].ExecContext(ctx, "create schema "+deskSchema); err != nil {
		return err
	}
	for range d.opts.Threads/d.perQuestion - 1 {
		another, err := d.pool.Conn(ctx)
		if err != nil {
			return err
		}
		k.conns = append(k.conns, another)
	}
	for _, c := range k.conns {
		if _, err := c.ExecContext(ctx, "set search_path = '"+deskSchema+",store.main'"); err != nil {
			return err
		}
	}
	k.places, err = prepare(ctx, k.conns[0], k.scope)
	return err
}

// close drops the tables.
func (k *desk) close() {
	for _, c := range k.conns[1:] {
		c.Close()
	}
	// A cancelled report must leave none, too.
	k.conns[0].ExecContext(context.Background(), "use store; drop schema if exists "+deskSchema+" cascade")
}

// A task is a named question with what becomes of its answer.
type task struct {
	name string
	do   func(ctx context.Context, conn *sql.Conn) error
}

// making gives the tasks that keep answers as tables of the same names.
func making(names ...string) (all []task) {
	for _, name := range names {
		all = append(all, task{name, func(ctx context.Context, conn *sql.Conn) error { return keep(ctx, conn, name) }})
	}
	return all
}

// do does tasks, each as soon as those before it whose tables it reads are done.
func (k *desk) do(ctx context.Context, tasks []task) error {
	needs := make([][]string, len(tasks)) // of each task that is not begun
	for i, t := range tasks {
		q, err := queries.Get(t.name)
		if err != nil {
			return err
		}
		for _, before := range tasks[:i] {
			if slices.Contains(q.Reads, before.name) {
				needs[i] = append(needs[i], before.name)
			}
		}
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var mu sync.Mutex // guards what follows
	changed := sync.NewCond(&mu)
	waiting, done := slices.Clone(tasks), map[string]bool{}
	next := func() (t task, ok bool) {
		for ctx.Err() == nil && len(waiting) > 0 {
			for i, t := range waiting {
				if !slices.ContainsFunc(needs[i], func(name string) bool { return !done[name] }) {
					waiting, needs = slices.Delete(waiting, i, i+1), slices.Delete(needs, i, i+1)
					return t, true
				}
			}
			changed.Wait()
		}
		return task{}, false
	}
	var group sync.WaitGroup
	for _, conn := range k.conns {
		group.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				t, ok := next()
				if !ok {
					return
				}
				mu.Unlock()
				err := t.do(ctx, conn)
				mu.Lock()
				if err != nil {
					fail(err)
				}
				done[t.name] = true
				changed.Broadcast()
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// drop removes tables that tasks have made.
func (k *desk) drop(ctx context.Context, names []string) error {
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "drop table %s.%s; ", deskSchema, name)
	}
	_, err := k.conns[0].ExecContext(ctx, text.String())
	return err
}
