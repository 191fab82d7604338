package ingest

import (
	"errors"
	"net/http"
	"slices"
)

// A homeOnly sends GETs to one host and POSTs to those of its paths that are named,
// and nothing else to nobody. That a source reads and never writes, and that a token
// goes to one host alone, so rests on no caller's care.
type homeOnly struct {
	next  http.RoundTripper
	home  string // scheme://host
	posts []string
}

// errNotHome is a bug of ours, or somebody's success in leading us elsewhere.
var errNotHome = errors.New("refused to send anything but a read to the configured host")

// RoundTrip implements http.RoundTripper.
func (h *homeOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	allowed := r.Method == http.MethodGet || r.Method == http.MethodPost && slices.Contains(h.posts, r.URL.Path)
	home := r.URL.Scheme+"://"+r.URL.Host == h.home && r.URL.User == nil && r.Host == r.URL.Host
	if !allowed || !home {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errNotHome
	}
	return h.next.RoundTrip(r)
}

// CloseIdleConnections is what http.Client looks for.
func (h *homeOnly) CloseIdleConnections() {
	if c, ok := h.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
