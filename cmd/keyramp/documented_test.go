package main

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"keyramp/fixtures/tier"
)

// documentedIn is whether a table of a document has a row for a name.
func documentedIn(t *testing.T, path string) func(name string) bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) bool { return strings.Contains(string(raw), "\n| `"+name+"` |") }
}

// text is the value of a string literal.
func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// names finds what the sources of a room call things: the first argument of these functions, the member of that name of
// these composite literals or else their first value, and the keys of these maps.
func names(t *testing.T, room string, calls, literals, maps []string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", room, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		add := func(e ast.Expr) {
			if s, ok := text(e); ok && !strings.Contains(s, " ") {
				found = append(found, s)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				if slices.Contains(calls, name) && len(n.Args) > 0 {
					add(n.Args[0])
				}
			case *ast.CompositeLit:
				typ, all := n.Type, []ast.Expr{n}
				if list, ok := typ.(*ast.ArrayType); ok {
					typ, all = list.Elt, n.Elts
				}
				name := ""
				switch f := typ.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				if slices.Contains(literals, name) {
					for _, one := range all {
						if lit, ok := one.(*ast.CompositeLit); ok {
							literal(lit, add)
						}
					}
				}
			case *ast.ValueSpec:
				for i, id := range n.Names {
					if slices.Contains(maps, id.Name) && i < len(n.Values) {
						for _, e := range n.Values[i].(*ast.CompositeLit).Elts {
							add(e.(*ast.KeyValueExpr).Key)
						}
					}
				}
			}
			return true
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// literal adds what a composite literal calls itself.
func literal(n *ast.CompositeLit, add func(ast.Expr)) {
	for i, e := range n.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		if !keyed {
			if i == 0 {
				add(e)
			}
			continue
		}
		if id, ok := kv.Key.(*ast.Ident); ok && (id.Name == "Name" || id.Name == "Code") {
			add(kv.Value)
		}
	}
}

// deaf is an output that brings the program down.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { panic("a bug") }

// A bug ends with its own status, with the stack and with a summary, and quietly never.
func TestBug(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.json")
	var errw bytes.Buffer
	code := run(context.Background(), nil, []string{"version", "--summary-file", path}, strings.NewReader(""), deaf{}, &errw)
	if (code != exitInternal) || !strings.Contains(errw.String(), "internal error: a bug") || !strings.Contains(errw.String(), "goroutine") {
		t.Errorf("exit %d, want %d:\n%s", code, exitInternal, &errw)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), `"exit_code": 1`) || !strings.Contains(string(raw), `"complete": false`) {
		t.Errorf("summary %s, %v", raw, err)
	}
}

// What a stopped run is told to do next says only of what commits as it goes that something was kept.
func TestStoppedHint(t *testing.T) {
	ctx, stop := context.WithCancelCause(context.Background())
	stop(signalError{2})
	for command, kept := range map[string]bool{"pull": true, "import logs -": true, "import page -": true, "rejects retry": true, "rejects": false, "status": false} {
		var errw bytes.Buffer
		args := append(strings.Fields(command), "--store", filepath.Join(t.TempDir(), "none"))
		code := run(ctx, nil, args, strings.NewReader(""), io.Discard, &errw)
		if code != exitInterrupt || strings.Contains(errw.String(), "commit is kept") != kept || !strings.Contains(errw.String(), "hint: ") {
			t.Errorf("%s: exit %d, want %d:\n%s", command, code, exitInterrupt, &errw)
		}
	}
}

// Every exit status has a test that provokes it and a line in its document, and so has every name that the program
// prints of a flag, a reason, a note or a reject.
func TestEverythingHasALine(t *testing.T) {
	row := tier.Begin(t, "U2", tier.Size{Test: 60})
	// What tests provoke: `exits N` of scripts, and the constants in tests of this room.
	provoked := ""
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(tests, scripts) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		provoked += string(raw)
	}
	statuses, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	codes, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\n\t(exit\w+) += (\d+)`).FindAllStringSubmatch(string(statuses), -1) {
		name, code := m[1], m[2]
		inDocs := regexp.MustCompile(`\n\| (\d+, )*` + code + `(, \d+)* \|`).Match(codes)
		inTests := code == "0" || regexp.MustCompile(`\bexits `+code+` |\(`+name+`,|\b`+name+`: |: *`+name+`\b|!= `+name+`\)|status `+code+`\b`).MatchString(provoked)
		if !inDocs || !inTests {
			row.Violation("%s (%s): in the document %v, provoked by a test %v", name, code, inDocs, inTests)
		}
		row.Done()
	}
	analysis := names(t, "analysis", []string{"above", "block", "tell", "flag"}, []string{"Flag", "Note"}, []string{"reasonWords"})
	notes := names(t, "cmd/keyramp", nil, []string{"Note"}, nil)
	if len(analysis) < 45 || len(notes) < 1 {
		t.Fatalf("only %d names are found in the sources: the search has lost its teeth", len(analysis))
	}
	inReasons := documentedIn(t, "../../docs/reasons.md")
	for _, name := range slices.Concat(analysis, notes) {
		if !inReasons(name) {
			row.Violation("docs/reasons.md has no line for %s", name)
		}
		row.Done()
	}
	raw, err := os.ReadFile("../../ingest/source.go")
	if err != nil {
		t.Fatal(err)
	}
	inRejects := documentedIn(t, "../../docs/exit-codes.md")
	for _, m := range regexp.MustCompile(`\n\tReason\w+ += "(\w+)"`).FindAllStringSubmatch(string(raw), -1) {
		if !inRejects(m[1]) {
			row.Violation("docs/exit-codes.md has no line for %s", m[1])
		}
		row.Done()
	}
	// The other way round: no line for what is no more.
	doc, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("\n\\| `(\\w+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		if !slices.Contains(analysis, m[1]) && !slices.Contains(notes, m[1]) {
			row.Violation("docs/reasons.md has a line for %s, which nothing prints", m[1])
		}
	}
}
