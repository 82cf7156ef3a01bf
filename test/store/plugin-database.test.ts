import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadParser } from '../../src/store/dialect/parse.js';
import {
  hasPluginDatabase,
  joinPluginDatabase,
  openPluginDatabase,
  openScratchDatabase,
  pluginDatabasePath,
  purgePluginDatabase,
} from '../../src/store/plugin-database.js';
import { run } from './dialect/cases.js';

await loadParser();

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'sandpool-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

t.test('every plugin has a file of its own, which purging removes', async (t) => {
  const dataDir = directory(t);
  t.equal(pluginDatabasePath(dataDir, 'acme-notes'), join(dataDir, 'plugins', 'acme-notes', 'data.db'));
  t.notOk(hasPluginDatabase(dataDir, 'p'));
  const database = openPluginDatabase(dataDir, 'p');
  run(database, 'CREATE TABLE plugin_p (id INT); INSERT INTO plugin_p VALUES (1)');
  database.close();
  t.ok(hasPluginDatabase(dataDir, 'p'));
  purgePluginDatabase(dataDir, 'p');
  purgePluginDatabase(dataDir, 'p');
  t.notOk(hasPluginDatabase(dataDir, 'p'));
  t.same(readdirSync(join(dataDir, 'plugins', 'p')), []);
});

t.test('whoever joins a database that is there has its rows; where none is, none is made', async (t) => {
  const dataDir = directory(t);
  t.equal(joinPluginDatabase(dataDir, 'p'), undefined, 'no directory');
  const database = openPluginDatabase(dataDir, 'p');
  run(database, 'CREATE TABLE plugin_p (id INT); INSERT INTO plugin_p VALUES (1)');
  const joined = joinPluginDatabase(dataDir, 'p');
  t.same(joined?.prepare('SELECT id FROM plugin_p').pluck().all(), [1]);
  for (const one of [database, joined]) one?.close();
  purgePluginDatabase(dataDir, 'p');
  t.equal(joinPluginDatabase(dataDir, 'p'), undefined, 'no file');
  t.same(readdirSync(join(dataDir, 'plugins', 'p')), []);
});

t.test('no name of a plugin leads out of the directory', async (t) => {
  for (const name of ['../x', 'a/b', '', '..', 'A', 'a\0b']) {
    t.throws(() => pluginDatabasePath('/data', name), { code: 'PLUGIN_ID_INVALID' });
  }
});

t.test('a database grows no further than it may', async (t) => {
  const dataDir = directory(t);
  const database = openPluginDatabase(dataDir, 'p', { maxBytes: 1024 * 1024 });
  t.teardown(() => database.close());
  run(database, 'CREATE TABLE plugin_p (a TEXT)');
  const script = "INSERT INTO plugin_p SELECT repeat('x', 1000) FROM generate_series(1, 5000)";
  t.throws(() => run(database, script), { code: 'SBX_SQL_FAILED', details: { reason: 'database or disk is full' } });
  t.equal(database.prepare('SELECT count(*) FROM plugin_p').pluck().get(), 0);
  run(database, "INSERT INTO plugin_p VALUES ('fits')");
});

t.test('a file that is no database is a failure of the store', async (t) => {
  const dataDir = directory(t);
  openPluginDatabase(dataDir, 'p').close();
  t.ok(existsSync(pluginDatabasePath(dataDir, 'p')));
  const { writeFileSync } = await import('node:fs');
  writeFileSync(pluginDatabasePath(dataDir, 'p'), 'no database at all, but text that is long enough to be looked at');
  t.throws(() => openPluginDatabase(dataDir, 'p'), { code: 'SBX_STORE_FAILED' });
});

t.test('a scratch database is nowhere kept', async (t) => {
  const database = openScratchDatabase();
  t.equal(database.name, ':memory:');
  database.close();
});
