import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Migration, migrate } from '../../src/store/migrations.js';
import { openDatabase } from '../../src/store/sqlite.js';

const FIRST: Migration = { number: 1, title: 'one', sql: 'CREATE TABLE one (a); CREATE TABLE two (a)' };
const SECOND: Migration = { number: 2, title: 'two', sql: 'ALTER TABLE one ADD COLUMN b' };

function open(t: Test) {
  const database = openDatabase(join(t.testdir({}), 'a.db'));
  t.teardown(() => database.close());
  const tables = () =>
    database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sandpool_migration'")
      .pluck()
      .all();
  const ledger = () => database.prepare('SELECT room, number, title FROM sandpool_migration').raw().all();
  return { database, tables, ledger };
}

t.test('each step is applied once, in order', async (t) => {
  const { database, ledger } = open(t);
  migrate(database, 'registry', [FIRST]);
  migrate(database, 'registry', [FIRST, SECOND]);
  migrate(database, 'registry', [FIRST, SECOND]);
  t.same(ledger(), [
    ['registry', 1, 'one'],
    ['registry', 2, 'two'],
  ]);
  t.equal(database.prepare('SELECT count(*) FROM one WHERE b IS NULL').pluck().get(), 0);
});

t.test('rooms in one file count apart', async (t) => {
  const { database, ledger } = open(t);
  migrate(database, 'registry', [FIRST]);
  migrate(database, 'identity', [{ number: 1, title: 'users', sql: 'CREATE TABLE users (a)' }]);
  t.same(ledger(), [
    ['identity', 1, 'users'],
    ['registry', 1, 'one'],
  ]);
});

t.test('when a step fails, none of the missing ones is there', async (t) => {
  const { database, tables } = open(t);
  const broken = { number: 2, title: 'broken', sql: 'CREATE TABLE three (a); CREATE TABLE one (a)' };
  t.throws(() => migrate(database, 'registry', [FIRST, broken]), {
    code: 'SBX_STORE_FAILED',
    message: 'the store failed: table one already exists',
  });
  t.same(tables(), []);
});

t.test('a file of a newer Sandpool is not touched', async (t) => {
  const { database } = open(t);
  migrate(database, 'registry', [FIRST, SECOND]);
  t.throws(() => migrate(database, 'registry', [FIRST]), {
    code: 'SBX_STORE_FAILED',
    message: 'the store failed: the tables of registry are at step 2, which this version does not know',
  });
});
