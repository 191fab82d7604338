package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve returns keyramp with a home and a store of its own. Its tenant and its page are one server, which gives every
// request the same body, with status unless that is 0.
func serve(t *testing.T, body string) (keyramp func(args ...string) (code int, said string), status *int) {
	t.Helper()
	status = new(int)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		if *status != 0 {
			w.WriteHeader(*status)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "KEYRAMP_STORE=" + filepath.Join(dir, "store"),
		"AUTH0_DOMAIN=" + srv.URL, "AUTH0_API_TOKEN=secret",
		"KEYRAMP_PAGE_URL=" + srv.URL + "/v1/enrollment-events", "KEYRAMP_PAGE_TOKEN=secret"}
	return func(args ...string) (int, string) {
		var out, errw bytes.Buffer
		code := run(context.Background(), env, args, strings.NewReader(""), &out, &errw)
		return code, out.String() + errw.String()
	}, status
}

// A tenant that holds nothing yet is no failure, and it is said.
func TestPullOfNothing(t *testing.T) {
	keyramp, _ := serve(t, "[]")
	code, said := keyramp("pull", "auth0", "--since", "1d", "--rate", "0")
	if code != 0 || !strings.Contains(said, ": the tenant holds no log events yet of the time asked for\n") {
		t.Errorf("exit %d: %s", code, said)
	}
}

// A page that refuses a retry is told by its own token, not by the tenant's credentials.
func TestRetryRefusedByThePage(t *testing.T) {
	keyramp, status := serve(t, `{"events":[{"id":"1","time":"yesterday"}],"next_cursor":"1","has_more":false}`)
	if code, said := keyramp("pull", "enrollments", "--rate", "0"); code != 0 || !strings.Contains(said, "1 rejected") {
		t.Fatalf("exit %d: %s", code, said)
	}
	*status = http.StatusUnauthorized
	code, said := keyramp("rejects", "retry")
	if code != exitAuth || !strings.Contains(said, "hint: check KEYRAMP_PAGE_TOKEN") || strings.Contains(said, "AUTH0_CLIENT") {
		t.Errorf("exit %d: %s", code, said)
	}
}
