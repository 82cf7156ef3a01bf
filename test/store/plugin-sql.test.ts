import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { loadParser } from '../../src/store/dialect/parse.js';
import { readCatalog } from '../../src/store/plugin-catalog.js';
import { openScratchDatabase } from '../../src/store/plugin-database.js';
import { parseFile, runFiles } from '../../src/store/plugin-sql.js';
import type { Database } from '../../src/store/sqlite.js';
import { ask, run } from './dialect/cases.js';

await loadParser();

const TABLES = `
  CREATE TABLE plugin_p (id INT PRIMARY KEY, name TEXT, n INT, at TIMESTAMP, code VARCHAR(3));
  CREATE VIEW plugin_p_seen AS SELECT id, name FROM plugin_p;
  CREATE TABLE plugin_p_seen_rows (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY);`;

function scratch(t: Test, script = ''): Database {
  const database = openScratchDatabase();
  t.teardown(() => database.close());
  run(database, script);
  return database;
}

function thrownBy(work: () => unknown): SandpoolError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof SandpoolError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const refused = readFileSync(new URL('../../../test/fixtures/sql/refused.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('# '))
  .map((line) => /^(\w+) \| (.*?) \| (.*)$/.exec(line)!.slice(1) as [string, string, string]);

t.test('an integer key that nothing numbers is not made up', async (t) => {
  const database = scratch(t, 'CREATE TABLE plugin_p (id INT PRIMARY KEY, name TEXT)');
  const error = thrownBy(() => run(database, "INSERT INTO plugin_p (name) VALUES ('a')"));
  t.match(error.details.reason, /NOT NULL constraint failed: plugin_p\.id/);
});

t.test('what plugins may not do is refused with file, line and reason', async (t) => {
  t.ok(refused.length >= 80);
  const database = scratch(t, TABLES);
  const before = readCatalog(database);
  for (const [code, words, statement] of refused) {
    const content = `-- it's a; comment\nSELECT 1; /* 摸鱼\n ; */\n  ${statement}`;
    const files = [
      { key: '001-first.sql', content: 'SELECT 1' },
      { key: '002-second.sql', content },
    ];
    const error = thrownBy(() => runFiles(database, { pluginId: 'p', files }));
    t.match(
      { code: error.code, file: error.details.file, line: error.details.line, reason: error.details.reason },
      { code, file: '002-second.sql', line: 4, reason: words },
      statement,
    );
    t.equal(error.message, `002-second.sql:4: ${error.details.reason}`);
  }
  t.same(readCatalog(database), before, 'and nothing of it is left');
});

t.test('an error is found on its own line of a long statement', async (t) => {
  const database = scratch(t, TABLES);
  const content =
    "-- 摸鱼\nINSERT INTO plugin_p (id, at)\nVALUES\n  (1, '2026-01-01'),\n  (2, '摸'),\n  (3, '2026-01-01')";
  const error = thrownBy(() => runFiles(database, { pluginId: 'p', files: [{ key: 'a.sql', content }] }));
  t.equal(error.details.line, 5);
  const syntax = "SELECT '摸鱼🐟',\n  '鱼',\n  1 FRM x y";
  t.equal(thrownBy(() => parseFile({ key: 'a.sql', content: syntax })).details.line, 3);
});

t.test('a file that fails leaves nothing of the files before it (F073)', async (t) => {
  const database = scratch(t, TABLES);
  const files = [
    {
      key: '001-a.sql',
      content:
        "CREATE TABLE plugin_p_new (id INT); INSERT INTO plugin_p (id) VALUES (1); COMMENT ON TABLE plugin_p IS 'x'",
    },
    { key: '002-b.sql', content: 'INSERT INTO plugin_p (id) VALUES (1)' },
  ];
  t.equal(
    thrownBy(() => runFiles(database, { pluginId: 'p', files })).message,
    '002-b.sql:1: UNIQUE constraint failed: plugin_p.id',
  );
  t.same(ask(database, 'SELECT count(*) FROM plugin_p'), ['0']);
  t.notOk(readCatalog(database).has('plugin_p_new'));
  t.equal(readCatalog(database).get('plugin_p')?.comment, undefined);
});

t.test('rows that a rebuilt table leaves without their parent are refused', async (t) => {
  const database = scratch(
    t,
    'CREATE TABLE plugin_p (id INT PRIMARY KEY); CREATE TABLE plugin_p_c (p INT REFERENCES plugin_p); INSERT INTO plugin_p VALUES (1); INSERT INTO plugin_p_c VALUES (1)',
  );
  const script = 'ALTER TABLE plugin_p_c ALTER p SET NOT NULL; DELETE FROM plugin_p';
  const error = thrownBy(() => run(database, script));
  t.equal(error.message, '001-test.sql:1: rows of plugin_p_c refer to rows of plugin_p that are not there');
  t.same(ask(database, 'SELECT count(*) FROM plugin_p'), ['1']);
  t.throws(() => run(database, 'DELETE FROM plugin_p'), { code: 'SBX_SQL_FAILED' }, 'foreign keys are watched again');
});

t.test('a deferred foreign key is looked at when the files are through', async (t) => {
  const database = scratch(
    t,
    'CREATE TABLE plugin_p (id INT PRIMARY KEY, n INT, FOREIGN KEY (n) REFERENCES plugin_p DEFERRABLE INITIALLY DEFERRED)',
  );
  t.throws(() => run(database, 'INSERT INTO plugin_p VALUES (1, 2)'), { code: 'SBX_STORE_FAILED' });
  t.same(ask(database, 'SELECT count(*) FROM plugin_p'), ['0']);
});

t.test('a text that is too long, or nested too deeply, is refused and harms nothing', async (t) => {
  const database = scratch(t);
  const deep = `SELECT ${'('.repeat(50_000)}1${')'.repeat(50_000)}`;
  const nested = `SELECT ${'(SELECT '.repeat(3000)}1${')'.repeat(3000)}`;
  const chained = `SELECT ${'1 + '.repeat(5000)}1`;
  for (const script of [deep, nested, chained]) {
    t.match(thrownBy(() => run(database, script)).code, /^SBX_SQL_/);
  }
  const many = ';SELECT 1'.repeat(20_001);
  t.match(thrownBy(() => run(database, many)).message, 'more than 20000 statements');
  t.match(thrownBy(() => run(database, ' '.repeat(8 * 1024 * 1024 + 1))).message, 'larger than 8388608 bytes');
  t.same(ask(database, 'SELECT 1'), ['1']);
});

t.test('texts and names of any characters come back as they went', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => !value.includes('\0'));
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    // PostgreSQL cuts what is longer.
    .filter((value) => !value.includes('\0') && value.trim() !== '' && Buffer.byteLength(value) <= 63);
  const quote = (value: string, mark: string) => mark + value.replaceAll(mark, mark + mark) + mark;
  fc.assert(
    fc.property(
      text,
      name,
      fc.constantFrom('--', '#', '/* ; */', '-- \' ; "\n', '#;\n', "/* /* ; */ ' */"),
      (value, column, comment) => {
        const database = openScratchDatabase();
        const gap = `${comment}\n`;
        run(
          database,
          `CREATE TABLE plugin_p ${gap} (${quote(column, '"')} TEXT);${gap}INSERT INTO plugin_p VALUES (${quote(value, "'")})${gap};`,
        );
        const found = database.prepare(`SELECT * FROM plugin_p`).get() as Record<string, string>;
        database.close();
        return Object.values(found)[0] === value && Object.keys(found)[0] === column;
      },
    ),
    { numRuns: 200 },
  );
});

t.test('a large file of rows is taken in', async (t) => {
  const database = scratch(t, TABLES);
  const rows = Array.from({ length: 20_000 }, (_, at) => `(${at}, 'name ${at}', NULL, '2026-01-01')`).join(',');
  run(database, `INSERT INTO plugin_p (id, name, n, at) VALUES ${rows}`);
  t.same(ask(database, 'SELECT count(*), max(id) FROM plugin_p'), ['20000|19999']);
});
