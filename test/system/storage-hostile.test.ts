/**
 * What a plugin, or somebody at the disk, may try with stored objects. Each attempt is refused with its status, leaves nothing
 * behind, and goes unnoticed by a bystander who asks at the same time.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePayload, encodePayload, type PayloadType } from '../../src/protocol/payloads.js';
import { weighBelow } from '../../src/store/object-files.js';
import { openObjectLedger } from '../../src/store/object-ledger.js';
import { watGuest } from '../guest-modules.js';
import { type RawCall, type RawCallParts, type RawReply, rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { mountSmallDisk } from '../small-disk.js';
import { filesIn } from '../store/object-house.js';
import { startTestHost } from './host.js';

t.setTimeout(600_000);

const METHODS =
  'put put.init put.chunk put.commit put.abort get delete delete.batch list list.cursor stat stat.batch'.split(' ');
const storageOf = (paths: readonly string[]) => [{ service: 'storage', methods: METHODS, resources: { paths } }];
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);

/** A host with the plugins `demo` and `other`, granted `reports/` and one exact path, and a bystander. */
async function serve(t: Test, settings: Record<string, string> = {}, directory = t.testdir(), manifest = {}) {
  const host = await startTestHost(t, settings, directory);
  const hostServices = storageOf(['reports/', 'exports/daily.json']);
  const demo = await serveRawCalls(host, { hostServices, manifest });
  const other = await serveRawCalls(host, { id: 'other', hostServices });
  await host.serve('bystander', { module: await watGuest('echo'), routes: [{ path: '/a' }] });
  const storage = join(directory, 'data/storage');
  /** Asks while the bystander asks as well. */
  const beside = async <Result>(work: () => Promise<Result>, what: string): Promise<Result> => {
    const [result, bystander] = await Promise.all([work(), host.fetch('/x/bystander/a')]);
    if (bystander.status !== 200 || bystander.text !== '{"ok":true}') t.match(bystander, { status: 200 }, what);
    return result;
  };
  return { host, demo: demo.asNobody, other: other.asNobody, asDemo: demo.as, storage, beside };
}

// ---- requests ------------------------------------------------------------------------------------------------------------

const payloadOf = {
  put: (path: string, body = 'body') =>
    encodePayload('HostServiceStoragePutRequest', { path, body: Buffer.from(body), overwrite: true }),
  init: (path: string) => encodePayload('HostServiceStoragePutInitRequest', { path, overwrite: true }),
  get: (path: string) => encodePayload('HostServiceStorageGetRequest', { path }),
  list: (prefix: string) => encodePayload('HostServiceStorageListRequest', { prefix }),
  chunk: (path: string, uploadId: string, offset: number, body: Uint8Array | string) =>
    encodePayload('HostServiceStoragePutChunkRequest', { path, uploadId, offset, body: Buffer.from(body) }),
  commit: (path: string, uploadId: string, size: number) =>
    encodePayload('HostServiceStoragePutCommitRequest', { path, uploadId, size }),
};

/** Every method that takes a path, asked for that path. */
const ATTEMPTS: Readonly<Record<string, (path: string) => RawCallParts>> = {
  put: (path) => ({ payload: payloadOf.put(path) }),
  'put.init': (path) => ({ payload: payloadOf.init(path) }),
  get: (path) => ({ payload: payloadOf.get(path) }),
  stat: (path) => ({ payload: payloadOf.get(path) }),
  delete: (path) => ({ payload: payloadOf.get(path) }),
  list: (path) => ({ payload: payloadOf.list(path) }),
  'list.cursor': (path) => ({ json: { prefix: path } }),
  'stat.batch': (path) => ({ json: { paths: ['reports/fine', path] } }),
  'delete.batch': (path) => ({ json: { paths: [path, 'reports/canary'] } }),
};

const put = (call: RawCall, path: string, body?: string) =>
  call('storage', 'put', { resourceRef: path, payload: payloadOf.put(path, body) });

async function bodyOf(call: RawCall, path: string): Promise<string | undefined> {
  const got = await call('storage', 'get', { resourceRef: path, payload: payloadOf.get(path) });
  if (got.status !== 0) throw new Error(`get ${path} is answered with ${got.status}`);
  const { found, body } = decodePayload('HostServiceStorageGetResponse', got.bytes);
  return found ? Buffer.from(body).toString() : undefined;
}

async function begin(call: RawCall, path: string): Promise<string> {
  const begun = await call('storage', 'put.init', { resourceRef: path, payload: payloadOf.init(path) });
  return decodePayload('HostServiceStoragePutInitResponse', begun.bytes).uploadId;
}

// ---- paths ---------------------------------------------------------------------------------------------------------------

/** Paths that lead nowhere, out of the plugin's directory, or beside what is granted. */
const EVIL: readonly string[] = [
  // up and out
  '..',
  '../',
  '.',
  './',
  '../outside',
  './../outside',
  '../../outside',
  '../../../../../../../../etc/passwd',
  'reports/..',
  'reports/../',
  'reports/../..',
  'reports/../../outside',
  'reports/./../../outside',
  'reports/a/../../../outside',
  'reports//..//..//outside',
  'exports/../..',
  'exports/daily.json/../../..',
  // in the ways of other systems
  '..\\outside',
  '..\\..\\outside',
  'reports\\..\\..\\outside',
  'reports/..\\../outside',
  '\\outside',
  '\\\\server\\share',
  '\\\\?\\C:\\outside',
  'C:\\outside',
  'c:outside',
  'C:/outside',
  'Z:..\\outside',
  // absolute, and URLs
  '/',
  '//',
  '/etc/passwd',
  '//etc/passwd',
  '/reports/a',
  'file:///etc/passwd',
  'http://reports/a',
  'reports://a',
  'reports/a://b',
  // of others
  '../other/platform/reports/a',
  '../../other/platform/reports/a',
  'reports/../../../other/platform/reports/a',
  'plugins/other/platform/reports/a',
  'other/platform/reports/a',
  '../tenant/1/reports/a',
  'tenant/1/reports/a',
  '../platform/secrets',
  'platform/reports/a',
  '../../parts/x',
  '../../ledger.db',
  '../../../sandpool.db',
  // nearly granted
  'reports-v2/a',
  'reportsx',
  'reports.json',
  'report',
  'Reports/a',
  'REPORTS/A',
  'reports\u200b/a',
  'reports\u00a0/a',
  'reports%2fa',
  'reports%2f..%2foutside',
  '%2e%2e/outside',
  '%2e%2e%2foutside',
  '..%2foutside',
  '..%c0%af/outside',
  'exports/daily.jso',
  'exports/daily.json.bak',
  'exports/daily.json/x',
  'exports',
  'exports/',
  'exports/other.json',
  // looks like dots and slashes
  '\u2024\u2024/outside',
  '\uff0e\uff0e/outside',
  'reports\u2215..\u2215outside',
  'reports\uff0foutside',
  '\u3002\u3002/outside',
  // what no file is called
  '',
  ' ',
  '\t\n',
  '\0',
  'reports/\0',
  'reports/a\0',
  'reports/a\0.json',
  '\0reports/a',
  '~',
  '~/outside',
  '~root/outside',
  '-rf',
  '*',
  '?',
  'reports*/a',
  '$HOME/outside',
  'CON',
  'NUL',
  '/dev/null',
  '/proc/self/environ',
  'proc/self/mem',
  // too long
  `reports/${'a'.repeat(505)}`,
  `reports/${'a/'.repeat(300)}x`,
  `reports/${'é'.repeat(300)}`,
  'a'.repeat(100_000),
  `reports/${'n'.repeat(256)}`,
  `reports/${'n'.repeat(300)}/x`,
];

t.test(`F020 none of ${EVIL.length} paths leads out of what is granted`, async (t) => {
  const { demo, other, storage, beside } = await serve(t);
  t.ok(EVIL.length >= 80);
  for (const call of [demo, other]) for (const name of ['a', 'canary']) await put(call, `reports/${name}`, 'kept');
  await put(other, 'exports/daily.json', 'of the other');
  const before = filesIn(storage);
  for (const path of EVIL) {
    const replies = await beside(
      () =>
        Promise.all(
          Object.entries(ATTEMPTS).flatMap(([method, attempt]) =>
            [path, 'reports/', 'exports/daily.json'].map(async (resourceRef) => ({
              what: `${method} ${JSON.stringify(path.slice(0, 40))} on ${resourceRef.slice(0, 40)}`,
              reply: await demo('storage', method, { resourceRef, ...attempt(path) }),
            })),
          ),
        ),
      path.slice(0, 40),
    );
    for (const { what, reply } of replies) if (![1, 3].includes(reply.status)) t.equal(reply.status, '1 or 3', what);
  }
  t.same(filesIn(storage).filter(isStored), before.filter(isStored), 'nothing was stored or deleted');
  for (const call of [demo, other])
    for (const name of ['a', 'canary']) t.equal(await bodyOf(call, `reports/${name}`), 'kept');
});

const isStored = (file: string): boolean => !/^(?:ledger|lock)\.db/.test(file);

/** Odd, but a name like any other below what is granted. */
const HARMLESS: readonly (readonly [path: string, clean: string])[] = [
  ['reports/x/../y', 'reports/y'],
  [' reports//./z ', 'reports/z'],
  ['reports\\back\\slash', 'reports/back/slash'],
  ['x/../reports/w', 'reports/w'],
  ['reports/%2e%2e/a', 'reports/%2e%2e/a'],
  ['reports/．．/a', 'reports/．．/a'],
  ['reports/...', 'reports/...'],
  ['reports/..a', 'reports/..a'],
  ['reports/.hidden', 'reports/.hidden'],
  ['reports/put-part', 'reports/put-part'],
  ['reports/line\nbreak', 'reports/line\nbreak'],
  ['reports/$(rm -rf)', 'reports/$(rm -rf)'],
  ['reports/🚀', 'reports/🚀'],
];

t.test('odd names below what is granted are names', async (t) => {
  const { demo, storage } = await serve(t);
  for (const [path, clean] of HARMLESS) {
    t.equal((await put(demo, path, clean)).status, 0, path);
    t.equal(await bodyOf(demo, clean), clean);
  }
  const root = join(storage, 'plugins/demo/platform');
  t.same(filesIn(root), HARMLESS.map(([, clean]) => clean).sort());
});

// ---- others --------------------------------------------------------------------------------------------------------------

t.test('a plugin sees no objects and no uploads of another', async (t) => {
  const { demo, other, beside } = await serve(t);
  await put(other, 'reports/secret', 'secret');
  t.equal(await beside(() => bodyOf(demo, 'reports/secret'), 'get'), undefined);
  const listed = await demo('storage', 'list', { resourceRef: 'reports/', payload: payloadOf.list('reports/') });
  t.equal(listed.response, '');
  await demo('storage', 'delete', { resourceRef: 'reports/secret', payload: payloadOf.get('reports/secret') });
  t.equal(await bodyOf(other, 'reports/secret'), 'secret');

  const path = 'reports/up';
  const id = await begin(other, path);
  await other('storage', 'put.chunk', { resourceRef: path, payload: payloadOf.chunk(path, id, 0, 'mine') });
  const theft = { status: 3, error: { fallback: 'storage upload session plugin mismatch' } };
  const steal = (method: string, payload: Uint8Array) =>
    beside(() => demo('storage', method, { resourceRef: path, payload }), method);
  t.match(await steal('put.chunk', payloadOf.chunk(path, id, 4, 'theirs')), theft);
  t.match(await steal('put.commit', payloadOf.commit(path, id, 4)), theft);
  t.match(await steal('put.abort', payloadOf.commit(path, id, 0)), theft);
  const elsewhere = 'reports/elsewhere';
  t.match(
    await other('storage', 'put.commit', { resourceRef: elsewhere, payload: payloadOf.commit(elsewhere, id, 4) }),
    { status: 3, error: { fallback: 'storage upload session path mismatch' } },
  );
  t.equal(
    (await other('storage', 'put.commit', { resourceRef: path, payload: payloadOf.commit(path, id, 4) })).status,
    0,
  );
  t.equal(await bodyOf(other, path), 'mine');
});

t.test('a tenant sees no objects and no uploads of another, nor the platform’s', async (t) => {
  const settings = { STORAGE_TENANT_QUOTA_BYTES: '1000' };
  const mode = { defaultInstallMode: 'tenant_scoped' };
  const { host, asDemo, storage, beside } = await serve(t, settings, t.testdir(), mode);
  const headers = { ...(await host.authorization()), 'content-type': 'application/json' };
  const post = (path: string, body: object) =>
    host.fetch(`/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const calls: RawCall[] = [asDemo(await host.authorization())];
  await post('/role', { key: 'user', name: 'User', menuIds: [] });
  for (const tenantId of [1, 2]) {
    const username = `user-${tenantId}`;
    await post('/tenant', { code: `tenant-${tenantId}`, name: username });
    const enable = { method: 'PUT', headers, body: '{"enabled":true}' };
    await host.fetch(`/api/v1/tenant/${tenantId}/plugins/demo`, enable);
    await post('/user', { username, password: 'correct horse', tenantId, roles: ['user'] });
    const { text } = await post('/auth/login', { username, password: 'correct horse' });
    const { accessToken } = (JSON.parse(text) as { data: { accessToken: string } }).data;
    calls.push(asDemo({ authorization: `Bearer ${accessToken}` }));
  }
  for (const [tenantId, call] of calls.entries()) t.equal((await put(call, 'reports/a', `of ${tenantId}`)).status, 0);
  t.same(await Promise.all(calls.map((call) => bodyOf(call, 'reports/a'))), ['of 0', 'of 1', 'of 2']);
  t.same(filesIn(join(storage, 'plugins')), [
    'demo/platform/reports/a',
    'demo/tenant/1/reports/a',
    'demo/tenant/2/reports/a',
  ]);

  const [platform, mine, thief] = calls as [RawCall, RawCall, RawCall];
  t.equal((await put(mine, 'reports/b', 'x'.repeat(996))).status, 0);
  t.match(await put(mine, 'reports/c', 'x'), exceeded(1000), 'the quota of the tenant is used up');
  for (const call of [platform, thief]) t.equal((await put(call, 'reports/c', 'x')).status, 0, 'but of no other');
  const path = 'reports/up';
  const id = await begin(mine, path);
  const stolen = await beside(
    () => thief('storage', 'put.chunk', { resourceRef: path, payload: payloadOf.chunk(path, id, 0, 'x') }),
    'theft',
  );
  t.match(stolen, { status: 3, error: { fallback: 'storage upload session not found' } });
});

t.test('links that somebody has put into the directory lead nowhere', async (t) => {
  const { demo, storage, beside } = await serve(t);
  const root = join(storage, 'plugins/demo/platform/reports');
  await put(demo, 'reports/a', 'a');
  const outside = join(storage, '../outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'outside');
  for (const [target, name] of [
    [join(outside, 'file'), 'link'],
    [outside, 'linked'],
    ['.', 'round'],
    ['../../../../../outside/file', 'relative'],
    ['nowhere', 'dangling'],
    ['/proc/self/environ', 'environ'],
    ['/dev/zero', 'endless'],
  ] as const)
    symlinkSync(target, join(root, name));
  for (const name of [
    'link',
    'linked',
    'linked/file',
    'linked/new',
    'round/a',
    'relative',
    'dangling',
    'dangling/x',
    'environ',
    'endless',
  ]) {
    const path = `reports/${name}`;
    for (const method of ['put', 'put.init', 'get', 'stat', 'delete']) {
      const attempt = ATTEMPTS[method] as (path: string) => RawCallParts;
      const replied = await beside(() => demo('storage', method, { resourceRef: path, ...attempt(path) }), path);
      t.match(replied, { status: 3, error: { errorCode: 'PLUGIN_STORAGE_PATH_INVALID' } }, `${method} ${path}`);
    }
  }
  const listed = await demo('storage', 'list', { resourceRef: 'reports/', payload: payloadOf.list('reports/') });
  const { objects } = decodePayload('HostServiceStorageListResponse', listed.bytes);
  t.same(
    objects.map(({ path }) => path),
    ['reports/a'],
  );
  t.same(filesIn(outside), ['file']);
  t.equal(readFileSync(join(outside, 'file'), 'utf8'), 'outside');
});

// ---- payloads ------------------------------------------------------------------------------------------------------------

const TYPES: Readonly<Record<string, readonly [PayloadType, Uint8Array]>> = {
  put: ['HostServiceStoragePutRequest', payloadOf.put('reports/cut', 'a body of some length')],
  'put.init': ['HostServiceStoragePutInitRequest', payloadOf.init('reports/cut')],
  'put.chunk': ['HostServiceStoragePutChunkRequest', payloadOf.chunk('reports/cut', 'f'.repeat(32), 7, 'chunk')],
  'put.commit': ['HostServiceStoragePutCommitRequest', payloadOf.commit('reports/cut', 'f'.repeat(32), 300)],
  'put.abort': ['HostServiceStoragePutAbortRequest', payloadOf.commit('reports/cut', 'f'.repeat(32), 0)],
  get: ['HostServiceStorageGetRequest', payloadOf.get('reports/cut')],
  delete: ['HostServiceStorageDeleteRequest', payloadOf.get('reports/cut')],
  list: ['HostServiceStorageListRequest', payloadOf.list('reports/cut')],
  stat: ['HostServiceStorageStatRequest', payloadOf.get('reports/cut')],
};

t.test('a payload that ends too early is refused, and stores nothing', async (t) => {
  const { demo, storage, beside } = await serve(t);
  for (const [method, [type, whole]] of Object.entries(TYPES)) {
    await beside(async () => {
      for (let bytes = 0; bytes < whole.length; bytes++) {
        const payload = whole.subarray(0, bytes);
        const isWhole = decodes(type, payload);
        const replied = await demo('storage', method, { resourceRef: 'reports/cut', payload });
        if (!isWhole || bytes === 0) t.equal(replied.status, 3, `${method} after ${bytes} bytes`);
        else if (![0, 3].includes(replied.status)) t.equal(replied.status, '0 or 3', `${method} after ${bytes} bytes`);
      }
    }, method);
  }
  t.match(
    filesIn(join(storage, 'plugins')).filter((file) => file !== 'demo/platform/reports/cut'),
    [],
  );
});

function decodes(type: PayloadType, payload: Uint8Array): boolean {
  try {
    decodePayload(type, payload);
    return true;
  } catch {
    return false;
  }
}

const exceeded = (limit: number) => ({
  status: 3,
  error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit } },
});

t.test('what is too large is refused before anything of it is kept', async (t) => {
  const { demo, storage, beside } = await serve(t, {
    STORAGE_MAX_OBJECT_BYTES: '5000000',
    STORAGE_PLUGIN_QUOTA_BYTES: '5500000',
    STORAGE_PLUGIN_QUOTA_FILES: '4',
    STORAGE_MAX_UPLOADS: '2',
  });
  const at = { resourceRef: 'reports/big' };
  const large = await beside(() => put(demo, at.resourceRef, 'x'.repeat(5_000_001)), 'put');
  t.match(large, exceeded(5_000_000));

  const id = await begin(demo, at.resourceRef);
  const chunk = (offset: number, bytes: number) =>
    beside(
      () =>
        demo('storage', 'put.chunk', {
          ...at,
          payload: payloadOf.chunk(at.resourceRef, id, offset, 'x'.repeat(bytes)),
        }),
      'chunk',
    );
  t.equal((await chunk(0, 4_194_305)).status, 3, 'a chunk of more than 4 MiB');
  t.equal((await chunk(0, 0)).status, 3, 'an empty chunk');
  t.equal((await chunk(0, 4_194_304)).status, 0);
  t.match(await chunk(4_194_304, 900_000), exceeded(5_000_000));
  t.match(await put(demo, 'reports/small', 'x'.repeat(1_400_000)), exceeded(5_500_000));
  await begin(demo, 'reports/b');
  const third = await demo('storage', 'put.init', { resourceRef: 'reports/c', payload: payloadOf.init('reports/c') });
  t.match(third, exceeded(2));
  for (const name of ['1', '2', '3']) t.equal((await put(demo, `reports/${name}`, '')).status, 0);
  t.match(await put(demo, 'reports/4', ''), exceeded(4));
  t.same(
    filesIn(join(storage, 'plugins')),
    ['1', '2', '3'].map((name) => `demo/platform/reports/${name}`),
  );
  t.same(filesIn(join(storage, 'parts')), [id]);
  const size = await demo('storage', 'put.commit', {
    ...at,
    payload: `${Buffer.from(payloadOf.commit(at.resourceRef, id, 0)).toString('hex')}18ffffffffffffffffff01`,
  });
  t.equal(size.status, 3, 'a negative size');
});

// ---- a full disk ---------------------------------------------------------------------------------------------------------

t.test('on a full disk each write fails whole, whichever it is, and what was stored stays readable', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sandpool-disk-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const disk = mountSmallDisk(join(directory, 'data/storage'), 4);
  if (typeof disk === 'string') return t.pass(`SKIP ${disk}`);
  t.teardown(() => disk.unmount());
  const { demo, storage, beside } = await serve(t, {}, directory);
  await put(demo, 'reports/kept', 'kept');
  const body = 'x'.repeat(300_000);
  const full = { status: 3, error: { errorCode: 'PLUGIN_STORAGE_PROVIDER_UNAVAILABLE' } };
  const statuses = new Set<number>();
  for (let pages = 0; pages <= 90; pages += 3) {
    disk.leave(pages * 4096);
    const what = `with ${pages} pages`;
    const replied = await beside(() => put(demo, 'reports/dir/new', body), what);
    statuses.add(replied.status);
    if (replied.status !== 0) t.match(replied, full, what);
    const stored = await bodyOf(demo, 'reports/dir/new');
    if (stored !== (replied.status === 0 ? body : undefined)) t.fail(`half an object ${what}`);
    if (filesIn(join(storage, 'parts')).length > 0) t.fail(`a part is left ${what}`);
    t.equal(await bodyOf(demo, 'reports/kept'), 'kept');
    const gone = await demo('storage', 'delete', {
      resourceRef: 'reports/dir/new',
      payload: payloadOf.get('reports/dir/new'),
    });
    t.equal(gone.status, 0, what);
  }
  t.same([...statuses], [3, 0], 'too little room at first, enough in the end');

  disk.leave(40 * 4096);
  const path = 'reports/up';
  const id = await begin(demo, path);
  const chunk = (offset: number) =>
    beside(
      () => demo('storage', 'put.chunk', { resourceRef: path, payload: payloadOf.chunk(path, id, offset, body) }),
      'chunk',
    );
  t.match(await chunk(0), full);
  disk.leave(300 * 4096);
  t.equal((await chunk(0)).status, 0, 'the upload goes on when there is room');
  t.equal(
    (await demo('storage', 'put.commit', { resourceRef: path, payload: payloadOf.commit(path, id, body.length) }))
      .status,
    0,
  );
  t.equal(await bodyOf(demo, path), body);
});

// ---- chance --------------------------------------------------------------------------------------------------------------

t.test('no bytes of a call crash the host or damage what is stored', async (t) => {
  const { host, demo, other, storage, beside } = await serve(t, { STORAGE_PLUGIN_QUOTA_BYTES: '100000' });
  await put(other, 'reports/canary', 'of the other');
  const id = await begin(demo, 'reports/up');
  const seeds = [
    ...Object.entries(ATTEMPTS).map(([method, attempt]) =>
      rawCall('storage', method, { resourceRef: 'reports/', ...attempt('reports/fuzz/a') }),
    ),
    rawCall('storage', 'put.chunk', {
      resourceRef: 'reports/up',
      payload: payloadOf.chunk('reports/up', id, 0, 'chunk'),
    }),
    rawCall('storage', 'put.commit', { resourceRef: 'reports/up', payload: payloadOf.commit('reports/up', id, 5) }),
    rawCall('storage', 'put.abort', { resourceRef: 'reports/up', payload: payloadOf.commit('reports/up', id, 0) }),
  ];
  const random = randomOf(20_261_121);
  const statuses = new Map<number, number>();
  for (let round = 0; round < Math.ceil(40 * EFFORT); round++) {
    const requests = Array.from({ length: 25 }, () => mutate(seeds[random(seeds.length)] as Uint8Array, random));
    const replies = await beside(
      () => Promise.all(requests.map((request) => forward(host.url, request))),
      `round ${round}`,
    );
    for (const { status } of replies) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  t.same(
    [...statuses.keys()].filter((status) => ![0, 1, 2, 3].includes(status)),
    [],
    JSON.stringify([...statuses]),
  );
  t.ok((statuses.get(0) ?? 0) > 20 && (statuses.get(3) ?? 0) > 20, 'some succeed, many do not');

  t.equal(await bodyOf(other, 'reports/canary'), 'of the other');
  const stored = filesIn(join(storage, 'plugins'));
  t.same(
    stored.filter((file) => !/^(?:demo\/platform\/reports\/|other\/platform\/reports\/canary$)/.test(file)),
    [],
  );
  const ledger = openObjectLedger(storage, Date.now);
  t.teardown(() => ledger.close());
  const parts = filesIn(join(storage, 'parts'));
  t.same(
    parts.filter((part) => !ledger.uploadIds().has(part)),
    [],
    'every part belongs to an upload',
  );
  for (const key of ledger.uploadsOf('demo')) ledger.removeUpload(key);
  const platform = join(storage, 'plugins/demo/platform');
  t.same(ledger.usageOf('demo'), existsSync(platform) ? weighBelow(platform).next().value : { bytes: 0, entries: 0 });
});

async function forward(url: string, request: Uint8Array): Promise<RawReply> {
  const answer = await fetch(`${url}/x/demo/public`, { method: 'POST', body: Buffer.from(request) });
  if (answer.status !== 200) throw new Error(`a request is answered with ${answer.status}`);
  return readRaw(Buffer.from(await answer.arrayBuffer()));
}

/** Numbers below a limit, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A few bytes changed, removed, doubled or put in; or nothing at all, now and then. */
function mutate(seed: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = Buffer.from(seed);
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(bytes.length + 1);
    const kind = random(5);
    if (kind === 0 && at < bytes.length) bytes[at] = random(256);
    else if (kind === 1 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + random(6), random(256)), bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1), at), bytes.subarray(at)]);
  }
  return bytes;
}
