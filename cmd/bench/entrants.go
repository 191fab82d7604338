package main

import (
	"path/filepath"

	"keyramp/cmd/bench/synth"
)

// A role is what an entrant is measured for.
type role uint8

const (
	product role = iota
	peer         // does a part of what the product does, or all of it
	floor        // does nothing with the data
)

// An entrant is one program of a comparison.
type entrant struct {
	name string
	role role
	does string // in a few words
	// tool is what it needs of the machine.
	tool string
	// oneFile lets a slow program read the first file alone; its time is
	// multiplied by the share of it.
	oneFile bool
	// rule says what its counts must be; nil when it makes none.
	rule rule
	// steps are run one after the other in an empty folder; the last one prints the counts.
	steps func(files []string) []step
}

// entrants are who takes part in the comparison of a form. The product is first.
func (b *bench) entrants(f form, p *peers) []entrant {
	all := []entrant{{
		name: "keyramp", role: product, does: "import logs, then report on one experiment: every question, check and the verdict",
		steps: func(files []string) []step { return []step{b.importing(files), b.reporting()} },
	}}
	duckdb := func(name, does, statements, database string, r rule) entrant {
		return entrant{name: name, role: peer, does: does, tool: "duckdb", rule: r, steps: func(files []string) []step {
			return []step{{args: append([]string{"node", p.path("duckdb.mjs"), p.path(statements), database}, files...)}}
		}}
	}
	clickhouse := func(name, does, statements string) entrant {
		return entrant{name: name, role: peer, does: does, tool: "chdb", rule: byEvents, steps: func(files []string) []step {
			return []step{{args: append([]string{"node", p.path("chdb.cjs"), p.path(statements), "store"}, files...)}}
		}}
	}
	lean := duckdb("DuckDB, lean table", "read_json, long ids as 64-bit hashes, deduplicated, stored, counted", "duckdb_lean.sql", "store.duckdb", byEvents)
	same := duckdb("DuckDB, lean, our rows", "the same for the rows that keyramp stores; the others counted by type and day", "duckdb_same.sql", "store.duckdb", asKept)
	merge := clickhouse("ClickHouse, lean table", "MergeTree, LowCardinality dimensions, sipHash64 of ids; deduplicated by the count", "chdb_lean.sql")
	query := duckdb("DuckDB, query only", "lines counted straight from the files: not deduplicated, nothing stored", "duckdb_query.sql", ":memory:", byLines)
	all = append(all, lean, same)
	switch f.name {
	case formPlain.name:
		all = append(all,
			duckdb("DuckDB, text table", "what one would type: every id as text, deduplicated, stored, counted", "duckdb_text.sql", "store.duckdb", byEvents),
			merge,
			clickhouse("ClickHouse, text table", "MergeTree, every id as text; deduplicated by the count", "chdb_text.sql"),
			query,
			entrant{name: "Python json", role: peer, does: "one process, deduplicated counts, nothing stored", tool: "python3", rule: byEvents, steps: func(files []string) []step {
				return []step{{args: append([]string{"python3", p.path("counts.py")}, files...)}}
			}},
			entrant{name: "jq, sort, uniq", role: peer, does: "deduplicated counts of one file, nothing stored", tool: "jq", oneFile: true, rule: byEvents, steps: func(files []string) []step {
				return []step{{args: append([]string{"sh", p.path("counts.sh")}, files...)}}
			}},
			pipe("wc -l", "wc", `cat "$@" | wc -l`))
	case formGzip.name:
		all = append(all, merge, query, pipe("gzip -dc", "gzip", `gzip -dc "$@" | wc -c`))
	case formZstd.name:
		all = append(all, merge, query, pipe("zstd -dc", "zstd", `zstd -dcq "$@" | wc -c`))
	}
	return all
}

// pipe is a floor: the files are read, and that is all.
func pipe(name, tool, script string) entrant {
	return entrant{name: "floor: " + name, role: floor, does: "reads the files and does nothing with them", tool: tool, steps: func(files []string) []step {
		return []step{{args: append([]string{"sh", "-c", script, "sh"}, files...)}}
	}}
}

// DuckDB's lean table is also what memory is compared with.
func leanOf(all []entrant) entrant { return all[1] }

// input is what the entrant reads: the files, their truth, and the factor from
// them to the whole log.
func (e entrant) input(d *dataset, f form) (files []string, truth synth.Truth, factor float64) {
	files, truth, factor = d.files(f), d.truth(), 1
	if e.oneFile && len(files) > 1 {
		factor = float64(truth.Lines()) / float64(d.Truths[0].Lines())
		files, truth = files[:1], d.Truths[0]
	}
	return files, truth, factor
}

// storeName is the product's store in the folder of a run.
const storeName = "store"

func (b *bench) importing(files []string) step {
	return step{args: append([]string{b.keyramp, "import", "logs", "--store", storeName, "--quiet", "--no-progress", "--summary-file", "summary.json"}, files...)}
}

func (b *bench) reporting() step {
	return step{args: []string{b.keyramp, "report", synth.Experiments[0].ID, "--store", storeName, "--quiet", "-c", filepath.Join(b.cache, "keyramp.yaml"),
		"-f", "json", "--as-of", synth.End.Format("2006-01-02")}}
}
