package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
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
			events[i] = store.Event{LogID: r.Uint64N(100) << (round % 60), Content: r.Uint64N(2)}
			rows[i] = placed[store.Event]{&events[i], uint32(i * parts / n)}
		}
		got := findRepeats(rows, parts, func(e *store.Event) (id, content uint64) { return e.LogID, e.Content })
		kept := map[uint64]uint64{}
		want := repeats{kind: make([]uint8, n), parts: make([][repeatKinds]int64, parts)}
		for i, e := range events {
			content, again := kept[e.LogID]
			switch {
			case !again:
				kept[e.LogID] = e.Content
			case content == e.Content:
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
	events := place(nil, []store.Part{{Batch: traffic(3000, 1, dayOne)}}, func(b *store.Batch) []store.Event { return b.Events })
	w := newWords("")
	order := inGroups(events, w)
	key := func(e placed[store.Event], n int32) []uint32 {
		return []uint32{w.id(e.row.Experiment), w.id(e.row.Variation), uint32(n)}
	}
	for i := 1; i < len(order); i++ {
		if slices.Compare(key(events[order[i-1]], order[i-1]), key(events[order[i]], order[i])) >= 0 {
			t.Fatalf("%d stands before %d", order[i-1], order[i])
		}
	}
	if len(order) != len(events) {
		t.Fatalf("%d of %d", len(order), len(events))
	}
}
