package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"keyramp/queries/store"
)

// Every kind of column arrives as it was, over chunk borders, in a statement
// that reads all of them and in one that reads some.
func TestColumnsArrive(t *testing.T) {
	const rows = 5000
	var s staging
	u8, u32, u64 := numbers[uint8](tableOf(&s, rows), "u8"), numbers[uint32](&s.events, "u32"), numbers[uint64](&s.events, "u64")
	i64, b, text := numbers[int64](&s.events, "i64"), numbers[bool](&s.events, "b"), s.events.texts("t")
	for i := range rows {
		u8[i], u32[i], u64[i], i64[i], b[i], text[i] = uint8(i), uint32(i)<<19, uint64(i)<<50, int64(-i)<<40, i%3 == 0, fmt.Sprint("text number ", i)
	}
	db := scratch(t)
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		if err := s.events.register(conn, "five"); err != nil {
			return err
		}
		for _, columns := range []string{"u8, u32, u64, i64, b, t", "t, b, i64, u64, u32, u8 as u8", "u64, t, u8, b, i64, u32"} {
			found, err := conn.QueryContext(ctx, "select u8, u32, u64, i64, b, t from (select "+columns+" from five()) order by u32")
			if err != nil {
				return err
			}
			n := 0
			for ; found.Next(); n++ {
				var a, c, d, e, f, g any
				if err := found.Scan(&a, &c, &d, &e, &f, &g); err != nil {
					return err
				}
				if got, want := fmt.Sprint(a, c, d, e, f, g), fmt.Sprint(u8[n], u32[n], u64[n], i64[n], b[n], text[n]); got != want {
					return fmt.Errorf("row %d: %s, want %s", n, got, want)
				}
			}
			if err := found.Err(); err != nil || n != rows {
				return fmt.Errorf("%d rows, %v", n, err)
			}
		}
		var n, sum int64
		if err := conn.QueryRowContext(ctx, "select count(*), sum(u8)::bigint from five()").Scan(&n, &sum); err != nil || n != rows {
			return fmt.Errorf("%d rows by count, %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func tableOf(s *staging, rows int) *table {
	s.events.begin(rows)
	return &s.events
}

// Repeats are found as a plain map finds them, whatever the ids, and counted by part.
func TestFindRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for round := range 200 {
		n, parts := r.IntN(300), 1+r.IntN(4)
		events := make([]store.Event, n)
		rows := make([]placed[store.Event], n)
		for i := range n {
			events[i] = store.Event{LogID: r.Uint64N(100) << (round % 60), Session: r.Uint64N(2)}
			rows[i] = placed[store.Event]{&events[i], uint32(i * parts / n)}
		}
		got := findRepeats(rows, parts, func(e *store.Event) uint64 { return e.LogID }, (*store.Event).Content)
		kept := map[uint64]uint64{}
		want := repeats{kind: make([]uint8, n), parts: make([][repeatKinds]int64, parts)}
		for i, e := range events {
			content, again := kept[e.LogID]
			switch {
			case !again:
				kept[e.LogID] = e.Content()
			case content == e.Content():
				want.kind[i] = repeatEqual
			default:
				want.kind[i] = repeatOther
			}
			want.parts[rows[i].part][want.kind[i]]++
		}
		if !slices.Equal(got.kind, want.kind) || !slices.Equal(got.parts, want.parts) {
			t.Fatalf("round %d: %+v, want %+v", round, got, want)
		}
	}
}

// Groups hold every event once, and keep the order in which they came.
func TestInGroups(t *testing.T) {
	known := newVocabulary("")
	var ids []uint32
	for _, e := range traffic(3000, 1, dayOne).Events {
		ids = append(ids, known.shape(e.Shape))
	}
	order := inGroups(ids, known.shapes)
	key := func(n int32) []uint32 {
		s := known.shapes[ids[n]]
		return []uint32{s.experiment, s.variation, uint32(n)}
	}
	for i := 1; i < len(order); i++ {
		if slices.Compare(key(order[i-1]), key(order[i])) >= 0 {
			t.Fatalf("%d stands before %d", order[i-1], order[i])
		}
	}
	if len(order) != len(ids) {
		t.Fatalf("%d of %d", len(order), len(ids))
	}
}

// Shapes have one id when everything about them is equal, and come back by it.
func TestShapesHaveIDs(t *testing.T) {
	word := store.WordOf[string]
	plain := store.Shape{Type: word("s"), ClientID: word("app")}
	all := []store.Shape{plain}
	fields := reflect.TypeFor[store.Shape]().NumField()
	for i := range fields {
		other := plain
		switch f := reflect.ValueOf(&other).Elem().Field(i); f.Interface().(type) {
		case store.Word:
			f.SetUint(uint64(word(fmt.Sprint("word ", i))))
		case store.Tri:
			f.SetInt(int64(store.Yes))
		case bool:
			f.SetBool(true)
		}
		all = append(all, other)
	}
	db := scratch(t)
	var events []store.Event
	for i, s := range all {
		events = append(events, store.Event{LogID: uint64(i + 1), At: dayOne, Shape: s})
	}
	fill(t, db, events, nil)
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		known, err := readVocabulary(ctx, conn)
		if err != nil {
			return err
		}
		for i, s := range all {
			if id := known.shape(s); id != uint32(i) {
				t.Errorf("shape %d has id %d", i, id)
			}
		}
		if words, shapes := known.fresh(); len(words)+len(shapes) > 0 {
			t.Errorf("%d words and %d shapes were not known", len(words), len(shapes))
		}
		// DuckDB keeps neither of these texts as it is: they are one to it, and so one shape.
		a, b := plain, plain
		a.Device, b.Device = word("x\xff"), word("x\xfe")
		if known.shape(a) != known.shape(b) {
			t.Error("two shapes that are kept equal have two ids")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
