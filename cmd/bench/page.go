package main

import (
	"fmt"
	"os"
	"strings"
)

// block replaces what stands between the marks of a name.
func block(page, name, text string) (string, error) {
	begin, end := fmt.Sprintf("<!-- bench:begin %s -->\n", name), fmt.Sprintf("<!-- bench:end %s -->", name)
	from, to := strings.Index(page, begin), strings.Index(page, end)
	if from < 0 || to < from {
		return "", fmt.Errorf("no block %s", name)
	}
	return page[:from+len(begin)] + strings.TrimRight(text, "\n") + "\n" + page[to:], nil
}

func writeBlock(path, name, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := block(string(page), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(out), 0o644)
}
