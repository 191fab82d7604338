-- name:    tables
-- asks:    which tables does the store have?
-- grain:   name
-- columns: name VARCHAR
select table_name as name from duckdb_tables() where database_name = current_database() order by name
