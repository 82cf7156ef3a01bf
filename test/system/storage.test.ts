/** The storage service byte for byte, through a guest in a worker of a whole host (`spec/host-services.md` §29.3). */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePayload, encodePayload } from '../../src/protocol/payloads.js';
import { watGuest } from '../guest-modules.js';
import { type RawCallParts, rawCall, readRaw, serveRawCalls } from '../raw-calls.js';
import { filesIn } from '../store/object-house.js';
import { startTestHost } from './host.js';

const METHODS =
  'put put.init put.chunk put.commit put.abort get delete delete.batch list list.cursor stat stat.batch'.split(' ');

const DEMO = 'reports/demo.json';
const DEMO_PATH = '0a117265706f7274732f64656d6f2e6a736f6e';
const PUT_DEMO = `${DEMO_PATH}120b7b226f6b223a747275657d1a106170706c69636174696f6e2f6a736f6e`;
const OVERWRITE = '2001';
const DEMO_OBJECT =
  '0a117265706f7274732f64656d6f2e6a736f6e100b1a106170706c69636174696f6e2f6a736f6e2214323032362d30342d31345431303a30303a30305a2a0770726976617465';

const BIG = { resourceRef: 'reports/big.bin' };
const BIG_PATH = '0a0f7265706f7274732f6269672e62696e';
/** An upload id in the specification's bytes. */
const ANY_ID = '3031323334353637383961626364656630313233343536373839616263646566';

/** A host with a plugin `demo` that may do everything below `reports/`. */
async function serve(t: Test) {
  const directory = t.testdir();
  const host = await startTestHost(t, {}, directory);
  const hostServices = [{ service: 'storage', methods: METHODS, resources: { paths: ['reports/'] } }];
  const { asAdmin } = await serveRawCalls(host, { hostServices });
  const ask = (method: string, parts?: RawCallParts) => asAdmin('storage', method, parts);
  const root = join(directory, 'data/storage/plugins/demo/platform');
  return {
    ask,
    call: asAdmin,
    /** Gives an object the moment of the specification. */
    date: (path: string) => utimesSync(join(root, path), MOMENT, MOMENT),
    put: (path: string, body: string) =>
      ask('put', {
        resourceRef: path,
        payload: encodePayload('HostServiceStoragePutRequest', { path, body: Buffer.from(body) }),
      }),
  };
}

const MOMENT = new Date('2026-04-14T10:00:00Z');

t.test('29.3 F033 an object is stored, read, described and listed in the bytes of the specification', async (t) => {
  const { ask, date } = await serve(t);
  const put = await ask('put', { resourceRef: DEMO, payload: `${PUT_DEMO}${OVERWRITE}` });
  const { object } = decodePayload('HostServiceStoragePutResponse', put.bytes);
  t.match(object?.updatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
  const dated = encodePayload('HostServiceStoragePutResponse', {
    object: { ...object, updatedAt: '2026-04-14T10:00:00Z' },
  });
  t.equal(Buffer.from(dated).toString('hex'), `0a46${DEMO_OBJECT}`, '#23 put');

  date(DEMO);
  const got = await ask('get', { resourceRef: DEMO, payload: DEMO_PATH });
  t.equal(got.payload, `08011246${DEMO_OBJECT}1a0b7b226f6b223a747275657d`, '#24 get');
  const told = await ask('stat', { resourceRef: DEMO, payload: DEMO_PATH });
  t.equal(told.payload, `08011246${DEMO_OBJECT}`, '#25 stat');
  const listed = await ask('list', { resourceRef: 'reports/', payload: '0a087265706f7274732f100a' });
  t.equal(listed.payload, `0a46${DEMO_OBJECT}`, '#27 list');
  const again = await ask('put', { resourceRef: DEMO, payload: PUT_DEMO });
  t.match(
    again,
    {
      status: 3,
      error: { errorCode: 'PLUGIN_STORAGE_OBJECT_EXISTS', messageKey: 'error.plugin.storage.object.exists' },
    },
    '#42',
  );
});

t.test('29.3 #26 an object that is not there is success without payload', async (t) => {
  const { ask } = await serve(t);
  t.equal((await ask('get', { resourceRef: DEMO, payload: DEMO_PATH })).response, '');
  t.equal((await ask('stat', { resourceRef: DEMO, payload: DEMO_PATH })).response, '');
  t.equal((await ask('delete', { resourceRef: DEMO, payload: DEMO_PATH })).response, '');
});

t.test('29.3 F020 F033 paths outside the grant, and paths that are not the resource, are refused', async (t) => {
  const { ask } = await serve(t);
  const SECRET = '0a0e736563726574732f612e6a736f6e';
  const outside = await ask('get', { resourceRef: 'secrets/a.json', payload: SECRET });
  t.match(outside, { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } }, '#28');
  const other = await ask('get', {
    resourceRef: 'reports/a.json',
    payload: encodePayload('HostServiceStorageGetRequest', { path: 'reports/b.json' }),
  });
  t.match(
    other,
    {
      status: 3,
      error: { fallback: 'storage request target mismatch: target=reports/a.json request=reports/b.json' },
    },
    '#29',
  );
  const escaping = await ask('stat.batch', { resourceRef: 'reports/', json: { paths: ['../outside.json'] } });
  t.equal(escaping.status, 3, '#30');
  const sibling = await ask('get', {
    resourceRef: 'reports-v2/demo.json',
    payload: encodePayload('HostServiceStorageGetRequest', { path: 'reports-v2/demo.json' }),
  });
  t.equal(sibling.status, 1, '#31');
});

t.test('29.3 F033 a large object comes in chunks', async (t) => {
  const { ask } = await serve(t);
  const begun = await ask('put.init', {
    ...BIG,
    payload: `${BIG_PATH}12186170706c69636174696f6e2f6f637465742d73747265616d1801`,
  });
  t.match(begun.payload, /^0a20(?:3[0-9]|6[1-6]){32}$/, '#32');
  const id = begun.payload.slice(4);
  const chunk = (hex: string) => ask('put.chunk', { ...BIG, payload: hex.replace(ANY_ID, id) });
  t.equal((await chunk(`${BIG_PATH}1220${ANY_ID}220668656c6c6f20`)).payload, '0806', '#33');
  t.equal((await chunk(`${BIG_PATH}1220${ANY_ID}18062205776f726c64`)).payload, '080b', '#34');
  const misplaced = await chunk(`${BIG_PATH}1220${ANY_ID}18032205776f726c64`);
  t.match(misplaced, { status: 3, error: { fallback: /chunk offset mismatch: got 3 want 11$/ } }, '#35');
  const short = await ask('put.commit', { ...BIG, payload: `${BIG_PATH}1220${id}180a` });
  t.match(short, { status: 3, error: { fallback: /size mismatch: got 10 want 11$/ } });
  const committed = await ask('put.commit', { ...BIG, payload: `${BIG_PATH}1220${id}180b` });
  t.match(
    decodePayload('HostServiceStoragePutCommitResponse', committed.bytes).object,
    {
      path: 'reports/big.bin',
      size: 11,
      contentType: 'application/octet-stream',
      visibility: 'private',
    },
    '#36',
  );
  const got = decodePayload('HostServiceStorageGetResponse', (await ask('get', { ...BIG, payload: BIG_PATH })).bytes);
  t.equal(Buffer.from(got.body).toString(), 'hello world');
});

t.test('29.3 #37 an upload that was given up is gone', async (t) => {
  const { ask } = await serve(t);
  const begun = await ask('put.init', { ...BIG, payload: `${BIG_PATH}1801` });
  const key = `${BIG_PATH}1220${begun.payload.slice(4)}`;
  t.equal((await ask('put.abort', { ...BIG, payload: key })).response, '');
  const gone = { status: 3, error: { fallback: 'storage upload session not found' } };
  t.match(await ask('put.commit', { ...BIG, payload: key }), gone);
  t.match(await ask('put.chunk', { ...BIG, payload: `${key}220161` }), gone);
});

t.test('29.3 batches describe and delete many objects', async (t) => {
  const { ask, put, date } = await serve(t);
  await put('reports/a.json', '{}\n');
  date('reports/a.json');
  const told = await ask('stat.batch', {
    resourceRef: 'reports/',
    json: { paths: ['reports/a.json', 'reports/b.json'] },
  });
  t.equal(
    told.payload,
    '0aad017b226f626a65637473223a5b7b2270617468223a227265706f7274732f612e6a736f6e222c2273697a65223a332c22636f6e74656e7454797065223a226170706c69636174696f6e2f6a736f6e222c22757064617465644174223a22323032362d30342d31345431303a30303a30305a222c227669736962696c697479223a2270726976617465227d5d2c226d697373696e675061746873223a5b227265706f7274732f622e6a736f6e225d7d',
    '#38',
  );
  const both =
    '0a3e7b227061746873223a5b227265706f7274732f612e6a736f6e222c227265706f7274732f622e6a736f6e222c227265706f7274732f612e6a736f6e225d7d';
  for (const when of ['there', 'gone']) {
    t.equal((await ask('delete.batch', { resourceRef: 'reports/', payload: both })).response, '', `#39 ${when}`);
  }
  t.equal(
    (await ask('get', { resourceRef: 'reports/a.json', payload: '0a0e7265706f7274732f612e6a736f6e' })).response,
    '',
  );

  const many = Array.from({ length: 101 }, (_, index) => `reports/${index}`);
  for (const method of ['stat.batch', 'delete.batch']) {
    const refused = await ask(method, { resourceRef: 'reports/', json: { paths: many } });
    t.match(refused.error, { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit: 100 } }, `#41 ${method}`);
    const fine = await ask(method, { resourceRef: 'reports/', json: { paths: [...many.slice(1), many[1]] } });
    t.equal(fine.status, 0);
  }
});

t.test('29.3 #40 a listing goes on behind its cursor', async (t) => {
  const { ask, put } = await serve(t);
  await put('reports/b.json', '{}');
  await put('reports/a.json', '{}');
  const first = await ask('list.cursor', {
    resourceRef: 'reports/',
    payload: '0a1f7b22707265666978223a227265706f7274732f222c226c696d6974223a317d',
  });
  t.match(first.json(), { objects: [{ path: 'reports/a.json' }], nextCursor: 'reports/a.json' });
  const second = await ask('list.cursor', {
    resourceRef: 'reports/',
    json: { prefix: 'reports/', limit: 1, cursor: 'reports/a.json' },
  });
  t.match(second.json(), { objects: [{ path: 'reports/b.json' }] });
  t.notOk('nextCursor' in (second.json() as object));
  const negative = { resourceRef: 'reports/', json: { prefix: 'reports/', limit: -1 } };
  t.match(await ask('list.cursor', negative), { status: 3, error: { errorCode: 'PLUGIN_STORAGE_LIST_LIMIT_INVALID' } });
  const outside = { resourceRef: 'reports/', json: { prefix: 'reports/', cursor: 'secrets/a' } };
  t.match(await ask('list.cursor', outside), { status: 3, error: { errorCode: 'PLUGIN_STORAGE_PATH_INVALID' } });
});

t.test('F033 an upload goes on after its worker was killed, and after a new start of the host', async (t) => {
  const directory = t.testdir();
  const settings = { POOL_MAX_THREADS: '1', POOL_MAX_WAITING_THREADS: '0' };
  const hostServices = [{ service: 'storage', methods: METHODS, resources: { paths: ['reports/'] } }];
  const first = await startTestHost(t, { ...settings, SANDBOX_PLUGINS_STUCK_DEADLINE_MS: '300' }, directory);
  const { asNobody } = await serveRawCalls(first, { hostServices });
  await first.serve('stuck', { module: await watGuest('stuck'), routes: [{ path: '/a' }] });
  await first.serve('bystander', { module: await watGuest('echo'), routes: [{ path: '/a' }] });
  const begun = await asNobody('storage', 'put.init', { ...BIG, payload: `${BIG_PATH}1801` });
  const { uploadId } = decodePayload('HostServiceStoragePutInitResponse', begun.bytes);
  const chunkOf = (offset: number, body: string) => ({
    ...BIG,
    payload: encodePayload('HostServiceStoragePutChunkRequest', {
      path: BIG.resourceRef,
      uploadId,
      offset,
      body: Buffer.from(body),
    }),
  });
  t.equal((await asNobody('storage', 'put.chunk', chunkOf(0, 'one '))).payload, '0804');
  const [killed, bystander] = await Promise.all([first.fetch('/x/stuck/a'), first.fetch('/x/bystander/a')]);
  t.equal(killed.headers.get('x-sandpool-error'), 'SBX_DEADLINE');
  t.equal(bystander.status, 200);
  t.equal((await asNobody('storage', 'put.chunk', chunkOf(4, 'two '))).payload, '0808', 'in another worker');
  await first.close();

  const second = await startTestHost(t, settings, directory);
  const call = async (service: string, method: string, parts: RawCallParts) => {
    const answer = await fetch(`${second.url}/x/demo/public`, {
      method: 'POST',
      body: Buffer.from(rawCall(service, method, parts)),
    });
    return readRaw(Buffer.from(await answer.arrayBuffer()));
  };
  t.equal((await call('storage', 'put.chunk', chunkOf(8, 'three'))).payload, '080d', 'in another host');
  const commit = encodePayload('HostServiceStoragePutCommitRequest', { path: BIG.resourceRef, uploadId, size: 13 });
  t.equal((await call('storage', 'put.commit', { ...BIG, payload: commit })).status, 0);
  const got = decodePayload(
    'HostServiceStorageGetResponse',
    (await call('storage', 'get', { ...BIG, payload: BIG_PATH })).bytes,
  );
  t.equal(Buffer.from(got.body).toString(), 'one two three');
});

t.test('C45 C46 F009 an uninstall purges the files below the granted paths, or keeps all', async (t) => {
  const directory = t.testdir();
  const host = await startTestHost(t, {}, directory);
  const stored = () => filesIn(join(directory, 'data/storage/plugins'));
  const hostServices = [{ service: 'storage', methods: METHODS, resources: { paths: ['reports/'] } }];
  for (const id of ['demo', 'other']) {
    const { asNobody } = await serveRawCalls(host, { id, hostServices });
    await asNobody('storage', 'put', { resourceRef: DEMO, payload: PUT_DEMO });
  }
  await host.registry.uninstall('demo', { purgeStorageData: false });
  t.same(stored(), ['demo/platform/reports/demo.json', 'other/platform/reports/demo.json']);
  await host.registry.install('demo', { grantUnreviewed: true });
  await host.registry.uninstall('demo');
  t.same(stored(), ['other/platform/reports/demo.json']);
});

t.test('F009 an uninstall with its data takes the state of the plugin along, and one without keeps it', async (t) => {
  const host = await startTestHost(t);
  const hostServices = [{ service: 'runtime', methods: ['state.get', 'state.set'] }];
  const { asNobody } = await serveRawCalls(host, { hostServices });
  const again = async (purgeStorageData: boolean) => {
    await host.registry.uninstall('demo', { purgeStorageData });
    await host.registry.install('demo', { grantUnreviewed: true });
    await host.registry.enable('demo');
    return (await asNobody('runtime', 'state.get', { payload: '0a016b' })).payload;
  };
  await asNobody('runtime', 'state.set', { payload: '0a016b120176' });
  t.equal(await again(false), '0a01761001');
  t.equal(await again(true), '');
});

t.test('a large object is read whole', async (t) => {
  const { ask } = await serve(t);
  const path = 'reports/large';
  const body = Buffer.alloc(3_000_000, 7);
  const put = await ask('put', {
    resourceRef: path,
    payload: encodePayload('HostServiceStoragePutRequest', { path, body }),
  });
  t.equal(put.status, 0);
  const got = await ask('get', { resourceRef: path, payload: encodePayload('HostServiceStorageGetRequest', { path }) });
  t.ok(Buffer.from(decodePayload('HostServiceStorageGetResponse', got.bytes).body).equals(body));
});

t.test('an object that the guest has no room for is an error, and does not seem to be missing', async (t) => {
  const directory = t.testdir();
  const host = await startTestHost(t, { SANDBOX_MEMORY_LIMIT_MIB: '1' }, directory);
  const hostServices = [{ service: 'storage', methods: METHODS, resources: { paths: ['reports/'] } }];
  const { asNobody } = await serveRawCalls(host, { hostServices });
  await asNobody('storage', 'put', { resourceRef: DEMO, payload: PUT_DEMO });
  writeFileSync(join(directory, 'data/storage/plugins/demo/platform', DEMO), Buffer.alloc(2_000_000));
  t.match(await asNobody('storage', 'get', { resourceRef: DEMO, payload: DEMO_PATH }), {
    status: 4,
    error: { fallback: /^the guest has no room for a reply of 2000\d\d\d bytes$/ },
  });
  t.equal((await asNobody('storage', 'stat', { resourceRef: DEMO, payload: DEMO_PATH })).status, 0);
});
