package render

import (
	"encoding/json"
	"io"

	"keyramp/analysis"
)

// A whole is the JSON document of a report: the numbers and what was decided of them.
type whole struct {
	SchemaVersion int               `json:"schema_version"`
	Report        *analysis.Report  `json:"report"`
	Decision      analysis.Decision `json:"decision"`
}

// writeJSON writes one document with a fixed order of fields. A number that is not finite is an error and never
// a token that JSON does not have.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
