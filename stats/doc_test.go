package stats

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryFunctionSaysWhereItIsFrom: each exported function has a comment that begins with its name and names its source, but
// for those that only carry numbers about or keep them for another function; and whoever returns ok says when it is false.
func TestEveryFunctionSaysWhereItIsFrom(t *testing.T) {
	carries := map[string]bool{"Add": true, "SubjectSums": true, "BinarySums": true, "CovariateSubject": true, "LogE": true, "RateRatio": true}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() {
				continue
			}
			found++
			doc := fn.Doc.Text()
			if !strings.HasPrefix(doc, fn.Name.Name+" ") {
				t.Errorf("%s: %s has no comment", name, fn.Name)
			}
			if !carries[fn.Name.Name] && !strings.Contains(doc, "\nSource: ") {
				t.Errorf("%s: %s names no source", name, fn.Name)
			}
			results := fn.Type.Results.List
			if last, isBool := results[len(results)-1].Type.(*ast.Ident); isBool && last.Name == "bool" && !strings.Contains(strings.ReplaceAll(doc, "\n", " "), "ok is") {
				t.Errorf("%s: %s does not say when ok is false", name, fn.Name)
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d functions found", found)
	}
}
