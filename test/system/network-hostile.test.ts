/** What plugins try with URLs and what servers try with plugins. Nothing leaves, nothing falls, and nobody else notices. */
import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import {
  besideBystanders,
  callOf,
  LOOPBACK,
  type NetworkHost,
  type NetworkHostOptions,
  serveBytes,
  serveHttp,
  serveTcp,
  startNetworkHost,
  watchSockets,
} from '../network-host.js';

/** A plugin `faulty` with these URLs, besides a bystander that may reach what it is granted by name. */
async function faulty(t: Test, urls: readonly string[], options: NetworkHostOptions = {}): Promise<NetworkHost> {
  const host = startNetworkHost(t, options);
  await host.permit('faulty', urls);
  return host;
}

const EVERYTHING = ['http://*/', 'https://*/'];
const REACHES_LOOPBACK = { network: { allowedAddresses: LOOPBACK } };

// ---- URLs ------------------------------------------------------------------------------------------------------------------

// `:P` is the port of a server that must not be reached.
const PRIVATE_HOSTS = [
  '127.0.0.1:P',
  '127.1:P',
  '127.0.0.1.:P',
  '0177.0.0.1:P',
  '017700000001:P',
  '0x7f.0.0.1:P',
  '0x7f000001:P',
  '2130706433:P',
  '0:P',
  '0.0.0.0:P',
  '１２７.0.0.1:P',
  '127。0。0。1:P',
  '①②⑦.⓪.⓪.①:P',
  'user:password@127.0.0.1:P',
  'public.example.com@127.0.0.1:P',
  'a@b@127.0.0.1:P',
  '[::1]:P',
  '[0:0:0:0:0:0:0:1]:P',
  '[::]:P',
  '[::ffff:127.0.0.1]:P',
  '[::ffff:7f00:1]:P',
  '[::127.0.0.1]:P',
  '[64:ff9b::127.0.0.1]:P',
  '[64:ff9b::7f00:1]:P',
  '[2002:7f00:1::]:P',
  '[fe80::1]:P',
  '[fd00:ec2::254]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '[::ffff:a9fe:a9fe]',
  '100.100.100.200',
  '168.63.129.16',
  '224.0.0.1',
  '255.255.255.255',
  'localhost:P',
  'LOCALHOST:P',
  'localhost.:P',
  'a.localhost:P',
  'localtest.me:P',
  'metadata.google.internal',
  'xn--bcher-kva.example:P',
  'bücher.example:P',
  'trailing.dot.:P',
];

for (const scheme of ['http', 'https']) {
  t.test(`a grant of every ${scheme} host is none of private ones, in whatever spelling`, async (t) => {
    const server = await serveHttp(t, (_request, response) => response.end());
    const resolve = (name: string) => (name.startsWith('metadata') ? ['169.254.169.254'] : ['127.0.0.1']);
    const host = await faulty(t, EVERYTHING, { resolve });
    await besideBystanders(t, host, async () => {
      const opened = watchSockets(t);
      for (const place of PRIVATE_HOSTS) {
        const url = `${scheme}://${place.replace(':P', `:${server.port}`)}/`;
        t.match(
          await host.send('faulty', url),
          { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } },
          url,
        );
      }
      t.equal(opened(), 0, 'not one connection is tried');
    });
    t.equal(server.connections(), 0);
  });
}

const CONFUSING = [
  'http://a.example.com@127.0.0.1:P/api',
  'http://a.example.com:80@127.0.0.1:P/api',
  'http://127.0.0.1:P#@a.example.com/api',
  'http://127.0.0.1:P?@a.example.com/api',
  'http://127.0.0.1:P/@a.example.com/api',
  'http://127.0.0.1:P\\@a.example.com/api',
  'http://127.0.0.1:P\\.a.example.com/api',
  'http://a.example.com\\@127.0.0.1:P/api',
  'http://127.0.0.1:P\t.example.com/api',
  'http://127.0.0.1:P\n@a.example.com/api',
  'http://127.0.0.1:P\r\n.example.com/api',
  'http://127.0.0.1:P\0.example.com/api',
  'http://127.0.0.1:P%00.example.com/api',
  'http://127.0.0.1%2f.example.com/api',
  'http://127.0.0.1%23.example.com/api',
  'http://a.example.com%2eevil.test/api',
  'http://a.example.com.evil.test/api',
  'http://a.example.com./api',
  'http://example.com/api',
  'http://a.exаmple.com/api',
  'http://a.ⓔxample.com/api',
  'http://a.example.com:80:81/api',
  'http://a.example.com:99999/api',
  'http://a.example.com:-1/api',
  'http://[a.example.com]/api',
  'http://[::1%25eth0]:P/api',
  'http:a.example.com/api',
  'http:/a.example.com/api',
  'http:///a.example.com/api',
  'http:\\\\a.example.com/api',
  '//a.example.com/api',
  'https://a.example.com/api',
  'ftp://a.example.com/api',
  'file:///etc/passwd',
  'file://a.example.com/api',
  'gopher://a.example.com/api',
  'data:text/plain,a',
  'javascript:alert(1)',
  'ws://a.example.com/api',
  'unix:///var/run/docker.sock:http://a.example.com/api',
  'http://a.example.com/',
  'http://a.example.com/apix',
  'http://a.example.com/API',
  'http://a.example.com/api/../admin',
  'http://a.example.com/api/./../admin',
  'http://a.example.com/api/%2e%2e/admin',
  'http://a.example.com/api/%2E%2e/admin',
  'http://a.example.com/api/..%2fadmin',
  'http://a.example.com/api%2f..%2fadmin',
  'http://a.example.com/admin/..%2fapi',
  'http://a.example.com/api/..\\admin',
  'http://a.example.com/api/%zz',
  'http://a.example.com//api/../admin',
  'http://',
  'http://:P/api',
  '',
];

t.test('a URL that means one thing to the grant and another to a client is refused', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end());
  const host = await faulty(t, ['http://*.example.com/api'], REACHES_LOOPBACK);
  await besideBystanders(t, host, async () => {
    const opened = watchSockets(t);
    for (const form of CONFUSING) {
      const url = form.replace(':P', `:${server.port}`);
      t.equal((await host.send('faulty', url)).status, 1, JSON.stringify(url));
    }
    t.equal(opened(), 0);
    t.same(host.lookups, []);
  });
  t.equal(server.connections(), 0);
});

t.test('an address is reached when the grant writes it out, and by no wildcard', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('inside'));
  const host = startNetworkHost(t, { resolve: () => ['127.0.0.1', '10.0.0.1'] });
  const url = `http://127.0.0.1:${server.port}/`;
  for (const [grant, target, status] of [
    [url, url, 0],
    ['http://127.0.0.1/', url, 0],
    ['http://127.0.0.[1]/', url, 1],
    ['http://127.*/', url, 1],
    ['http://*/', url, 1],
    ['http://localhost/', url, 1],
    ['http://localhost/', `http://localhost:${server.port}/`, 1],
    ['http://127.0.0.1/', `http://127.1:${server.port}/`, 1],
    ['http://127.0.0.1/', `http://[::ffff:127.0.0.1]:${server.port}/`, 1],
    ['http://127.1/', `http://127.1:${server.port}/`, 1],
  ] as const) {
    await host.permit('p', [grant]);
    t.equal((await host.send('p', target)).status, status, `${grant} ${target}`);
  }
});

t.test('localhost, written out, is loopback and nothing else', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('inside'));
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '169.254.169.254']];
  const host = startNetworkHost(t, { network: { pinMs: 0 }, resolve: () => answers.shift() as string[] });
  await host.permit('p', ['http://localhost/']);
  const url = `http://localhost:${server.port}/`;
  t.same(
    [(await host.send('p', url)).status, (await host.send('p', url)).status, (await host.send('p', url)).status],
    [0, 1, 1],
  );
});

t.test('an operator allows a range for all or for one plugin, and denies what no grant opens', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('inside'));
  const urls = [`http://127.0.0.1:${server.port}/`, 'http://inside.example.com/'];
  const host = startNetworkHost(t, {
    pluginNetwork: { friend: { allowedAddresses: LOOPBACK }, denied: { deniedAddresses: ['127.0.0.1'] } },
  });
  for (const id of ['friend', 'stranger', 'denied']) await host.permit(id, urls);
  const named = `http://inside.example.com:${server.port}/`;
  t.equal((await host.send('friend', named)).status, 0);
  t.equal((await host.send('stranger', named)).status, 1);
  t.equal((await host.send('denied', `http://127.0.0.1:${server.port}/`)).status, 1);
});

// ---- redirects and names -----------------------------------------------------------------------------------------------------

const REDIRECTS: readonly (readonly [location: string, status: number, why: string])[] = [
  ['http://127.0.0.1:P/', 1, 'an address that only a wildcard grants'],
  ['http://2130706433:P/', 1, 'an address in other digits'],
  ['http://[::ffff:7f00:1]:P/', 1, 'a mapped address'],
  ['http://169.254.169.254/latest/meta-data/', 1, 'a metadata service'],
  ['http://private.example.com:P/', 1, 'a granted name with a private address'],
  ['http://evil.test:P/', 1, 'a host that is not granted'],
  ['//evil.test:P/', 1, 'a host that is not granted, by the same scheme'],
  ['https://start.example.com:P/', 1, 'another scheme'],
  ['/admin', 1, 'a path that is not granted'],
  ['/api/../admin', 1, 'a path that leads out'],
  ['file:///etc/passwd', 1, 'a file'],
  ['gopher://start.example.com/api', 1, 'another protocol'],
  ['http://[::1', 4, 'no URL'],
  ['/api/loop', 4, 'itself, for ever'],
];

for (const [location, status, why] of REDIRECTS) {
  t.test(`a redirect to ${location} is status ${status}: ${why}`, async (t) => {
    const canary = await serveHttp(t, (_request, response) => response.end('secret'));
    const target = location.replace(':P', `:${canary.port}`);
    let asked = 0;
    const redirect: RequestListener = (_request, response) => {
      asked += 1;
      response.writeHead(302, { location: target }).end();
    };
    const server = await serveHttp(t, redirect, { host: '127.0.0.2' });
    const host = await faulty(t, ['http://start.example.com/api', 'http://private.example.com/', 'http://[0-9]*.*/'], {
      network: { allowedAddresses: ['127.0.0.2'] },
      resolve: (name) => (name === 'start.example.com' ? ['127.0.0.2'] : ['127.0.0.1']),
    });
    await besideBystanders(t, host, async () => {
      const sent = await host.send('faulty', `http://start.example.com:${server.port}/api`);
      t.equal(sent.status, status);
    });
    t.equal(canary.connections(), 0);
    t.equal(asked, location === '/api/loop' ? 11 : 1);
  });
}

t.test('a redirect within the grant is followed, without the credentials when the origin is another', async (t) => {
  const seen: unknown[] = [];
  const second = await serveHttp(t, (request, response) => {
    seen.push([request.headers.host, request.headers.authorization, request.headers['x-key']]);
    response.end('arrived');
  });
  const first = await serveHttp(t, (request, response) => {
    seen.push([request.headers.host, request.headers.authorization, request.headers['x-key']]);
    response.writeHead(307, { location: `http://b.example.com:${second.port}/api/x` }).end('moved');
  });
  const host = await faulty(t, ['http://*.example.com/api'], REACHES_LOOPBACK);
  const sent = await host.send('faulty', `http://a.example.com:${first.port}/api`, {
    headers: { Authorization: 'Bearer secret', 'X-Key': 'k' },
  });
  t.match(sent, { status: 0, body: 'arrived' });
  t.same(seen, [
    [`a.example.com:${first.port}`, 'Bearer secret', 'k'],
    [`b.example.com:${second.port}`, undefined, 'k'],
  ]);
});

t.test('a redirect whose body never ends is followed all the same', async (t) => {
  const target = await serveHttp(t, (_request, response) => response.end('arrived'));
  const server = await serveBytes(
    t,
    `HTTP/1.1 302 Found\r\nLocation: http://a.example.com:${target.port}/\r\nContent-Length: 9999999\r\n\r\nx`,
    { ends: false },
  );
  const host = await faulty(t, ['http://*.example.com'], REACHES_LOOPBACK);
  t.match(await host.send('faulty', `http://a.example.com:${server.port}/`), { status: 0, body: 'arrived' });
});

t.test('a name that turns to a private address is refused, also on a connection that is still open', async (t) => {
  const canary = await serveHttp(t, (_request, response) => response.end('private'), { host: '127.0.0.2' });
  const server = await serveHttp(t, (_request, response) => response.end('public'));
  const answers = [['127.0.0.1'], ['127.0.0.2'], ['127.0.0.1', '127.0.0.2'], ['127.0.0.2']];
  const host = await faulty(t, EVERYTHING, {
    network: { allowedAddresses: ['127.0.0.1'], pinMs: 0 },
    resolve: () => answers.shift() as string[],
  });
  const url = (at: number) => `http://rebinding.example.com:${at}/`;
  t.match(await host.send('faulty', url(server.port)), { status: 0, body: 'public' });
  t.equal((await host.send('faulty', url(server.port))).status, 1, 'the connection to the earlier address is not used');
  t.equal((await host.send('faulty', url(server.port))).status, 1, 'one private address among others is enough');
  t.equal((await host.send('faulty', url(canary.port))).status, 1);
  t.equal(host.lookups.length, 4, 'each request resolves once');
  t.equal(server.connections(), 1);
  t.equal(canary.connections(), 0);
});

t.test('the connection is made to the address that was checked, and the name is not resolved again', async (t) => {
  const server = await serveHttp(t, (request, response) => response.end(request.headers.host));
  const answers = [['127.0.0.1'], ['127.0.0.2']];
  const host = await faulty(t, EVERYTHING, {
    network: { allowedAddresses: ['127.0.0.1'] },
    resolve: () => answers.shift() as string[],
  });
  for (const _ of [1, 2, 3]) {
    const sent = await host.send('faulty', `http://pinned.example.com:${server.port}/`);
    t.match(sent, { status: 0, body: `pinned.example.com:${server.port}` });
  }
  t.same(host.lookups, ['pinned.example.com']);
});

// ---- what goes out -----------------------------------------------------------------------------------------------------------

const INJECTIONS: readonly (readonly [what: string, request: { method?: string; headers?: Record<string, string> }])[] =
  [
    ['a line break in a value', { headers: { 'x-a': 'b\r\nHost: evil.test' } }],
    ['a line feed in a value', { headers: { 'x-a': 'b\nx-c: d' } }],
    ['a carriage return in a value', { headers: { 'x-a': 'b\rx-c: d' } }],
    ['a NUL in a value', { headers: { 'x-a': 'b\0c' } }],
    ['an escape in a value', { headers: { 'x-a': '\x1b[2J' } }],
    ['a request in a value', { headers: { 'x-a': 'b\r\n\r\nGET /admin HTTP/1.1\r\nHost: a.example.com' } }],
    ['a line break in a name', { headers: { 'x-a: b\r\nx-c': 'd' } }],
    ['a colon in a name', { headers: { 'x-a:': 'b' } }],
    ['a space in a name', { headers: { 'x a': 'b' } }],
    ['a letter beyond ASCII in a name', { headers: { 'x-ä': 'b' } }],
    ['a forbidden name in other letters', { headers: { 'TRANSFER-Encoding': 'chunked' } }],
    ['a forbidden name within white space', { headers: { '\u00a0Host\t': 'evil.test' } }],
    ['headers without measure', { headers: { 'x-a': 'b'.repeat(1 << 20) } }],
    ['a request in the method', { method: 'GET /admin HTTP/1.1\r\nHost: a.example.com\r\n\r\nGET' }],
    ['a space in the method', { method: 'GET /admin' }],
    ['a method beyond ASCII', { method: 'GÉT' }],
    ['a tunnel', { method: 'connect' }],
  ];

t.test('what would begin another header or another request is status 3, and nothing goes out', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end());
  const host = await faulty(t, ['http://a.example.com/api'], REACHES_LOOPBACK);
  await besideBystanders(t, host, async () => {
    const opened = watchSockets(t);
    for (const [what, request] of INJECTIONS) {
      const sent = await host.send('faulty', `http://a.example.com:${server.port}/api`, request);
      t.match(sent, { status: 3, error: { errorCode: 'HOST_CALL_INVALID_REQUEST' } }, what);
    }
    t.equal(opened(), 0);
  });
});

t.test('a line break in a URL does not reach the request line', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(t, (request, response) => {
    seen.push([request.url, request.headers['x-a']]);
    response.end();
  });
  const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
  const base = `http://a.example.com:${server.port}`;
  t.equal((await host.send('faulty', `${base}/x HTTP/1.1\r\nX-A: b`)).status, 1);
  t.equal((await host.send('faulty', `${base}/?q=%0d%0aX-A:%20b`)).status, 0);
  t.equal((await host.send('faulty', `${base}/%0d%0aX-A:%20b`)).status, 0);
  t.same(seen, [
    ['/?q=%0d%0aX-A:%20b', undefined],
    ['/%0d%0aX-A:%20b', undefined],
  ]);
});

// ---- what comes back ---------------------------------------------------------------------------------------------------------

const HEAD = 'HTTP/1.1 200 OK\r\n';
const packed = gzipSync(Buffer.from('content of some length'));
const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 });
const gzip = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${HEAD}Content-Encoding: gzip\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]);

const ANSWERS: readonly (readonly [what: string, answer: string | Buffer, status: number])[] = [
  ['nothing', '', 4],
  ['half a status line', 'HTTP/1.', 4],
  ['another protocol', '220 mail.example.com ESMTP\r\n', 4],
  ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n', 4],
  ['a header line that is none', `${HEAD}no colon\r\n\r\n`, 4],
  ['a NUL in a header', `${HEAD}X-A: b\0c\r\n\r\n`, 4],
  ['half of its headers', `${HEAD}Content-Type: te`, 4],
  ['headers of a megabyte', `${HEAD}X-A: ${'b'.repeat(1 << 20)}\r\n\r\n`, 4],
  ['ten thousand headers', `${HEAD}${'X-A: some value\r\n'.repeat(10_000)}\r\n`, 4],
  ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`, 4],
  ['a length and chunks', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`, 4],
  ['a negative length', `${HEAD}Content-Length: -1\r\n\r\n`, 4],
  ['half of the body', `${HEAD}Content-Length: 100\r\n\r\nhalf`, 4],
  ['half of the chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`, 4],
  ['a chunk of no size', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n`, 4],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n', 4],
  ['half of a packed body', gzip(packed.subarray(0, -10)), 4],
  ['what only says that it is packed', gzip(Buffer.from('plain')), 4],
  ['a compressed bomb', gzip(bomb), 3],
  ['a length beyond the limit', `${HEAD}Content-Length: 2097153\r\n\r\n${'x'.repeat(2_097_153)}`, 3],
  ['a body without a length beyond the limit', `${HEAD}\r\n${'x'.repeat(2_097_153)}`, 3],
];

for (const [what, answer, status] of ANSWERS) {
  t.test(`a server that answers with ${what} is status ${status}`, async (t) => {
    const server = await serveBytes(t, answer);
    const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
    await besideBystanders(t, host, async () => {
      t.equal((await host.send('faulty', `http://a.example.com:${server.port}/`)).status, status);
    });
  });
}

t.test('a body without an end is status 3 at the limit', async (t) => {
  let closed = 0;
  const server = await serveHttp(t, (_request, response) => {
    const pump = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(64 * 1024), () => setImmediate(pump));
    };
    pump();
    response.on('close', () => {
      closed += 1;
    });
  });
  const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
  await besideBystanders(t, host, async () => {
    t.equal((await host.send('faulty', `http://a.example.com:${server.port}/`)).status, 3);
  });
  while (closed === 0) await new Promise(setImmediate);
  t.equal(closed, 1, 'the server is told');
});

const SILENCES: readonly (readonly [what: string, said: string, scheme: string])[] = [
  ['never finishes the handshake', '', 'https'],
  ['never answers', '', 'http'],
  ['stops within the headers', `${HEAD}X-A: `, 'http'],
  ['stops within the body', `${HEAD}Content-Length: 100\r\n\r\nhalf`, 'http'],
  ['stops within a redirect', `HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 100\r\n\r\nhalf`, 'http'],
  ['promises for ever', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), 'http'],
];

for (const [what, said, scheme] of SILENCES) {
  t.test(`a server that ${what} is status 4 when the time is over`, async (t) => {
    const server = await serveTcp(t, (socket) => socket.once('data', () => void socket.write(said)));
    const host = await faulty(t, ['http://a.example.com/', 'https://a.example.com/'], {
      ...REACHES_LOOPBACK,
      pluginNetwork: { faulty: { timeoutMs: 100 } },
    });
    await besideBystanders(t, host, async () => {
      t.match(await host.send('faulty', `${scheme}://a.example.com:${server.port}/`), {
        status: 4,
        error: { errorCode: 'HOST_CALL_INTERNAL_ERROR', fallback: /no response within 100 ms/ },
      });
    });
  });
}

t.test('a server that drips its body is status 4 when the time is over', async (t) => {
  const server = await serveTcp(t, (socket) => {
    socket.once('data', () => {
      socket.write(`${HEAD}Content-Length: 1000000\r\n\r\n`);
      const drip = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(drip));
    });
  });
  const host = await faulty(t, ['http://a.example.com/'], {
    ...REACHES_LOOPBACK,
    pluginNetwork: { faulty: { timeoutMs: 200 } },
  });
  await besideBystanders(t, host, async () => {
    t.match(await host.send('faulty', `http://a.example.com:${server.port}/`), {
      status: 4,
      error: { fallback: /no response within 200 ms/ },
    });
  });
});

t.test('a resolver that never answers is status 4 when the time is over', async (t) => {
  const host = await faulty(t, EVERYTHING, {
    pluginNetwork: { faulty: { timeoutMs: 50 } },
    resolve: () => new Promise(() => {}),
  });
  await besideBystanders(t, host, async () => {
    t.equal((await host.send('faulty', 'http://a.example.com/')).status, 4);
    t.equal((await host.send('faulty', 'http://a.example.com/')).status, 4);
  });
});

t.test('a second response that nobody asked for is given to nobody', async (t) => {
  const answer = (body: string) => `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;
  let count = 0;
  const server = await serveTcp(t, (socket) => {
    socket.on('data', () => {
      count += 1;
      socket.write(answer(`own${count}`) + answer('smuggled'));
    });
  });
  const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
  await besideBystanders(t, host, async () => {
    for (const expected of ['own1', 'own2', 'own3'])
      t.match(await host.send('faulty', `http://a.example.com:${server.port}/`), { status: 0, body: expected });
  });
});

t.test('a certificate for other names, or from nobody known, is status 4', async (t) => {
  const server = await serveHttp(t, (_request, response) => response.end('secret'), { tls: true });
  const host = await faulty(t, ['https://*'], REACHES_LOOPBACK);
  t.match(await host.send('faulty', `https://a.example.org:${server.port}/`), {
    status: 4,
    error: { fallback: /ERR_TLS_CERT_ALTNAME_INVALID/ },
  });
  t.match(await host.send('faulty', `https://a.example.com:${server.port}/`), { status: 0, body: 'secret' });
});

t.test('packed bodies are unpacked unseen, and left alone when the plugin asks for them', async (t) => {
  const server = await serveHttp(t, (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed),
  );
  const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
  const url = `http://a.example.com:${server.port}/`;
  const unseen = await host.send('faulty', url);
  t.equal(unseen.body, 'content of some length');
  t.equal(unseen.response.headers['Content-Encoding'], undefined);
  const raw = await host.send('faulty', url, { headers: { 'accept-encoding': 'gzip' } });
  t.ok(packed.equals(Buffer.from(raw.response.body)));
  t.equal(raw.response.headers['Content-Encoding'], 'gzip');
});

// ---- chance ------------------------------------------------------------------------------------------------------------------

/** Numbers that are the same on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let left = 1 + random(6); left > 0; left--) copy[random(copy.length)] = random(256);
  const from = random(copy.length);
  if (random(4) === 0) return copy.subarray(0, from);
  if (random(4) === 0) return Buffer.concat([copy, copy.subarray(from)]);
  return copy;
}

const PIECES = [
  'http',
  'https',
  'file',
  ':',
  '/',
  '//',
  '\\',
  '@',
  '#',
  '?',
  '%',
  '%2f',
  '%00',
  '.',
  '..',
  '127.0.0.1',
];
const MORE_PIECES = [
  '[::1]',
  '0x7f',
  '2130706433',
  'a.example.com',
  '.example.com',
  'localhost',
  ':80',
  ':0',
  ' ',
  '\n',
  'ⓔ',
  '\0',
];

t.test('calls of any bytes are answered with a status, and none of them reaches a private address', async (t) => {
  const host = await faulty(t, EVERYTHING, { resolve: () => ['127.0.0.1'] });
  const random = numbers(20_261_121);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  await besideBystanders(t, host, async () => {
    const opened = watchSockets(t);
    const seen = new Set<number>();
    for (let round = 0; round < 600; round++) {
      const text = Array.from({ length: 1 + random(8) }, () => pick([...PIECES, ...MORE_PIECES])).join('');
      const url = random(2) === 0 ? `http://${text}` : text;
      const payload = Buffer.from('\x0a\x04POST\x12\x0a\x0a\x03x-a\x12\x03y-z\x1a\x04body', 'latin1');
      const call = Buffer.from(callOf(url, random(2) === 0 ? payload : mutated(payload, random)));
      const outcome = await host.request('faulty', random(2) === 0 ? call : mutated(call, random));
      const body = outcome.ok ? Buffer.from(outcome.response.body) : Buffer.alloc(0);
      const status = body[0] === 0x08 ? (body[1] as number) : 0;
      seen.add(status);
      if (!outcome.ok || status < 1 || status > 4) t.fail(`round ${round}: ${status} for ${JSON.stringify(url)}`);
    }
    t.equal(opened(), 0);
    t.same([...seen].sort(), [1, 2, 3], 'the calls are of all kinds');
  });
});

t.test('answers of any bytes are a response or a status', async (t) => {
  const random = numbers(7);
  const answers = [
    Buffer.from(`${HEAD}Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody`),
    Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`),
    Buffer.from('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n'),
    gzip(packed),
  ];
  const server = await serveTcp(t, (socket) => {
    socket.once('data', () => socket.end(mutated(answers[random(answers.length)] as Buffer, random)));
  });
  const host = await faulty(t, ['http://a.example.com/'], REACHES_LOOPBACK);
  await besideBystanders(t, host, async () => {
    const seen = new Set<number>();
    for (let round = 0; round < 300; round++)
      seen.add((await host.send('faulty', `http://a.example.com:${server.port}/`)).status);
    t.same([...seen].sort(), [0, 1, 4]);
  });
});
