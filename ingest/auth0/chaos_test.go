package auth0

import (
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/queries/store"
)

// TestChaos: three answers in ten are damaged in one of a dozen ways, and the
// log grows between the runs. Every event is read once, and hardly more
// requests are made than that costs.
func TestChaos(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			p := newTape()
			pages, forgot := 0, 0
			p.before = func(w http.ResponseWriter, r *http.Request) bool {
				switch rnd.IntN(40) {
				case 0, 1, 2, 3, 4:
					w.WriteHeader([]int{429, 500, 502, 503, 504}[rnd.IntN(5)])
				case 5:
					w.Header().Set("Retry-After", "2")
					w.WriteHeader(429)
				case 6: // an empty 200
				case 7:
					io.WriteString(w, "<html>busy</html>")
				case 8:
					io.WriteString(w, `[{"log_id":"900`)
				case 9:
					w.WriteHeader(408)
				case 10:
					panic("reset")
				case 11:
					if since := len(p.requests) - forgot; since > 5 { // two in a row end a run
						clear(p.valid) // the tenant forgets all tokens
						forgot = len(p.requests)
					}
					return false
				default:
					if r.URL.Path == logsPath {
						pages++
					}
					return false
				}
				return true
			}
			c := client(t, p)
			var got []string
			cursor := store.Cursor{}
			for range 8 {
				for range rnd.IntN(400) {
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
					late := time.Duration(rnd.IntN(5000)) * time.Millisecond
					p.add(time.Now().Add(-late), late)
				}
				p.pageSize = 1 + rnd.IntN(100)
				run := pull(t, c, cursor, start)
				if run.err != nil {
					t.Fatal(run.err)
				}
				if run.cursor.Watermark < cursor.Watermark {
					t.Error("the watermark went back")
				}
				got, cursor = append(got, run.ids...), run.cursor
			}
			same(t, got, p.ids)
			if n := p.asked(logsPath); n > pages*17/10+10 {
				t.Errorf("%d requests for %d pages", n, pages)
			}
		})
	}
}
