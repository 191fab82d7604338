package render

import (
	"bytes"
	"strings"
	"testing"

	"keyramp/analysis"
)

// TestHTMLKeepsToItself: no script, no request, no name that becomes markup, whatever a variation is called.
func TestHTMLKeepsToItself(t *testing.T) {
	hostile := []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</title><b>", "]]><x>", "{{.}}", "`${1}`", "a\x00b\u202e", "&lt;b&gt;"}
	for name, in := range tenants {
		for _, bad := range hostile {
			input := in()
			input.Name = bad
			for _, p := range input.Scope.Phases {
				for i := range p.Arms {
					p.Arms[i].Name = bad
				}
			}
			r := analysis.Build(input)
			d := analysis.Decide(r.Plan, r)
			for _, f := range []Format{HTML, Markdown} {
				var b bytes.Buffer
				if err := Report(&b, r, d, Options{Format: f}); err != nil {
					t.Fatal(err)
				}
				page := strings.ToLower(b.String())
				for _, tag := range []string{"<script", "<img", "onerror=alert(1)>", "<x>", "</title><b>", "\x00", "\u202e"} {
					if strings.Contains(page, tag) {
						t.Errorf("%s as %s with the name %q has %q", name, f, bad, tag)
					}
				}
				if f == HTML && strings.Count(page, "://") != strings.Count(page, "://www.w3.org/") {
					t.Errorf("%s refers to another place", name)
				}
			}
		}
	}
}
