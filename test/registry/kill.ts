/** Kills a host in the middle of an operation, and looks at what the next one finds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { artifactOf, filesOf, type House, openHouse, SCOPED, standingOf } from './house.js';

const CHILD = fileURLToPath(new URL('./kill-child.js', import.meta.url));
export const ONE = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/one' }] });
export const TWO = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/two' }] });

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
    const active = releases.filter(({ status }) => status === 'active');
    t.equal(active.length, row.status as number, 'one active release or none');
    t.equal(row.restage, 0);
    if (!row.installed) continue;
    const effective = releases.filter(({ id }) => id === row.release_id);
    t.match(effective, [{ checksum: row.checksum, status: row.status ? 'active' : 'installed' }]);
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

export const upload = (bytes: Uint8Array) => (house: House) => house.registry.upload(bytes);
export const installed = async (house: House) => {
  await house.registry.upload(ONE);
  await house.registry.install('demo');
};
export const enabled = async (house: House) => {
  await installed(house);
  await house.registry.enable('demo');
};
/** Enabled, with other bytes of the same version put there by hand. */
export const changed = async (house: House) => {
  await enabled(house);
  writeFileSync(join(house.stagingDir, 'demo.wasm'), TWO);
};
export const nothing = async () => {};
const CALLBACKS = ['BeforeUpgrade', 'Upgrade', 'BeforeUninstall', 'Uninstall'].map((operation) => ({
  operation,
  requestType: 'X',
  internalPath: `/__lifecycle/${operation}`,
}));
const PARTS = {
  lifecycle: CALLBACKS,
  installSql: { '001-a.sql': 'SELECT 1' },
  uninstallSql: { '001-a.sql': 'SELECT 1' },
  hostServices: SCOPED,
};
const OLD = artifactOf('demo', 'v0.1.0', { ...PARTS, routes: [{ path: '/one' }] });
const NEW = artifactOf('demo', 'v0.2.0', { ...PARTS, routes: [{ path: '/two' }] });
/** Enabled, with a higher version that waits. */
export const waiting = async ({ registry }: House) => {
  await registry.upload(OLD);
  await registry.install('demo', { authorization: { services: [{ service: 'storage', paths: ['a/'] }] } });
  await registry.enable('demo');
  await registry.upload(NEW);
};
export const upgraded = async (house: House) => {
  await waiting(house);
  await house.registry.upgrade('demo', { confirmed: true });
};

export const DISCOVERED_ONE = { installed: false, enabled: false, artifact: { routes: [{ path: '/one' }] } };
export const DISCOVERED_TWO = { installed: false, enabled: false, artifact: { routes: [{ path: '/two' }] } };
export const INSTALLED = { ...DISCOVERED_ONE, installed: true };
export const ENABLED = { ...INSTALLED, enabled: true };
export const UPGRADED = { ...ENABLED, version: 'v0.2.0', artifact: DISCOVERED_TWO.artifact };
export const ROLLED_BACK = { ...ENABLED, version: 'v0.1.0' };
export const REFRESHED = { ...ENABLED, artifact: DISCOVERED_TWO.artifact };

export type KillRow = readonly [
  operation: string,
  bring: (house: House) => Promise<unknown>,
  step: string,
  /** What is found afterwards; undefined for nothing. */
  expected: object | undefined,
];

/** A test for each row: whatever the step, the state afterwards is that before or after the operation, whole. */
export function testKills(rows: readonly KillRow[]): void {
  // A process for each row.
  t.setTimeout(600_000);
  for (const [operation, bring, step, expected] of rows) {
    const before = {
      nothing: 'nothing',
      installed: 'an installed plugin',
      enabled: 'an enabled plugin',
      changed: 'changed bytes',
      waiting: 'a plugin with a higher version waiting',
      upgraded: 'an upgraded plugin',
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
      await repeat(house, operation);
      await requireWhole(t, house, prepared);
    });
  }
}

/** What was interrupted can be done again, also where it was done already. */
async function repeat({ registry }: House, operation: string): Promise<void> {
  const version = registry.find('demo')?.version;
  if (operation === 'upload') await registry.upload(TWO, { overwrite: true });
  else if (operation === 'upgrade' && version === 'v0.1.0') await registry.upgrade('demo', { confirmed: true });
  else if (operation === 'rollback' && version === 'v0.2.0') await registry.rollback('demo', { confirmed: true });
  else if (operation === 'uninstall') await registry.uninstall('demo');
  else if (operation !== 'upgrade' && operation !== 'rollback')
    await registry[operation as 'install' | 'enable' | 'disable']('demo');
}
