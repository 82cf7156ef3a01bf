import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createSqlRunner } from '../../src/registry/sql-runner.js';
import { readLedger } from '../../src/store/plugin-catalog.js';
import { hasPluginDatabase, openPluginDatabase } from '../../src/store/plugin-database.js';

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'sandpool-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const INSTALL = {
  pluginId: 'p',
  releaseId: 1,
  phase: 'install' as const,
  files: [{ key: '001-a.sql', content: 'CREATE TABLE IF NOT EXISTS plugin_p (id INT)' }],
};
/** Has no end, and nothing in it that could be interrupted. */
const ENDLESS =
  'WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) INSERT INTO plugin_p SELECT count(*) FROM a';

t.test('SQL runs in a process of its own', async (t) => {
  const dataDir = directory(t);
  const runner = createSqlRunner({ dataDir });
  const rows = await runner.run(INSTALL);
  t.match(rows, [{ migrationKey: 'install-step-001', status: 'succeeded' }]);
  const database = openPluginDatabase(dataDir, 'p');
  t.teardown(() => database.close());
  t.same(readLedger(database), rows);
});

t.test('a failure comes back with its code and its facts', async (t) => {
  const runner = createSqlRunner({ dataDir: directory(t) });
  const files = [{ key: '001-a.sql', content: '\nSELECT * FROM sys_user' }];
  await t.rejects(runner.run({ ...INSTALL, files }), {
    code: 'SBX_SQL_UNSUPPORTED',
    details: { file: '001-a.sql', line: 2, reason: /^sys_user is not a table of plugin p/ },
  });
});

t.test('SQL without an end is ended, and leaves nothing behind', async (t) => {
  const dataDir = directory(t);
  await createSqlRunner({ dataDir }).run(INSTALL);
  const files = [{ key: '001-a.sql', content: `INSERT INTO plugin_p VALUES (1); ${ENDLESS}` }];
  await t.rejects(createSqlRunner({ dataDir, deadlineMs: 1500 }).run({ ...INSTALL, phase: 'upgrade', files }), {
    code: 'SBX_SQL_DEADLINE',
    details: { pluginId: 'p', phase: 'upgrade', deadlineMs: 1500 },
  });
  const database = openPluginDatabase(dataDir, 'p');
  t.teardown(() => database.close());
  t.equal(database.prepare('SELECT count(*) FROM plugin_p').pluck().get(), 0);
  t.same(
    readLedger(database).map(({ phase }) => phase),
    ['install'],
  );
  await createSqlRunner({ dataDir }).run(INSTALL);
});

t.test('checking makes no database, and tells all problems', async (t) => {
  const dataDir = directory(t);
  const runner = createSqlRunner({ dataDir });
  const none = { install: [], uninstall: [], mock: [] };
  const install = [{ key: '001-a.sql', content: 'SELECT 1;\nVACUUM' }];
  t.match(await runner.check('p', { ...none, install }, true), [
    { file: '001-a.sql', line: 2, code: 'SBX_SQL_UNSUPPORTED' },
  ]);
  t.same(await runner.check('p', none, false), []);
  t.notOk(hasPluginDatabase(dataDir, 'p'));
});

t.test('no files need no process', async (t) => {
  t.same(await createSqlRunner({ dataDir: '/nowhere' }).run({ ...INSTALL, files: [] }), []);
});
