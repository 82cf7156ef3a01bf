/**
 * A host on a disk that is really full: a small tmpfs, of which a filler leaves more and more free until the operation succeeds.
 * Every write of an operation is thereby the one that does not fit.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { answeringGuest } from './answering-guest.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(3_600_000);

const SIZE_MIB = 24;
const PAGE_BYTES = 4096;
/** Pages that each try leaves free beyond the one before. */
const STEP_PAGES = Math.max(1, Math.round(16 / Number(process.env.SANDPOOL_TEST_EFFORT ?? 1)));

/** A small disk of its own, or why there is none. */
function mountDisk(): { readonly dir: string; readonly unmount: () => void } | string {
  if (process.platform !== 'linux') return 'there is a tmpfs on Linux only';
  const dir = mkdtempSync(join(tmpdir(), 'sandpool-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch {
    rmSync(dir, { recursive: true });
    return 'a tmpfs cannot be mounted: that takes root';
  }
  const unmount = () => {
    execFileSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true });
  };
  return { dir, unmount };
}

const release = async (id: string, version: string) => {
  const table = `plugin_${id}_record`;
  const files = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`frontend/pages/${at}.txt`, `${version} ${at}`.repeat(900)]),
    );
  return buildArtifact({
    manifest: { id, name: id, version, defaultInstallMode: 'global' },
    module: await answeringGuest(version),
    routes: [{ path: '/which' }],
    frontendAssets: files(4),
    installSql: {
      '001-a.sql': `CREATE TABLE IF NOT EXISTS ${table} (id INT PRIMARY KEY, text TEXT);
        INSERT INTO ${table} SELECT n, repeat('x', 900) FROM generate_series(1, 50) n ON CONFLICT DO NOTHING`,
    },
    uninstallSql: { '001-a.sql': `DROP TABLE IF EXISTS ${table}` },
  });
};

type Act = (host: TestHost) => Promise<unknown>;

const [first, second, bystander] = await Promise.all([
  release('demo', 'v0.1.0'),
  release('demo', 'v0.2.0'),
  release('bystander', 'v1.0.0'),
]);

const ACTS: readonly (readonly [title: string, act: Act])[] = [
  ['an upload', ({ registry }) => registry.upload(first)],
  ['an install', ({ registry }) => registry.install('demo')],
  ['an enable', ({ registry }) => registry.enable('demo')],
  ['the upload of a higher version', ({ registry }) => registry.upload(second)],
  ['an upgrade', ({ registry }) => registry.upgrade('demo', { confirmed: true })],
  ['a rollback', ({ registry }) => registry.rollback('demo', { confirmed: true })],
  ['an uninstall', ({ registry }) => registry.uninstall('demo')],
];

const disk = mountDisk();
const options = typeof disk === 'string' ? { skip: disk } : {};

t.test('a disk that is full at any write is told, changes nothing, and the next try succeeds', options, async (t) => {
  const { dir, unmount } = disk as Exclude<typeof disk, string>;
  let host = await startTestHost(t, { PLUGIN_SERVE_PENDING: 'true' }, dir);
  try {
    await host.registry.upload(bystander);
    await host.registry.install('bystander');
    await host.registry.enable('bystander');
    for (const [title, act] of ACTS) await tryUntilItFits(t, host, dir, title, act);
    const rows = standingOf(host);
    await host.close();
    host = await startTestHost(t, { PLUGIN_SERVE_PENDING: 'true' }, dir);
    t.same(standingOf(host), rows, 'and so it is after a start');
    t.equal(await which(host, 'bystander'), 'v1.0.0');
  } finally {
    await host.close();
    unmount();
  }
});

async function tryUntilItFits(t: Test, host: TestHost, dir: string, title: string, act: Act): Promise<void> {
  let failures = 0;
  for (let freePages = 0; ; freePages += STEP_PAGES) {
    const before = standingOf(host);
    const serving = await which(host, 'demo');
    const filler = fill(dir, freePages * PAGE_BYTES);
    const thrown = await act(host).then(
      () => undefined,
      (error: unknown) => error as Error & { code: string },
    );
    t.equal(await which(host, 'bystander'), 'v1.0.0', `${title} with ${freePages} pages free: the bystander serves`);
    rmSync(filler, { force: true });
    if (thrown === undefined) break;
    failures += 1;
    const where = `${title} with ${freePages} pages free: ${thrown.message}`;
    t.match(thrown.code, /^(?:SBX_STORE_FAILED|PLUGIN_(?:RUNTIME_UPGRADE|UNINSTALL)_EXECUTION_FAILED)$/, where);
    t.match(thrown.message, /full|no space|disk I\/O/i, where);
    t.same(standingOf(host), before, where);
    t.equal(await which(host, 'demo'), serving, where);
  }
  t.comment(`${title} failed ${failures} times before it fitted`);
}

/** Takes all space but so many bytes. */
function fill(dir: string, freeBytes: number): string {
  const filler = join(dir, 'filler');
  const { bavail, bsize } = statfsSync(dir);
  const bytes = Math.max(0, bavail * bsize - freeBytes);
  writeFileSync(filler, new Uint8Array(bytes));
  return filler;
}

function standingOf({ registry }: TestHost): object {
  const record = registry.list().find(({ plugin }) => plugin.pluginId === 'demo');
  if (record === undefined) return {};
  const { plugin, effectiveVersion } = record;
  const { installed, status, desiredState, generation, version, checksum } = plugin;
  return { installed, status, desiredState, generation, version, checksum, effectiveVersion };
}

async function which(host: TestHost, id: string): Promise<string> {
  return (await host.fetch(`/x/${id}/which`)).text;
}
