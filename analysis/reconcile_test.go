package analysis

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyramp/queries/store"
)

// Ten treated people enrolled: the page and the log know seven, the page alone two, the log alone one. In control one
// person reached the page, and four enrolled without it.
func TestReconcile(t *testing.T) {
	phase := store.Phase{Number: 1, Known: true, Strategy: "percentage", Arms: []store.Arm{
		{Variation: "c", Weight: 90, Control: true}, {Variation: "t", Weight: 10}}}
	c := &store.Counts{
		Quality: store.Quality{
			LogEnrollments: 7 + 1 + 1 + 4, BothEnrollments: 7 + 1, PageOnlyEnrollments: 2, LogOnlyTreated: 1,
			BothControl: 1, LogOnlyControl: 4,
			PageCompleted: 15, PageCompletedUser: 13, PageUnmatched: 3, PageControl: 1, PageVariationDiffers: 2,
		},
		Page: []store.PageRow{
			{Phase: 1, Variation: "t", Event: store.Completed, Events: 11},
			{Phase: 1, Variation: "c", Event: store.Shown, Events: 3},
			{Phase: 1, Variation: "none of these", Event: store.Completed, Events: 1},
		},
	}
	want := &Reconciliation{
		Agreement: ptr(0.8), Treatment: Sources{7, 2, 1}, Control: Sources{1, 0, 4},
		PageCompleted: 15, WithoutUser: 2, NeverSeen: 3, OfControl: 1, OtherVariation: 2, EditedIDs: 4,
	}
	d := newDesign([]store.Phase{phase}, c)
	if diff := cmp.Diff(want, d.reconcile(c)); diff != "" {
		t.Error(diff)
	}

	for name, silent := range map[string]func(*store.Quality){
		"the log tells of no enrollment": func(q *store.Quality) { q.LogEnrollments = 0 },
		"the page names nobody":          func(q *store.Quality) { q.PageCompletedUser = 0 },
	} {
		one := *c
		silent(&one.Quality)
		if r := d.reconcile(&one); r != nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	c.Quality.BothEnrollments, c.Quality.PageOnlyEnrollments = 0, 0
	if r := d.reconcile(c); r.Agreement != nil {
		t.Errorf("agreement %v of nobody", *r.Agreement)
	}
}
