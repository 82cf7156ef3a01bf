import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { closedPort } from '../closed-port.js';
import {
  LOOPBACK,
  type NetworkHostOptions,
  serveBytes,
  serveHttp,
  startNetworkHost,
  watchSockets,
} from '../network-host.js';

const GRANT = 'https://*.example.com/api';
const hex = (text: string) => Buffer.from(text, 'hex');
/** POST with `content-type: application/json` and `{"name":"ticket"}`. */
const POST = hex(
  '0a04504f535412200a0c636f6e74656e742d7479706512106170706c69636174696f6e2f6a736f6e1a117b226e616d65223a227469636b6574227d',
);

const demo = async (t: Parameters<typeof startNetworkHost>[0], urls: string[], options: NetworkHostOptions = {}) => {
  const host = startNetworkHost(t, { network: { allowedAddresses: LOOPBACK }, ...options });
  await host.permit('demo', urls);
  return host;
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}

t.test('29.4 #43 a POST to a granted URL comes back as the upstream answered it', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(
    t,
    async (request, response) => {
      seen.push([request.method, request.url, request.headers['content-type'], await bodyOf(request)]);
      response.sendDate = false;
      response.removeHeader('connection');
      response.writeHead(201, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
      response.end('{"ok":true}');
    },
    { tls: true },
  );
  const host = await demo(t, [GRANT]);
  const sent = await host.send('demo', `https://foo.bar.example.com:${server.port}/api/orders?id=1`, POST);
  t.same(seen, [['POST', '/api/orders?id=1', 'application/json', '{"name":"ticket"}']]);
  t.equal(
    sent.payload,
    [
      '08c901',
      '12200a0c436f6e74656e742d5479706512106170706c69636174696f6e2f6a736f6e',
      '1a0b7b226f6b223a747275657d',
      '22106170706c69636174696f6e2f6a736f6e',
    ].join(''),
  );
});

t.test('29.4 #43 the content type comes in lower case and without parameters, the header as it is', async (t) => {
  const server = await serveBytes(t, 'HTTP/1.1 200 OK\r\ncontent-TYPE: Text/HTML; charset=UTF-8\r\n\r\nx');
  const host = await demo(t, ['http://a.example.com']);
  const { response } = await host.send('demo', `http://a.example.com:${server.port}/`);
  t.same({ ...response.headers }, { 'Content-Type': 'Text/HTML; charset=UTF-8' });
  t.equal(response.contentType, 'text/html');
});

for (const target of ['https://evil.test/api', 'http://foo.example.com/api', 'https://foo.example.com/apix']) {
  t.test(`29.4 #44 #45 ${target} is not authorised, and nothing goes out`, async (t) => {
    const opened = watchSockets(t);
    const host = await demo(t, [GRANT]);
    const sent = await host.send('demo', target, POST);
    t.equal(sent.status, 1);
    t.equal(sent.error?.errorCode, 'HOST_CALL_CAPABILITY_DENIED');
    t.equal(
      sent.error?.fallback,
      `plugin demo is not authorized for host service network.request resource=${target} table=`,
    );
    t.same(host.lookups, []);
    t.equal(opened(), 0);
  });
}

const FORBIDDEN = [
  'connection',
  'content-length',
  'host',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
for (const name of FORBIDDEN) {
  t.test(`29.4 #46 the header ${name} is refused in any letter case`, async (t) => {
    const opened = watchSockets(t);
    const host = await demo(t, [GRANT]);
    for (const spelling of [name, name.toUpperCase(), ` ${name} `]) {
      const sent = await host.send('demo', 'https://a.example.com/api', { headers: { [spelling]: 'evil' } });
      t.equal(sent.status, 3);
      t.equal(sent.error?.errorCode, 'HOST_CALL_INVALID_REQUEST');
    }
    t.equal(opened(), 0);
  });
}

t.test('29.4 #46 the bytes of the conformance case are refused', async (t) => {
  const host = await demo(t, [GRANT]);
  const payload = hex('0a0347455412140a04486f7374120c6576696c2e6578616d706c65');
  t.equal((await host.send('demo', 'https://a.example.com/api', payload)).status, 3);
});

for (const status of [204, 400, 404, 500, 599]) {
  t.test(`29.4 #47 an upstream's ${status} is no error`, async (t) => {
    const server = await serveHttp(t, (_request, response) => response.writeHead(status).end());
    const host = await demo(t, ['http://a.example.com']);
    t.match(await host.send('demo', `http://a.example.com:${server.port}/`), {
      status: 0,
      response: { statusCode: status },
      body: '',
    });
  });
}

t.test('29.4 #48 a body of 2 MiB passes in both directions, one byte more is status 3', async (t) => {
  const MAX = 2 * 1024 * 1024;
  let received = 0;
  const server = await serveHttp(t, async (request, response) => {
    for await (const piece of request) received += (piece as Buffer).length;
    response.end(Buffer.alloc(Number(request.headers['x-bytes'] ?? 0)));
  });
  const host = await demo(t, ['http://a.example.com']);
  const url = `http://a.example.com:${server.port}/`;
  t.equal((await host.send('demo', url, { method: 'POST', body: Buffer.alloc(MAX) })).status, 0);
  t.equal(received, MAX);
  const refused = await host.send('demo', url, { method: 'POST', body: Buffer.alloc(MAX + 1) });
  t.match(refused, { status: 3, error: { fallback: 'network request body exceeds 2097152 bytes' } });
  t.equal(received, MAX, 'nothing of it was sent');
  const full = await host.send('demo', url, { headers: { 'x-bytes': `${MAX}` } });
  t.equal(full.response.body.length, MAX);
  const above = await host.send('demo', url, { headers: { 'x-bytes': `${MAX + 1}` } });
  t.match(above, { status: 3, error: { fallback: 'network response body exceeds 2097152 bytes' } });
});

t.test('29.4 #49 a refused connection, a silent upstream and an unknown name are status 4', async (t) => {
  const silent = await serveHttp(t, () => {});
  const host = await demo(t, ['http://*'], {
    pluginNetwork: { hasty: { timeoutMs: 50 } },
    resolve: (name) => (name === 'nowhere.example.com' ? [] : ['127.0.0.1']),
  });
  const refused = await host.send('demo', `http://a.example.com:${await closedPort(t)}/`);
  t.match(refused, { status: 4, error: { errorCode: 'HOST_CALL_INTERNAL_ERROR' } });
  await host.permit('hasty', ['http://*']);
  t.match(await host.send('hasty', `http://a.example.com:${silent.port}/`), {
    status: 4,
    error: { fallback: `network request to a.example.com:${silent.port} failed: no response within 50 ms` },
  });
  t.match(await host.send('demo', 'http://nowhere.example.com/'), {
    status: 4,
    error: { fallback: 'network request to nowhere.example.com failed: ENOTFOUND' },
  });
});

t.test('an absent method is GET, others are sent in upper case whatever the token', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(t, (request, response) => {
    seen.push(request.method);
    response.end();
  });
  const host = await demo(t, ['http://a.example.com']);
  for (const method of ['', ' ', 'post', 'Delete', 'PROPFIND', 'head']) {
    t.equal((await host.send('demo', `http://a.example.com:${server.port}/`, { method })).status, 0, method);
  }
  t.same(seen, ['GET', 'GET', 'POST', 'DELETE', 'PROPFIND', 'HEAD']);
});

t.test('any method may carry a body, and none is sent without one', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(t, async (request, response) => {
    seen.push([request.method, request.headers['content-length'], await bodyOf(request)]);
    response.end();
  });
  const host = await demo(t, ['http://a.example.com']);
  for (const method of ['GET', 'DELETE', 'PROPFIND', 'POST']) {
    t.equal(
      (await host.send('demo', `http://a.example.com:${server.port}/`, { method, body: Buffer.from('b') })).status,
      0,
    );
  }
  await host.send('demo', `http://a.example.com:${server.port}/`, { method: 'POST' });
  await host.send('demo', `http://a.example.com:${server.port}/`);
  t.same(seen, [
    ['GET', '1', 'b'],
    ['DELETE', '1', 'b'],
    ['PROPFIND', '1', 'b'],
    ['POST', '1', 'b'],
    ['POST', '0', ''],
    ['GET', undefined, ''],
  ]);
});

t.test('a host with other letters is reached by its grant, redirects included', async (t) => {
  const server = await serveHttp(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/next' }).end();
    else response.end(request.headers.host);
  });
  const host = await demo(t, ['http://*.bücher.example/']);
  const sent = await host.send('demo', `http://a.bücher.example:${server.port}/`);
  t.match(sent, { status: 0, body: `a.xn--bcher-kva.example:${server.port}` });
  t.same(host.lookups, ['a.xn--bcher-kva.example']);
});

t.test('the fragment stays at home, an empty path is the root, query and user-info go along', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(t, (request, response) => {
    seen.push([request.url, request.headers.authorization]);
    response.end();
  });
  const host = await demo(t, ['http://a.example.com']);
  await host.send('demo', `http://a.example.com:${server.port}#part`);
  await host.send('demo', `http://a.example.com:${server.port}/a%20b?q=1&q=2#part`);
  await host.send('demo', `http://me:se%40cret@a.example.com:${server.port}/`);
  const basic = `Basic ${Buffer.from('me:se@cret').toString('base64')}`;
  t.same(seen, [
    ['/', undefined],
    ['/a%20b?q=1&q=2', undefined],
    ['/', basic],
  ]);
});

t.test('headers go out as the bytes that they are, and the first value of each comes back', async (t) => {
  const seen: unknown[] = [];
  const server = await serveHttp(t, (request, response) => {
    seen.push(Buffer.from(request.headers['x-name'] as string, 'latin1').toString());
    response.writeHead(200, [
      ['x-two', 'first'],
      ['X-TWO', 'second'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    response.end();
  });
  const host = await demo(t, ['http://a.example.com']);
  const sent = await host.send('demo', `http://a.example.com:${server.port}/`, { headers: { 'X-Name': ' Grüße ' } });
  t.same(seen, ['Grüße']);
  t.match(sent.response.headers, { 'X-Two': 'first', 'Set-Cookie': 'a=1' });
});

t.test('a payload that is no message is status 3, and a host without network is status 4', async (t) => {
  const host = await demo(t, [GRANT]);
  t.equal((await host.send('demo', 'https://a.example.com/api', hex('0a05'))).status, 3);
  const bare = startNetworkHost(t, { environment: { network: undefined } });
  await bare.permit('demo', [GRANT]);
  t.match(await bare.send('demo', 'https://a.example.com/api'), {
    status: 4,
    error: { fallback: 'network host service is not scoped' },
  });
});
