package auth0

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A link is where the tenant says that the next page is. It keeps no more than
// the query, so that no other host can be asked even by mistake.
type link struct {
	query string // "" = the tenant named no next page
	from  string // the query's checkpoint
}

// next reads the Link headers of an answer from base and path. The next page
// must be at the same scheme, host, port and path, without user info: the
// token goes with the request. Errors wrap ErrConfig.
func next(base *url.URL, path string, headers []string) (link, error) {
	for _, h := range headers {
		target, ok := nextTarget(h)
		if !ok {
			continue
		}
		ref, err := url.Parse(target)
		if err != nil {
			return link{}, fmt.Errorf("%w: auth0: %s%s: the link to the next page is not a URL", ErrConfig, base.Host, path)
		}
		u := base.ResolveReference(ref)
		here := ref.EscapedPath() == path || ref.Host == "" && ref.Path == ""
		if u.Scheme != base.Scheme || !sameHost(u, base) || ref.User != nil || ref.Opaque != "" || !here {
			return link{}, fmt.Errorf("%w: auth0: %s%s: the next page is said to be elsewhere (%.80q), where the token is not sent: "+
				"set the domain to the tenant's canonical host", ErrConfig, base.Host, path, u.Scheme+"://"+u.Host)
		}
		query, err := url.ParseQuery(u.RawQuery)
		from := query.Get("from")
		if err != nil || from == "" || len(from) > maxID || !utf8.ValidString(from) {
			return link{}, fmt.Errorf("%w: auth0: %s%s: the link to the next page has no checkpoint that can be kept", ErrUpstream, base.Host, path)
		}
		return link{query: query.Encode(), from: from}, nil
	}
	return link{}, nil
}

func sameHost(u, base *url.URL) bool {
	return strings.EqualFold(u.Hostname(), base.Hostname()) && port(u) == port(base)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// nextTarget finds the target of rel="next" in one Link header (RFC 8288):
// <target>; name=value; name="quoted, value", <target> …
func nextTarget(h string) (string, bool) {
	for {
		start := strings.IndexByte(h, '<')
		if start < 0 {
			return "", false
		}
		end := strings.IndexByte(h[start:], '>')
		if end < 0 {
			return "", false
		}
		target := h[start+1 : start+end]
		var isNext bool
		isNext, h = parameters(h[start+end+1:])
		if isNext {
			return target, true
		}
	}
}

// parameters reads the parameters of one link and returns what follows it.
func parameters(h string) (isNext bool, rest string) {
	seen := false // RFC 8288, 3.3: only the first rel counts
	for {
		h = strings.TrimLeft(h, " \t")
		if h == "" || h[0] == ',' {
			return isNext, strings.TrimPrefix(h, ",")
		}
		h = strings.TrimLeft(strings.TrimPrefix(h, ";"), " \t")
		i := strings.IndexAny(h, "=;,")
		if i < 0 {
			return isNext, ""
		}
		if h[i] != '=' {
			h = h[i:]
			continue
		}
		name := strings.TrimSpace(h[:i])
		var value string
		value, h = parameterValue(strings.TrimLeft(h[i+1:], " \t"))
		if strings.EqualFold(name, "rel") && !seen {
			seen = true
			for _, rel := range strings.Fields(value) {
				isNext = isNext || strings.EqualFold(rel, "next")
			}
		}
	}
}

// parameterValue reads a token or a quoted string.
func parameterValue(h string) (value, rest string) {
	if !strings.HasPrefix(h, `"`) {
		i := strings.IndexAny(h, ";,")
		if i < 0 {
			return strings.TrimSpace(h), ""
		}
		return strings.TrimSpace(h[:i]), h[i:]
	}
	var b strings.Builder
	for i := 1; i < len(h); i++ {
		switch {
		case h[i] == '"':
			return b.String(), h[i+1:]
		case h[i] == '\\' && i+1 < len(h):
			i++
		}
		b.WriteByte(h[i])
	}
	return "", "" // an open quote swallows the header
}

// logsQuery asks for the page after a checkpoint.
func logsQuery(from string) string {
	return url.Values{"from": {from}, "take": {pageSize}}.Encode()
}
