import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import t from 'tap';
import { assetHost, assetView, CSS } from '../asset-host.js';
import { askBystander } from '../fakes.js';

const BASE = '/x-assets/p/v1.0.0';

t.test('a published file is served to anybody, with all that a browser needs (F074, F080)', async (t) => {
  const { app } = assetHost();
  const answer = await app.inject(`${BASE}/mount.js`);
  t.equal(answer.statusCode, 200);
  t.equal(answer.body, 'export function mount() {}\n');
  t.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
  t.equal(answer.headers['content-length'], '27');
  t.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
  t.match(answer.headers.etag, /^"[\w-]{27}"$/);
  t.equal(answer.headers['accept-ranges'], 'bytes');
  t.equal(answer.headers['x-content-type-options'], 'nosniff');
  t.equal(answer.headers['access-control-allow-origin'], '*');
  t.equal(answer.headers['set-cookie'], undefined);
});

t.test('the root of a version is its index; a folder below it is not (C82, F079)', async (t) => {
  const { app } = assetHost();
  for (const path of ['', '/', '?a=b', '/index.html', '/?a']) {
    const answer = await app.inject(`${BASE}${path}`);
    t.equal(answer.statusCode, 200, path);
    t.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
  }
  for (const path of ['/sub', '/sub/']) t.equal((await app.inject(`${BASE}${path}`)).statusCode, 404, path);
  t.equal((await app.inject(`${BASE}/sub/index.html`)).body, 'sub');
});

t.test('what is packed and not published is not there (C81, F075, F145)', async (t) => {
  const { app } = assetHost();
  for (const path of ['/key.txt', '/secret/key.txt', '/frontend/secret/key.txt', '/../secret/key.txt']) {
    const answer = await app.inject(`${BASE}${path}`);
    t.equal(answer.statusCode, 404, path);
    t.notMatch(answer.body, 'SECRET');
  }
  const nothing = assetHost(assetView({ publicAssets: [] }));
  t.equal((await nothing.app.inject(`${BASE}/mount.js`)).body, 'Not Found');
});

t.test('only the effective version of an installed and enabled plugin is there (C87, F081, F082, F084)', async (t) => {
  const { app, put } = assetHost();
  const status = async (url: string) => (await app.inject(url)).statusCode;
  t.equal(await status(`${BASE}/mount.js`), 200);
  for (const version of ['v1.0.1', '1.0.0', 'V1.0.0', 'v1.0.0-rc', 'latest', '*']) {
    t.equal(await status(`/x-assets/p/${version}/mount.js`), 404, version);
  }
  t.equal(await status('/x-assets/unknown/v1.0.0/mount.js'), 404);
  put(assetView({ enabled: false }));
  t.equal(await status(`${BASE}/mount.js`), 404, 'disabled');
  put(assetView({ enabled: false, installed: false }));
  t.equal(await status(`${BASE}/mount.js`), 404, 'not installed');
  put(assetView({ version: 'v2.0.0', generation: 2, checksum: 'c2' }));
  t.equal(await status(`${BASE}/mount.js`), 404, 'no longer effective');
  t.equal(await status('/x-assets/p/v2.0.0/mount.js'), 200, 'effective now');
});

t.test('a plugin that waits for its upgrade goes on serving its assets (C72, F010)', async (t) => {
  const { app } = assetHost(assetView({ runtimeState: 'pending_upgrade' }));
  t.equal((await app.inject(`${BASE}/mount.js`)).statusCode, 200);
});

t.test('a miss is the same for every reason, and nobody may keep it', async (t) => {
  const { app, put } = assetHost();
  const misses = [await app.inject(`${BASE}/none.js`), await app.inject('/x-assets/q/v1.0.0/mount.js')];
  put(assetView({ enabled: false }));
  misses.push(await app.inject(`${BASE}/mount.js`), await app.inject('/x-assets'), await app.inject('/x-assets/p'));
  for (const { statusCode, body, headers } of misses) {
    const { date: _, ...rest } = headers;
    t.same(
      [statusCode, body, rest],
      [
        404,
        'Not Found',
        {
          'content-type': 'text/plain; charset=utf-8',
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'x-sandpool-error': 'SBX_NOT_FOUND',
          'content-length': '9',
          connection: 'keep-alive',
        },
      ],
    );
  }
});

t.test('verbs other than GET and HEAD are not there, whatever they bring', async (t) => {
  const { app } = assetHost();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE'] as const) {
    const answer = await app.inject({ method: method as 'POST', url: `${BASE}/mount.js`, payload: '{"a":' });
    t.equal(answer.statusCode, 404, method);
    t.equal(answer.body, 'Not Found', method);
  }
});

t.test('a miss here never becomes a plugin route, an API answer or the console (F102)', async (t) => {
  const { app, lookedUp } = assetHost(assetView(), {
    register: (scope) => {
      scope.get('/*', async () => 'everything else');
    },
  });
  for (const url of ['/x-assets', '/x-assets/', '/x-assets/p', '/x-assets/p/v1.0.0/ping', '/x-assets/api/v1/plugins']) {
    t.equal((await app.inject(url)).body, 'Not Found', url);
  }
  t.equal((await app.inject('/x/p/v1.0.0/mount.js')).body, 'Dynamic route not found');
  t.equal((await app.inject('/other')).body, 'everything else');
  t.same(lookedUp, ['ping']);
});

t.test('bytes that a browser has already are not sent again', async (t) => {
  const { app } = assetHost();
  const { headers } = await app.inject(`${BASE}/style.css`);
  const etag = headers.etag as string;
  for (const method of ['GET', 'HEAD'] as const) {
    const again = await app.inject({
      method,
      url: `${BASE}/style.css`,
      headers: { 'if-none-match': `"old", W/${etag}` },
    });
    t.equal(again.statusCode, 304);
    t.equal(again.body, '');
    t.equal(again.headers.etag, etag);
    t.equal(again.headers['cache-control'], 'public, max-age=31536000, immutable');
    t.equal(again.headers.vary, 'Accept-Encoding');
    t.equal(again.headers['content-length'], undefined);
  }
  const changed = await app.inject({ url: `${BASE}/style.css`, headers: { 'if-none-match': '"other"' } });
  t.equal(changed.statusCode, 200);
});

t.test('texts are compressed as the client likes, and every form has a tag of its own', async (t) => {
  const { app } = assetHost();
  const ask = (encoding?: string) =>
    app.inject({ url: `${BASE}/style.css`, headers: encoding === undefined ? {} : { 'accept-encoding': encoding } });
  const plain = await ask();
  const br = await ask('gzip, deflate, br');
  const gzip = await ask('gzip');
  t.equal(plain.body, CSS);
  t.equal(plain.headers['content-encoding'], undefined);
  t.equal(br.headers['content-encoding'], 'br');
  t.equal(brotliDecompressSync(br.rawPayload).toString(), CSS);
  t.equal(br.headers['content-length'], String(br.rawPayload.length));
  t.equal(gzip.headers['content-encoding'], 'gzip');
  t.equal(gunzipSync(gzip.rawPayload).toString(), CSS);
  t.equal(new Set([plain, br, gzip].map(({ headers }) => headers.etag)).size, 3);
  for (const { headers } of [plain, br, gzip]) {
    t.equal(headers.vary, 'Accept-Encoding');
    t.equal(headers['content-type'], 'text/css; charset=utf-8');
  }
  const kept = await app.inject({
    url: `${BASE}/style.css`,
    headers: { 'accept-encoding': 'br', 'if-none-match': br.headers.etag as string },
  });
  t.equal(kept.statusCode, 304);
  const binary = await app.inject({ url: `${BASE}/digits.bin`, headers: { 'accept-encoding': 'br' } });
  t.equal(binary.headers['content-encoding'], undefined);
  t.equal(binary.headers.vary, undefined);
});

t.test('a HEAD has the headers of the GET and no bytes', async (t) => {
  const { app } = assetHost();
  for (const headers of [{}, { 'accept-encoding': 'br' }, { 'accept-encoding': 'gzip' }]) {
    const get = await app.inject({ url: `${BASE}/style.css`, headers });
    const head = await app.inject({ method: 'HEAD', url: `${BASE}/style.css`, headers });
    t.equal(head.statusCode, 200);
    t.equal(head.body, '');
    t.same({ ...head.headers, date: '' }, { ...get.headers, date: '' });
  }
  const miss = await app.inject({ method: 'HEAD', url: `${BASE}/none` });
  t.equal(miss.statusCode, 404);
  t.equal(miss.body, '');
});

t.test('a part of a file is sent as one, of the file itself and not of a compressed form', async (t) => {
  const { app } = assetHost();
  const part = await app.inject({ url: `${BASE}/digits.bin`, headers: { range: 'bytes=8-12' } });
  t.equal(part.statusCode, 206);
  t.equal(part.body, '89012');
  t.equal(part.headers['content-range'], 'bytes 8-12/100');
  t.equal(part.headers['content-length'], '5');
  const text = await app.inject({ url: `${BASE}/style.css`, headers: { range: 'bytes=-4', 'accept-encoding': 'br' } });
  t.equal(text.statusCode, 206);
  t.equal(text.body, CSS.slice(-4));
  t.equal(text.headers['content-encoding'], undefined);
  const head = await app.inject({ method: 'HEAD', url: `${BASE}/digits.bin`, headers: { range: 'bytes=8-12' } });
  t.equal(head.statusCode, 200);
  t.equal(head.headers['content-length'], '100');
});

t.test('several parts are sent as a multipart body, each with its place', async (t) => {
  const { app } = assetHost();
  const answer = await app.inject({ url: `${BASE}/digits.bin`, headers: { range: 'bytes=90-91, 0-3' } });
  t.equal(answer.statusCode, 206);
  const boundary = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(answer.headers['content-type'] as string)?.[1];
  t.ok(boundary);
  t.equal(
    answer.body,
    `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 90-91/100\r\n\r\n01\r\n` +
      `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-3/100\r\n\r\n0123\r\n` +
      `--${boundary}--\r\n`,
  );
  t.equal(answer.headers['content-length'], String(answer.rawPayload.length));
});

t.test('a part that does not exist is refused, and one of other bytes becomes the whole', async (t) => {
  const { app } = assetHost();
  const beyond = await app.inject({ url: `${BASE}/digits.bin`, headers: { range: 'bytes=100-' } });
  t.equal(beyond.statusCode, 416);
  t.equal(beyond.headers['content-range'], 'bytes */100');
  t.equal(beyond.body, '');
  const etag = beyond.headers.etag ?? (await app.inject(`${BASE}/digits.bin`)).headers.etag;
  const same = { range: 'bytes=0-1', 'if-range': etag as string };
  t.equal((await app.inject({ url: `${BASE}/digits.bin`, headers: same })).statusCode, 206);
  const other = { range: 'bytes=0-1', 'if-range': '"other"' };
  t.equal((await app.inject({ url: `${BASE}/digits.bin`, headers: other })).statusCode, 200);
});

t.test('a tenant that has not enabled a plugin does not see its assets; everybody else does (F083)', async (t) => {
  const tenantExposes = (_view: object, tenantId: number) => tenantId !== 22;
  const scoped = assetHost(assetView({ installMode: 'tenant_scoped' }), { tenantExposes });
  const status = async ({ app }: typeof scoped, word?: string) =>
    (
      await app.inject({
        url: `${BASE}/mount.js`,
        headers: word === undefined ? {} : { authorization: `Bearer ${word}` },
      })
    ).statusCode;
  t.equal(await status(scoped, 'tenant'), 404);
  t.equal(await status(scoped), 200, 'anonymous');
  t.equal(await status(scoped, 'admin'), 200, 'of the platform');
  t.equal(await status(scoped, 'expired'), 200, 'a token that is no good is no token');
  t.equal(await status(assetHost(assetView({ installMode: 'global' }), { tenantExposes }), 'tenant'), 200);
});

t.test('a fault inside the host is one failed request and a line in the log', async (t) => {
  const { app, logged } = assetHost(assetView({ installMode: 'tenant_scoped' }), { tenantExposes: () => true });
  const answer = await app.inject({ url: `${BASE}/mount.js`, headers: { authorization: 'Bearer rolesless' } });
  t.equal(answer.statusCode, 500);
  t.equal(answer.headers['x-sandpool-error'], 'SBX_INTERNAL');
  t.equal(answer.body, 'internal error');
  t.match(logged, [{ level: 'error', message: /roles of user 7/ }]);
  t.equal(await askBystander(app), '200 pong');
});

/** Ways out of the published folder; each is tried behind the version, and none may be looked for as a path of a file system. */
const TRAVERSAL: readonly string[] = [
  '../secret/key.txt',
  '../../secret/key.txt',
  '../../../etc/passwd',
  './../secret/key.txt',
  'sub/../../secret/key.txt',
  'sub/../mount.js',
  './mount.js',
  'sub/./index.html',
  '..',
  '.',
  '../',
  './',
  '...',
  '.../mount.js',
  'sub/..',
  'sub/.',
  '%2e%2e/secret/key.txt',
  '%2e%2e%2fsecret%2fkey.txt',
  '..%2fsecret%2fkey.txt',
  '..%2Fsecret/key.txt',
  '%2E%2E/secret/key.txt',
  '.%2e/secret/key.txt',
  '%2e./secret/key.txt',
  '%2e/mount.js',
  'sub%2findex.html',
  'sub%2Findex.html',
  '%2fetc%2fpasswd',
  '%252e%252e/secret/key.txt',
  '%252e%252e%252fsecret%252fkey.txt',
  '%25252e%25252e/secret',
  '%252fetc%252fpasswd',
  '..%252fsecret',
  '..\\secret\\key.txt',
  '..%5csecret%5ckey.txt',
  '..%5Csecret/key.txt',
  '..%255csecret',
  'sub\\index.html',
  'sub%5cindex.html',
  '\\etc\\passwd',
  'mount.js%00',
  'mount.js%00.html',
  '%00mount.js',
  '../secret/key.txt%00.js',
  'mount.js%0a',
  'mount.js%0d%0aX:%20y',
  '%09mount.js',
  'mount.js%7f',
  '%c0%ae%c0%ae/secret/key.txt',
  '%c0%af..%c0%afetc/passwd',
  '%e0%80%ae%e0%80%ae/secret',
  '%f0%80%80%ae/secret',
  '%c1%9c..',
  '%ed%a0%80',
  '%fe%ff',
  '%80',
  '%e2%80%a4%e2%80%a4/secret/key.txt',
  '%ef%bc%8e%ef%bc%8e/secret/key.txt',
  '%e2%80%a5/secret',
  '%ef%bc%8fetc',
  '%e2%88%95etc',
  '%e2%81%84etc',
  '%ef%bc%bcsecret',
  'http://127.0.0.1/a.js',
  'http:/%2f127.0.0.1',
  'file:///etc/passwd',
  '//127.0.0.1/a.js',
  'data:text/html,x',
  'https%3a%2f%2fexample.com',
  'C:/Windows/win.ini',
  'C:\\Windows\\win.ini',
  'c%3a/windows',
  'C%3A%5CWindows',
  '//?/C:/x',
  '~root/.ssh',
  '/etc/passwd',
  '//etc/passwd',
  '/mount.js',
  '//mount.js',
  'mount.js;v=1',
  ';/mount.js',
  'sub;a=b/index.html',
  '..;/secret/key.txt',
  '..;a/secret',
  'mount.js;.css',
  'mount.js.',
  'mount.js..',
  'mount.js%20',
  '%20mount.js',
  'mount.js/',
  'mount.js//',
  'sub//index.html',
  'sub/index.html/',
  'mount.js::$DATA',
  'mount.js:stream',
  'MOUNT.JS',
  'Mount.js',
  'mount.j%C5%BF',
  'mount.js%CC%80',
  'mount.js%E2%80%8B',
  '%EF%BB%BFmount.js',
  'frontend/pages/mount.js',
  'pages/mount.js',
  'plugin.yaml',
  'manifest/config/config.yaml',
  '.git/config',
  '.env',
  'package.json',
  '%',
  '%2',
  '%zz',
  '%u002e%u002e/secret',
  '%%32%65',
  '__proto__',
  'constructor',
  `${'../'.repeat(60)}etc/passwd`,
  'a/'.repeat(900),
  'a'.repeat(3000),
  `${'%2e%2e%2f'.repeat(200)}etc/passwd`,
];

t.test('no path leads out of what is published: each is a plain miss, and nothing is read', async (t) => {
  const { app, lookedUp } = assetHost();
  t.ok(TRAVERSAL.length >= 80, `${TRAVERSAL.length} paths`);
  // Over a socket: a client library would clean the paths.
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  for (const path of TRAVERSAL) {
    const shown = path.slice(0, 50);
    t.same(
      await getRaw(port, `${BASE}/${path}`),
      { status: 404, type: 'text/plain; charset=utf-8', body: 'Not Found' },
      shown,
    );
  }
  t.notOk(lookedUp.some((path) => path.includes('\\') || path.includes('\0')));
  t.equal((await getRaw(port, `${BASE}/mount.js`)).status, 200, 'and what is published is still there');
  t.equal((await getRaw(port, `${BASE}/with%20space.txt`)).body, 'space');
  t.equal(await askBystander(app), '200 pong');
});

function getRaw(port: number, path: string): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path }, async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk as Buffer);
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, type: headers['content-type'] ?? '', body: Buffer.concat(chunks).toString() });
      })
      .on('error', reject);
  });
}
