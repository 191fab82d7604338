package auth0

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// A clock that jumps by up to an hour between two answers loses no event, repeats none and tells of no gap: the log is
// read by its ids. The watermark never goes back, and the client tells how far the clocks are apart.
func TestClockJumps(t *testing.T) {
	row := tier.Begin(t, "D10", tier.Size{Test: 20, Chaos: 500})
	for round := range row.Rounds() {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(round), 9))
			p := minutely(5)
			p.pageSize = 1 + r.IntN(20)
			jump := time.Duration(0)
			p.before = func(w http.ResponseWriter, _ *http.Request) bool {
				jump = time.Duration(r.IntN(121)-60) * time.Minute
				w.Header().Set("Date", time.Now().Add(jump).UTC().Format(http.TimeFormat))
				return false
			}
			c := client(t, p)
			cursor, known := at(p, 0), slices.Clone(p.ids[:1])
			for range 6 {
				time.Sleep(time.Duration(3+r.IntN(90)) * time.Minute) // ids begin with the time: the later batch must lie behind
				for n := r.IntN(40); n > 0; n-- {
					p.add(time.Now().Add(-time.Duration(r.IntN(60))*time.Second), time.Minute+time.Duration(n)*time.Second)
				}
				got := pull(t, c, cursor, time.Time{})
				if got.err != nil || len(got.gaps) > 0 || got.cursor.Watermark < cursor.Watermark {
					row.Violation("round %d: %v, gaps %v, watermark %d after %d", round, got.err, got.gaps, got.cursor.Watermark, cursor.Watermark)
				}
				if ahead, ok := c.Ahead(); !ok || (ahead-jump).Abs() > time.Second {
					row.Violation("round %d: the clocks are told to be %v apart, and are %v", round, ahead, jump)
				}
				known, cursor = append(known, got.ids...), got.cursor
			}
			if !slices.Equal(known, p.ids) {
				row.Violation("round %d: %d events of %d were read", round, len(known), len(p.ids))
			}
			if want := (store.Cursor{Source: cursor.Source, Position: p.ids[len(p.ids)-1], Watermark: cursor.Watermark, Complete: true, At: cursor.At}); cursor != want {
				row.Violation("round %d: the cursor is %+v, want %+v", round, cursor, want)
			}
			row.Done()
		})
	}
}
