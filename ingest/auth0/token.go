package auth0

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"keyramp/ingest"
)

// renewal is how long before its end a token is no longer used.
const renewal = time.Minute

// tokens holds the one token of a run, and keeps it in a file between runs.
type tokens struct {
	static ingest.Secret
	oauth  clientcredentials.Config
	client *http.Client
	host   string
	file   string
	key    string // what the token in the file must have been issued for
	log    *slog.Logger

	mu   sync.Mutex
	held token
	read bool // the file has been looked at
}

type token struct {
	text  ingest.Secret
	since time.Time
	until time.Time // zero: the tenant did not say
	scope string    // what it allows, as told with it; not kept in the file
}

// usable reports whether the token may still be sent. A token that lives for
// less than two minutes is used for half its life.
func (t token) usable(now time.Time) bool {
	margin := min(renewal, t.until.Sub(t.since)/2)
	return !t.text.IsZero() && (t.until.IsZero() || now.Add(margin).Before(t.until))
}

func newTokens(c Config, base *url.URL, polite *ingest.Polite) *tokens {
	sum := sha256.Sum256([]byte(base.Host + "\x00" + c.ClientID + "\x00" + c.Audience))
	t := &tokens{
		static: c.StaticToken,
		oauth: clientcredentials.Config{
			ClientID: c.ClientID, ClientSecret: c.Secret.Reveal(), TokenURL: base.String() + tokenPath,
			EndpointParams: url.Values{"audience": {c.Audience}}, AuthStyle: oauth2.AuthStyleInParams,
		},
		client: &http.Client{Transport: politely{polite}},
		host:   base.Host, file: c.TokenFile, key: hex.EncodeToString(sum[:]), log: c.Log,
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t
}

const tokenPath = "/oauth/token"

// get returns a token that is good for at least a minute.
func (t *tokens) get(ctx context.Context) (ingest.Secret, error) {
	if !t.static.IsZero() {
		return t.static, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.read {
		t.read, t.held = true, t.load()
	}
	if t.held.usable(time.Now()) {
		return t.held.text, nil
	}
	asked := time.Now()
	got, err := t.oauth.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return ingest.Secret{}, t.explain(ctx, err)
	}
	scope, _ := got.Extra("scope").(string)
	until := got.Expiry
	if !until.After(asked) {
		until = time.Time{} // it has no sensible end: it is used until it is refused
	}
	t.held = token{ingest.NewSecret(got.AccessToken), asked, until, scope}
	t.save()
	return t.held.text, nil
}

// drop forgets a refused token, in the file too, and reports whether a new
// one can be had.
func (t *tokens) drop(refused ingest.Secret) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.text.Reveal() == refused.Reveal() {
		t.held = token{}
		if t.file != "" {
			_ = os.Remove(t.file) // a token that stays is refused again and replaced
		}
	}
	return t.static.IsZero()
}

// dropAged drops the token after a 403, if it is at least that old: it cannot
// know of a scope that was granted since.
func (t *tokens) dropAged(age time.Duration) {
	t.mu.Lock()
	held := t.held
	t.mu.Unlock()
	if time.Since(held.since) >= age {
		t.drop(held.text)
	}
}

// kept is the form of the token file.
type kept struct {
	Key   string    `json:"key"`
	Token string    `json:"access_token"`
	Since time.Time `json:"issued_at"`
	Until time.Time `json:"expires_at"`
}

// load reads the token file. Whatever is wrong with it costs a new token only.
func (t *tokens) load() token {
	if t.file == "" {
		return token{}
	}
	info, err := os.Stat(t.file)
	if errors.Is(err, fs.ErrNotExist) {
		return token{}
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		t.log.Warn("the token file is open to other users and is not used", "file", t.file)
		return token{}
	}
	var k kept
	data, err := os.ReadFile(t.file)
	if err != nil || json.Unmarshal(data, &k) != nil || k.Key != t.key || k.Until.IsZero() {
		return token{}
	}
	return token{text: ingest.NewSecret(k.Token), since: k.Since, until: k.Until}
}

// save writes the token file, readable by its owner alone.
func (t *tokens) save() {
	if t.file == "" || t.held.until.IsZero() {
		return
	}
	data, err := json.Marshal(kept{t.key, t.held.text.Reveal(), t.held.since.UTC(), t.held.until.UTC()})
	if err == nil {
		err = replace(t.file, data)
	}
	if err != nil {
		t.log.Warn("the token could not be kept for the next run", "file", t.file, "error", err)
	}
}

// replace writes a private file whole, whatever mode an older one has.
func replace(path string, data []byte) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// explain says why there is no token. Auth0's own description is left out: it
// is free text. Its code is enough to know what to do.
func (t *tokens) explain(ctx context.Context, err error) error {
	var wrapped *url.Error // repeats method and address
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		if ctx.Err() != nil || errors.Is(err, ErrUpstream) || errors.Is(err, ErrConfig) {
			return fmt.Errorf("auth0: token: %w", err)
		}
		return fmt.Errorf("%w: auth0: token: %v", ErrUpstream, err)
	}
	where := fmt.Sprintf("auth0: %s%s answered %d", t.host, tokenPath, refused.Response.StatusCode)
	if codeForm.MatchString(refused.ErrorCode) {
		where += " (" + refused.ErrorCode + ")"
	}
	switch {
	case refused.Response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s: check the domain", ErrConfig, where)
	case refused.Response.StatusCode == http.StatusForbidden || refused.ErrorCode == "unauthorized_client":
		return fmt.Errorf("%w: %s: authorize the application for the Management API, audience %s, with scope read:logs",
			ErrAuth, where, t.oauth.EndpointParams.Get("audience"))
	}
	return fmt.Errorf("%w: %s: check client id and secret", ErrAuth, where)
}

// politely lets the OAuth library send its one POST through our manners.
type politely struct{ polite *ingest.Polite }

func (p politely) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	a, err := p.polite.Do(req.Context(), ingest.Request{
		Method: req.Method, Path: req.URL.EscapedPath(), Header: req.Header, Body: body, Check: hasToken,
	})
	if err != nil {
		return nil, err
	}
	header := a.Header.Clone()
	if a.Status/100 == 2 {
		header.Set("Content-Type", "application/json") // hasToken saw that it is; the library goes by the name
	}
	return &http.Response{
		Status: http.StatusText(a.Status), StatusCode: a.Status, Header: header, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}, nil
}

// hasToken tells a token from an error page of something in between.
func hasToken(a *ingest.Answer) error {
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(a.Body, &body); err != nil || len(body.Token) > maxToken || !tokenForm.MatchString(body.Token) {
		return errors.New("the answer holds no token")
	}
	return nil
}

// tokenForm is what can be sent in a header. Tokens of Auth0 have about a kilobyte.
var tokenForm = regexp.MustCompile(`^[!-~]+$`)

// maxToken is far above that, and below what servers take as a header.
const maxToken = 16 << 10
