package main

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

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
	if s.clientSecret, err = readSecret("AUTH0_CLIENT_SECRET", a.env, s.Auth0.ClientSecretFile); err != nil {
		return s, err
	}
	if s.pageToken, err = readSecret("KEYRAMP_PAGE_TOKEN", a.env, s.Page.TokenFile); err != nil {
		return s, err
	}
	if token := first(a.env["AUTH0_API_TOKEN"], a.env["AUTH0_ACCESS_TOKEN"]); token != "" {
		s.auth0Token = ingest.NewSecret(token)
	}
	a.hide.add(s.clientSecret, s.pageToken, s.auth0Token)
	if err := s.check(); err != nil {
		return s, fail(exitConfig, fmt.Errorf("%s: %w", first(path, "environment"), err), "docs/configuration.md lists every key")
	}
	return s, nil
}

// readSecret takes a secret from its variable, from the file that VARIABLE_FILE
// names, or from the file that the settings name.
func readSecret(name string, env map[string]string, configured string) (ingest.Secret, error) {
	if v := env[name]; v != "" {
		return ingest.NewSecret(v), nil
	}
	path := first(env[name+"_FILE"], configured)
	if path == "" {
		return ingest.Secret{}, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return ingest.Secret{}, fail(exitConfig, fmt.Errorf("config: reading the secret file: %w", err), "the file must exist and be readable by you")
	}
	return ingest.NewSecret(strings.TrimSpace(string(raw))), nil
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
	if s.rate < 0 {
		faults = append(faults, errors.New("auth0.rate is below 0"))
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
