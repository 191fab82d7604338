package analysis

import (
	"cmp"
	"fmt"
	"slices"

	"keyramp/queries/store"
	"keyramp/stats"
)

// editedIDs counts the page's events that name control or no variation of the experiment. The Action sends treatment
// alone to the page.
func (d *design) editedIDs(c *store.Counts) (edited, of int64) {
	known := map[string]bool{} // is it control?
	for _, p := range d.phases {
		for _, a := range p.Arms {
			known[a.Variation] = known[a.Variation] || a.Control
		}
	}
	for _, row := range c.Page {
		of += row.Events
		if control, ok := known[row.Variation]; control || !ok {
			edited += row.Events
		}
	}
	return edited, of
}

// quietDays are days on which the page was all but silent although a phase was open.
type quietDays struct {
	days, of int64
	missing  int64 // prompts that the days around promise and that did not come
}

// A day is quiet when it has a fifth of its neighbours' prompts at most, and so few would come by chance once in a
// million days. Weekends are not that quiet.
const (
	quietShare  = 0.2
	quietChance = 1e-6
)

// quietDays finds them among the whole UTC days of each phase, up to the last event of the page: what is later may
// not have been read. A day is set against the median of three days before and three after.
func (d *design) quietDays(in Input) (q quietDays) {
	shown := map[store.Micros]int64{}
	for _, row := range in.Counts.Page {
		if row.Event == store.Shown {
			shown[row.Day] += row.Events
		}
	}
	length := day.Microseconds()
	for _, p := range d.phases {
		from := (max(p.From, in.Scope.Since) + length - 1) / length * length
		until := min(cmp.Or(p.Until, in.AsOf), in.AsOf, in.Counts.Quality.LastPage) / length * length
		for at := from; at < until; at += length {
			q.of++
			var around []int64
			for k := store.Micros(-3); k <= 3; k++ {
				if other := at + k*length; k != 0 && other >= from && other < until {
					around = append(around, shown[other])
				}
			}
			if len(around) < 3 {
				continue
			}
			slices.Sort(around)
			usual := around[len(around)/2]
			if n := shown[at]; float64(n) <= quietShare*float64(usual) && stats.PoissonAtMost(n, float64(usual)) < quietChance {
				q.days++
				q.missing += usual - n
			}
		}
	}
	return q
}

// raise raises the flag when it is one that blocks, or one that does not.
func (q quietDays) raise(j *judge, limit float64, blocking bool) {
	if q.days == 0 {
		return
	}
	share := float64(q.days) / float64(q.of)
	if (share > limit) != blocking {
		return
	}
	j.flags = append(j.flags, Flag{Name: "page_quiet", Blocking: blocking, Count: &q.days, Of: &q.of, Value: &share, Limit: &limit,
		Words: "Days on which the page reported hardly any prompt, about " + fmt.Sprint(q.missing) + " fewer than the days around promise. If it was down, people who were sent there did not come back, and no event tells of them.",
		Do:    "Look whether the page was down; begin after it with --since. The exposure ratio shows how many treated people vanished."})
}
