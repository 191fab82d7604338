// Package sqllint finds SQL in Go source. Only package queries and the stores
// below it hold SQL; a test walks the rest with In.
package sqllint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
)

// statement matches the beginnings of statements as they stand in a text; plain
// English has the words, but not in this order.
var statement = regexp.MustCompile(`(?is)\b(` +
	`select\b.+\bfrom\s+\w|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s+\w+\s*(where|;|$)|merge\s+into\s|` +
	`create\s+(or\s+replace\s+)?(temp(orary)?\s+)?(table|view)\s|drop\s+(table|view)\s|alter\s+table\s|` +
	`copy\s*\(.+\)\s*to\b|attach\s+'|with\s+\w+\s+as\s*\()`)

// In returns the places, as file:line, of the text literals in a Go file that
// hold SQL. It fails when the source does not parse.
func In(file string, source []byte) ([]string, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var places []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && statement.MatchString(text) {
				at := set.Position(lit.Pos())
				places = append(places, fmt.Sprintf("%s:%d", at.Filename, at.Line))
			}
		}
		return true
	})
	return places, nil
}
