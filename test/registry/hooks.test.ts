import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { HookContract } from '../../src/artifact/hooks.js';
import { createHooks } from '../../src/registry/hooks.js';
import { loadParser } from '../../src/store/dialect/parse.js';
import { openPluginDatabase, pluginDatabasePath } from '../../src/store/plugin-database.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { run } from '../store/dialect/cases.js';

await loadParser();

const AT = Date.UTC(2026, 4, 1, 9, 0, 0, 250);
const TABLE = `CREATE TABLE plugin_p_log (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who VARCHAR(8) NOT NULL, what TEXT,
  code SMALLINT, at TIMESTAMPTZ)`;

const hook = (parts: Partial<HookContract> = {}): HookContract => ({
  event: 'auth.login.succeeded',
  action: 'insert',
  mode: 'blocking',
  table: 'plugin_p_log',
  fields: { who: 'event.userName' },
  timeoutMs: 0,
  sleepMs: 0,
  errorMessage: '',
  ...parts,
});

function open(t: Test) {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandpool-'));
  const database = openPluginDatabase(dataDir, 'p');
  run(database, TABLE);
  const warnings: Record<string, unknown>[] = [];
  const hooks = createHooks({ dataDir, now: () => AT, log: { warn: (facts) => void warnings.push({ ...facts }) } });
  t.teardown(() => {
    hooks.close();
    database.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const login = (...declared: readonly HookContract[]) =>
    hooks.dispatch('auth.login.succeeded', [{ pluginId: 'p', artifact: { hooks: declared } }], {
      userName: 'ada',
      status: 0,
    });
  const rows = () => database.prepare('SELECT who, what, code, at FROM plugin_p_log ORDER BY id').all();
  return { hooks, dataDir, database, warnings, login, rows };
}

t.test('an insert writes what the event says, the time, and plain texts', async (t) => {
  const { login, rows, warnings } = open(t);
  await login(hook({ fields: { WHO: 'event.userName', what: 'logged in', code: 'event.status', at: 'now' } }));
  await login(hook({ fields: { who: 'event.userName', what: 'event.nothing' } }));
  t.strictSame(rows(), [
    { who: 'ada', what: 'logged in', code: 0, at: '2026-05-01 09:00:00.25' },
    { who: 'ada', what: null, code: null, at: null },
  ]);
  t.same(warnings, []);
});

const FAILING: readonly (readonly [title: string, parts: Partial<HookContract>, reason: RegExp])[] = [
  ['that is to fail', { action: 'error', errorMessage: 'on purpose' }, /^on purpose$/],
  ['that sleeps past its timeout (C93)', { action: 'sleep', sleepMs: 600_000, timeoutMs: 1 }, /longer than 1 ms/],
  ['into no table', { table: 'plugin_p_none' }, /no table plugin_p_none/],
  ['into a table of the host', { table: 'sandpool_ledger', fields: { plugin_id: 'x' } }, /no table sandpool_ledger/],
  ['into no column', { fields: { none: 'x' } }, /no column none/],
  ['of a value that the column refuses', { fields: { who: 'x', code: 'event.userName' } }, /no value of column code/],
  ['that breaks a rule of the table', { fields: { what: 'x' } }, /NOT NULL/],
];

for (const [title, parts, reason] of FAILING) {
  t.test(`a hook ${title} is logged, and the others are carried out`, async (t) => {
    const { login, rows, warnings } = open(t);
    await login(hook(parts), hook());
    t.match(warnings, [{ plugin: 'p', event: 'auth.login.succeeded', reason }]);
    t.match(rows(), [{ who: 'ada' }]);
  });
}

t.test('a row of an event in a tenant is a row of that tenant, whatever the hook says', async (t) => {
  const { hooks, database, warnings } = open(t);
  run(database, 'CREATE TABLE plugin_p_own (who TEXT, tenant_id INT NOT NULL DEFAULT 0)');
  const declared = [
    hook({ table: 'plugin_p_own', fields: { who: 'event.userName' } }),
    hook({ table: 'plugin_p_own', fields: { tenant_id: '7', who: 'event.userName' } }),
  ];
  const releases = [{ pluginId: 'p', artifact: { hooks: declared } }];
  await hooks.dispatch('auth.login.succeeded', releases, { userName: 'tina' }, 22);
  await hooks.dispatch('auth.login.succeeded', releases, { userName: 'ada' });
  t.same(database.prepare('SELECT who, tenant_id FROM plugin_p_own ORDER BY rowid').raw().all(), [
    ['tina', 22],
    ['tina', 22],
    ['ada', 0],
    ['ada', 7],
  ]);
  t.same(warnings, []);
});

t.test('only what is declared for the event is carried out', async (t) => {
  const { login, rows } = open(t);
  await login(hook({ event: 'auth.login.failed' }));
  t.same(rows(), []);
});

t.test('nobody waits for a hook that does not block', async (t) => {
  const { login, rows, warnings } = open(t);
  await login(hook({ action: 'sleep', sleepMs: 600_000, timeoutMs: 600_000, mode: 'async' }), hook());
  t.match(rows(), [{ who: 'ada' }]);
  t.same(warnings, []);
});

t.test('while somebody else writes to the database, a hook tries again', async (t) => {
  const { login, rows, database, warnings } = open(t);
  database.exec('BEGIN IMMEDIATE');
  const going = login(hook({ timeoutMs: 60_000 }));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(rows(), []);
  database.exec('COMMIT');
  await going;
  t.match(rows(), [{ who: 'ada' }]);
  t.same(warnings, []);
});

t.test('while somebody else has the database for himself, a hook tries again to open it', async (t) => {
  const { login, database, dataDir, warnings } = open(t);
  database.close();
  const holder = openDatabase(pluginDatabasePath(dataDir, 'p'));
  t.teardown(() => holder.close());
  holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT');
  const going = login(hook({ timeoutMs: 60_000 }));
  holder.close();
  await going;
  t.same(warnings, []);
  const later = openDatabase(pluginDatabasePath(dataDir, 'p'));
  t.teardown(() => later.close());
  t.same(later.prepare('SELECT who FROM plugin_p_log').pluck().all(), ['ada']);
});

t.test('a hook that never gets its turn to write ends with its timeout', async (t) => {
  const { login, database, warnings } = open(t);
  database.exec('BEGIN IMMEDIATE');
  await login(hook({ timeoutMs: 1 }));
  database.exec('COMMIT');
  t.match(warnings, [{ reason: /longer than 1 ms/ }]);
});

t.test('a plugin without a database has no table, and gets none', async (t) => {
  const { hooks, warnings } = open(t);
  await hooks.dispatch(
    'system.started',
    [{ pluginId: 'q', artifact: { hooks: [hook({ event: 'system.started' })] } }],
    {},
  );
  t.match(warnings, [{ plugin: 'q', reason: /no table/ }]);
});
