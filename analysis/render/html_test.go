package render

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"keyramp/analysis"
	"keyramp/fixtures/tier"
)

// tags are texts that a browser would run or fetch if they became markup.
var tags = []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</title><b>", "]]><x>", "{{.}}", "`${1}`", "a\x00b\u202e", "&lt;b&gt;",
	"<svg onload=alert(1)>", "</svg><script>alert(1)</script>", "</text><script>1</script>", "<a href=javascript:alert(1)>x</a>", "' onmouseover='alert(1)",
	"<iframe src=//evil.example>", "<style>@import '//evil.example'</style>", "</style><script>1</script>", "<meta http-equiv=refresh content=0;url=//evil.example>",
	"<base href=//evil.example>", "<link rel=stylesheet href=//evil.example>", "<object data=//evil.example>", "<form action=//evil.example>", "<!--", "-->",
	"<![CDATA[<script>1</script>]]>", "<!DOCTYPE html>", "<?xml version='1.0'?>", "&#60;script&#62;", "&lt;script&gt;", "\u003cscript\u003e", "＜script＞",
	"<scr\x00ipt>", "<SCRIPT>1</SCRIPT>", "<img/src=x/onerror=alert(1)>", "<video><source onerror=alert(1)>", "<math><mtext></mtext></math>", "<template><script>1</script>",
	"</section></body></html><script>1</script>", "\" style=\"background:url(//evil.example)", "<div style=background:url(//evil.example)>", "{{template \"x\"}}",
	"${{7*7}}", "#{7*7}", "<%= 1 %>", "[x](javascript:alert(1))", "![x](//evil.example/x.png)", "<javascript:alert(1)>", "http://evil.example", "`code`", "**bold**", "| a | b |",
	"\u2028<script>", "\ufeff<script>", "<foreignObject><script>1</script></foreignObject>", "<use href=//evil.example#x>", "<image href=//evil.example>", "<animate onbegin=alert(1)>",
	"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<xmp><script>1</script>", "<plaintext>", "<textarea>"}

// TestHTMLKeepsToItself: no script, no request, no name that becomes markup, whatever anything is called.
func TestHTMLKeepsToItself(t *testing.T) {
	row := tier.Begin(t, "S6", tier.Size{Test: len(tags), Chaos: len(tags) * len(tenants)})
	names := slices.Sorted(maps.Keys(tenants))
	shapes := map[string][]string{}
	for _, name := range names {
		r, d := called(name, "")
		shapes[name] = shape(t, htmlOf(t, r, d), row, name)
	}
	for i := range row.Rounds() {
		name, bad := names[(i+i/len(tags))%len(names)], tags[i%len(tags)]
		r, d := called(name, bad)
		page := htmlOf(t, r, d)
		where := fmt.Sprintf("%s called %q", name, bad)
		// A page whose names say something else has the same elements with the same attributes in the same order.
		if got := shape(t, page, row, where); !slices.Equal(got, shapes[name]) {
			row.Violation("%s has other elements than by its own name: %d for %d", where, len(got), len(shapes[name]))
		}
		var md bytes.Buffer
		if err := Report(&md, r, d, Options{Format: Markdown}); err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"<script", "<img", "<iframe", "<svg", "<a ", "](", "\x00", "\u202e"} {
			if strings.Contains(strings.ReplaceAll(strings.ToLower(md.String()), `\]`, ""), tag) {
				row.Violation("%s as Markdown has %q", where, tag)
			}
		}
		row.Done()
	}
}

// called is the report of a tenant in which everything that has a name or an id from outside is called text; "" leaves
// the names that a page of equal shape has.
func called(name, text string) (*analysis.Report, analysis.Decision) {
	in := tenants[name]()
	if text == "" {
		text = "x"
	}
	in.Name = text
	in.Scope.Continues = []string{text}
	in.Notes = []analysis.Note{{Code: "x", Words: text}}
	for _, p := range in.Scope.Phases {
		for i := range p.Arms {
			p.Arms[i].Name = text
		}
	}
	if c := in.Counts; c != nil {
		for i := range c.Gaps {
			c.Gaps[i].Source = text
		}
		for i := range c.Undated {
			c.Undated[i].Source = text
		}
		for i := range c.Rules {
			c.Rules[i].Type = text
		}
	}
	r := analysis.Build(in)
	return r, analysis.Decide(r.Plan, r)
}

func htmlOf(t *testing.T, r *analysis.Report, d analysis.Decision) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Report(&b, r, d, Options{Format: HTML}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shape lists the elements of a page with the names of their attributes, and holds each against what a page may have.
func shape(t *testing.T, page []byte, row *tier.Row, where string) (all []string) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	policies := 0
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			row.Violation("%s has a comment", where)
		}
		if n.Type != html.ElementNode {
			continue
		}
		one := n.Data
		switch n.Data {
		case "script", "iframe", "object", "embed", "link", "base", "form", "input", "a", "img", "image", "use", "foreignObject", "video", "audio", "source", "template", "noscript":
			row.Violation("%s has the element %s", where, n.Data)
		}
		for _, a := range n.Attr {
			one += " " + a.Key
			value := strings.ToLower(a.Val)
			if a.Key == "http-equiv" && value == "content-security-policy" {
				policies++
			}
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "srcset" || strings.HasSuffix(a.Key, "href") && !strings.HasPrefix(value, "#") || a.Key == "action" ||
				a.Key != "aria-label" && strings.Contains(value, "javascript:") || // a label is read out as the text it is
				a.Key != "content" && a.Key != "aria-label" && strings.Contains(value, "url(") && !strings.Contains(value, "url(#") {
				row.Violation("%s has %s with %s=%q", where, n.Data, a.Key, a.Val)
			}
		}
		if text := n.FirstChild; n.Data == "style" && text != nil && strings.ContainsAny(text.Data, "@\\") && strings.Contains(text.Data, "import") {
			row.Violation("%s imports a style", where)
		}
		all = append(all, one)
	}
	if policies != 1 || !strings.Contains(string(page), "default-src 'none'") {
		row.Violation("%s has %d policies", where, policies)
	}
	for _, r := range "\x00\u202e" {
		if bytes.ContainsRune(page, r) {
			row.Violation("%s has %q", where, r)
		}
	}
	return all
}
