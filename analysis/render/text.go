package render

import (
	"fmt"
	"strings"
	"unicode"
)

// clean escapes what a terminal, a page or a spreadsheet could take for something else: control characters and the
// invisible ones that turn text around. Names come from the tenant and from logs.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// csvSafe keeps a spreadsheet from taking a text cell for a formula: an apostrophe before the characters that start
// one, full-width forms included.
func csvSafe(s string) string {
	if s == "" {
		return s
	}
	switch r := []rune(s)[0]; r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return "'" + s
	}
	return s
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"<", "&lt;", ">", "&gt;", "|", `\|`, "~", `\~`, "#", `\#`, "&", "&amp;", "\n", " ")

// inMarkdown escapes text so that Markdown shows it as it is.
func inMarkdown(s string) string { return markdownEscapes.Replace(s) }

// glue keeps a number and its unit on one line.
var glue = strings.NewReplacer(" %", "\x00%", " pp", "\x00pp")

// wrap breaks text into lines of at most width runes; longer words stand alone.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(glue.Replace(s)) {
		word = strings.ReplaceAll(word, "\x00", " ")
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// cut shortens text to width runes.
func cut(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
