package duckdb

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// At one moment two variations are told: which one a session had does not follow from pseudonyms, which a new key changes.
func TestTurnKeepsWhatSessionsTell(t *testing.T) {
	for seed := range uint64(6) {
		db := scratch(t)
		var events []store.Event
		for id, variation := range []string{"var_c", "var_t"} {
			e := oneEvent(1, "s", 1, variation)
			e.LogID, e.Session = uint64(id+1), 9
			events = append(events, e)
		}
		failed := oneEvent(2, "fp", 0, "")
		failed.LogID, failed.Session = 3, 9
		fill(t, db, append(events, failed), nil)
		before, err := db.Counts(t.Context(), ramp())
		if err != nil {
			t.Fatal(err)
		}
		turn := func(v uint64) uint64 {
			if v == 0 {
				return 0
			}
			return v*(2*seed+3) ^ seed<<60
		}
		if err := db.Turn(t.Context(), turn, "k"); err != nil {
			t.Fatal(err)
		}
		after, err := db.Counts(t.Context(), ramp())
		if diff := cmp.Diff(before, after, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%d: %v\n%s", seed, err, diff)
		}
	}
}

// tombstone stands in for a keyed hash.
func tombstone(v uint64) uint64 { return v*0x9E3779B97F4A7C15 ^ 0x5bd1e995 }

// crowd draws people, each with a client, a session and transactions of their own, and rows that name nobody but
// share those.
func crowd(people, each int, seed uint64) (events []store.Event, page []store.PageEvent) {
	r := rand.New(rand.NewPCG(seed, 3))
	for p := range people {
		user, session := r.Uint64(), r.Uint64()
		for i := range each {
			transaction := r.Uint64()
			at := dayOne + r.Int64N(20*24)*hour + r.Int64N(hour)
			e := store.Event{LogID: r.Uint64(), At: at, Assigned: at - sec, Logged: at + sec,
				User: user, Session: session, Transaction: transaction,
				Shape: store.Shape{Type: store.WordOf("s"), ClientID: store.WordOf(fmt.Sprintf("client-of-person-%05d", p)), Connection: store.WordOf("db"),
					Experiment: store.WordOf("exp_a"), Variation: store.WordOf([]string{"var_c", "var_t"}[p%2])}}
			switch i % 4 {
			case 1: // a failure that names nobody
				e.Type, e.User, e.Session, e.Experiment, e.Variation = store.WordOf("fp"), 0, 0, 0, 0
				e.Transaction = events[len(events)-1].Transaction
			case 2:
				e.Type, e.User, e.Experiment, e.Variation, e.Transaction = store.WordOf("f"), 0, 0, 0, 0
			case 3:
				page = append(page, store.PageEvent{ID: r.Uint64(), At: at, Phase: store.Completed,
					Experiment: "exp_a", Variation: "var_t", User: user, Session: session})
			}
			events = append(events, e)
		}
	}
	return events, page
}

func usersOf(events []store.Event) (users []uint64) {
	for _, e := range events {
		if e.User != 0 && !slices.Contains(users, e.User) {
			users = append(users, e.User)
		}
	}
	return users
}

// without leaves out what Forget is to leave out: by the book, row by row.
func without(events []store.Event, page []store.PageEvent, users []uint64) (restEvents []store.Event, restPage []store.PageEvent, gone []uint64) {
	theirs := map[uint64]bool{}
	for _, e := range events {
		if slices.Contains(users, e.User) {
			theirs[e.Session], theirs[e.Transaction] = true, true
		}
	}
	for _, p := range page {
		if slices.Contains(users, p.User) {
			theirs[p.Session], theirs[p.Transaction] = true, true
		}
	}
	delete(theirs, 0)
	out := func(user, session, transaction uint64) bool {
		return slices.Contains(users, user) || user == 0 && (theirs[session] || theirs[transaction])
	}
	for _, e := range events {
		if out(e.User, e.Session, e.Transaction) {
			gone = append(gone, e.LogID)
		} else {
			restEvents = append(restEvents, e)
		}
	}
	for _, p := range page {
		if out(p.User, p.Session, p.Transaction) {
			gone = append(gone, p.ID)
		} else {
			restPage = append(restPage, p)
		}
	}
	for key := range theirs {
		gone = append(gone, key)
	}
	return restEvents, restPage, append(gone, users...)
}

// dump is every row of events and page events as texts, words spelled out, in one order.
func dump(t testing.TB, db *DB) []string {
	t.Helper()
	var all []string
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		for _, q := range []string{"select row_to_json(v)::varchar from ev_full v", "select row_to_json(v)::varchar from page v"} {
			rows, err := conn.QueryContext(ctx, q)
			if err != nil {
				return err
			}
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				all = append(all, text)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// filesOf reads every file below a folder, by path.
func filesOf(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// keysIn finds which keys stand in files, as eight bytes in either order or as text, decimal or hexadecimal.
func keysIn(files map[string][]byte, keys []uint64) map[uint64]string {
	wanted := make(map[uint64]bool, len(keys))
	for _, key := range keys {
		wanted[key] = key != 0
	}
	seen := map[uint64]string{}
	look := func(key uint64, path string) {
		if wanted[key] {
			seen[key] = path
		}
	}
	for path, data := range files {
		for i := 0; i+8 <= len(data); i++ {
			look(binary.LittleEndian.Uint64(data[i:]), path)
			look(binary.BigEndian.Uint64(data[i:]), path)
		}
		for _, digits := range regexp.MustCompile("[0-9a-f]{16,}").FindAllString(string(data), -1) {
			for i := 0; i+16 <= len(digits); i++ {
				key, _ := strconv.ParseUint(digits[i:i+16], 16, 64)
				look(key, path)
			}
		}
		for _, digits := range regexp.MustCompile("[0-9]{15,}").FindAllString(string(data), -1) {
			if key, err := strconv.ParseUint(digits, 10, 64); err == nil {
				look(key, path)
			}
		}
	}
	return seen
}

func found(files map[string][]byte, text string) (where string) {
	for path, data := range files {
		if bytes.Contains(data, []byte(text)) {
			return path
		}
	}
	return ""
}

// accounts fails unless what sources stored is there or counted as removed.
func accounts(t testing.TB, db *DB) *store.Status {
	t.Helper()
	s, err := db.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var stored int64
	for _, src := range s.Sources {
		a := src.Account
		stored += a.Stored
		if a.Received != a.Stored+a.Duplicate+a.Filtered+a.Rejected {
			t.Errorf("the account of %s does not add up: %+v", src.Cursor.Source, a)
		}
	}
	if stored != s.Events+s.Pages+s.Removed.Forgotten+s.Removed.Purged {
		t.Errorf("%d rows were stored; %d events, %d page events, %d forgotten and %d purged", stored, s.Events, s.Pages,
			s.Removed.Forgotten, s.Removed.Purged)
	}
	return s
}

// Forgotten people are in no byte of the store, and everybody else is as before. Row P2.
func TestForget(t *testing.T) {
	row := tier.Begin(t, "P2", tier.Size{Test: 50, Chaos: 80, Soak: 400})
	ctx := context.Background()
	events, page := crowd(4*row.Rounds(), 20, 1)
	db := scratch(t)
	db.opts.Answers = true
	db.opts.LockWait = 10 * time.Second
	half := len(events) / 2
	fill(t, db, events[:half], page)
	fill(t, db, events[half:], nil)
	if err := db.SetKeyID(ctx, "some key"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Counts(ctx, ramp()); err != nil { // leaves an answer
		t.Fatal(err)
	}
	users := usersOf(events)[:row.Rounds()]
	unknown := uint64(0xfeedfacecafebeef)
	rest, restPage, gone := without(events, page, users)
	before := filesOf(t, db.opts.Dir)
	if len(before) < 3 || found(before, "client-of-person-00003") == "" {
		t.Fatalf("%d files, in which nobody is found", len(before))
	}
	if seen := len(keysIn(before, gone)); seen < len(gone)*9/10 {
		t.Fatalf("only %d of %d keys can be seen in the files: the search has no teeth", seen, len(gone))
	}

	want := Removal{Events: int64(len(events) - len(rest)), Pages: int64(len(page) - len(restPage)), People: int64(len(users))}
	asked := append(slices.Clone(users), unknown)
	if r, err := db.CountForgotten(ctx, asked); err != nil || r != want {
		t.Fatalf("it would remove %+v (%v), want %+v", r, err, want)
	}
	if r, err := db.Forget(ctx, asked, tombstone, dayOne); err != nil || r != want {
		t.Fatalf("it removed %+v (%v), want %+v", r, err, want)
	}
	after := filesOf(t, db.opts.Dir)
	for _, path := range keysIn(after, gone) {
		row.Violation("a key of somebody who is forgotten can be found in %s", path)
	}
	for i := range users { // words are stored as they are
		if path := found(after, fmt.Sprintf("client-of-person-%05d", i)); path != "" {
			row.Violation("the client of person %d can be found in %s", i, path)
		}
		row.Done()
	}
	for path := range after {
		if strings.Contains(path, answerFolder) || strings.Contains(path, ".new-") {
			row.Violation("%s was left", path)
		}
	}

	fresh := scratch(t)
	fill(t, fresh, rest, restPage)
	if !slices.Equal(dump(t, db), dump(t, fresh)) {
		row.Violation("the rows of others are not those of a store that never knew the forgotten")
	}
	got, err := db.Counts(ctx, ramp())
	if err != nil {
		t.Fatal(err)
	}
	pure, err := fresh.Counts(ctx, ramp())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, pure) {
		row.Violation("the counts are not those of a store that never knew the forgotten")
	}
	s := accounts(t, db)
	if s.Removed.Forgotten != want.Events+want.Pages || s.Removed.People != int64(len(asked)) {
		t.Errorf("removed: %+v", s.Removed)
	}
	r, err := db.Removed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range asked {
		if !slices.Contains(r.Tombstones, tombstone(user)) {
			row.Violation("somebody has no tombstone")
		}
	}
	if id, err := db.KeyID(ctx); err != nil || id != "some key" {
		t.Errorf("key id %q, %v", id, err)
	}

	// Once more changes nothing; and the store goes on.
	if again, err := db.Forget(ctx, asked, tombstone, dayOne); err != nil || again != (Removal{}) {
		t.Errorf("a second time removed %+v, %v", again, err)
	}
	if s := accounts(t, db); s.Removed.People != int64(len(asked)) {
		t.Errorf("people counted twice: %+v", s.Removed)
	}
	more, _ := crowd(5, 20, 99)
	fill(t, db, more, nil)
	fill(t, fresh, more, nil)
	if !slices.Equal(dump(t, db), dump(t, fresh)) {
		t.Error("later rows differ")
	}
	accounts(t, db)
}

// Purged events are gone and counted by day, the file shrinks, and what stays is as before. Row P4.
func TestPurge(t *testing.T) {
	row := tier.Begin(t, "P4", tier.Size{Test: 2, Chaos: 12, Soak: 100})
	ctx := context.Background()
	for round := range row.Rounds() {
		r := rand.New(rand.NewPCG(uint64(round), 5))
		events, page := crowd(60, 20, uint64(round))
		db := scratch(t)
		db.opts.LockWait = 10 * time.Second
		fill(t, db, events, page)
		size := db.bytes()
		days := map[string]int64{}
		limit := dayOne - dayOne%(24*hour)
		var old Removal
		for step := range 2 { // a second purge goes on where the first ended
			limit += (1 + r.Int64N(12)) * 24 * hour
			var rest []store.Event
			var restPage []store.PageEvent
			want := Removal{}
			for _, e := range events {
				if e.At >= limit {
					rest = append(rest, e)
				} else {
					want.Events++
					days["log "+time.UnixMicro(e.At).UTC().Format(time.DateOnly)+" "+e.Type.String()+" "+e.Experiment.String()+" "+e.Variation.String()]++
				}
			}
			for _, p := range page {
				if p.At >= limit {
					restPage = append(restPage, p)
				} else {
					want.Pages++
					days["page "+time.UnixMicro(p.At).UTC().Format(time.DateOnly)+" "+string(p.Phase)+" "+p.Experiment+" "+p.Variation]++
				}
			}
			events, page = rest, restPage
			if got, err := db.CountPurged(ctx, limit); err != nil || got != want {
				row.Violation("it would remove %+v (%v), want %+v", got, err, want)
			}
			if got, err := db.Purge(ctx, limit, dayOne); err != nil || got != want {
				row.Violation("it removed %+v (%v), want %+v", got, err, want)
			}
			old.Events, old.Pages = old.Events+want.Events, old.Pages+want.Pages
			fresh := scratch(t)
			fill(t, fresh, rest, restPage)
			if !slices.Equal(dump(t, db), dump(t, fresh)) {
				row.Violation("step %d: the rows that stay are not those of a store that never had the others", step)
			}
			if s := accounts(t, db); s.Removed.Purged != old.Events+old.Pages || s.Removed.Before != limit {
				row.Violation("step %d: removed %+v", step, s.Removed)
			}
		}
		got := map[string]int64{}
		err := db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
			rows, err := conn.QueryContext(ctx, "select source, day::varchar, type, experiment_id, variation_id, n from purged_days")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var source, day, kind, experiment, variation string
				var n int64
				if err := rows.Scan(&source, &day, &kind, &experiment, &variation, &n); err != nil {
					return err
				}
				key := source + " " + day + " " + kind + " " + experiment + " " + variation
				if _, twice := got[key]; twice {
					return fmt.Errorf("%s is there twice", key)
				}
				got[key] = n
			}
			return rows.Err()
		})
		if err != nil || !reflect.DeepEqual(got, days) {
			row.Violation("daily counts: %v, %d rows, want %d", err, len(got), len(days))
		}
		if old.Events > 700 && db.bytes() >= size {
			row.Violation("the file has %d bytes after %d", db.bytes(), size)
		}
		row.Done()
	}
}

// Turned rows are the same rows under other keys: whatever joined still joins. Row P3.
func TestTurn(t *testing.T) {
	row := tier.Begin(t, "P3", tier.Size{Test: 2, Chaos: 8, Soak: 60})
	ctx := context.Background()
	turn := func(v uint64) uint64 {
		if v == 0 {
			return 0
		}
		return v ^ 0x123456789abcdef
	}
	for round := range row.Rounds() {
		events, page := crowd(40, 20, uint64(round))
		db := scratch(t)
		db.opts.LockWait = 10 * time.Second
		fill(t, db, events, page)
		reject := store.Reject{Record: 77, Source: "s", Place: "line 1", Reason: "no_id", At: dayOne}
		if _, err := db.Load(ctx, &store.Batch{Rejects: []store.Reject{reject}, Received: 1}, store.Cursor{Source: "x"}); err != nil {
			t.Fatal(err)
		}
		user := usersOf(events)[0]
		if _, err := db.Forget(ctx, []uint64{user}, tombstone, dayOne); err != nil {
			t.Fatal(err)
		}
		before, err := db.Counts(ctx, ramp())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Turn(ctx, turn, "another key"); err != nil {
			t.Fatal(err)
		}
		after, err := db.Counts(ctx, ramp())
		if err != nil || !reflect.DeepEqual(before, after) {
			row.Violation("the counts changed with the key (%v)", err)
		}
		var old []uint64
		for _, e := range events {
			old = append(old, e.User, e.Session, e.Transaction, e.LogID)
		}
		if left := keysIn(filesOf(t, db.opts.Dir), old); len(left) > 0 {
			row.Violation("%d old pseudonyms are still there", len(left))
		}
		turned, turnedPage := slices.Clone(events), slices.Clone(page)
		for i := range turned {
			e := &turned[i]
			e.LogID, e.User, e.Session, e.Transaction = turn(e.LogID), turn(e.User), turn(e.Session), turn(e.Transaction)
		}
		for i := range turnedPage {
			p := &turnedPage[i]
			p.ID, p.User, p.Session = turn(p.ID), turn(p.User), turn(p.Session)
		}
		rest, restPage, _ := without(turned, turnedPage, []uint64{turn(user)})
		fresh := scratch(t)
		fill(t, fresh, rest, restPage)
		if !slices.Equal(dump(t, db), dump(t, fresh)) {
			row.Violation("the rows are not those that the new key would have made")
		}
		// What is delivered again is known again, and is a conflict only where it differs.
		loaded, err := db.Load(ctx, &store.Batch{Events: rest, Pages: restPage, Received: int64(len(rest) + len(restPage))}, store.Cursor{Source: "again"})
		if err != nil || loaded.Stored != 0 || loaded.Conflicts != 0 {
			row.Violation("delivered again: %+v, %v", loaded, err)
		}
		other, otherPage := rest[0], restPage[0]
		other.Type, otherPage.Phase = store.WordOf("other"), store.Failed
		loaded, err = db.Load(ctx, &store.Batch{Events: []store.Event{other}, Pages: []store.PageEvent{otherPage}, Received: 2}, store.Cursor{Source: "again"})
		if err != nil || loaded.Stored != 0 || loaded.Conflicts != 2 {
			row.Violation("delivered again with another content: %+v, %v", loaded, err)
		}
		r, err := db.Removed(ctx)
		if err != nil || !slices.Contains(r.Tombstones, turn(tombstone(user))) || slices.Contains(r.Tombstones, tombstone(user)) {
			row.Violation("the tombstone was not turned (%v)", err)
		}
		if id, err := db.KeyID(ctx); err != nil || id != "another key" {
			row.Violation("key id %q, %v", id, err)
		}
		rejects, err := db.Rejects(ctx, 0)
		if err != nil || len(rejects) != 1 || rejects[0].Record != turn(77) {
			row.Violation("rejects %+v, %v", rejects, err)
		}
		row.Done()
	}
}

// A table that holds keys of people and that no removal knows of would keep them.
func TestRemovalsKnowEveryKey(t *testing.T) {
	db := scratch(t)
	var tables []string
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, "select distinct table_name from duckdb_columns() where database_name = 'store' and data_type = 'UBIGINT' and table_name in (select table_name from duckdb_tables())")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			tables = append(tables, name)
		}
		return rows.Err()
	})
	slices.Sort(tables)
	// calls holds keys of log_ids alone: a call of the Management API is nobody's login
	if want := []string{"calls", "conflicts", "events", "page_events", "rejects", "tombstones"}; err != nil || !slices.Equal(tables, want) {
		t.Errorf("%v hold keys (%v); forget, purge and turn know %v: teach them the others", tables, err, want)
	}
}

// A word that went with somebody is a new one to whoever still remembers the old file.
func TestWordsAfterRewrite(t *testing.T) {
	ctx := context.Background()
	db := scratch(t)
	other, err := Open(ctx, Options{Dir: db.opts.Dir, LockWait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	event := func(id, user uint64) []store.Event {
		return []store.Event{{LogID: id, At: dayOne, User: user, Shape: store.Shape{Type: store.WordOf("s"), ClientID: store.WordOf("rare")}}}
	}
	fill(t, other, event(1, 5), nil)
	db.opts.LockWait = 10 * time.Second
	if _, err := db.Forget(ctx, []uint64{5}, tombstone, dayOne); err != nil {
		t.Fatal(err)
	}
	fill(t, other, event(2, 6), nil)
	if rows := dump(t, db); len(rows) != 1 || !strings.Contains(rows[0], `"client_id":"rare"`) {
		t.Errorf("the store has %q", rows)
	}
}

// Who asks while the store is written anew gets the old rows or the new ones.
func TestReadersDuringRewrite(t *testing.T) {
	ctx := context.Background()
	events, page := crowd(80, 20, 1)
	db := scratch(t)
	db.opts.LockWait = 10 * time.Second
	fill(t, db, events, page)
	reader, err := Open(ctx, Options{Dir: db.opts.Dir, ReadOnly: true, LockWait: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	users := usersOf(events)
	rest, _, _ := without(events, page, users[:10])
	done := make(chan error, 1)
	go func() {
		_, err := db.Forget(ctx, users[:10], tombstone, dayOne)
		done <- err
	}()
	seen := map[int64]int{}
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		s, err := reader.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen[s.Events]++
	}
	if len(seen) > 2 || seen[int64(len(rest))] == 0 {
		t.Errorf("readers saw %v; %d events became %d", seen, len(events), len(rest))
	}
}

// processorTime is what this process has used of it.
func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Ten million events: forgetting takes less than a minute, and so do the others. Row P2.
func TestRewriteTenMillion(t *testing.T) {
	row := tier.Begin(t, "P2", tier.Size{Test: 0, Chaos: 1})
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: t.TempDir(), Memory: "1GB", LockWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const batch = 240_000
	var users []uint64
	for i := range uint64(10_000_000/batch + 1) {
		b := traffic(batch, i*batch, dayOne+int64(i)*24*hour)
		for k := range b.Events { // people come again: fifty events each
			b.Events[k].User = 1 + b.Events[k].User%200_000*0x9E3779B97F4A7C15
		}
		users = append(users, b.Events[0].User, b.Events[1].User)
		if _, err := db.Load(ctx, b, store.Cursor{Source: "test", Position: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(users)
	users = slices.Compact(users)[:50]
	timed := func(what string, do func() error) {
		begun, busy := time.Now(), processorTime()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		busy = (processorTime() - busy).Round(100 * time.Millisecond)
		row.Note(what+" of 10 M events", fmt.Sprintf("%v, %v of processor time", time.Since(begun).Round(100*time.Millisecond), busy))
		if busy > time.Minute { // the other depends on what else the machine does
			row.Violation("%s took %v of processor time", what, busy)
		}
		accounts(t, db)
	}
	timed("forget 50 people", func() error {
		r, err := db.Forget(ctx, users, tombstone, dayOne)
		if r.Events < 1000 {
			t.Errorf("removed %+v", r)
		}
		return err
	})
	for path, data := range filesOf(t, db.opts.Dir) {
		for _, user := range users { // as DuckDB stores them; every other form would take minutes here
			if bytes.Contains(data, binary.LittleEndian.AppendUint64(nil, user)) {
				row.Violation("somebody who is forgotten can be found in %s", path)
			}
		}
	}
	timed("rotate", func() error { return db.Turn(ctx, func(v uint64) uint64 { return v * 3 }, "k") })
	timed("purge half", func() error { _, err := db.Purge(ctx, dayOne-dayOne%(24*hour)+21*24*hour, dayOne); return err })
	row.Done()
}

// TestForgetChild is the process that gets killed; it only runs when asked to.
func TestForgetChild(t *testing.T) {
	dir := os.Getenv("KEYRAMP_FORGET_DIR")
	if dir == "" {
		t.Skip("the child of TestKilledWhileForgetting")
	}
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, LockWait: 10 * time.Second})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	events, _ := crowd(80, 20, 1)
	fmt.Println("begun")
	if _, err := db.Forget(ctx, usersOf(events)[:10], tombstone, dayOne); err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	fmt.Println("done")
	os.Exit(0)
}

// A removal that is killed leaves the old store or the new one, and the next run finishes it. Row P2.
func TestKilledWhileForgetting(t *testing.T) {
	row := tier.Begin(t, "P2", tier.Size{Test: 4, Chaos: 40, Soak: 400})
	ctx := context.Background()
	events, page := crowd(80, 20, 1)
	whole := scratch(t)
	fill(t, whole, events, page)
	users := usersOf(events)[:10]
	rest, restPage, _ := without(events, page, users)
	text, err := os.ReadFile(whole.path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	usual, killed := 400*time.Millisecond, 0
	for round := range row.Rounds() {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestForgetChild$", "-test.v")
		child.Env = append(os.Environ(), "KEYRAMP_FORGET_DIR="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		ended := false
		var begun time.Time
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "begun"):
				begun = time.Now()
				if round > 0 { // the first one shows how long it takes
					time.AfterFunc(time.Duration(r.Int64N(int64(usual))), func() { child.Process.Kill() })
				}
			case strings.HasPrefix(line, "done"):
				ended = true
				if round == 0 {
					usual = time.Since(begun)
				}
			case strings.HasPrefix(line, "failed"):
				row.Violation("round %d: the child %s", round, line)
			}
		}
		child.Wait()
		if !ended {
			killed++
		}
		db, err := Open(ctx, Options{Dir: dir, LockWait: 10 * time.Second})
		if err != nil {
			row.Violation("round %d: %v", round, err)
			continue
		}
		s := accounts(t, db)
		whole := s.Events == int64(len(events)) && s.Pages == int64(len(page)) && s.Removed.People == 0
		without := s.Events == int64(len(rest)) && s.Pages == int64(len(restPage)) && s.Removed.People == int64(len(users))
		if !whole && !without || ended && !without {
			row.Violation("round %d: %d events, %d page events, removed %+v", round, s.Events, s.Pages, s.Removed)
		}
		if _, err := db.Forget(ctx, users, tombstone, dayOne); err != nil {
			row.Violation("round %d: the next run: %v", round, err)
		}
		if s := accounts(t, db); s.Events != int64(len(rest)) || s.Pages != int64(len(restPage)) || s.Removed.People != int64(len(users)) {
			row.Violation("round %d: the next run did not finish: %+v", round, s)
		}
		db.Close()
		left := filesOf(t, dir)
		for path := range left {
			if strings.Contains(path, ".new-") {
				row.Violation("round %d: %s was left", round, path)
			}
		}
		for _, path := range keysIn(left, users) {
			row.Violation("round %d: somebody who is forgotten can be found in %s", round, path)
		}
		row.Done()
	}
	row.Note("removals killed", fmt.Sprint(killed))
}

// Copies that differ from an event go and turn with it.
func TestConflictsGoWithTheirEvents(t *testing.T) {
	ctx := context.Background()
	db := scratch(t)
	told := func(id, user, session uint64, at store.Micros) store.Event {
		return store.Event{LogID: id, At: at, User: user, Session: session, Shape: store.Shape{Type: store.WordOf("s")}}
	}
	for session := range uint64(2) { // the second of each differs
		fill(t, db, []store.Event{told(1, 5, session+1, dayOne), told(2, 6, session+1, dayOne), told(3, 6, session+1, dayOne+48*hour)}, nil)
	}
	conflicts := func() (records []uint64) {
		if err := db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
			rows, err := conn.QueryContext(ctx, "select record from conflicts order by record")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var r uint64
				if err := rows.Scan(&r); err != nil {
					return err
				}
				records = append(records, r)
			}
			return rows.Err()
		}); err != nil {
			t.Fatal(err)
		}
		return records
	}
	if got := conflicts(); !slices.Equal(got, []uint64{1, 2, 3}) {
		t.Fatalf("conflicts of %v", got)
	}
	if _, err := db.Forget(ctx, []uint64{5}, tombstone, dayOne); err != nil {
		t.Fatal(err)
	}
	if got := conflicts(); !slices.Equal(got, []uint64{2, 3}) {
		t.Errorf("after a person was forgotten there are conflicts of %v", got)
	}
	if _, err := db.Purge(ctx, dayOne+24*hour, dayOne+24*hour); err != nil {
		t.Fatal(err)
	}
	if err := db.Turn(ctx, func(v uint64) uint64 { return v + 100 }, "new key"); err != nil {
		t.Fatal(err)
	}
	again := told(103, 106, 102, dayOne+48*hour)
	for range 2 { // the copy of before, under the new key
		fill(t, db, []store.Event{again}, nil)
		if got := conflicts(); !slices.Equal(got, []uint64{103}) {
			t.Errorf("after a purge and a new key there are conflicts of %v", got)
		}
	}
}
