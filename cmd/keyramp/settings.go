package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/ingest"
	"keyramp/queries/store"
)

// defaultRate is the number of requests a second that the tenant gets from us:
// the lowest sustained limit that a paid plan has.
const defaultRate = 2

// settings are what a command runs with: flag, then environment, then file,
// then default.
type settings struct {
	configFile
	path                     string // the file they came from; "" without one
	rate                     float64
	clientSecret, auth0Token ingest.Secret
	pageToken                ingest.Secret
}

// loadSettings reads the file and lays environment and flags over it.
func (a *app) loadSettings(cmd *cobra.Command) (settings, error) {
	var s settings
	s.Plan = analysis.DefaultPlan()
	path, err := a.configPath()
	if err != nil {
		return s, err
	}
	if path != "" {
		s.path = path
		if err := readConfig(path, &s.configFile); err != nil {
			return s, err
		}
	}
	s.Store = first(a.flags.store, a.env["KEYRAMP_STORE"], s.Store, "keyramp-data")
	s.Auth0.Domain = tenantDomain(first(a.env["AUTH0_DOMAIN"], s.Auth0.Domain))
	s.Auth0.ClientID = first(a.env["AUTH0_CLIENT_ID"], s.Auth0.ClientID)
	s.Page.URL = first(a.env["KEYRAMP_PAGE_URL"], s.Page.URL)
	s.rate = defaultRate
	if s.Auth0.Rate != nil {
		s.rate = *s.Auth0.Rate
	}
	for _, name := range []string{"AUTH0_CLIENT_SECRET", "KEYRAMP_PAGE_TOKEN", "AUTH0_API_TOKEN", "AUTH0_ACCESS_TOKEN"} {
		a.hide.add(ingest.NewSecret(a.env[name])) // nothing prints them, used or not
	}
	if err := s.check(); err != nil {
		return s, fail(exitConfig, fmt.Errorf("%s: %w", first(path, "environment"), err), "docs/configuration.md lists every key")
	}
	return s, nil
}

// reaches refuses a source that is named where the settings do not say where it is.
func (s *settings) reaches(sources []string) error {
	if s.Page.URL == "" && slices.Contains(sources, sourcePage) {
		return fail(exitConfig, errors.New("pull: page: no URL is configured"), "set KEYRAMP_PAGE_URL, or page.url in the settings file")
	}
	return nil
}

// loadSecrets adds what only commands that ask a server need: no report fails for a file that it does not use.
func (a *app) loadSecrets(s *settings) (err error) {
	if s.clientSecret, err = readSecret("AUTH0_CLIENT_SECRET", a.env, "auth0.client_secret_file", s.Auth0.ClientSecretFile); err != nil {
		return err
	}
	if s.pageToken, err = readSecret("KEYRAMP_PAGE_TOKEN", a.env, "page.token_file", s.Page.TokenFile); err != nil {
		return err
	}
	for _, name := range []string{"AUTH0_API_TOKEN", "AUTH0_ACCESS_TOKEN"} { // the first one counts
		if text := a.env[name]; text != "" {
			if s.auth0Token, err = secretOf(name, text); err != nil {
				return err
			}
			break
		}
	}
	a.hide.add(s.clientSecret, s.pageToken)
	return nil
}

// readSecret takes a secret from its variable, from the file that VARIABLE_FILE
// names, or from the file that a key of the settings names.
func readSecret(name string, env map[string]string, key, configured string) (ingest.Secret, error) {
	if v := env[name]; v != "" {
		return secretOf(name, v)
	}
	from, path := name+"_FILE", env[name+"_FILE"]
	if path == "" {
		from, path = key, configured
	}
	if path == "" {
		return ingest.Secret{}, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return ingest.Secret{}, fail(exitConfig, fmt.Errorf("config: %s: %w", from, err), "the secret file must exist and be readable by you")
	}
	return secretOf(from+": "+path, strings.TrimSpace(string(raw)))
}

// secretOf refuses what no request can carry, before anything is asked and asked again.
func secretOf(where, text string) (ingest.Secret, error) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return ingest.Secret{}, fail(exitConfig, fmt.Errorf("config: %s: a line break or another control character is in the secret", where),
			"it must hold the secret alone, in one line; printf %s writes no line break at the end, echo does")
	}
	return ingest.NewSecret(text), nil
}

// check reports every fault at once.
func (s *settings) check() error {
	faults := []error{s.Plan.Validate()}
	for _, addr := range s.TestTraffic.Addresses {
		if _, err := parseAddress(addr); err != nil {
			faults = append(faults, errors.New("test_traffic.addresses: an entry is no IP address"))
		}
	}
	for code, role := range s.EventTypes {
		if !slices.Contains(roles, role) {
			faults = append(faults, fmt.Errorf("event_types.%s: %q is no role; they are %s", code, role, joinRoles()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Experiments)) {
		faults = append(faults, s.Experiments[id].check(id))
	}
	if !(s.rate >= 0) || math.IsInf(s.rate, 1) { // .nan is neither above nor below
		faults = append(faults, errors.New("auth0.rate: give 0 or a number above it"))
	}
	return errors.Join(faults...)
}

var roles = []store.Role{store.RoleSuccess, store.RoleFailure, store.RoleEnrollment,
	store.RoleGuard, store.RoleSignup, store.RoleStep, store.RoleIgnore}

func joinRoles() string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// parseAddress is an IP address in the one form that decoders compare.
func parseAddress(s string) (string, error) {
	addr, err := netip.ParseAddr(s)
	return addr.Unmap().String(), err
}

// tenantDomain takes the domain out of what people paste: a URL, a trailing slash.
func tenantDomain(s string) string {
	s = strings.TrimPrefix(s, "https://")
	return strings.TrimRight(s, "/")
}
