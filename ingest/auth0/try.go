package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"keyramp/ingest"
)

// TryToken gets a token and keeps it for the other tries. It returns those of
// its scopes that keyramp has no use for, as far as the tenant names them.
// Errors wrap ErrAuth, ErrUpstream, ErrConfig or the context's error.
func (c *Client) TryToken(ctx context.Context) (idle []string, err error) {
	if _, err := c.tokens.get(ctx); err != nil {
		return nil, err
	}
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	for _, scope := range strings.Fields(c.tokens.held.scope) {
		if !slices.Contains([]string{"read:logs", "read:logs_users", "read:experimentation"}, scope) && scopeForm.FindString(scope) == scope {
			idle = append(idle, scope)
		}
	}
	return idle, nil
}

// TryLogs asks for one log event: the scope read:logs allows it.
func (c *Client) TryLogs(ctx context.Context) error {
	var events ingest.Array[json.RawMessage]
	_, err := c.object(ctx, logsPath, url.Values{"sort": {"date:-1"}, "per_page": {"1"}}.Encode(), &events)
	return err
}

// TryExperiments asks for one experiment. Errors are those of Experiments.
func (c *Client) TryExperiments(ctx context.Context) error {
	var list struct {
		Experiments ingest.Array[json.RawMessage] `json:"experiments"`
	}
	_, err := c.object(ctx, experimentsPath, url.Values{"take": {"1"}}.Encode(), &list)
	var r *refusal
	if errors.As(err, &r) && (r.status == http.StatusForbidden || r.status == http.StatusNotFound) {
		return noExperiments(r)
	}
	return err
}

// Ahead is how far the tenant's clock was ahead of ours when it last answered,
// to about a second; false when it has not told.
func (c *Client) Ahead() (time.Duration, bool) { return c.polite.Ahead() }
