// Runs one of the DuckDB peers: node duckdb.mjs STATEMENTS.sql DATABASE FILE...
// The last statement's rows go to stdout: experiment, variation, type, count.
import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";

const [statements, database, ...files] = process.argv.slice(2);
const quoted = files.map((f) => `'${f.replaceAll("'", "''")}'`).join(", ");
const sql = readFileSync(statements, "utf8").replaceAll("{files}", quoted);

const db = await DuckDBInstance.create(database, { threads: "2" });
const session = await db.connect();
let result;
for (const statement of sql.split(";\n")) result = await session.runAndReadAll(statement);
process.stdout.write(result.getRows().map((r) => r.join("\t") + "\n").join(""));
session.closeSync();
db.closeSync();
