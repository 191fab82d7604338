package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

const (
	experimentsPath = "/api/v2/experimentation/experiments"
	// maxLists bounds the pages of the list, far above any tenant's number of experiments.
	maxLists = 1000
	// scopeDelay is how long a kept token may lack a scope that was granted
	// meanwhile. A tenant without the scope would otherwise cost a token a run.
	scopeDelay = time.Hour
	// besides is the patience with what is asked beside the log, which must not wait for it: a run has an end, and the
	// tenant forgets.
	besides = time.Minute
)

// idForm is what an id must look like before it becomes part of a path.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Experiments asks what the tenant says of each of its experiments now, in the
// order of its list. Archived ones are not in the list, so it also asks for the
// running ones that were known. What was told comes with an error, too: one
// experiment that cannot be told does not hide the others. Errors wrap
// ErrNoExperiments when the tenant does not tell at all, else ErrAuth,
// ErrUpstream, ErrConfig or the context's error.
func (c *Client) Experiments(ctx context.Context, running []string) ([]store.Observation, error) {
	ids, err := c.experimentIDs(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range running {
		if idForm.MatchString(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var all []store.Observation
	var failed error
	for _, id := range ids {
		o, err := c.experiment(ctx, id)
		var r *refusal
		switch {
		case err == nil:
			all = append(all, o)
		case errors.As(err, &r) && r.status == http.StatusNotFound: // deleted, or another tenant's
		case failed != nil || errors.Is(err, ErrAuth) || ctx.Err() != nil: // it is not the experiment
			return all, err
		default:
			failed = err
		}
	}
	return all, failed
}

func (c *Client) experimentIDs(ctx context.Context) ([]string, error) {
	var ids []string
	query := url.Values{"take": {"50"}}
	for range maxLists {
		var list struct {
			Experiments ingest.Array[experiment] `json:"experiments"`
			Next        string                   `json:"next"`
		}
		_, err := c.object(ctx, experimentsPath, query.Encode(), &list)
		var r *refusal
		if errors.As(err, &r) && (r.status == http.StatusForbidden || r.status == http.StatusNotFound) {
			if r.status == http.StatusForbidden && r.code != featureMissing {
				c.tokens.dropAged(scopeDelay)
			}
			return nil, noExperiments(r)
		}
		if err != nil {
			return nil, err
		}
		for _, e := range list.Experiments {
			if id := e.id(); idForm.MatchString(id) {
				ids = append(ids, id)
			}
		}
		if list.Next == "" || list.Next == query.Get("from") {
			return ids, nil
		}
		query.Set("from", list.Next)
	}
	return nil, fmt.Errorf("%w: auth0: %s%s: the list of experiments does not end", ErrUpstream, c.base.Host, experimentsPath)
}

// noExperiments says why there is nothing to learn, and what else can be done.
func noExperiments(r *refusal) error {
	why := "the token lacks the scope read:experimentation: grant it"
	switch {
	case r.status == http.StatusNotFound:
		why = "the tenant has no Experiment Center API"
	case r.code == featureMissing:
		why = "the tenant is not entitled to Experiment Center"
	}
	return fmt.Errorf("%w: auth0: %s: %s, or state the experiment's phases in the configuration", ErrNoExperiments, r.host, why)
}

func (c *Client) experiment(ctx context.Context, id string) (store.Observation, error) {
	var e experiment
	a, err := c.object(ctx, experimentsPath+"/"+id, "", &e)
	if err != nil {
		return store.Observation{}, err
	}
	o := e.observation(a.Date.UnixMicro())
	if o.Experiment == "" {
		o.Experiment = id
	}
	return o, nil
}

// object gets a JSON object into v.
func (c *Client) object(ctx context.Context, path, query string, v any) (*ingest.Answer, error) {
	a, err := c.get(ctx, ingest.Request{Path: path, Query: query, Check: isJSON, Patience: besides})
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(a.Body, v) != nil {
		return nil, fmt.Errorf("%w: auth0: %s%s: the answer has another shape than the API documents", ErrUpstream, c.base.Host, path)
	}
	return a, nil
}

func isJSON(a *ingest.Answer) error {
	if !json.Valid(a.Body) {
		return errors.New("the body is not JSON")
	}
	return nil
}

// experiment is the API's form of an experiment. The reference calls the id
// "id", the guides call it "experiment_id"; the first publication had a free
// text as flow and no levels. What is not named here is left out.
type experiment struct {
	ID           string `json:"id"`
	ExperimentID string `json:"experiment_id"`
	Name         string `json:"name"`
	Status       string `json:"status"`
	Strategy     string `json:"allocation_strategy"`
	Flag         string `json:"feature_flag_id"`
	Flow         string `json:"authentication_flow"`
	Assignment   struct {
		Subject string `json:"subject"`
	} `json:"assignment_config"`
	Allocations  ingest.Array[allocation]    `json:"allocations"`
	Levels       ingest.Array[ingest.Number] `json:"levels"`
	CurrentLevel *ingest.Number              `json:"current_level"`
	Editable     ingest.Array[string]        `json:"editable_fields"`
	StartedAt    moment                      `json:"started_at"`
	EndedAt      moment                      `json:"ended_at"`
	UpdatedAt    moment                      `json:"updated_at"`
}

type allocation struct {
	VariationID string         `json:"variation_id"`
	VariantID   string         `json:"variant_id"`
	ID          string         `json:"id"`
	Name        string         `json:"variation_name"`
	Weight      *ingest.Number `json:"weight"`
	Control     bool           `json:"is_control"`
	SegmentID   string         `json:"segment_id"`
}

func (e *experiment) id() string { return first(e.ID, e.ExperimentID) }

func (e *experiment) observation(seen store.Micros) store.Observation {
	o := store.Observation{
		Experiment: e.id(), Seen: seen, Name: e.Name, Status: e.Status, Strategy: e.Strategy,
		Flag: e.Flag, Flow: e.Flow, Subject: e.Assignment.Subject,
		Started: e.StartedAt.micros, Ended: e.EndedAt.micros, Updated: e.UpdatedAt.micros,
		Level: e.CurrentLevel.Or(-1), Editable: e.Editable,
	}
	for _, l := range e.Levels {
		o.Levels = append(o.Levels, int(l))
	}
	for _, a := range e.Allocations {
		o.Arms = append(o.Arms, store.Arm{
			Variation: first(a.VariationID, a.VariantID, a.ID), Name: a.Name, Weight: a.Weight.Or(-1),
			Control: a.Control, Segment: a.SegmentID,
		})
	}
	return o
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// A moment is a time that may be absent, null or "".
type moment struct{ micros store.Micros }

func (m *moment) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		m.micros = t.UnixMicro()
	}
	return nil
}
