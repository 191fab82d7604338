// Package duckdb is the embedded store: one DuckDB file in a folder. It is the
// one room that imports DuckDB.
//
// DuckDB lets one process write a file and then refuses every other, readers
// too. So nobody keeps the file open: a DB is an in-memory DuckDB instance that
// attaches the file for one commit or one report (Hold) and detaches it again, which
// writes everything into the file and releases it. Who finds the file held
// waits in line, so a report is answered between two commits of a long import.
//
// Between processes that write as a whole (pull, import, serve), Lock names the
// one whose turn it is.
package duckdb
