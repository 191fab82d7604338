package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "keyramp"

// mayImport is the map of rooms: which room may use which others of ours.
// Tests may use more, see testMayImport.
var mayImport = map[string][]string{
	"cmd/keyramp":       {"*"},
	"cmd/tenant":        {"fixtures/tenant"},
	"cmd/bench":         {"fixtures/tenant", "fixtures/draw"},
	"cmd/chaos":         {"fixtures/tier"},
	"ingest":            {"queries/store"},
	"ingest/auth0":      {"ingest", "queries/store"},
	"ingest/inflate":    {},
	"ingest/logfile":    {"ingest", "ingest/inflate", "queries/store"},
	"ingest/enrollment": {"ingest", "queries/store"},
	"queries":           {},
	"queries/store":     {"queries"},
	"queries/duckdb":    {"queries", "queries/store"},
	"stats":             {},
	"analysis":          {"stats", "queries/store"},
	"analysis/render":   {"analysis", "queries/store"},
	"fixtures":          {"queries/store"},
	"examples":          {"fixtures/tenant", "ingest", "ingest/enrollment", "queries/store"}, // tests of Node programs
}

// onlyIn names the outside libraries that one room keeps to itself.
var onlyIn = map[string]string{
	"github.com/duckdb/duckdb-go":    "queries/duckdb",
	"github.com/apache/arrow-go":     "analysis/render",
	"github.com/segmentio/encoding":  "ingest",
	"gonum.org/v1/gonum":             "stats",
	"gonum.org/v1/plot":              "analysis/render",
	"github.com/spf13":               "cmd",
	"go.yaml.in/yaml":                "cmd/keyramp",
	"golang.org/x/oauth2":            "ingest/auth0",
	"github.com/klauspost/compress":  "ingest/logfile",
	"github.com/gofrs/flock":         "queries/duckdb",
	"github.com/schollz/progressbar": "cmd/keyramp",
}

// A goFile is one parsed source file of the module.
type goFile struct {
	path string // from the module's root, with slashes
	room string
	test bool
	ast  *ast.File
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []goFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || strings.HasPrefix(name, "keyramp-")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		out = append(out, goFile{rel, filepath.ToSlash(filepath.Dir(rel)), strings.HasSuffix(name, "_test.go"), parsed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// floor is the room of the table that a folder belongs to: its own, or the
// nearest one above that is listed.
func floor(room string) string {
	for r := room; r != "."; r = filepath.ToSlash(filepath.Dir(r)) {
		if _, ok := mayImport[r]; ok {
			return r
		}
	}
	return ""
}

// TestRooms holds data flowing one way: what a room imports is in its line of
// the table. Tests may also use fixtures and the rooms beside them.
func TestRooms(t *testing.T) {
	for _, f := range goFiles(t) {
		home := floor(f.room)
		if home == "" {
			t.Errorf("%s: the folder %s is no room of the table", f.path, f.room)
			continue
		}
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			for lib, room := range onlyIn {
				if strings.HasPrefix(path, lib) && home != room && filepath.ToSlash(filepath.Dir(home)) != room && !f.test {
					t.Errorf("%s imports %s, which belongs to %s alone", f.path, path, room)
				}
			}
			ours, ok := strings.CutPrefix(path, module+"/")
			if !ok || f.test {
				continue
			}
			to := floor(ours)
			allowed := mayImport[home]
			if to != home && !slices.Contains(allowed, to) && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
				t.Errorf("%s: %s may not import %s", f.path, home, ours)
			}
		}
	}
}

// TestOnlyTestsHoldARun keeps syncpoint.Hook nil in keyramp: nothing that is shipped can stop
// or end a run at a sync point.
func TestOnlyTestsHoldARun(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || f.room == "queries/store/syncpoint" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Hook" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "syncpoint" {
					t.Errorf("%s names syncpoint.Hook", f.path)
				}
			}
			return true
		})
	}
}

// sqlText recognises a statement, not the words: prose does not put a keyword
// of one clause straight before the next.
var sqlText = regexp.MustCompile(`(?is)\b(select\s+.{1,400}?\sfrom\s+\w+|insert\s+into\s+\w+|create\s+(or\s+replace\s+)?(table|view|temp|macro|sequence)\b|delete\s+from\s+\w+|update\s+\w+\s+set\s|drop\s+(table|view)\b|alter\s+table\b|pragma\s+\w+|attach\s+')`)

// TestNoSQLOutsideQueries keeps every statement where a catalogue names it and
// a test reads its header.
func TestNoSQLOutsideQueries(t *testing.T) {
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.room, "queries") || f.path == "cmd/keyramp/rooms_test.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if m := sqlText.FindString(lit.Value); m != "" {
					t.Errorf("%s holds SQL text: %.60q", f.path, m)
				}
			}
			return true
		})
	}
}

// TestModuleBudget counts the modules that the released binary is made of. Each
// is somebody else's code that we ship, so one more wants a reason, and the
// number below is raised in the commit that gives it.
func TestModuleBudget(t *testing.T) {
	const budget = 46
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	mods := strings.Fields(string(out))
	slices.Sort(mods)
	mods = slices.DeleteFunc(slices.Compact(mods), func(m string) bool { return m == module })
	if len(mods) > budget {
		t.Errorf("%d compiled modules, the budget is %d:\n%s", len(mods), budget, strings.Join(mods, "\n"))
	}
	t.Logf("%d compiled modules of %d", len(mods), budget)
}
