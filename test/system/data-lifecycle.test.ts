/** Rows of a plugin in a whole host: what an upgrade, an uninstall and a tenant's login change for `data`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { buildArtifact } from '../artifact/build.js';
import { sandpool } from '../cli/command-line.js';
import { watGuest } from '../guest-modules.js';
import { type RawCall, rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';

t.setTimeout(600_000);

const TABLE = 'plugin_demo_note';
const METHODS = ['list', 'get', 'create', 'update', 'delete'];
const INSTALL = `CREATE TABLE IF NOT EXISTS ${TABLE} (id INT PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, title TEXT);`;
const parts = (sql = INSTALL) => ({
  installSql: { '001-a.sql': sql },
  uninstallSql: { '001-a.sql': `DROP TABLE IF EXISTS ${TABLE}` },
  hostServices: [{ service: 'data', methods: METHODS, resources: { tables: [TABLE] } }],
});

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const CREATE = (record: object) => encodePayload('HostServiceDataMutationRequest', { recordJson: json(record) });
const LIST = encodePayload('HostServiceDataListRequest', { planJson: json({ table: TABLE, action: 'list' }) });

async function create(ask: RawCall, record: object): Promise<void> {
  const { status, error } = await ask('data', 'create', { table: TABLE, payload: CREATE(record) });
  if (status !== 0) throw new Error(error?.fallback);
}

async function list(ask: RawCall): Promise<readonly Record<string, unknown>[]> {
  const { bytes, error } = await ask('data', 'list', { table: TABLE, payload: LIST });
  if (error) throw new Error(error.fallback);
  return decodePayload('HostServiceDataListResponse', bytes).records.map((record) =>
    JSON.parse(Buffer.from(record).toString()),
  );
}

t.test('F032 rows stay over an upgrade, whose columns are there at once, and go with the plugin', async (t) => {
  const host = await startTestHost(t, { POOL_MAX_THREADS: '2' });
  const { asAdmin } = await serveRawCalls(host, parts());
  await create(asAdmin, { id: 1, title: 'first' });
  t.match(await list(asAdmin), [{ id: 1, title: 'first' }]);

  const routes = [{ method: 'POST', path: '/login', access: 'login', requestType: 'CallReq' }];
  const newer = parts(`${INSTALL} ALTER TABLE ${TABLE} ADD COLUMN IF NOT EXISTS rating INT NOT NULL DEFAULT 5;`);
  const module = await watGuest('host-call');
  const manifest = { id: 'demo', name: 'demo', version: 'v0.2.0' };
  await host.registry.upload(buildArtifact({ manifest, module, routes, ...newer }));
  await host.registry.upgrade('demo', { confirmed: true });
  t.match(await list(asAdmin), [{ id: 1, title: 'first', rating: 5 }]);

  for (const round of [1, 2]) {
    await host.registry.uninstall('demo');
    await host.registry.install('demo', { grantUnreviewed: true });
    await host.registry.enable('demo', { grantUnreviewed: true });
    t.strictSame(await list(asAdmin), [], `removed and installed again, ${round}`);
    await create(asAdmin, { id: 1, title: `again ${round}` });
    t.match(await list(asAdmin), [{ id: 1, title: `again ${round}` }]);
  }
  const anonymous = await host.fetch('/x/demo/login', {
    method: 'POST',
    body: Buffer.from(rawCall('data', 'list', { table: TABLE, payload: LIST })),
  });
  t.equal(anonymous.status, 401);
});

t.test('29.5 #63 a public route has no rows', async (t) => {
  const host = await startTestHost(t);
  const { asNobody } = await serveRawCalls(host, parts());
  const answered = await asNobody('data', 'list', { table: TABLE, payload: LIST });
  t.equal(answered.status, 3);
  t.match(answered.error?.fallback, /authenticated user/);
});

t.test('F032 somebody who has entered a tenant sees the rows of that tenant', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin, as } = await serveRawCalls(host, { ...parts(), manifest: { default_install_mode: 'global' } });
  await create(asAdmin, { id: 1, title: 'of the platform' });
  const headers = { ...(await host.authorization()), 'content-type': 'application/json' };
  const post = async (path: string, body: object) => {
    const { text } = await host.fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return JSON.parse(text).data as Record<string, unknown>;
  };
  const { id } = await post('/tenant', { code: 'acme', name: 'Acme' });
  await host.fetch(`/api/v1/tenant/${id}/plugins/demo`, { method: 'PUT', headers, body: '{"enabled":true}' });
  const { accessToken } = await post('/auth/switch-tenant', { tenantId: id });
  const asTenant = as({ authorization: `Bearer ${accessToken}` });
  t.strictSame(await list(asTenant), []);
  await create(asTenant, { id: 2, title: 'of the tenant', tenantId: 0 });
  t.match(await list(asTenant), [{ id: 2, tenantId: id }]);
  t.equal((await list(as(await host.authorization()))).length, 2);
});

t.test('sandpool run has rows, too, and keeps none', async (t) => {
  const cwd = t.testdir({});
  const routes = [{ method: 'POST', path: '/call', access: 'login', requestType: 'CallReq' }];
  const sql = `${INSTALL} INSERT INTO ${TABLE} VALUES (1, 0, 'installed');`;
  await writeFile(join(cwd, 'a.wasm'), buildArtifact({ module: await watGuest('host-call'), routes, ...parts(sql) }));
  await writeFile(join(cwd, 'body'), rawCall('data', 'list', { table: TABLE, payload: LIST }));
  for (const _ of ['once', 'again']) {
    const { stdout } = await sandpool(['run', 'a.wasm', 'POST', '/call', '--data', '@body', '--json'], { cwd });
    const { bodyBase64 } = JSON.parse(stdout) as { bodyBase64: string };
    const { bytes } = readRaw(Buffer.from(bodyBase64, 'base64'));
    t.match(Buffer.from(bytes).toString(), /installed/);
  }
});
