package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
)

// TestDocumentedViews wants the list of views in docs/query.md to be what the
// command prints.
func TestDocumentedViews(t *testing.T) {
	var want bytes.Buffer
	if err := newApp(nil, nil, io.Discard, io.Discard).writeViews(&want, "markdown"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), want.String()) {
		t.Errorf("the table in docs/query.md is not that of `keyramp query --views -f markdown`:\n%s", &want)
	}
}
