package main

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"

	"keyramp/ingest"
)

const redacted = "[redacted]"

// A redactor takes secrets out of what is about to be printed: those that it
// knows, in the forms in which they travel, and what looks like one. Secrets
// are of a type that does not print; this is for errors and messages of others
// that may quote a request.
type redactor struct{ known []string }

// secretForms are what gives a secret away wherever it stands.
var secretForms = regexp.MustCompile(`(?i)\b(?:(authorization:\s*)[^\s"',]+(?:\s+[^\s"',]{12,})?|((?:bearer|basic)\s+)[a-z0-9._~+/=-]{12,}` +
	`|((?:access_token|refresh_token|id_token|client_secret|client_assertion|token|secret|password|api_?key|signature)=)[^&\s"']+` +
	`|eyJ[a-z0-9_-]{5,}\.[a-z0-9_-]+\.[a-z0-9_-]*)`)

// secretName matches the names of attributes whose values are not printed.
var secretName = regexp.MustCompile(`(?i)authorization|password|secret$|(^|[_-])token$`)

// shortest is how long a secret must be to be looked for: a shorter one occurs by chance.
const shortest = 6

func (r *redactor) add(secrets ...ingest.Secret) {
	for _, s := range secrets {
		text := s.Reveal()
		if len(text) < shortest {
			continue
		}
		for _, form := range []string{
			text, url.QueryEscape(text), url.PathEscape(text), hex.EncodeToString([]byte(text)),
			base64.RawStdEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
		} {
			r.known = append(r.known, form, redacted)
		}
	}
}

func (r *redactor) clean(text string) string {
	if len(r.known) > 0 {
		text = strings.NewReplacer(r.known...).Replace(text)
	}
	return secretForms.ReplaceAllString(text, "${1}${2}${3}"+redacted)
}
