package ingest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// Errors of the sources that ask a server. They are wrapped: use errors.Is.
var (
	// ErrConfig: an address or a setting cannot be right; trying again does not help.
	ErrConfig = errors.New("configuration")
	// ErrAuth: the server refused the credentials or a scope is missing.
	ErrAuth = errors.New("not authorized")
	// ErrUpstream: the server or the way to it failed for longer than our patience.
	ErrUpstream = errors.New("upstream")
	// ErrTooLarge: an answer is larger than any true one. Another try would be as large.
	ErrTooLarge = errors.New("the answer is too large")
)

// Limits of one try. A page of 100 log events is about 150 kB, so a body near
// the limit is a mistake or an attack.
const (
	maxAnswer   = 64 << 20
	maxHeader   = 64 << 10
	tryTimeout  = time.Minute
	maxReset    = time.Minute // the longest that x-ratelimit-reset alone may hold us
	maxPause    = 30 * time.Second
	firstPause  = 250 * time.Millisecond
	defPatience = 5 * time.Minute
)

// A Secret is a credential. Every way of printing, logging or encoding it
// gives "[redacted]"; Reveal alone tells the text. The text stands behind a
// pointer, because fmt reads strings in unexported fields past every method.
type Secret struct{ text *string }

// NewSecret keeps s as a secret.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the text, for the request that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }

// Manners say how a source treats the server it asks.
type Manners struct {
	Rate       float64           // requests a second at most; 0 = as the server's headers say
	MaxElapsed time.Duration     // patience with one request over all its tries; 0 = 5 minutes
	UserAgent  string            // "" = keyramp
	Transport  http.RoundTripper // nil = NewTransport()
	Log        *slog.Logger      // hears of waits and retries; nil = nobody does
}

// A Polite asks one host and no other. It keeps to a rate, never comes back
// before the time it was told, and repeats what failed on the way. It is safe
// for concurrent use: all requests wait for the same gate.
type Polite struct {
	base    url.URL
	manners Manners
	client  http.Client
	limiter *rate.Limiter

	mu        sync.Mutex
	notBefore time.Time     // the server wants no request earlier
	ahead     time.Duration // of our clock, by the last answer
	dated     bool          // an answer told its date
}

// ParseBase checks the address of a server: https, or http on the loopback
// interface; no user info, query or fragment. Errors wrap ErrConfig.
func ParseBase(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: a server's address is not a URL", ErrConfig)
	case u.User != nil:
		return nil, fmt.Errorf("%w: a server's address holds user info: leave it out", ErrConfig)
	case !plainHost(u.Hostname()):
		return nil, fmt.Errorf("%w: a server's address has no host name of letters, digits, dots and dashes", ErrConfig)
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("%w: %s: http sends tokens in the clear: use https", ErrConfig, u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: %s: the address needs https", ErrConfig, u.Host)
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, fmt.Errorf("%w: %s: the address holds a query or a fragment: leave it out", ErrConfig, u.Host)
	}
	return u, nil
}

func plainHost(h string) bool {
	if net.ParseIP(h) != nil {
		return true
	}
	for _, c := range []byte(h) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-') {
			return false
		}
	}
	return h != "" && !strings.HasPrefix(h, ".") && !strings.HasSuffix(h, ".")
}

// Loopback reports whether a host name means this machine.
func Loopback(h string) bool {
	ip := net.ParseIP(h)
	return h == "localhost" || ip != nil && ip.IsLoopback()
}

// NewPolite makes a client for the scheme, host and port of base. It sends GETs,
// and POSTs to the given paths alone.
func NewPolite(base *url.URL, m Manners, posts ...string) *Polite {
	p := &Polite{base: url.URL{Scheme: base.Scheme, Host: base.Host}, manners: m}
	if p.manners.MaxElapsed <= 0 {
		p.manners.MaxElapsed = defPatience
	}
	if p.manners.UserAgent == "" {
		p.manners.UserAgent = "keyramp"
	}
	if p.manners.Log == nil {
		p.manners.Log = slog.New(slog.DiscardHandler)
	}
	if m.Rate > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(m.Rate), 1)
	}
	if p.manners.Transport == nil {
		p.manners.Transport = NewTransport()
	}
	p.client = http.Client{
		Transport: &homeOnly{next: p.manners.Transport, home: p.base.Scheme + "://" + strings.TrimSuffix(p.base.Host, ":"), posts: posts},
		// A redirect would carry the token elsewhere; it comes back as an answer instead.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// NewTransport is the way to the network that a Polite takes by itself, every step of it
// with a time limit.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
	}
}

// Host is the host that is asked, with its port if it has one.
func (p *Polite) Host() string { return p.base.Host }

// Ahead is how far the server's clock was ahead of ours when it last answered,
// to about a second; false when it has not told.
func (p *Polite) Ahead() (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ahead, p.dated
}

// Close closes idle connections.
func (p *Polite) Close() { p.client.CloseIdleConnections() }

// A Request names what to ask the host for.
type Request struct {
	Method string // "" = GET
	Path   string // escaped path
	Query  string // encoded query
	Header http.Header
	Body   []byte
	Bearer Secret // sent as Authorization when set

	Patience time.Duration // with this request, at most that of the manners; 0 = that

	// Check looks at the body of a 2xx answer. Its error means that the answer
	// was damaged on the way, so that the request is repeated, unless it wraps ErrTooLarge.
	Check func(a *Answer) error
	// Buffer is reused for the body of the answer when it is large enough.
	Buffer []byte
}

// An Answer is what the host said, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Date   time.Time // the host's clock, else ours; whole seconds
}

// Do asks until there is an answer that another try would not change: a 2xx
// that passes Check, or a 4xx, which is for the caller to judge. 408, 429, 5xx,
// broken connections and damaged bodies are repeated after a random pause that
// grows. Time that the server asked us to wait is always waited, and counts
// against the patience only when ctx has no deadline. Errors wrap
// ErrUpstream, ErrConfig for a redirect, or the context's error.
func (p *Polite) Do(ctx context.Context, r Request) (*Answer, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	pauses := backoff.ExponentialBackOff{
		// Factor 1 draws from (0, 2·interval): full jitter, so that two jobs
		// started by the same clock do not stay in step.
		InitialInterval: firstPause, RandomizationFactor: 1, Multiplier: 2, MaxInterval: maxPause,
	}
	_, bounded := ctx.Deadline()
	patience := p.manners.MaxElapsed
	if r.Patience > 0 {
		patience = min(patience, r.Patience)
	}
	giveUp := time.Now().Add(patience)
	for tries := 1; ; tries++ {
		asked := time.Now()
		if !bounded && p.gate().After(giveUp) {
			return nil, fmt.Errorf("%w: %s %s%s: the server asks to wait until %s: try again then",
				ErrUpstream, r.Method, p.base.Host, r.Path, p.gate().UTC().Format(time.RFC3339))
		}
		if err := p.turn(ctx); err != nil {
			return nil, p.say(r, err)
		}
		if bounded {
			giveUp = giveUp.Add(time.Since(asked))
		}
		a, err := p.once(ctx, r)
		if err == nil {
			switch {
			case a.Status/100 == 2 && r.Check != nil:
				err = r.Check(a)
			case a.Status/100 == 3:
				return nil, fmt.Errorf("%w: %s %s%s answered with a redirect (%d), which is never followed: check the host name",
					ErrConfig, r.Method, p.base.Host, r.Path, a.Status)
			case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests, a.Status >= 500, a.Status < 200:
				err = fmt.Errorf("answered with status %d", a.Status)
			}
			if err == nil {
				return a, nil
			}
		}
		if ctx.Err() != nil {
			return nil, p.say(r, ctx.Err())
		}
		pause := pauses.NextBackOff()
		if time.Until(p.gate()) > pause {
			pause = 0 // the server asks for more than we would wait by ourselves
		}
		if hopeless(err) || time.Now().Add(pause).After(giveUp) {
			// Not wrapped: a time limit of ours must not pass for the end of ctx.
			return nil, fmt.Errorf("%w: %s %s%s, %d tries: %v", ErrUpstream, r.Method, p.base.Host, r.Path, tries, err)
		}
		p.manners.Log.Debug("asking again", "host", p.base.Host, "path", r.Path, "try", tries, "pause", pause, "why", err.Error())
		if err := sleep(ctx, pause); err != nil {
			return nil, p.say(r, err)
		}
	}
}

func (p *Polite) say(r Request, err error) error {
	return fmt.Errorf("%s %s%s: %w", r.Method, p.base.Host, r.Path, err)
}

// hopeless reports whether another try would fail in the same way.
func hopeless(err error) bool {
	var cert *tls.CertificateVerificationError
	var dns *net.DNSError
	return errors.Is(err, ErrTooLarge) || errors.Is(err, errNotHome) || errors.As(err, &cert) || errors.As(err, &dns) && dns.IsNotFound
}

// once sends the request and reads the answer to its end.
func (p *Polite) once(ctx context.Context, r Request) (*Answer, error) {
	// One clock over the whole try also ends an answer of one byte a second.
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	// The transport sends a GET again by itself when a kept connection turns out to
	// be dead. The server may have seen the first one, so the second waits like any other.
	sent := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		if sent {
			_ = p.turn(ctx) // an ended ctx ends the request too
		}
		sent = true
	}})
	u := p.base.Scheme + "://" + p.base.Host + r.Path
	if r.Query != "" {
		u += "?" + r.Query
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u, bytes.NewReader(r.Body))
	if err != nil {
		return nil, errNotHome // a path or a method that is none
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", p.manners.UserAgent)
	if !r.Bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+r.Bearer.Reveal())
	}
	resp, err := p.client.Do(req)
	if err != nil {
		var wrapped *url.Error // it repeats method and address
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, err
	}
	defer resp.Body.Close()
	a := &Answer{Status: resp.StatusCode, Header: resp.Header, Date: time.Now().Truncate(time.Second)}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.Date = t
		p.mu.Lock()
		p.ahead, p.dated = time.Until(t), true
		p.mu.Unlock()
	}
	p.heed(a)
	a.Body, err = readInto(r.Buffer, resp.Body)
	return a, err
}

// readInto reads all of r into buf's memory and returns it, grown if need be.
func readInto(buf []byte, r io.Reader) ([]byte, error) {
	buf = buf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxAnswer:
			return nil, fmt.Errorf("%w: over %d MiB", ErrTooLarge, maxAnswer>>20)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
	}
}

// turn waits for our turn: the gate that the server closed, then the rate, which
// must not gather turns behind a closed gate.
func (p *Polite) turn(ctx context.Context) error {
	for {
		wait := time.Until(p.gate())
		if wait > time.Second {
			p.manners.Log.Info("waiting as the server asks", "host", p.base.Host, "wait", wait.Round(time.Second))
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		if p.limiter != nil {
			if err := sleep(ctx, p.limiter.Reserve().Delay()); err != nil {
				return err
			}
		}
		if !time.Now().Before(p.gate()) { // nobody closed it meanwhile
			return nil
		}
	}
}

func (p *Polite) gate() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.notBefore
}

// heed closes the gate for as long as the answer's headers ask.
func (p *Polite) heed(a *Answer) {
	wait := max(retryAfter(a), reset(a))
	if wait <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := time.Now().Add(wait); t.After(p.notBefore) {
		p.notBefore = t
	}
}

// retryAfter is how long Retry-After asks to wait: seconds, or a date by the
// server's own clock. What is negative, past or unreadable asks for nothing.
func retryAfter(a *Answer) time.Duration {
	text := strings.TrimSpace(a.Header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, 10*365*24*3600)) * time.Second
	}
	t, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	// The Date header has lost its fraction of a second, so this errs late.
	return t.Sub(a.Date)
}

// reset is how long an empty bucket asks to wait: until x-ratelimit-reset, in
// Unix seconds by the server's clock. An absurd one holds us a minute.
func reset(a *Answer) time.Duration {
	left, err := strconv.ParseInt(strings.TrimSpace(a.Header.Get("X-Ratelimit-Remaining")), 10, 64)
	if a.Status != http.StatusTooManyRequests && (err != nil || left > 0) {
		return 0
	}
	at, err := strconv.ParseInt(strings.TrimSpace(a.Header.Get("X-Ratelimit-Reset")), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(min(max(at-a.Date.Unix(), 0), int64(maxReset/time.Second))) * time.Second
}

// sleep waits for d or for the end of ctx, whichever comes first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A Loop notices that the same cursors come round with data. It compares with
// one remembered cursor, which it renews at growing distances (Brent's cycle
// search), so that its memory does not grow with the run.
type Loop struct {
	held        string
	steps, size int
	met         int
}

// Closed takes the next cursor and reports whether it has come a third time.
func (l *Loop) Closed(position string) bool {
	if l.size > 0 && position == l.held {
		l.met++
		return l.met == 2
	}
	if l.steps++; l.steps >= l.size {
		l.held, l.steps, l.size, l.met = position, 0, max(1, 2*l.size), 0
	}
	return false
}
