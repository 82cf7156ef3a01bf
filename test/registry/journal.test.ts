import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openJournal } from '../../src/registry/journal.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { artifactOf, filesOf, type House, openHouse, standingOf } from './house.js';

const CHILD = fileURLToPath(new URL('./kill-child.js', import.meta.url));
const ONE = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/one' }] });
const TWO = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/two' }] });

interface Prepared {
  readonly dir: string;
  readonly bystander: object;
}

/** A bystander that serves, and plugin `demo` brought to where the operation begins. */
async function prepare(t: Test, bring: (house: House) => Promise<unknown>): Promise<Prepared> {
  const dir = t.testdir({});
  const house = openHouse(t, dir);
  await house.registry.reload();
  await house.registry.upload(artifactOf('bystander'));
  await house.registry.install('bystander');
  await house.registry.enable('bystander');
  await bring(house);
  const bystander = await standingOf(house, 'bystander');
  house.database.close();
  return { dir, bystander };
}

async function killAt(t: Test, dir: string, operation: string, step: string): Promise<void> {
  const child = spawn(process.execPath, [CHILD, dir, operation, step], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  t.same([code, signal], [null, 'SIGKILL'], `the child is killed at ${step} ${errors}`);
}

/** The invariants of any state: flags and states agree, and an effective release has its bytes. */
async function requireWhole(t: Test, house: House, { bystander }: Prepared): Promise<void> {
  for (const row of house.rows('sys_plugin')) {
    const state = row.installed ? (row.status ? 'enabled' : 'installed') : 'uninstalled';
    t.match(row, { desired_state: state, current_state: state });
    const releases = house.rows('sys_plugin_release').filter(({ plugin_id }) => plugin_id === row.plugin_id);
    const effective = releases.filter(({ status }) => status === 'installed' || status === 'active');
    t.equal(effective.length, row.installed as number, 'one effective release or none');
    if (!row.installed) continue;
    t.match(effective, [{ id: row.release_id, checksum: row.checksum, status: row.status ? 'active' : 'installed' }]);
    const view = house.registry.find(String(row.plugin_id))!;
    t.equal(view.checksum, row.checksum);
    t.ok((await house.registry.readArtifact(view)).length > 0);
    t.equal(house.fake.loaded.has(view.pluginId), view.enabled);
  }
  t.same(
    filesOf(house.dir).filter((name) => name.includes('.sandpool-')),
    [],
    'nothing half-written is left',
  );
  t.same(await standingOf(house, 'bystander'), bystander, 'the bystander serves as before');
}

const upload = (bytes: Uint8Array) => (house: House) => house.registry.upload(bytes);
const installed = async (house: House) => {
  await house.registry.upload(ONE);
  await house.registry.install('demo');
};
const enabled = async (house: House) => {
  await installed(house);
  await house.registry.enable('demo');
};
/** Enabled, with other bytes of the same version put there by hand. */
const changed = async (house: House) => {
  await enabled(house);
  writeFileSync(join(house.stagingDir, 'demo.wasm'), TWO);
};
const nothing = async () => {};

const DISCOVERED_ONE = { installed: false, enabled: false, artifact: { routes: [{ path: '/one' }] } };
const DISCOVERED_TWO = { installed: false, enabled: false, artifact: { routes: [{ path: '/two' }] } };
const INSTALLED = { ...DISCOVERED_ONE, installed: true };
const ENABLED = { ...INSTALLED, enabled: true };
const REFRESHED = { ...ENABLED, artifact: DISCOVERED_TWO.artifact };

type Row = readonly [
  operation: string,
  bring: (house: House) => Promise<unknown>,
  step: string,
  /** What is found afterwards; undefined for nothing. */
  expected: object | undefined,
];

// biome-ignore format: a table
const TABLE: readonly Row[] = [
  ['upload',  nothing,     'temporary-written',  undefined],
  ['upload',  nothing,     'renamed',            DISCOVERED_TWO],
  ['upload',  nothing,     'directories-synced', DISCOVERED_TWO],
  ['upload',  nothing,     'written',            DISCOVERED_TWO],
  ['upload',  nothing,     'committed',          DISCOVERED_TWO],
  ['upload',  upload(ONE), 'temporary-written',  DISCOVERED_ONE],
  ['upload',  upload(ONE), 'renamed',            DISCOVERED_TWO],
  ['upload',  upload(ONE), 'written',            DISCOVERED_TWO],
  ['install', upload(ONE), 'temporary-written',  DISCOVERED_ONE],
  ['install', upload(ONE), 'renamed',            DISCOVERED_ONE],
  ['install', upload(ONE), 'directories-synced', DISCOVERED_ONE],
  ['install', upload(ONE), 'written',            DISCOVERED_ONE],
  ['install', upload(ONE), 'committed',          INSTALLED],
  ['install', changed,     'temporary-written',  ENABLED],
  ['install', changed,     'directories-synced', ENABLED],
  ['install', changed,     'activated',          ENABLED],
  ['install', changed,     'written',            ENABLED],
  ['install', changed,     'committed',          REFRESHED],
  ['enable',  installed,   'activated',          INSTALLED],
  ['enable',  installed,   'written',            INSTALLED],
  ['enable',  installed,   'committed',          ENABLED],
  ['disable', enabled,     'written',            ENABLED],
  ['disable', enabled,     'committed',          INSTALLED],
  ['disable', enabled,     'deactivated',        INSTALLED],
];

for (const [operation, bring, step, expected] of TABLE) {
  const before = {
    nothing: 'nothing',
    installed: 'an installed plugin',
    enabled: 'an enabled plugin',
    changed: 'changed bytes',
  };
  const from = before[bring.name as keyof typeof before] ?? 'a staged plugin';
  t.test(`kill -9 in ${operation} of ${from} at ${step} leaves the state before or after, whole`, async (t) => {
    const prepared = await prepare(t, bring);
    writeFileSync(join(prepared.dir, 'next.bin'), TWO);
    await killAt(t, prepared.dir, operation, step);
    const house = openHouse(t, prepared.dir);
    t.same(await house.registry.reload(), { failed: [], problems: [] });
    if (expected === undefined) t.equal(house.registry.find('demo'), undefined);
    else t.match(house.registry.find('demo'), expected);
    await requireWhole(t, house, prepared);
    if (operation === 'upload') await house.registry.upload(TWO, { overwrite: true });
    else
      t.ok(
        await house.registry[operation as 'install' | 'enable' | 'disable']('demo'),
        'the operation can be repeated',
      );
    await requireWhole(t, house, prepared);
  });
}

function openAlone(t: Test) {
  const database = openDatabase(join(t.testdir({}), 'a.db'));
  t.teardown(() => database.close());
  return { database, journal: openJournal({ database, now: () => 1700000000000 }) };
}

t.test('of a change all is written or nothing', async (t) => {
  const { database, journal } = openAlone(t);
  const diagnosis = { action: 'enable', errorCode: 'SBX_TRAP', message: 'x' };
  journal.write({ pluginId: 'demo', basedOn: undefined, diagnosis });
  database.exec(
    `CREATE TRIGGER full BEFORE INSERT ON sandpool_plugin_diagnosis BEGIN SELECT RAISE(ABORT, 'full'); END`,
  );
  const change = { pluginId: 'demo', basedOn: undefined, diagnosis: { ...diagnosis, message: 'y' } };
  t.throws(() => journal.write(change), { code: 'SBX_STORE_FAILED', message: 'the store failed: full' });
  t.same(database.prepare('SELECT message FROM sandpool_plugin_diagnosis').pluck().all(), ['x']);
});

t.test('nobody is listed before the first change', async (t) => {
  const { journal } = openAlone(t);
  t.same(journal.pluginIds(), []);
  t.equal(journal.read('demo'), undefined);
});
