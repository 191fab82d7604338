package analysis

import "keyramp/queries/store"

// A Reconciliation sets the enrollments that the page reports against those that
// the tenant log knows, person by person. It describes: the comparison counts a
// person as enrolled when either source says so.
type Reconciliation struct {
	// Agreement is how many of the people enrolled by the page's word the tenant
	// log knows to be enrolled (fraction); null when the page names nobody who was
	// seen in the experiment.
	Agreement *float64 `json:"agreement"`
	// People by the variation they were first seen in. Whoever enrolls from the
	// settings or another device is in the log alone, in any variation.
	Treatment Sources `json:"treatment"`
	Control   Sources `json:"control"`

	// The page's completed events: all of them, and those that do not fit what the
	// tenant log knows of the person.
	PageCompleted  int64 `json:"page_completed_events"`
	WithoutUser    int64 `json:"of_these_without_user"`
	NeverSeen      int64 `json:"of_these_of_people_never_seen"`
	OfControl      int64 `json:"of_these_of_people_in_control"`
	OtherVariation int64 `json:"of_these_with_another_variation"`
	// EditedIDs are page events of any kind that name control or no variation of the experiment.
	EditedIDs int64 `json:"page_events_with_edited_ids"`
}

// Sources counts enrolled people by the sources that say so.
type Sources struct {
	Both     int64 `json:"both"`
	PageOnly int64 `json:"page_only"`
	LogOnly  int64 `json:"log_only"`
}

// reconcile sets page and tenant log side by side; nil unless both tell of enrollments.
func (d *design) reconcile(c *store.Counts) *Reconciliation {
	q := c.Quality
	if signal(q) != SignalBoth {
		return nil
	}
	r := &Reconciliation{
		Treatment:     Sources{q.BothEnrollments - q.BothControl, q.PageOnlyEnrollments - q.PageOnlyControl, q.LogOnlyTreated},
		Control:       Sources{q.BothControl, q.PageOnlyControl, q.LogOnlyControl},
		PageCompleted: q.PageCompleted, WithoutUser: q.PageCompleted - q.PageCompletedUser, NeverSeen: q.PageUnmatched,
		OfControl: q.PageControl, OtherVariation: q.PageVariationDiffers,
	}
	r.EditedIDs, _ = d.editedIDs(c)
	if byPage := q.BothEnrollments + q.PageOnlyEnrollments; byPage > 0 {
		r.Agreement = ptr(float64(q.BothEnrollments) / float64(byPage))
	}
	return r
}
