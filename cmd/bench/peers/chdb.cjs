// Runs one of the ClickHouse peers: node chdb.cjs STATEMENTS.sql FOLDER FILE...
// The last statement's rows go to stdout: experiment, variation, type, count.
const { readFileSync } = require("node:fs");
const { basename, dirname } = require("node:path");
const { Session } = require("chdb");

const [statements, folder, ...files] = process.argv.slice(2);
const glob = `${dirname(files[0])}/{${files.map((f) => basename(f)).join(",")}}`;
const sql = readFileSync(statements, "utf8").replaceAll("{files}", glob);

const session = new Session(folder);
let rows = "";
for (const statement of sql.split(";\n")) rows = session.query(statement, "TSV");
process.stdout.write(rows);
session.close();
