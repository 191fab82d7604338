package duckdb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// asked answers with the cells of all rows, joined.
func asked(db *DB, text string) (string, error) {
	var all []string
	_, err := db.Ask(context.Background(), Question{Text: text, Limit: 100, Timeout: 20 * time.Second},
		func([]Field) error { return nil }, func(cells []*string) error {
			for _, c := range cells {
				if c != nil {
					all = append(all, *c)
				}
			}
			return nil
		})
	return strings.Join(all, " "), err
}

// Whatever somebody asks, no file is read or written, and the store stays as it is.
func TestAskReadsOnly(t *testing.T) {
	row := tier.Begin(t, "S4", tier.Size{Test: 100})
	db := scratch(t)
	events, page := world(1)
	fill(t, db, events, page)
	dir := db.opts.Dir
	for name, text := range map[string]string{"secret.csv": "a,b\nhunter2,2\n", "pseudonym.key": "hunter2hunter2hu", "schema.sql": "create table hunter2 (i int);", "load.sql": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := picture(t, dir)
	for _, text := range []string{
		`copy (select 1) to 'D/out.csv'`,
		`copy gaps from 'D/secret.csv'`,
		`copy (select 1) to '/dev/stdout'`,
		`explain analyze copy (select 1) to 'D/out.csv'`,
		`explain copy (select 1) to 'D/out.csv'`,
		`explain (analyze) copy (select 1) to 'D/out.csv'`,
		`explain explain select 1`,
		`explain analyze create temp table t (i int)`,
		`explain analyze with x as (select 1) insert into gaps select 'x', 1, 2, 3, 'y'`,
		`with x as (select 1) insert into gaps select 'x', 1, 2, 3, 'y'`,
		`with x as (insert into gaps values ('x', 1, 2, 3, 'y') returning *) select * from x`,
		`with x as (select 1) delete from gaps`,
		`with x as (select 1) update gaps set source = 'x'`,
		`select * from read_csv('/etc/passwd')`,
		`select * from read_csv('D/secret.csv')`,
		`select * from read_text('D/pseudonym.key')`,
		`select * from read_text('D/pseudonym.*')`,
		`select * from read_blob('D/keyramp.duckdb')`,
		`select * from read_json('D/secret.csv')`,
		`select * from read_parquet('D/secret.csv')`,
		`select * from parquet_metadata('D/secret.csv')`,
		`select * from sniff_csv('D/secret.csv')`,
		`select * from read_duckdb('D/keyramp.duckdb', table_name = 'gaps')`,
		`select * from read_text('/proc/self/environ')`,
		`select * from read_text('http://127.0.0.1:1/x')`,
		`select * from read_csv('s3://bucket/x')`,
		`select * from glob('D/*')`,
		`select * from glob('/etc/*')`,
		`from 'D/secret.csv'`,
		`from "D/secret.csv"`,
		`select (select content from read_text('D/pseudonym.key'))`,
		`attach 'D/other.db'`, `attach ':memory:' as m`, `detach store`, `use memory`,
		`install httpfs`, `load httpfs`, `load 'D/x.duckdb_extension'`, `force install httpfs`,
		`set threads = 1`, `set enable_external_access = true`, `reset threads`, `set disabled_filesystems = ''`, `set variable x = 1`,
		`pragma threads = 1`, `pragma version`, `pragma enable_profiling`,
		`insert into gaps values ('x', 1, 2, 3, 'y')`, `update gaps set source = 'x'`, `delete from gaps`, `truncate gaps`,
		`create table t (i int)`, `create temp table t (i int)`, `create table memory.t (i int)`, `create temp view v as select 1`,
		`create or replace temp macro m() as 1`, `create secret (type s3)`, `create type t as enum ('x')`, `create sequence q`,
		`alter table gaps add column x int`, `drop table gaps`, `drop view ev`, `comment on table gaps is 'x'`,
		`export database 'D/out'`, `import database 'D'`, `checkpoint`, `force checkpoint`, `vacuum`, `analyze`,
		`begin`, `commit`, `prepare p as select 1`, `execute p`, `deallocate p`, `call pragma_version()`,
		`select 1; drop table gaps`, `select 1; select 2`, `select 1;;select 2`, `; select 1`, `select 1 /* ; */ ; -- x
		 drop table gaps`,
		`select 1 /* a /* b */ ; */ ; drop table gaps`,
		`select 1 -- ;
		 ; drop table gaps`,
		`select ';' ; drop table gaps`, `select $$;$$ ; drop table gaps`, `select $a$;$$;$a$ ; drop table gaps`, `select ";" ; drop table gaps`,
		`select e'\'' ; drop table gaps --'`,
		`select 1; import database 'D'`, `select 1; pragma enable_profiling`,
		`select 1) ; drop table gaps; select (1`, `select 1) union all (select 2`,
		`select * from enable_logging(storage = 'file', storage_path = 'D/logs')`,
		`select * from enable_logging('QueryLog', storage = 'stdout')`,
		`select * from "enable_profiling" (save_location = 'D/out.json')`,
		`select * from enable_profiling /* x */ ()`,
		`select * from ENABLE_PROFILING()`,
		`select * from U&"enable_profilin\0067"()`,
		`select * from query('select * from enable_profiling()')`,
		`select * from system.main.query('select 1')`,
		`select * from json_execute_serialized_sql('x')`,
		`select * from force_checkpoint()`, `select * from checkpoint('store')`,
		`select * from arrow_scan(1::pointer, 2::pointer, 3::pointer)`,
		`select getenv('PATH')`, `select * from duckdb_secrets()`,
		"select 1\x00; drop table gaps", `/* only */`, ``, `;`, `(`, `((((`, `'`, `"`, `$$`, `/*`, `explain`, `explain (`, `explain analyze`,
	} {
		text = strings.ReplaceAll(text, "D/", dir+"/")
		text = strings.ReplaceAll(text, "'D'", "'"+dir+"'")
		got, err := asked(db, text)
		if err == nil {
			row.Violation("%s\nwas answered: %.200q", text, got)
		}
		var faulty *StatementError
		if err != nil && !errors.As(err, &faulty) {
			row.Violation("%s\nis no StatementError: %v", text, err)
		}
		if strings.Contains(got, "hunter2") {
			row.Violation("%s\nread a file: %q", text, got)
		}
		row.Done()
	}
	if after := picture(t, dir); !slices.Equal(after, before) {
		row.Violation("the folder changed:\n%s\n%s", before, after)
	}
	if got, err := asked(db, "select count(*) > 0 from ev_full"); err != nil || got != "true" {
		t.Errorf("the store answers %q, %v", got, err)
	}
}

// picture is the names and contents of a folder, except for the lock that every session takes.
func picture(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); e.Name() != "queue.lock" {
			all = append(all, e.Name()+" "+string(sum[:4]))
		}
	}
	return all
}

// Words that look like doors in strings, comments and names of columns are words.
func TestAskOrdinary(t *testing.T) {
	db := scratch(t)
	for text, want := range map[string]string{
		`select 'copy; -- x' as query`:                            "copy; -- x",
		`select 1 as "a;b" -- ; drop table x`:                     "1",
		`select $x$ it's; $x$`:                                    " it's; ",
		`select '' || 'a''b;'`:                                    "a'b;",
		`select e'\';'`:                                           "';",
		`/* lead */ -- and` + "\n" + `select 1 /* ; */ ;; -- end`: "1",
		"\n\t ( ( select 1 ) ) ;":                                 "1",
		`from range(3)`:                                           "0 1 2",
		`table gaps`:                                              "",
		`select checkpoint from (select 1 as checkpoint)`:         "1",
		`select i from range(5) t(i) order by i desc`:             "4 3 2 1 0",
	} {
		if got, err := asked(db, text); err != nil || got != want {
			t.Errorf("%s\nanswered %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAskEndsInTime(t *testing.T) {
	db := scratch(t)
	began := time.Now()
	_, err := db.Ask(context.Background(), Question{Text: "select count(*) from range(1000000000) a, range(1000000000) b where a.range * b.range = 7", Timeout: 200 * time.Millisecond},
		func([]Field) error { return nil }, func([]*string) error { return nil })
	if !errors.Is(err, ErrTime) || time.Since(began) > overtime {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err = db.Ask(ctx, Question{Text: "select count(*) from range(1000000000) a, range(1000000000) b where a.range * b.range = 7"},
		func([]Field) error { return nil }, func([]*string) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// What is documented of views and tables is what a store has.
func TestDocumentedViews(t *testing.T) {
	db := scratch(t)
	seen := map[string][]store.Column{}
	err := db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, "select table_name, column_name, data_type from duckdb_columns() where database_name = 'store' and not internal order by table_name, column_index")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, name, typ string
			if err := rows.Scan(&table, &name, &typ); err != nil {
				return err
			}
			seen[table] = append(seen[table], store.Column{Name: name, Type: store.ColumnType(typ)})
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range undocumented {
		if len(seen[name]) == 0 {
			t.Errorf("%s is said to be undocumented, and the store has none", name)
		}
		delete(seen, name)
	}
	for _, v := range Views() {
		var plain []store.Column
		for _, c := range v.Columns {
			if c.Doc == "" {
				t.Errorf("%s.%s has no meaning", v.Name, c.Name)
			}
			plain = append(plain, store.Column{Name: c.Name, Type: c.Type})
		}
		if !slices.Equal(plain, seen[v.Name]) {
			t.Errorf("%s is documented as\n%v, the store has\n%v", v.Name, plain, seen[v.Name])
		}
		delete(seen, v.Name)
	}
	for name := range seen {
		t.Errorf("%s is neither documented nor said to be undocumented", name)
	}
}

// No text brings the scanner down, and what it lets pass is a statement that reads.
func FuzzReadable(f *testing.F) {
	for _, text := range []string{"select 1;", "explain (analyze, format json) select $$;$$", "/* /* */ */ from x", `e'\`, `"`, "$a$", "((", "explain ("} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := readable(text)
		if err == nil && strings.TrimSpace(s.text) == "" {
			t.Errorf("%q passed and holds nothing", text)
		}
	})
}

// Values of every type that the driver knows have a text, and those said to be JSON are.
func TestAskEveryType(t *testing.T) {
	db := scratch(t)
	var fields []Field
	rows := 0
	_, err := db.Ask(t.Context(), Question{Text: "select * exclude (time_ns) from test_all_types()"},
		func(f []Field) error { fields = f; return nil }, func(cells []*string) error {
			rows++
			for i, c := range cells {
				if c != nil && fields[i].Kind == Encoded && !json.Valid([]byte(*c)) {
					t.Errorf("%s: %s is no JSON", fields[i].Name, *c)
				}
			}
			return nil
		})
	if err != nil || rows != 3 {
		t.Errorf("%d rows, %v", rows, err)
	}
	var faulty *StatementError
	if _, err := asked(db, "select time_ns from test_all_types()"); !errors.As(err, &faulty) {
		t.Errorf("a type that is not shown: %v", err)
	}
	for text, want := range map[string]string{
		"select 'infinity'::timestamp, '-infinity'::date":         "infinity -infinity",
		"select [date '2026-11-03'], [timestamp '2026-11-03']":    `["2026-11-03"] ["2026-11-03T00:00:00Z"]`,
		"select ['00112233-4455-6677-8899-aabbccddeeff'::uuid]":   `["00112233-4455-6677-8899-aabbccddeeff"]`,
		"select [1.5::float, 'nan'::double], sum(1::bigint)":      "[1.5,null] 1",
		"select -0.000::decimal(9,3), -1.50::decimal(9,2), 1e21":  "0 -1.5 1e+21",
		"select '-1 month'::interval, 0.000001::double, 1e-7 / 1": "P-1M0DT0S 0.000001 1e-07",
	} {
		if got, err := asked(db, text); err != nil || got != want {
			t.Errorf("%s\nanswered %q, %v; want %q", text, got, err, want)
		}
	}
}
