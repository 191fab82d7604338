package auth0

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"keyramp/ingest"
)

// A refusal is a 4xx answer: where, what, and what to do about it.
type refusal struct {
	host, path string
	status     int
	code       string // Auth0's errorCode, "" when it gave none
	scopes     string // the scopes that a 403 asks for
}

var (
	codeForm  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	scopeForm = regexp.MustCompile(`\b(?:read|create|update|delete):[a-z_]{1,40}\b`)
)

// refused reads an error answer. Of its text only codes and scope names are
// kept: the rest may quote what was sent.
func refused(host, path string, a *ingest.Answer) *refusal {
	var body struct {
		ErrorCode string `json:"errorCode"`
		Message   string `json:"message"`
	}
	_ = json.Unmarshal(a.Body, &body) // an error page need not be JSON
	r := &refusal{host: host, path: path, status: a.Status}
	if codeForm.MatchString(body.ErrorCode) {
		r.code = body.ErrorCode
	}
	named := map[string]bool{}
	for _, s := range scopeForm.FindAllString(body.Message+" "+a.Header.Get("Www-Authenticate"), 8) {
		if !named[s] {
			named[s] = true
			r.scopes = strings.TrimSpace(r.scopes + " " + s)
		}
	}
	return r
}

func (r *refusal) Error() string {
	what := fmt.Sprintf("%v: auth0: %s%s answered %d", r.Unwrap(), r.host, r.path, r.status)
	if r.code != "" {
		what += " (" + r.code + ")"
	}
	switch {
	case r.status == http.StatusUnauthorized:
		return what + ": the token was refused: check that it is for this tenant's Management API (the audience) and has not expired"
	case r.status == http.StatusForbidden && r.code == featureMissing:
		return what + ": the tenant does not have this feature"
	case r.status == http.StatusForbidden && r.scopes != "":
		return what + ": the token lacks a scope: grant the application one of " + r.scopes
	case r.status == http.StatusForbidden:
		return what + ": grant the application read:logs on the Management API"
	case r.status == http.StatusNotFound:
		return what + ": check the domain"
	}
	return what
}

func (r *refusal) Unwrap() error {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrAuth
	case http.StatusNotFound:
		return ErrConfig
	}
	return ErrUpstream
}

// featureMissing is the errorCode of a tenant without Experiment Center.
const featureMissing = "feature_not_entitled"
