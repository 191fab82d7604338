// Package enrollment reads what the enrollment page tells: it holds the event
// contract with its JSON Schema, the mappings from other tools' events, and
// the client of the page's cursor API.
package enrollment

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of an event in its CloudEvents
// form. Decoder accepts what it accepts, within the limits of size and nesting
// that a schema cannot state.
//
//go:embed enrollment-event.v1.json
var Schema []byte
