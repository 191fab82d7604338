// Package examples_test runs the examples as a tenant and a browser would.
package examples_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/ingest"
	"keyramp/ingest/enrollment"
	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

const (
	pageSecret  = "a-secret-of-the-page-and-the-action"
	eventsToken = "events-token"
)

// A login is what the tenant knows while the Action runs.
type login map[string]any

type answer struct {
	Redirect string
	Metadata map[string]map[string]string
	Error    string
}

// An action is the Action in a process of its own.
type action struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func startAction(t *testing.T) *action {
	t.Helper()
	cmd := exec.Command("node", "testdata/harness.js", "../passkey-action/action.js")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &action{t, in, bufio.NewScanner(out)}
}

func (a *action) call(name string, event login) (got answer) {
	a.t.Helper()
	line, err := json.Marshal(map[string]any{"call": name, "event": event})
	if err != nil {
		a.t.Fatal(err)
	}
	fmt.Fprintf(a.in, "%s\n", line)
	if !a.out.Scan() {
		a.t.Fatal("the Action's process has ended")
	}
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		a.t.Fatal(err)
	}
	if got.Error != "" {
		a.t.Errorf("%s failed, and a login must not: %s", name, got.Error)
	}
	return got
}

// startPage serves the enrollment page until the test ends, and returns where.
func startPage(t *testing.T, file string) (base string, stop func()) {
	t.Helper()
	cmd := exec.Command("node", "enrollment-page/server.js")
	cmd.Env = append(os.Environ(), "PAGE_SECRET="+pageSecret, "TENANT=https://tenant.example", "EVENTS_TOKEN="+eventsToken, "EVENTS_FILE="+file, "PORT=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the page did not stop cleanly: %v", err)
		}
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), stop
}

// A browser follows no redirect by itself: each is looked at.
var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func fetch(t *testing.T, method, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// kept is a sink that keeps the page's events.
type kept struct {
	pages []store.PageEvent
	next  store.Cursor
}

func (k *kept) LoadAll(_ context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) {
		k.pages, k.next = append(k.pages, b.Pages...), next
		return store.Loaded{Received: b.Received, Stored: int64(len(b.Pages)), Rejected: int64(len(b.Rejects))}, nil
	})
}

func (k *kept) Cursor(context.Context, string) (store.Cursor, bool, error) { return k.next, false, nil }

// The Action and the page, through a hundred logins: who may be asked is asked once, what they did is told once, with
// ids that nobody can edit, and every login goes on.
func TestActionAndPage(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs Node: ", err)
	}
	w := tenant.New(tenant.Config{Users: 1, Days: 1})
	experiment := w.ExperimentIDs()[0]
	control, treatment := w.VariationIDs()
	act := startAction(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "events.ndjson")
	base, stop := startPage(t, file)
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
	}()

	metadata := map[string]map[string]map[string]string{} // of users
	event := func(user, variation string, change func(login)) login {
		e := login{
			"experiment":  map[string]any{"experiment_id": experiment, "variation_id": variation, "is_control": variation == control, "config": map[string]any{"passkey_enabled": map[string]any{"value": variation == treatment}}},
			"user":        map[string]any{"user_id": user, "app_metadata": metadata[user]},
			"client":      map[string]any{"client_id": "client"},
			"transaction": map[string]any{"id": "tx-" + user, "protocol": "oidc-basic-profile"},
			"session":     map[string]any{"id": "session-" + user},
			"request":     map[string]any{"query": map[string]any{}},
			"secrets":     map[string]string{"PAGE_URL": base + "/enroll-passkey", "PAGE_SECRET": pageSecret, "SKIP_CLIENTS": "kiosk, tv"},
		}
		if change != nil {
			change(e)
		}
		return e
	}
	asked := func(e login) string { return act.call("onExecutePostLogin", e).Redirect }

	// Whom nobody asks.
	for name, e := range map[string]login{
		"control":            event("auth0|c", control, nil),
		"no experiment":      event("auth0|n", treatment, func(e login) { e["experiment"] = nil }),
		"a flag that is off": event("auth0|o", treatment, func(e login) { e["experiment"].(map[string]any)["config"] = map[string]any{} }),
		"has a passkey": event("auth0|p", treatment, func(e login) {
			e["user"].(map[string]any)["enrolledFactors"] = []any{map[string]any{"type": "passkey"}}
		}),
		"came with a passkey": event("auth0|q", treatment, func(e login) {
			e["authentication"] = map[string]any{"methods": []any{map[string]any{"name": "passkey"}}}
		}),
		"a silent login":       event("auth0|s", treatment, func(e login) { e["request"].(map[string]any)["query"] = map[string]any{"prompt": "none"} }),
		"a refresh token":      event("auth0|r", treatment, func(e login) { e["transaction"].(map[string]any)["protocol"] = "oauth2-refresh-token" }),
		"a client that cannot": event("auth0|t", treatment, func(e login) { e["client"] = map[string]any{"client_id": "tv"} }),
		"no page is named":     event("auth0|u", treatment, func(e login) { e["secrets"] = map[string]string{} }),
	} {
		if to := asked(e); to != "" {
			t.Errorf("%s: sent to %s", name, to)
		}
	}

	want := map[string]int{}
	act1 := func(i int, result string) (user, token, state string) {
		t.Helper()
		user, state = fmt.Sprintf("auth0|user-%d", i), fmt.Sprintf("st&te <%d>", i)
		to := asked(event(user, treatment, nil))
		address, err := url.Parse(to)
		if err != nil || to == "" {
			t.Fatalf("user %d is sent to %q: %v", i, to, err)
		}
		q := address.Query()
		token = q.Get("session_token")
		q.Set("state", state)
		address.RawQuery = q.Encode()
		resp, body := fetch(t, "GET", address.String(), nil)
		want["shown"]++
		if resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") == "" || strings.Contains(body, "<"+fmt.Sprint(i)+">") {
			t.Fatalf("%d\n%s", resp.StatusCode, body)
		}
		if result == "" {
			return user, token, state // closes the window
		}
		hidden := regexp.MustCompile(`name="state" value="([^"]*)"`).FindStringSubmatch(body)
		if hidden == nil {
			t.Fatal("the form has no state")
		}
		for range 2 { // a double click
			resp, _ = fetch(t, "POST", base+"/enroll-passkey/result", url.Values{"session_token": {token}, "state": {state}, "result": {result}})
		}
		want[result]++
		if result != "skipped" {
			want["started"]++
		}
		back, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || resp.StatusCode != 303 || back.Scheme+"://"+back.Host+back.Path != "https://tenant.example/continue" || back.Query().Get("state") != state {
			t.Fatalf("%d to %s", resp.StatusCode, resp.Header.Get("Location"))
		}
		got := act.call("onContinuePostLogin", event(user, treatment, func(e login) {
			e["request"] = map[string]any{"query": map[string]any{"state": state, "session_token": back.Query().Get("session_token")}}
		}))
		metadata[user] = got.Metadata
		return user, token, state
	}
	for i := range 100 {
		result := []string{"completed", "skipped", "failed", ""}[i%4]
		user, _, _ := act1(i, result)
		again := asked(event(user, treatment, nil))
		if asks := again != ""; asks != (result == "failed" || result == "") {
			t.Errorf("after %q: asked again %v", result, asks)
		}
	}

	// What is forged, expired or edited is not noted, and the login goes on.
	_, token, _ := act1(200, "")
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	edited := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), treatment, control, 1)))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, bad := range map[string]string{
		"edited":       parts[0] + "." + edited + "." + parts[2],
		"alg none":     none + "." + parts[1] + ".",
		"no signature": parts[0] + "." + parts[1] + ".",
		"none at all":  "",
		"noise":        "a.b.c",
	} {
		for method, address := range map[string]string{"GET": base + "/enroll-passkey?" + url.Values{"session_token": {bad}, "state": {"s"}}.Encode(), "POST": base + "/enroll-passkey/result"} {
			var form url.Values
			if method == "POST" {
				form = url.Values{"session_token": {bad}, "state": {"s"}, "result": {"completed"}}
			}
			if resp, _ := fetch(t, method, address, form); resp.StatusCode != 303 || !strings.HasSuffix(resp.Header.Get("Location"), "/continue?state=s") {
				t.Errorf("%s, %s: %d to %s", name, method, resp.StatusCode, resp.Header.Get("Location"))
			}
		}
	}
	if got := act.call("onContinuePostLogin", event("auth0|x", treatment, func(e login) {
		e["request"] = map[string]any{"query": map[string]any{"state": "s", "session_token": token}}
	})); len(got.Metadata) != 0 {
		t.Errorf("a token that the page did not make is believed: %+v", got)
	}
	if resp, _ := fetch(t, "GET", base+"/v1/enrollment-events", nil); resp.StatusCode != 401 {
		t.Errorf("events without a token: %d", resp.StatusCode)
	}

	// keyramp reads the page's API, also after the page was started anew.
	read := func(base string) map[string]int {
		t.Helper()
		names, err := ingest.LoadPseudonyms(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		source, err := enrollment.NewAPI(enrollment.APIConfig{URL: base + "/v1/enrollment-events", Token: ingest.NewSecret(eventsToken)}, store.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		sink := &kept{}
		account, err := (&ingest.Pump{Sink: sink, Pseudonyms: names, Decoder: &enrollment.Decoder{Pseudonyms: names}}).Run(t.Context(), source)
		if err != nil || account.Rejected != 0 {
			t.Fatalf("%+v, %v", account, err)
		}
		got, people := map[string]int{}, map[uint64]bool{}
		for _, p := range sink.pages {
			got[string(p.Phase)]++
			people[p.User] = true
			if !p.Verified || p.Experiment != experiment || p.Variation != treatment || p.User == 0 || p.Session == 0 || p.Transaction == 0 || p.Future {
				t.Fatalf("%+v", p)
			}
		}
		if len(people) != 101 {
			t.Errorf("%d people", len(people))
		}
		return got
	}
	if got := read(base); !equal(got, want) {
		t.Errorf("keyramp reads %v, what happened is %v", got, want)
	}
	stop()
	stopped = true
	torn, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = torn.WriteString(`{"specversion":"1.0","id":"cut by a cr`)
		err = errors.Join(err, torn.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	base, stopAgain := startPage(t, file)
	defer stopAgain()
	if got := read(base); !equal(got, want) {
		t.Errorf("after a restart keyramp reads %v, what happened is %v", got, want)
	}

	// Where nothing can be written nobody is prompted, and logins go on.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"auth0|late", "auth0|later"} {
		resp, _ := fetch(t, "GET", asked(event(user, treatment, func(e login) {
			e["secrets"] = map[string]string{"PAGE_URL": base + "/enroll-passkey", "PAGE_SECRET": pageSecret}
		}))+"&state=s", nil)
		if resp.StatusCode != 303 || !strings.HasSuffix(resp.Header.Get("Location"), "/continue?state=s") {
			t.Errorf("%s: %d to %s", user, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
}

func equal(a, b map[string]int) bool {
	var x, y []string
	for k, n := range a {
		x = append(x, fmt.Sprint(k, n))
	}
	for k, n := range b {
		y = append(y, fmt.Sprint(k, n))
	}
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// The page refuses to start without what makes it safe.
func TestPageNeedsSecrets(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs Node: ", err)
	}
	for says, env := range map[string][]string{
		"PAGE_SECRET is not set": {"TENANT=https://t", "EVENTS_TOKEN=x"},
		"shorter than 32":        {"TENANT=https://t", "EVENTS_TOKEN=x", "PAGE_SECRET=short"},
		"EVENTS_FILE is no file": {"TENANT=https://t", "EVENTS_TOKEN=x", "PAGE_SECRET=" + pageSecret, "EVENTS_FILE=/dev/full"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, "node", "enrollment-page/server.js")
		cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "PORT=0")
		out, err := cmd.CombinedOutput()
		cancel()
		if err == nil || !strings.Contains(string(out), says) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
