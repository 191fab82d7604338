package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
)

// TestServes starts the command, reads its output as a shell would, fetches a
// token and a page of the log, and compares the two ways to the truth.
func TestServes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "truth.json")
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"--users", "50", "--days", "6", "--ramp", "--truth", file}, write, io.Discard)
		write.Close()
	}()
	env := map[string]string{}
	buf := make([]byte, 4096)
	n, err := read.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(buf[:n])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	res, err := http.PostForm(env["TENANT_URL"]+"/oauth/token", url.Values{"grant_type": {"client_credentials"},
		"client_id": {env["CLIENT_ID"]}, "client_secret": {env["CLIENT_SECRET"]}, "audience": {env["AUDIENCE"]}})
	if err != nil {
		t.Fatal(err)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	decode(t, res, &token)
	var events []struct{ Type string }
	decode(t, get(t, env["TENANT_URL"]+"/api/v2/logs?per_page=5", token.AccessToken), &events)
	if len(events) != 5 {
		t.Errorf("%d events", len(events))
	}
	var page struct{ Events []json.RawMessage }
	decode(t, get(t, env["PAGE_URL"], env["PAGE_TOKEN"]), &page)
	var experiment struct{ Status string }
	decode(t, get(t, env["TENANT_URL"]+"/api/v2/experimentation/experiments/"+env["EXPERIMENT_ID"], token.AccessToken), &experiment)
	if experiment.Status != "active" {
		t.Errorf("the experiment is %q", experiment.Status)
	}
	var served, written tenant.Truth
	decode(t, get(t, env["TRUTH_URL"], ""), &served)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &written); err != nil {
		t.Fatal(err)
	}
	if served.LogEvents == 0 || served.LogEvents != written.LogEvents || len(served.Experiments[0].Phases) != 3 {
		t.Errorf("%d events served, %d written", served.LogEvents, written.LogEvents)
	}
	stop()
	if status := <-done; status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func get(t *testing.T, address, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func decode(t *testing.T, res *http.Response, into any) {
	t.Helper()
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("%s: %s", res.Request.URL.Path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestEndsByItself(t *testing.T) {
	var out, errw bytes.Buffer
	start := time.Now()
	if status := run(t.Context(), []string{"--users", "5", "--days", "1", "--for", "20ms"}, &out, &errw); status != 0 {
		t.Errorf("exit status %d: %s", status, &errw)
	}
	if time.Since(start) > 10*time.Second {
		t.Error("it did not end")
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--listen", "0.0.0.0:0", "--users", "5"}, {"--users", "0"}, {"--for", "-1s"}, {"--rate", "-1"}, {"--never-return", "2"},
		{"--success-delta", "0.5"}, {"extra"}, {"--nonsense"},
	} {
		var out, errw bytes.Buffer
		if status := run(t.Context(), args, &out, &errw); status != 2 || !strings.HasPrefix(errw.String(), "tenant: ") || out.Len() > 0 {
			t.Errorf("%v: status %d, %q, %q", args, status, &errw, &out)
		}
	}
	var out, errw bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, &out, &errw); status != 0 || !strings.Contains(out.String(), "--listen") || errw.Len() > 0 {
		t.Errorf("help: status %d, %q", status, &errw)
	}
}
