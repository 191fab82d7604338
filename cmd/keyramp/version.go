package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the Makefile from the checkout's tag or commit.
var version = ""

// keyrampVersion is the Makefile's word, else the module's.
func keyrampVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return strings.Trim(info.Main.Version, "()")
	}
	return "unknown"
}

// duckdbVersion is told by the driver's version: v2.10505.0 carries DuckDB 1.5.5.
func duckdbVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		var n, patch int
		if dep.Path == "github.com/duckdb/duckdb-go/v2" {
			if _, err := fmt.Sscanf(dep.Version, "v2.%d.%d", &n, &patch); err == nil {
				return fmt.Sprintf("%d.%d.%d (%s)", n/10000, n/100%100, n%100, dep.Version)
			}
			return dep.Version
		}
	}
	return "unknown"
}

// newVersion says what runs here: a bug report needs all of it.
func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of keyramp, DuckDB and Go",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			return a.emit(func(w io.Writer) error {
				if format == "json" {
					return json.NewEncoder(w).Encode(struct {
						SchemaVersion int    `json:"schema_version"`
						Keyramp       string `json:"keyramp"`
						DuckDB        string `json:"duckdb"`
						Go            string `json:"go"`
						Platform      string `json:"platform"`
					}{1, keyrampVersion(), duckdbVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
				}
				_, err := fmt.Fprintf(w, "keyramp %s\nDuckDB %s\n%s %s/%s\n",
					keyrampVersion(), duckdbVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return err
			})
		},
	}
}
