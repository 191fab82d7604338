package auth0

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"keyramp/ingest"
)

// Errors that a caller can act on, with errors.Is.
var (
	ErrConfig   = ingest.ErrConfig
	ErrAuth     = ingest.ErrAuth
	ErrUpstream = ingest.ErrUpstream
	// ErrNoExperiments: the tenant does not tell about experiments, for want
	// of a scope or of the feature. The configuration can state them instead.
	ErrNoExperiments = errors.New("no experiment information")
)

// Config says which tenant to read and as whom.
type Config struct {
	// Domain is the tenant's host, for instance acme.eu.auth0.com. A URL is
	// taken for the loopback interface only.
	Domain   string
	ClientID string
	Secret   ingest.Secret
	// StaticToken is used as it is, instead of client id and secret.
	StaticToken ingest.Secret
	// Audience of the token; "" = https://DOMAIN/api/v2/. A custom domain
	// needs it, with the tenant's canonical host.
	Audience string
	// TokenFile keeps the token from run to run, one file per tenant: each new
	// token writes an event into the very log that is read. "" = memory only.
	TokenFile string

	ingest.Manners
}

// A Client talks to one tenant. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	polite *ingest.Polite
	tokens *tokens
}

// New checks the configuration and makes a client; nothing is sent yet.
// Errors wrap ErrConfig.
func New(c Config) (*Client, error) {
	address := c.Domain
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	base, err := ingest.ParseBase(address)
	switch {
	case c.Domain == "":
		return nil, fmt.Errorf("%w: auth0: no domain: set AUTH0_DOMAIN to the tenant's host", ErrConfig)
	case err != nil:
		return nil, fmt.Errorf("auth0: domain: %w", err)
	case base.Path != "" && base.Path != "/":
		return nil, fmt.Errorf("%w: auth0: domain %s has a path: write the host alone", ErrConfig, base.Host)
	case address == c.Domain && !ingest.Loopback(base.Hostname()):
		return nil, fmt.Errorf("%w: auth0: domain: write the host alone: %s", ErrConfig, base.Host)
	case c.StaticToken.IsZero() && (c.ClientID == "" || c.Secret.IsZero()):
		return nil, fmt.Errorf("%w: auth0: no credentials: set AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, or AUTH0_API_TOKEN", ErrConfig)
	}
	base = &url.URL{Scheme: base.Scheme, Host: strings.ToLower(base.Host)}
	if c.Audience == "" {
		c.Audience = base.String() + "/api/v2/"
	}
	polite := ingest.NewPolite(base, c.Manners, tokenPath)
	return &Client{base: base, polite: polite, tokens: newTokens(c, base, polite)}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.polite.Close() }

// get sends a GET with a token. A refused token is renewed once. Every other
// 4xx comes back as a *refusal.
func (c *Client) get(ctx context.Context, r ingest.Request) (*ingest.Answer, error) {
	for renewed := false; ; renewed = true {
		bearer, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		r.Bearer = bearer
		a, err := c.polite.Do(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("auth0: %w", err)
		}
		if a.Status/100 == 2 {
			return a, nil
		}
		if a.Status == http.StatusUnauthorized && c.tokens.drop(bearer) && !renewed {
			continue
		}
		return nil, refused(c.base.Host, r.Path, a)
	}
}
