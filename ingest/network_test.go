package ingest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
)

// TestSlow: every kind of waiting ends, by the time limit of a try, which must not pass
// for the end of the run, and by the end of the run to the second.
func TestSlow(t *testing.T) {
	cases := []struct {
		fault chaos.Fault
		each  time.Duration // at most, of one try
	}{
		{chaos.Drip, time.Minute},
		{chaos.Hang(0), 30 * time.Second},
		{chaos.LeftOpen, time.Minute},
	}
	row := tier.Begin(t, "N8", tier.Size{Test: 2 * len(cases)})
	for _, c := range cases {
		t.Run(c.fault.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "[]") })
				front := chaos.Always(good, nil, c.fault)
				p := piped(t, chaos.Serve(t, front), ingest.Manners{})

				began := time.Now()
				_, err := p.Do(t.Context(), ingest.Request{Path: "/"})
				if !errors.Is(err, ingest.ErrUpstream) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				tries := front.Requests("/")
				if d := time.Since(began); d > 5*time.Minute+c.each || tries < 4 || d > time.Duration(tries)*c.each+5*time.Minute-4*c.each {
					t.Errorf("%d tries in %v", tries, d)
				}
				row.Done()

				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				began = time.Now()
				_, err = p.Do(ctx, ingest.Request{Path: "/"})
				if d := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ingest.ErrUpstream) || d != 100*time.Second {
					t.Errorf("after %v: %v", d, err)
				}
				row.Done()
				p.Close()
			})
		})
	}
}

// TestTLS refuses every server that cannot prove who it is, before it hears anything of
// a request. There is no setting to make an exception by.
func TestTLS(t *testing.T) {
	ours, others := chaos.NewAuthority(t), chaos.NewAuthority(t)
	const host = "127.0.0.1"
	hour := time.Hour
	good := ours.Issue(host, time.Now().Add(-hour), time.Now().Add(hour))
	cases := []struct {
		name     string
		cert     tls.Certificate
		version  uint16 // at most
		says     string // "" = a good server
		hopeless bool   // and not tried again
	}{
		{name: "good", cert: good},
		{name: "good, TLS 1.2", cert: good, version: tls.VersionTLS12},
		{name: "expired", cert: ours.Issue(host, time.Now().Add(-2*hour), time.Now().Add(-time.Minute)), says: "expired", hopeless: true},
		{name: "not yet valid", cert: ours.Issue(host, time.Now().Add(hour), time.Now().Add(2*hour)), says: "not yet valid", hopeless: true},
		{name: "another address", cert: ours.Issue("127.0.0.2", time.Now().Add(-hour), time.Now().Add(hour)), says: "127.0.0.2", hopeless: true},
		{name: "another name", cert: ours.Issue("acme.example", time.Now().Add(-hour), time.Now().Add(hour)), says: host, hopeless: true},
		{name: "self-signed", cert: chaos.SelfSigned(t, host), says: "certificate", hopeless: true},
		{name: "an authority that is not ours", cert: others.Issue(host, time.Now().Add(-hour), time.Now().Add(hour)), says: "unknown authority", hopeless: true},
		{name: "TLS 1.1", cert: good, version: tls.VersionTLS11, says: "protocol version"},
		{name: "TLS 1.0", cert: good, version: tls.VersionTLS10, says: "protocol version"},
	}
	row := tier.Begin(t, "N4", tier.Size{Test: len(cases)})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var heard atomic.Int32
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard.Add(1) }))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS10, MaxVersion: c.version}
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			defer srv.Close()
			base, err := ingest.ParseBase(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			transport := ingest.NewTransport()
			transport.TLSClientConfig.RootCAs = ours.Pool()
			p := ingest.NewPolite(base, ingest.Manners{Transport: transport, MaxElapsed: time.Second})
			defer p.Close()
			_, err = p.Do(t.Context(), ingest.Request{Path: "/", Bearer: ingest.NewSecret("t0ken")})
			if c.says == "" {
				if err != nil || heard.Load() != 1 {
					t.Errorf("%d requests, error %v", heard.Load(), err)
				}
				row.Done()
				return
			}
			if !errors.Is(err, ingest.ErrUpstream) || !strings.Contains(err.Error(), c.says) || heard.Load() > 0 {
				t.Errorf("%d requests arrived, error %v", heard.Load(), err)
			}
			if c.hopeless && !strings.Contains(err.Error(), "1 tries") {
				t.Errorf("tried again: %v", err)
			}
			row.Done()
		})
	}
}

// TestHTTP2 meets the protocol that Auth0 speaks: a stream that is reset is asked for again.
func TestHTTP2(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			io.WriteString(w, "[{")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case 3:
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "[]")
		default:
			io.WriteString(w, r.Proto)
		}
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	ours := chaos.NewAuthority(t)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{ours.Issue("127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}}
	srv.StartTLS()
	defer srv.Close()
	base, err := ingest.ParseBase(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := ingest.NewTransport()
	transport.TLSClientConfig.RootCAs = ours.Pool()
	p := ingest.NewPolite(base, ingest.Manners{Transport: transport})
	defer p.Close()
	a, err := p.Do(t.Context(), ingest.Request{Path: "/"})
	if err != nil || string(a.Body) != "HTTP/2.0" || n.Load() != 4 {
		t.Errorf("%d requests, error %v", n.Load(), err)
	}
}

// TestHomeOnly: whatever a caller asks for, no other method and no other host is reached.
func TestHomeOnly(t *testing.T) {
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	var heard atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { heard.Add(1) }))
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := ingest.NewPolite(base, ingest.Manners{MaxElapsed: time.Second}, "/oauth/token")
	defer p.Close()
	const token = "/oauth/token"
	bad := []ingest.Request{
		{Method: "POST", Path: "/api/v2/logs"}, {Method: "POST", Path: token + "/"}, {Method: "POST", Path: "/oauth/../oauth/token"},
		{Method: "PUT", Path: token}, {Method: "PATCH", Path: token}, {Method: "DELETE", Path: token}, {Method: "HEAD", Path: token},
		{Method: "OPTIONS", Path: token}, {Method: "CONNECT", Path: token}, {Method: "get", Path: token}, {Method: "G ET", Path: token},
		{Path: "@127.0.0.1:" + stranger.Port + "/"}, {Path: ":x@127.0.0.1:" + stranger.Port + "/"}, {Path: "0/"}, {Path: ".evil.example/"},
		{Method: "POST", Path: "@127.0.0.1:" + stranger.Port + token},
		{Path: "\r\nHost: evil.example\r\n/"},
	}
	row := tier.Begin(t, "S2", tier.Size{Test: len(bad)})
	for _, r := range bad {
		r.Bearer = ingest.NewSecret("t0ken")
		if _, err := p.Do(t.Context(), r); !errors.Is(err, ingest.ErrUpstream) || !strings.Contains(err.Error(), "refused to send") || !strings.Contains(err.Error(), "1 tries") {
			row.Violation("%s %q: error %v", r.Method, r.Path, err)
		}
		row.Done()
	}
	if n, m := heard.Load(), stranger.Connections(); n+int32(m) > 0 {
		row.Violation("%d requests arrived, and %d connections elsewhere", n, m)
	}
	for _, r := range []ingest.Request{{Path: "/x"}, {Method: "POST", Path: token, Body: []byte("a=b")}} {
		if _, err := p.Do(t.Context(), r); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.Path, err)
		}
	}
}
