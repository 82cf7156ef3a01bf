import t from 'tap';
import { createStatements, VALUE } from '../../../src/services/data/statements.js';
import type { SqlValue } from '../../../src/store/dialect/values.js';
import { openScratchDatabase } from '../../../src/store/plugin-database.js';

function open(maxPrepared: number) {
  const database = openScratchDatabase();
  database.exec('CREATE TABLE "t?" (id INTEGER PRIMARY KEY, "what?" TEXT, raw BLOB)');
  return { database, statements: createStatements(database, maxPrepared) };
}

const INSERT = `INSERT INTO "t?" ("what?", raw) VALUES (${VALUE}, ${VALUE})`;
const SELECT = {
  columns: ['c0', 'c1', 'c2'],
  sql: `SELECT id AS c0, "what?" AS c1, raw AS c2 FROM "t?" WHERE id > ${VALUE} ORDER BY "what?" DESC LIMIT ${VALUE}`,
};
const ROWS: readonly (readonly SqlValue[])[] = [
  ["o'neill", Buffer.of(0, 255)],
  [null, null],
  ['sandpool_given(0)', Buffer.alloc(0)],
  ['?', null],
];

for (const [title, maxPrepared] of [
  ['prepared', 200],
  ['executed by hand', 0],
] as const) {
  t.test(`what is ${title} writes and reads the same`, async (t) => {
    const { statements } = open(maxPrepared);
    const results = ROWS.map((row) => statements.writing(INSERT).run(row));
    t.strictSame(
      results.map(({ changes, rowId }) => [changes, rowId]),
      [
        [1, 1],
        [1, 2],
        [1, 3],
        [1, 4],
      ],
    );
    for (const attempt of ['once', 'again', 'and again']) {
      const rows = statements.reading(SELECT).rows([1, 2]);
      t.strictSame(
        rows.map((row) => [...row]),
        [
          [3, 'sandpool_given(0)', Buffer.alloc(0)],
          [4, '?', null],
        ],
        attempt,
      );
    }
  });
}

t.test('rows of many columns are read by hand, too', async (t) => {
  const { statements } = open(0);
  const columns = Array.from({ length: 250 }, (_, index) => `c${index}`);
  const sql = `SELECT ${columns.map((name, index) => `${index} AS ${name}`).join(', ')}`;
  const [row] = statements.reading({ columns, sql }).rows([]);
  t.strictSame(
    row,
    columns.map((_, index) => index),
  );
});

t.test('what is asked for ever anew is not prepared for ever', async (t) => {
  const { database, statements } = open(5);
  let prepared = 0;
  const prepare = database.prepare;
  database.prepare = ((sql: string) => {
    prepared += 1;
    return prepare(sql);
  }) as typeof prepare;
  for (let index = 0; index < 3000; index += 1) {
    const sql = `SELECT ${index} AS c0`;
    for (const _ of [1, 2]) t.strictSame(statements.reading({ columns: ['c0'], sql }).rows([])[0], [index]);
  }
  t.equal(prepared, 5);
});

t.test('what fails is thrown, and the next one is done', async (t) => {
  const { statements } = open(0);
  statements.writing('INSERT INTO "t?" (id) VALUES (1)').run([]);
  t.throws(() => statements.writing('INSERT INTO "t?" (id) VALUES (1)').run([]), {
    code: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  });
  t.equal(statements.writing(`DELETE FROM "t?" WHERE id = ${VALUE}`).run([1]).changes, 1);
});
