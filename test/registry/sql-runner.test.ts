import { fork, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createSqlRunner, type SqlProcess } from '../../src/registry/sql-runner.js';
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

// ---- a host that is held up ------------------------------------------------------------------------------------------------

/** A process that is played here: it says what the test says, and ends when and how it says. */
function played(kill: (child: EventEmitter) => void = () => {}) {
  const child: EventEmitter = Object.assign(new EventEmitter(), { pid: 1, send: () => true, kill: () => kill(child) });
  return { child, start: () => child as unknown as SqlProcess };
}

t.test('SQL that ended itself after its deadline is told as that, whoever heard of it first', async (t) => {
  let now = 0;
  const { child, start } = played();
  const running = createSqlRunner({ dataDir: '/nowhere', deadlineMs: 3_600_000, start, now: () => now }).run(INSTALL);
  now = 3_601_000;
  child.emit('exit', null, 'SIGKILL');
  await t.rejects(running, { code: 'SBX_SQL_DEADLINE', details: { pluginId: 'p', phase: 'install' } });
});

t.test('a process that ends before its deadline without an answer is told with how it ended', async (t) => {
  const { child, start } = played();
  const running = createSqlRunner({ dataDir: '/nowhere', deadlineMs: 3_600_000, start, now: () => 0 }).run(INSTALL);
  child.emit('exit', null, 'SIGSEGV');
  await t.rejects(running, {
    code: 'SBX_INTERNAL',
    message: 'internal error: the SQL process of plugin p ended (SIGSEGV)',
  });
});

t.test('what SQL has answered counts, also where the host looks at the deadline first', async (t) => {
  const { start } = played((child) => {
    child.emit('message', { result: ['a row'] });
    child.emit('exit', 0, null);
  });
  t.same(await createSqlRunner({ dataDir: '/nowhere', deadlineMs: 1, start }).run(INSTALL), ['a row']);
});

t.test('a process that cannot be started is told with the reason', async (t) => {
  const { child, start } = played();
  Object.assign(child, { pid: undefined });
  const running = createSqlRunner({ dataDir: '/nowhere', start }).run(INSTALL);
  child.emit('error', new Error('spawn node EAGAIN'));
  await t.rejects(running, { code: 'SBX_INTERNAL', message: 'internal error: spawn node EAGAIN' });
});

// ---- a host that is killed -------------------------------------------------------------------------------------------------

const PROCESS = new URL('../../src/registry/sql-process.js', import.meta.url);

t.test('what is begun for a host that has ended is not done', async (t) => {
  const dataDir = directory(t);
  const job = { kind: 'run', dataDir, pluginId: 'p', deadlineMs: 3_600_000, hostPid: process.ppid, options: INSTALL };
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.send(job);
  await once(child, 'exit');
  t.notOk(hasPluginDatabase(dataDir, 'p'), 'and no file is made for it');
});

t.test('SQL without an end is ended with its host, however that ends', async (t) => {
  const dataDir = directory(t);
  await createSqlRunner({ dataDir }).run(INSTALL);
  const files = [{ key: '001-a.sql', content: ENDLESS }];
  const runner = JSON.stringify(new URL('../../src/registry/sql-runner.js', import.meta.url).href);
  const options = { dataDir, deadlineMs: 3_600_000 };
  const source = `import { createSqlRunner } from ${runner};
    createSqlRunner(${JSON.stringify(options)}).run(${JSON.stringify({ ...INSTALL, phase: 'upgrade', files })});`;
  const host = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' });
  const database = openPluginDatabase(dataDir, 'p', { busyTimeoutMs: 0 });
  t.teardown(() => database.close());
  const isLocked = (): boolean => {
    try {
      database.exec('BEGIN IMMEDIATE; ROLLBACK');
      return false;
    } catch {
      return true;
    }
  };
  while (!isLocked()) await pause(20);
  host.kill('SIGKILL');
  while (isLocked()) await pause(20);
  t.equal(database.prepare('SELECT count(*) FROM plugin_p').pluck().get(), 0);
});
