package auth0

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/queries/store"
)

// piped is a client of a server in memory, through the transport that real runs use.
func piped(t *testing.T, h http.Handler, change ...func(*Config)) *Client {
	t.Helper()
	transport := ingest.NewTransport()
	transport.DialContext = chaos.Serve(t, h).Dial
	home := func(c *Config) { c.Domain = "http://127.0.0.1" }
	return client(t, transport, append([]func(*Config){home}, change...)...)
}

// TestChaos: three answers in ten are spoiled on their way, each in one of 17 ways, the
// tenant forgets its tokens now and then, and the log grows between the runs. Every event
// is read once, and hardly more requests are made than the spoiled answers cost.
func TestChaos(t *testing.T) {
	row := tier.Begin(t, "N1", tier.Size{Test: 300, Chaos: 10_000, Soak: 100_000})
	requests, pages, faults := 0, 0, 0
	for seed := uint64(0); pages < row.Rounds(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			p := newTape()
			front := &chaos.Front{Next: p, Seed: seed, Share: 0.3, Faults: chaos.Network(0)}
			c := piped(t, front)
			var got []string
			cursor := store.Cursor{}
			for range 8 {
				for range rnd.IntN(2000) {
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
					late := time.Duration(rnd.IntN(5000)) * time.Millisecond
					p.add(time.Now().Add(-late), late)
				}
				p.pageSize = 1 + rnd.IntN(100)
				clear(p.valid)
				run := pull(t, c, cursor, start)
				if run.err != nil {
					row.Violation("seed %d: %v", seed, run.err)
					return
				}
				if run.cursor.Watermark < cursor.Watermark {
					row.Violation("seed %d: the watermark went back", seed)
				}
				pages += run.pages
				for range run.pages {
					row.Done()
				}
				got, cursor = append(got, run.ids...), run.cursor
			}
			same(t, got, p.ids)
			requests, faults = requests+front.Requests(logsPath), faults+front.Met("")
			c.Close()
		})
		if t.Failed() {
			return
		}
	}
	figure := float64(requests) / float64(pages)
	row.Note("requests a page", fmt.Sprintf("%.2f with %d faults", figure, faults))
	if figure > 1.6 {
		row.Violation("%d requests for %d pages", requests, pages)
	}
}

// TestHistories: a tenant that repeats, shuffles and overlaps its pages and points back a
// while costs repeats, which the store knows, and no event. When it is too confused to be
// read the run says so, after the same cursor has come three times, and a later run has all.
func TestHistories(t *testing.T) {
	row := tier.Begin(t, "N5", tier.Size{Test: 100, Chaos: 1000, Soak: 20_000})
	if err := flag.Set("rapid.checks", strconv.Itoa(row.Rounds())); err != nil {
		t.Fatal(err)
	}
	loops := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := history{
			events: rapid.IntRange(1, 400).Draw(rt, "events"), page: rapid.IntRange(1, 60).Draw(rt, "page"),
			front: &chaos.Front{Only: chaos.LogPage,
				Seed: rapid.Uint64().Draw(rt, "seed"), Share: rapid.Float64Range(0.05, 1).Draw(rt, "share"),
				Most: rapid.IntRange(1, 30).Draw(rt, "most"), Faults: rapid.SliceOfN(rapid.SampledFrom(chaos.Pages()), 1, 6).Draw(rt, "faults")},
		}
		// A bubble is a test of its own; what rapid is to hear is carried out of it.
		var err error
		synctest.Test(t, func(t *testing.T) { err = h.run(t, &loops) })
		if err != nil {
			rt.Fatal(err)
		}
		row.Done()
	})
	row.Note("ended by the loop detector", strconv.Itoa(loops))
}

// A history is what happens to a tenant's pages.
type history struct {
	events, page int
	front        *chaos.Front
}

func (h *history) run(t *testing.T, loops *int) error {
	p := minutely(h.events)
	p.pageSize, h.front.Next = h.page, p
	cursors := map[string]int{} // positions that came with data
	c := client(t, overHandler{h.front})
	got := pullWatch(t, t.Context(), c, at(p, 0), time.Time{}, func(c *ingest.Chunk) {
		if len(c.Records) > 0 {
			cursors[c.Next.Position]++
		}
	})
	read := got.ids
	if got.err != nil {
		most := 0
		for _, n := range cursors {
			most = max(most, n)
		}
		// The third one is refused, and so not among those that were handed over.
		if !errors.Is(got.err, ErrUpstream) || !strings.Contains(got.err.Error(), "again and again") || most < 2 {
			return fmt.Errorf("a cursor came %d times, then %w", most, got.err)
		}
		*loops++
		h.front.Share = 0
		later := pull(t, c, got.cursor, time.Time{})
		if later.err != nil {
			return fmt.Errorf("after the loop: %w", later.err)
		}
		read = append(read, later.ids...)
	}
	if missing := without(p.ids[1:], read); len(missing) > 0 {
		return fmt.Errorf("%d of %d events were not read", len(missing), h.events-1)
	}
	if foreign := without(read, p.ids); len(foreign) > 0 {
		return fmt.Errorf("%d events were read that the tenant does not have", len(foreign))
	}
	if n := p.asked(logsPath); n > 35*(2+h.events/h.page) {
		return fmt.Errorf("%d requests for %d pages", n, 1+h.events/h.page)
	}
	return nil
}

// without is what of all is not among some.
func without(all, some []string) []string {
	seen := make(map[string]bool, len(some))
	for _, s := range some {
		seen[s] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return seen[s] })
}

// TestForever: pages without end are read until the run is over, and a next page that is
// the page itself, with data, at once until it has come three times.
func TestForever(t *testing.T) {
	row := tier.Begin(t, "N5", tier.Size{Test: 2})
	synctest.Test(t, func(t *testing.T) {
		p := minutely(2)
		var enough atomic.Bool // the next page is asked for while one is looked at
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if !enough.Load() {
				time.Sleep(time.Second)
				p.add(time.Now(), time.Millisecond)
			}
			return false
		}
		ctx, cancel := t.Context(), func() {}
		defer cancel()
		pages := 0
		got := pullWatch(t, ctx, client(t, p), at(p, 0), time.Time{}, func(c *ingest.Chunk) {
			if pages++; pages == 1000 {
				enough.Store(true)
			}
		})
		if got.err != nil || pages < 1000 {
			row.Violation("endless new events: %d pages, error %v", pages, got.err)
		}
		same(t, got.ids, p.ids[1:])
		row.Done()
	})
	synctest.Test(t, func(t *testing.T) {
		p := minutely(500)
		front := chaos.Always(p, chaos.LogPage, chaos.NextSelf)
		got := pull(t, client(t, overHandler{front}), at(p, 0), time.Time{})
		if n := front.Met(""); !errors.Is(got.err, ErrUpstream) || n != 3 {
			row.Violation("next is itself: %d pages, error %v", n, got.err)
		}
		row.Done()
	})
}
