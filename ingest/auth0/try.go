package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// TryToken gets a token and keeps it for the other tries. Errors wrap ErrAuth,
// ErrUpstream, ErrConfig or the context's error.
func (c *Client) TryToken(ctx context.Context) error {
	_, err := c.tokens.get(ctx)
	return err
}

// TryLogs asks for one log event: the scope read:logs allows it.
func (c *Client) TryLogs(ctx context.Context) error {
	var events []json.RawMessage
	_, err := c.object(ctx, logsPath, url.Values{"sort": {"date:-1"}, "per_page": {"1"}}.Encode(), &events)
	return err
}

// TryExperiments asks for one experiment. Errors are those of Experiments.
func (c *Client) TryExperiments(ctx context.Context) error {
	var list struct {
		Experiments []json.RawMessage `json:"experiments"`
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
