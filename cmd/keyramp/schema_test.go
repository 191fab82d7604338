package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

var update = flag.Bool("update", false, "write the schemas anew")

// published are the documents that programs read, by the name of their schema.
var published = map[string]any{
	"report": struct {
		SchemaVersion int               `json:"schema_version"`
		Report        analysis.Report   `json:"report"`
		Decision      analysis.Decision `json:"decision"`
	}{},
	"decision": analysis.Decision{},
	"summary":  summary{},
	"status":   statusDoc{},
}

// A schemaOf makes the JSON schema of a type. Every member that is always there is required; others may come with a
// later version, so readers of a schema let them pass.
type schemaOf struct{ defs map[string]any }

func newSchema(name string, doc any) map[string]any {
	s := schemaOf{map[string]any{}}
	out := map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "keyramp " + name + ", schema_version 1",
		"$comment": "Members may be added while schema_version is 1; none changes its meaning or goes away."}
	maps.Copy(out, s.object(reflect.TypeOf(doc)))
	out["$defs"] = s.defs
	return out
}

var actions = []any{analysis.Ramp, analysis.Hold, analysis.RollBack, analysis.Investigate}

func (s schemaOf) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[analysis.Time]():
		return map[string]any{"type": []any{"string", "null"}, "format": "date-time"}
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[analysis.Action]():
		return map[string]any{"enum": actions}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{s.of(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		if _, ok := s.defs[t.Name()]; !ok {
			s.defs[t.Name()] = nil // a type may hold itself
			s.defs[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

func (s schemaOf) object(t reflect.Type) map[string]any {
	members, required := map[string]any{}, []any{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				add(f.Type)
			case !f.IsExported() || name == "-":
			default:
				members[name] = s.of(f.Type)
				if !strings.Contains(options, "omitempty") {
					required = append(required, name)
				}
			}
		}
	}
	add(t)
	return map[string]any{"type": "object", "properties": members, "required": required}
}

// compiled reads a published schema.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "schema", name+".json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The published schemas are those of the documents, and nothing that was promised has gone.
func TestSchemas(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(published)) {
		var b bytes.Buffer
		if err := writeJSON(&b, newSchema(name, published[name])); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "..", "docs", "schema", name+".json")
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, b.Bytes()) {
			t.Errorf("%s is not the schema of the document: read the difference after `make golden` (%v)", path, err)
		}
	}
}

// What commands print as JSON is what the schemas say.
func TestJSONContracts(t *testing.T) {
	row := tier.Begin(t, "U3", tier.Size{Test: 30})
	check := func(where, schema string, raw []byte) {
		t.Helper()
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = compiled(t, schema).Validate(doc)
		}
		if err != nil {
			row.Violation("%s is no %s: %v", where, schema, err)
		}
		row.Done()
	}
	for schema, pattern := range map[string]string{"report": "*.report.json", "decision": "*.decision.json"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "analysis", "render", "testdata", pattern))
		if err != nil || len(files) < 10 {
			t.Fatalf("%d golden files, %v", len(files), err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			check(f, schema, raw)
		}
	}
	s := tell(t, tenant.Config{Seed: 9, Users: 300, Days: 9})
	file := filepath.Join(t.TempDir(), "summary.json")
	of := func(want int, args ...string) []byte {
		t.Helper()
		out := s.keyramp(want, append(args, "--summary-file", file)...)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(strings.Join(args, " "), "summary", raw)
		return []byte(out)
	}
	of(exitConfig, "status")
	s.server.SetNow(s.world.End().Add(time.Hour))
	of(0, "pull", "--rate", "0", "--since", s.world.Start().Add(-time.Hour).Format(time.RFC3339))
	bad := filepath.Join(t.TempDir(), "bad.ndjson")
	if err := os.WriteFile(bad, []byte("{}\n{\"log_id\":\"1\",\"date\":\"2026-11-03\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	of(exitData, "import", "logs", bad)
	of(0, "rejects", "retry")
	asOf := s.world.End().Format(time.RFC3339)
	check("report", "report", of(0, "report", "-f", "json", "--as-of", asOf))
	check("decide", "decision", of(0, "decide", "-f", "json", "--as-of", asOf))
	check("status", "status", of(0, "status", "-f", "json"))
}

// A document without one of its members, or with another type, is caught: the schemas have teeth.
func TestSchemasBite(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "analysis", "render", "testdata", "phases.decision.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := compiled(t, "decision")
	for name, change := range map[string]func(map[string]any){
		"no verdict":        func(d map[string]any) { delete(d, "action") },
		"another verdict":   func(d map[string]any) { d["action"] = "MAYBE" },
		"no gaps":           func(d map[string]any) { delete(d, "gaps") },
		"a time of no form": func(d map[string]any) { d["as_of"] = "yesterday" },
	} {
		var d map[string]any
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(d); err != nil {
			t.Fatalf("as it is: %v", err)
		}
		change(d)
		if s.Validate(d) == nil {
			t.Errorf("%s is taken for a decision", name)
		}
	}
}
