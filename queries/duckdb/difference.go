package duckdb

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"keyramp/queries/store"
)

// difference is base + more - less, row by row; a row that comes to nothing
// vanishes, as no question gives one. more must cover less: every count of the
// result is one that could have been counted.
func difference(base, more, less *store.Counts) *store.Counts {
	c := &store.Counts{Roles: more.Roles}
	combine(&c.Sums, base.Sums, more.Sums, less.Sums, func(r *store.SumsRow) (key, []*int64) {
		return key{phase: r.Phase, origin: r.Origin, text: r.Variation, next: string(r.Metric)}, []*int64{&r.N, &r.Y, &r.X, &r.YY, &r.XX, &r.XY}
	})
	combine(&c.Uncrossed, base.Uncrossed, more.Uncrossed, less.Uncrossed, func(r *store.SumsRow) (key, []*int64) {
		return key{phase: r.Phase, origin: r.Origin, text: r.Variation, next: string(r.Metric)}, []*int64{&r.N, &r.Y, &r.X, &r.YY, &r.XX, &r.XY}
	})
	combine(&c.Arrivals, base.Arrivals, more.Arrivals, less.Arrivals, func(r *store.ArrivalRow) (key, []*int64) {
		return key{phase: r.Phase, origin: r.Origin, text: r.Variation, day: r.Day}, []*int64{&r.Subjects, &r.Eligible, &r.Enrolled}
	})
	combine(&c.Before, base.Before, more.Before, less.Before, func(r *store.CovariateRow) (key, []*int64) {
		return key{phase: r.Phase, origin: r.Origin, text: r.Variation}, []*int64{&r.P, &r.PP, &r.PY, &r.PX}
	})
	combine(&c.LoginDays, base.LoginDays, more.LoginDays, less.LoginDays, func(r *store.LoginDayRow) (key, []*int64) {
		return key{phase: r.Phase, text: r.Variation, day: r.Day}, []*int64{&r.Logins}
	})
	combine(&c.Crossed, base.Crossed, more.Crossed, less.Crossed, func(r *store.CrossRow) (key, []*int64) {
		return key{phase: r.Phase}, []*int64{&r.Subjects, &r.Crossed, &r.Control, &r.Left}
	})
	combine(&c.Returns, base.Returns, more.Returns, less.Returns, func(r *store.ReturnRow) (key, []*int64) {
		return key{phase: r.From, origin: r.To}, []*int64{&r.Seen, &r.Still}
	})
	combine(&c.Rules, base.Rules, more.Rules, less.Rules, func(r *store.RuleRow) (key, []*int64) {
		return key{text: r.Type, next: string(r.Role), third: r.Rule}, []*int64{&r.Count}
	})
	combine(&c.Seed, base.Seed, more.Seed, less.Seed, func(r *store.SeedRow) (key, []*int64) {
		return key{phase: r.Phase, text: r.Variation}, []*int64{&r.Logins, &r.SSO, &r.PageCompleted, &r.LogEnrolled}
	})
	combine(&c.Page, base.Page, more.Page, less.Page, func(r *store.PageRow) (key, []*int64) {
		return key{phase: r.Phase, text: r.Variation, next: string(r.Event), day: r.Day}, []*int64{&r.Events, &r.WithUser, &r.Verified}
	})

	// The moments are the earliest and the latest of all, those of the sources asked for anew; the rest are counts.
	q, a, b := base.Quality, more.Quality, less.Quality
	sum, plus, minus := reflect.ValueOf(&q).Elem(), reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range sum.NumField() {
		sum.Field(i).SetInt(sum.Field(i).Int() + plus.Field(i).Int() - minus.Field(i).Int())
	}
	q.FirstEvent = base.Quality.FirstEvent
	if q.FirstEvent == 0 || a.FirstEvent != 0 && a.FirstEvent < q.FirstEvent {
		q.FirstEvent = a.FirstEvent
	}
	q.LastEvent = max(base.Quality.LastEvent, a.LastEvent)
	c.Quality = q
	return c
}

// A key is what a row of an answer is sorted by, in this order.
type key struct {
	phase, origin     int
	text, next, third string
	day               store.Micros
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.phase, o.phase), cmp.Compare(k.origin, o.origin), cmp.Compare(k.text, o.text),
		cmp.Compare(k.next, o.next), cmp.Compare(k.third, o.third), cmp.Compare(k.day, o.day))
}

// combine fills into with base + more - less; of gives the key of a row and where its counts are.
func combine[R any](into *[]R, base, more, less []R, of func(*R) (key, []*int64)) {
	total := map[key]*R{}
	add := func(rows []R, sign int64) {
		for _, r := range rows {
			k, from := of(&r)
			if total[k] == nil {
				empty := r
				_, counts := of(&empty)
				for _, n := range counts {
					*n = 0
				}
				total[k] = &empty
			}
			_, to := of(total[k])
			for i := range to {
				*to[i] += sign * *from[i]
			}
		}
	}
	add(base, 1)
	add(more, 1)
	add(less, -1)
	for _, k := range slices.SortedFunc(maps.Keys(total), key.compare) {
		_, counts := of(total[k])
		if slices.ContainsFunc(counts, func(n *int64) bool { return *n != 0 }) {
			*into = append(*into, *total[k])
		}
	}
}
