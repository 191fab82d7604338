package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
)

// inForms gives every form of a secret by which it could be known in a file.
func inForms(secret string) [][]byte {
	forms := [][]byte{[]byte(secret), []byte(url.QueryEscape(secret)), []byte(url.PathEscape(secret)),
		[]byte(hex.EncodeToString([]byte(secret))), []byte(strings.ToUpper(hex.EncodeToString([]byte(secret))))}
	for before := range 3 { // base64 of a longer text, wherever in it the secret stands
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("x", before) + secret))
			forms = append(forms, []byte(text[(before*8+5)/6:len(text)-2]))
		}
	}
	slices.SortFunc(forms, bytes.Compare)
	return slices.CompactFunc(forms, bytes.Equal)
}

// A search is what was written and said, with what was compressed in it.
type search map[string][]byte

func (s search) add(name string, data []byte) {
	s[name] = data
	for magic, open := range map[string]func(io.Reader) (io.Reader, error){
		"\x1f\x8b\x08":     func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"\x28\xb5\x2f\xfd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	} {
		for at := 0; ; at++ {
			next := bytes.Index(data[at:], []byte(magic))
			if next < 0 {
				break
			}
			at += next
			r, err := open(bytes.NewReader(data[at:]))
			if err != nil {
				continue
			}
			inside, _ := io.ReadAll(r) // up to the end of its frame, or to what is no frame
			s[fmt.Sprintf("%s, compressed at %d", name, at)] = inside
		}
	}
}

// tree adds every file below a folder but the ones that hold secrets by design.
func (s search) tree(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "auth0.token" || strings.HasPrefix(e.Name(), "pseudonym.key") {
			return err
		}
		data, err := os.ReadFile(path)
		s.add(path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s search) find(needle []byte) (where string) {
	for name, data := range s {
		if bytes.Contains(data, needle) {
			return name
		}
	}
	return ""
}

// everyTable reads all rows of all tables as texts: DuckDB compresses what it stores.
func (s *story) everyTable() (all string) {
	s.t.Helper()
	names := strings.Fields(s.keyramp(0, "query", "-q", "-f", "csv", "show tables"))
	if len(names) < 10 {
		s.t.Fatalf("the store has %q", names)
	}
	for _, name := range names[1:] {
		all += s.keyramp(0, "query", "-q", "-f", "csv", "--limit", "0", "from "+name)
	}
	return all
}

// A panicky reader fails as a bug does.
type panicky struct{ with string }

func (p panicky) Read([]byte) (int, error) { panic("reading " + p.with) }

// No secret is in anything that is said or written, whatever goes wrong. Row S1.
func TestSecretsAreNowhere(t *testing.T) {
	row := tier.Begin(t, "S1", tier.Size{Test: 1})
	s := tell(t, tenant.Config{Seed: 21, Users: 200, Days: 4})
	dir := t.TempDir()
	s.store = filepath.Join(dir, "store")
	s.server.SetNow(s.world.End().Add(time.Hour))
	key := []byte("\x01canary \xff16 byt\xfe")
	if err := errors.Join(os.Mkdir(s.store, 0o700), os.WriteFile(filepath.Join(s.store, "pseudonym.key"), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"the key": string(key), "the client secret": s.server.ClientSecret, "the page token": s.server.PageToken,
		"a wrong secret": "wrong+secret/of=the client?&%", "a wrong token": "eyJhbGciOi.canary-token-0123456789.c2lnbmF0dXJl"}

	var said bytes.Buffer
	runs := 0
	say := func(want int, env []string, in io.Reader, args ...string) {
		t.Helper()
		runs++
		args = append(args, "--store", s.store, "--log-level", "debug", "-v", "--summary-file", filepath.Join(dir, fmt.Sprintf("run-%d.json", runs)))
		before := said.Len()
		if got := run(context.Background(), append(slices.Clone(s.env), env...), args, in, &said, &said); got != want {
			t.Errorf("keyramp %v: exit %d, want %d\n%s", args, got, want, said.Bytes()[before:])
		}
	}
	none := strings.NewReader("")
	since := s.world.Start().Add(-time.Hour).Format(time.RFC3339)

	// What goes wrong, first: no store, no settings, wrong credentials, a server that is none.
	say(3, nil, none, "report")
	say(4, []string{"AUTH0_CLIENT_SECRET=" + secrets["a wrong secret"]}, none, "pull", "auth0", "--since", since)
	say(4, []string{"AUTH0_API_TOKEN=" + secrets["a wrong token"]}, none, "pull", "auth0", "--since", since)
	say(4, []string{"KEYRAMP_PAGE_TOKEN=" + secrets["a wrong token"]}, none, "pull", "enrollments")
	say(4, []string{"AUTH0_CLIENT_SECRET=" + secrets["a wrong secret"], "KEYRAMP_PAGE_TOKEN=" + secrets["a wrong token"]}, none, "doctor")
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	say(5, []string{"AUTH0_DOMAIN=" + secure.URL}, none, "pull", "auth0", "--since", since, "--max-duration", "2s")
	say(3, []string{"AUTH0_DOMAIN=https://me:" + url.PathEscape(secrets["a wrong secret"]) + "@acme.example/"}, none, "pull", "auth0", "--since", since)
	say(3, []string{"KEYRAMP_PAGE_URL=https://acme.example/?token=" + url.QueryEscape(secrets["a wrong secret"])}, none, "pull", "enrollments")
	say(3, []string{"KEYRAMP_PAGE_URL=https://acme.example/%zz" + secrets["a wrong token"]}, none, "pull", "enrollments")
	rude := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // tells what it was told
		body, _ := io.ReadAll(r.Body)
		http.Error(w, r.Header.Get("Authorization")+" "+string(body), http.StatusForbidden)
	}))
	defer rude.Close()
	say(4, []string{"AUTH0_DOMAIN=" + rude.URL}, none, "pull", "auth0", "--since", since)
	say(4, []string{"KEYRAMP_PAGE_URL=" + rude.URL}, none, "pull", "enrollments")
	settings := filepath.Join(t.TempDir(), "keyramp.yaml") // outside of dir: it holds a secret by mistake
	if err := os.WriteFile(settings, []byte("auth0:\n  client_secret: "+secrets["a wrong token"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	say(3, nil, none, "status", "--config", settings)

	// Then everything that works.
	say(0, nil, none, "pull", "--rate", "0", "--since", since)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(s.server.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	say(0, []string{"AUTH0_CLIENT_SECRET=", "AUTH0_CLIENT_SECRET_FILE=" + file}, none, "pull", "--rate", "0")
	for _, format := range []string{"table", "json", "csv", "markdown", "html"} {
		say(0, nil, none, "report", "-f", format, "-o", filepath.Join(dir, "report."+format))
	}
	for _, args := range [][]string{{"decide"}, {"status"}, {"rejects"}, {"experiments", "list"}, {"experiments", "show"}, {"plan"}, {"doctor"},
		{"version"}, {"completion", "bash"}, {"query", "from sources"}, {"export", "daily", "--out", filepath.Join(dir, "out")},
		{"export", "events", "--out", filepath.Join(dir, "out"), "--as", "parquet"},
		{"simulate", "aa", "--runs", "2", "--people", "500", "--days", "3"}} {
		say(0, nil, none, args...)
	}
	say(0, nil, strings.NewReader("auth0|somebody\n"), "forget", "--users-from", "-", "--yes")
	say(0, nil, none, "purge", "--older-than", "2026-11-01", "--yes")
	token := readToken(t, s.store)
	secrets["the access token"] = token
	for _, secret := range []string{s.server.ClientSecret, token, s.server.PageToken} { // a bug that has one in its hands
		say(1, []string{"AUTH0_API_TOKEN=" + token}, panicky{secret}, "forget", "--users-from", "-", "--yes")
	}
	say(0, nil, none, "key", "rotate", "--yes")
	rotated, err := os.ReadFile(filepath.Join(s.store, "pseudonym.key"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Fields(string(rotated)) {
		raw, _ := hex.DecodeString(line)
		secrets[fmt.Sprintf("key %d", i+1)] = string(raw)
	}

	found := search{}
	found.add("what was said", said.Bytes())
	found.tree(t, dir)
	found.add("the tables", []byte(s.everyTable()))
	if len(found) < runs || len(secrets) < 8 {
		t.Fatalf("%d places and %d secrets: nothing to search", len(found), len(secrets))
	}
	hits := 0
	for name, secret := range secrets {
		for _, form := range inForms(secret) {
			if where := found.find(form); where != "" {
				hits++
				row.Violation("%s holds %s as %.12q…", where, name, form)
			}
		}
	}
	row.Note("runs, secrets, places searched", fmt.Sprintf("%d, %d, %d", runs, len(secrets), len(found)))
	row.Done()

	// The search has teeth: it finds each where it stands by design.
	kept := search{}
	for _, name := range []string{"pseudonym.key", "auth0.token"} {
		data, err := os.ReadFile(filepath.Join(s.store, name))
		if err != nil {
			t.Fatal(err)
		}
		kept.add(name, data)
	}
	for _, secret := range []string{string(key), token} {
		if !slices.ContainsFunc(inForms(secret), func(form []byte) bool { return kept.find(form) != "" }) {
			t.Error("the search does not find a secret where it is kept")
		}
	}
}

// readToken is the access token that a pull keeps for the next one.
func readToken(t *testing.T, store string) string {
	t.Helper()
	var kept struct {
		Token string `json:"access_token"`
	}
	data, err := os.ReadFile(filepath.Join(store, "auth0.token"))
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil || kept.Token == "" {
		t.Fatalf("no token is kept: %v", err)
	}
	return kept.Token
}

// A logger prints neither the secrets it knows nor what looks like one, and leaves the rest alone.
func TestRedaction(t *testing.T) {
	var hide redactor
	const secret = "p+q/r s=canary?"
	hide.add(ingest.NewSecret(secret), ingest.NewSecret("abc"), ingest.Secret{})
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelDebug, &hide)
	for _, text := range []string{
		"plain " + secret, "https://x.example/?a=" + url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		out.Reset()
		log.With("x", text).Info(text, "y", text, "why", fmt.Errorf("because: %s", text), "held", ingest.NewSecret(secret))
		for _, form := range inForms(secret) {
			if bytes.Contains(out.Bytes(), form) {
				t.Errorf("printed: %s", &out)
			}
		}
		if strings.Count(out.String(), redacted) < 4 {
			t.Errorf("not redacted four times: %s", &out)
		}
	}
	for text, want := range map[string]string{
		"Authorization: Bearer abcdefghijklmnop, next":       "Authorization: [redacted], next",
		"sent bearer abcdefghijklmnop":                       "sent bearer [redacted]",
		"Get \"https://h/p?access_token=xyz&page=2\": EOF":   "Get \"https://h/p?access_token=[redacted]&page=2\": EOF",
		"client_secret=xyz&a=b":                              "client_secret=[redacted]&a=b",
		"got eyJabcdef.eyJghi.jkl back":                      "got [redacted] back",
		"the bearer token is missing; basic rules; abc":      "the bearer token is missing; basic rules; abc",
		"set AUTH0_CLIENT_SECRET or AUTH0_API_TOKEN":         "set AUTH0_CLIENT_SECRET or AUTH0_API_TOKEN",
		"auth0: token: 127.0.0.1:1/oauth/token answered 401": "auth0: token: 127.0.0.1:1/oauth/token answered 401",
	} {
		if got := hide.clean(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	out.Reset()
	log.Warn("m", "authorization", "whatever", "token", "whatever")
	if strings.Contains(out.String(), "whatever") {
		t.Errorf("printed: %s", &out)
	}
}

// Whatever the umask, what is written is its owner's alone, and exports are as documented. Row S9.
func TestPermissions(t *testing.T) {
	masks := []int{0o000, 0o022, 0o077}
	row := tier.Begin(t, "S9", tier.Size{Test: len(masks)})
	defer syscall.Umask(syscall.Umask(0))
	for _, mask := range masks {
		s := tell(t, tenant.Config{Seed: 22, Users: 100, Days: 3})
		logs, page := s.files(1)
		syscall.Umask(mask)
		dir := t.TempDir()
		s.store = filepath.Join(dir, "store")
		s.server.SetNow(s.world.End().Add(time.Hour))
		look := func() {
			t.Helper()
			err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
				if err != nil || path == dir {
					return err
				}
				info, err := e.Info()
				if err != nil {
					return err
				}
				allowed := fs.FileMode(0o600)
				ours := strings.HasPrefix(path, s.store)
				switch {
				case ours && e.IsDir():
					allowed = 0o700
				case e.IsDir():
					allowed = 0o750
				case !ours:
					allowed = 0o640
				}
				if mode := info.Mode().Perm(); mode&^allowed != 0 || mode&0o600 != 0o600 {
					row.Violation("umask %03o: %s has mode %04o", mask, path, mode)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		summary := filepath.Join(dir, "summary.json")
		s.keyramp(0, "pull", "--rate", "0", "--since", s.world.Start().Format(time.RFC3339), "--summary-file", summary)
		look()
		s.keyramp(0, "import", "logs", logs[0])
		s.keyramp(0, "import", "page", page)
		s.keyramp(0, "report", "-f", "html", "-o", filepath.Join(dir, "report.html"))
		s.keyramp(0, "query", "-q", "-o", filepath.Join(dir, "answer.csv"), "-f", "csv", "from sources")
		for _, as := range []string{"csv", "parquet"} {
			s.keyramp(0, "export", "events", "--as", as, "--out", filepath.Join(dir, as))
		}
		look()
		s.keyramp(0, "forget", "--user", "auth0|nobody", "--yes")
		s.keyramp(0, "purge", "--older-than", "2026-11-02", "--yes")
		s.keyramp(0, "key", "rotate", "--yes")
		s.keyramp(0, "report", "-f", "json", "-o", filepath.Join(dir, "report.json"))
		look()
		// A folder and files that were open to others are closed again.
		for path, mode := range map[string]fs.FileMode{s.store: 0o755, filepath.Join(s.store, "keyramp.duckdb"): 0o644} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		s.keyramp(0, "pull", "--rate", "0")
		look()
		// So is no key: whoever could read it may have done so.
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o666} {
			if err := os.Chmod(filepath.Join(s.store, "pseudonym.key"), mode); err != nil {
				t.Fatal(err)
			}
			s.keyramp(exitConfig, "pull", "--rate", "0")
			s.keyramp(exitConfig, "forget", "--user", "auth0|nobody", "--yes")
		}
		row.Done()
	}
}

// Secrets are no words of a command line, and settings tell their length alone. Row S10.
func TestSecretsAreNoArguments(t *testing.T) {
	row := tier.Begin(t, "S10", tier.Size{Test: 1})
	var walk func(*cobra.Command)
	flags := 0
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		for _, line := range strings.Split(cmd.Flags().FlagUsages()+cmd.PersistentFlags().FlagUsages(), "\n") {
			name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			flags++
			for _, word := range []string{"secret", "token", "password", "credential"} {
				if strings.Contains(name, word) {
					row.Violation("%s has the flag %s: it would stand in process lists", cmd.CommandPath(), name)
				}
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(newApp(nil, nil, io.Discard, io.Discard)))
	if flags < 50 {
		t.Fatalf("only %d flags were looked at", flags)
	}

	s := tell(t, tenant.Config{Seed: 23, Users: 50, Days: 2})
	asked, done := make(chan bool, 1), make(chan bool)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- true:
		default:
		}
		<-done
	}))
	defer slow.Close()
	defer close(done)
	cmd := exec.Command("keyramp", "pull", "auth0", "--since", "7d", "--store", s.store)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, append(s.env, "AUTH0_DOMAIN="+slow.URL)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked // it has its credentials in its hands
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	cmd.Process.Kill()
	cmd.Wait()
	if err == nil && bytes.Contains(line, []byte(s.server.ClientSecret)) {
		row.Violation("the process list shows a secret")
	}

	out := s.keyramp(0, "doctor", "-f", "json")
	for _, want := range []string{"(env, 64 chars)", fmt.Sprintf("(env, %d chars)", len(s.server.PageToken))} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	for _, secret := range []string{s.server.ClientSecret, s.server.PageToken} {
		for _, form := range inForms(secret) {
			if strings.Contains(out, string(form)) {
				row.Violation("doctor tells a secret")
			}
		}
	}
	row.Done()
}
