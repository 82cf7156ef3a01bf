import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openDatabase, storeFailure } from '../../src/store/sqlite.js';

t.test('a database is in WAL mode and holds foreign keys', async (t) => {
  const database = openDatabase(join(t.testdir({}), 'a.db'));
  t.teardown(() => database.close());
  t.equal(database.pragma('journal_mode', { simple: true }), 'wal');
  t.equal(database.pragma('synchronous', { simple: true }), 1);
  t.equal(database.pragma('foreign_keys', { simple: true }), 1);
});

t.test('a database that may lose nothing syncs every commit', async (t) => {
  const database = openDatabase(join(t.testdir({}), 'a.db'), { synchronous: 'FULL' });
  t.teardown(() => database.close());
  t.equal(database.pragma('synchronous', { simple: true }), 2);
});

t.test('a reader cannot write', async (t) => {
  const path = join(t.testdir({}), 'a.db');
  const writer = openDatabase(path);
  const reader = openDatabase(path, { readonly: true });
  t.teardown(() => [writer, reader].map((database) => database.close()));
  writer.exec('CREATE TABLE x (a)');
  t.throws(() => reader.exec('INSERT INTO x VALUES (1)'), { code: 'SQLITE_READONLY' });
});

t.test('a file that must be there already is not made', async (t) => {
  const path = join(t.testdir({}), 'a.db');
  t.throws(() => openDatabase(path, { mustExist: true }), { code: 'SBX_STORE_FAILED' });
  t.notOk(existsSync(path));
});

t.test('a connection that fails while it is opened holds on to no file', async (t) => {
  const path = join(t.testdir({}), 'a.db');
  writeFileSync(path, 'no database at all, but text that is long enough to be looked at');
  t.throws(() => openDatabase(path), { code: 'SBX_STORE_FAILED', message: /file is not a database/ });
  if (process.platform === 'linux') {
    const links = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
    t.notOk(links.includes(path));
  }
});

/** Empty for a descriptor that has been closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

t.test('what cannot be opened is a failure of the store', async (t) => {
  const directory = t.testdir({});
  t.throws(() => openDatabase(directory), {
    code: 'SBX_STORE_FAILED',
    message: `the store failed: unable to open database file: ${directory}`,
  });
  const cause = new Error('disk full');
  t.match(storeFailure(cause), { code: 'SBX_STORE_FAILED', message: 'the store failed: disk full', cause });
});
