/** A real host that is killed in the middle of an upgrade, a rollback or an uninstall, and started again. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { buildArtifact } from '../artifact/build.js';

import { randomOf } from '../rewrite/random-program.js';
import { answeringGuest } from './answering-guest.js';
import { ADMIN_PASSWORD, loginHeader, startChildHost } from './child-host.js';

// Fifty starts of a host.
t.setTimeout(3_600_000);

const KILLS = 50 * Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
/** An operation takes about as long, in ms. */
const LONGEST_WAIT_MS = 250;

const release = async (id: string, version: string) =>
  buildArtifact({
    manifest: { id, version },
    module: await answeringGuest(version),
    routes: [{ path: '/which' }],
    installSql: { '001-a.sql': `CREATE TABLE IF NOT EXISTS plugin_${id} (id INT PRIMARY KEY)` },
    uninstallSql: { '001-a.sql': `DROP TABLE IF EXISTS plugin_${id}` },
    resources: [
      {
        key: 'rows',
        table: `plugin_${id}`,
        fields: [{ name: 'id', column: 'id' }],
        orderBy: { column: 'id', direction: 'asc' },
      },
    ],
  });

interface Answer {
  readonly code: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

async function serve(t: Test, cwd: string) {
  const { url, end } = await startChildHost(t, {
    cwd,
    flags: ['--port', '0', '--data', join(cwd, 'data')],
    env: { SANDPOOL_ADMIN_PASSWORD: ADMIN_PASSWORD, SANDPOOL_PLUGIN_SERVE_PENDING: 'true' },
  });
  const login = await loginHeader(url);
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const isForm = body instanceof FormData;
    const headers = { ...login, ...(!isForm && { 'content-type': 'application/json' }) };
    const init = { method, headers, ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }) };
    return (await fetch(`${url}/api/v1${path}`, init)).json() as Promise<Answer>;
  };
  const which = async (id: string): Promise<string> => (await fetch(`${url}/x/${id}/which`)).text();
  return { ask, which, kill: () => end('SIGKILL') };
}

type Served = Awaited<ReturnType<typeof serve>>;

/** Over a plugin that is not installed, other bytes are taken only when that is asked for. */
function formOf(artifact: Uint8Array): FormData {
  const form = new FormData();
  form.set('overwriteSupport', '1');
  form.set('file', new Blob([new Uint8Array(artifact)]), 'a.wasm');
  return form;
}

async function mustDo(t: Test, host: Served, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await host.ask(method, path, body);
  t.equal(answer.code, 0, `${method} ${path}: ${answer.message}`);
  return answer;
}

/** Whatever the host was killed in, it is in one release, whole, or out. */
async function requireLegal(t: Test, host: Served, title: string): Promise<void> {
  const { data: bystander } = await mustDo(t, host, 'GET', '/plugins/bystander');
  t.equal(
    await host.which('bystander'),
    'v1.0.0',
    `${title}: the bystander serves ${JSON.stringify(bystander.diagnosis ?? null)}`,
  );
  const { data } = await mustDo(t, host, 'GET', '/plugins/demo');
  t.match(String(data.runtimeState), /^(normal|pending_upgrade|upgrade_failed)$/, title);
  if (data.installed === 0) {
    t.equal(data.enabled, 0, title);
    t.match(await host.which('demo'), /not enabled/, title);
    return;
  }
  const isEnabled = data.enabled === 1;
  const answer = isEnabled ? String(data.effectiveVersion) : 'Dynamic plugin is not enabled';
  t.equal(await host.which('demo'), answer, `${title}: the release that is in effect serves, once it is enabled`);
  const { data: page } = await mustDo(t, host, 'GET', '/plugins/demo/releases');
  const effective = (page.list as { isEffective: boolean; status: string }[]).filter(({ isEffective }) => isEffective);
  t.match(effective, [{ status: isEnabled ? 'active' : 'installed' }], title);
  t.equal(effective.length, 1, title);
}

/** What can be done next, so that every operation gets its share of kills. */
function nextOperation(standing: Answer['data'], random: (below: number) => number): Operation {
  if (standing.installed === 0) return ['install', 'POST', '/plugins/demo/install', {}];
  if (standing.enabled === 0) return ['enable', 'PUT', '/plugins/demo/enable', {}];
  if (random(3) === 0) return ['uninstall', 'DELETE', '/plugins/demo', {}];
  const name = standing.effectiveVersion === 'v0.1.0' ? 'upgrade' : 'rollback';
  return [name, 'POST', `/plugins/demo/${name}`, { confirmed: true }];
}

type Operation = readonly [name: string, method: string, path: string, body: object];

t.test('a host killed while it governs is whole again after a start (F008, F012, F013, F123)', async (t) => {
  const cwd = t.testdir({});
  const random = randomOf(SEED);
  const [first, second, bystander] = await Promise.all([
    release('demo', 'v0.1.0'),
    release('demo', 'v0.2.0'),
    release('bystander', 'v1.0.0'),
  ]);
  let host = await serve(t, cwd);
  for (const [id, artifact] of [
    ['bystander', bystander],
    ['demo', first],
  ] as const) {
    await mustDo(t, host, 'POST', '/plugins/dynamic/package', formOf(artifact));
    await mustDo(t, host, 'POST', `/plugins/${id}/install`, {});
    await mustDo(t, host, 'PUT', `/plugins/${id}/enable`, {});
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const { data } = await mustDo(t, host, 'GET', '/plugins/demo');
    const isOld = data.effectiveVersion === 'v0.1.0';
    if (data.installed === 0) await mustDo(t, host, 'POST', '/plugins/dynamic/package', formOf(first));
    else if (isOld && data.discoveredVersion === 'v0.1.0') {
      await mustDo(t, host, 'POST', '/plugins/dynamic/package', formOf(second));
    }
    const [name, method, path, body] = nextOperation(data, random);
    const doing = host.ask(method, path, body).catch(() => undefined);
    await Promise.all([doing, wait(random(LONGEST_WAIT_MS)).then(host.kill)]);
    host = await serve(t, cwd);
    await requireLegal(t, host, `after kill ${kill}, in ${name}`);
  }
});
