/** Cases of SQL that a person can read: a script, a query, and the rows that PostgreSQL answers. */
import { readFileSync } from 'node:fs';
import { parseStatement } from '../../../src/store/dialect/parse.js';
import { translate } from '../../../src/store/dialect/statement.js';
import { readCatalog } from '../../../src/store/plugin-catalog.js';
import { runFiles } from '../../../src/store/plugin-sql.js';
import type { Database } from '../../../src/store/sqlite.js';

export interface Case {
  readonly title: string;
  readonly script: string;
  readonly query: string;
  /** Fields joined by `|`. */
  readonly rows: readonly string[];
}

export const KINDS = ['create', 'alter', 'write', 'query'] as const;

export function readCases(kind: (typeof KINDS)[number]): readonly Case[] {
  const text = readFileSync(new URL(`../../../../test/fixtures/sql/${kind}.sql`, import.meta.url), 'utf8');
  return text
    .split(/^-- case: /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.trim().split('\n');
      const marked = (mark: string) =>
        lines.filter((line) => line.startsWith(`-- ${mark}:`)).map((line) => line.slice(mark.length + 5));
      const script = lines.filter((line) => !/^-- (?:query|row):/.test(line)).join('\n');
      return { title, script, query: marked('query')[0] ?? '', rows: marked('row').map(plain) };
    });
}

/** Truth and fractions are written by each database in its own way. */
export function plain(row: string): string {
  return row
    .split('|')
    .map((field) => field.replace(/^t$/, '1').replace(/^f$/, '0'))
    .map((field) => (/^-?\d+\.\d+$/.test(field) ? field.replace(/\.?0+$/, '') : field))
    .join('|');
}

export const PLUGIN = 'p';

export function run(database: Database, script: string): void {
  runFiles(database, { pluginId: PLUGIN, files: [{ key: '001-test.sql', content: script }] });
}

/** The rows of a PostgreSQL query on SQLite. */
export function ask(database: Database, query: string): readonly string[] {
  const { sql } = translate(parseStatement(query)!, PLUGIN, readCatalog(database));
  const rows = database.prepare(sql[0]!).safeIntegers().raw().all() as unknown[][];
  return rows.map((row) => plain(row.map((value) => (value === null ? '' : String(value))).join('|')));
}
