// Package queries holds every SQL text of keyramp and the catalogue that names
// them. It opens nothing: the stores run the texts.
//
// A folder says what a text is for: report and export hold questions over the
// readable views ev and page, duckdb/schema the steps that build those views
// and the tables below them, duckdb/load what a commit runs, duckdb/state what
// the store asks about itself, duckdb/session the tables that a report's
// questions read beside the views.
//
// Each file but the schema's and the session's starts with a header that tests compare with what
// the text really does:
//
//	-- name:    the file's name
//	-- asks:    the question in words
//	-- grain:   the columns that make a row unique, or none
//	-- params:  $name TYPE (note), …; reads table, … ; or none
//	-- columns: name TYPE (what it means), …
//
// A value goes on in lines that start with "--" and ten spaces.
package queries
