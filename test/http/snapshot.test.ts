import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { readCookies, readHeaders, readQueryValues, takeSnapshot } from '../../src/http/snapshot.js';

t.test('headers are canonical, all values in order, without Authorization and Host (R20)', async (t) => {
  const raw = ['Host', 'h', 'x-a', '1', 'authorization', 'Bearer x', 'X-A', '2', 'cookie', 'a=1; a=2', 'X-Empty', ''];
  t.same({ ...readHeaders(raw) }, { 'X-A': ['1', '2'], Cookie: ['a=1; a=2'], 'X-Empty': [''] });
  t.same({ ...readCookies(['a=1; a=2']) }, { a: '2' });
});

t.test('what belongs to the transfer stays with the host, as in Go', async (t) => {
  const raw = ['Transfer-Encoding', 'chunked', 'Trailer', 'X-T', 'Content-Length', '3', 'Connection', 'close'];
  t.same({ ...readHeaders(raw) }, { 'Content-Length': ['3'], Connection: ['close'] });
});

t.test('Pragma: no-cache is also said in today’s words', async (t) => {
  t.same({ ...readHeaders(['pragma', 'no-cache']) }, { Pragma: ['no-cache'], 'Cache-Control': ['no-cache'] });
  t.same(readHeaders(['Pragma', 'no-cache', 'Cache-Control', 'x'])['Cache-Control'], ['x']);
  t.equal(readHeaders(['Pragma', 'x'])['Cache-Control'], undefined);
});

t.test('header bytes beyond ASCII are UTF-8', async (t) => {
  t.same(readHeaders(['X-U', '\xe4\xb8\xad', 'X-L', '\xe9'])['X-U'], ['中']);
  t.same(readHeaders(['X-L', '\xe9'])['X-L'], ['\ufffd']);
});

t.test('names of object members are names like any other', async (t) => {
  const headers = readHeaders(['__proto__', 'x', 'toString', 'y', 'constructor', 'z']);
  t.same(Object.keys(headers), ['__proto__', 'Tostring', 'Constructor']);
  t.same(Object.entries(readCookies(['__proto__=1; toString=2'])), [
    ['__proto__', '1'],
    ['toString', '2'],
  ]);
});

t.test('cookies are read as Go reads them, over all lines', async (t) => {
  const cases: [lines: string[], cookies: Record<string, string>][] = [
    [['a=1', 'a=2; b=3'], { a: '2', b: '3' }],
    [['a=1; b="q'], { a: '1' }],
    [['a="x y"; c; =d; e f=1; i=a,b; j=""'], { a: 'x y', c: '', i: 'a,b', j: '' }],
    [['a=\xff; b=x\\y; c=x"y; d= z '], { d: ' z' }],
    [['a=b=c;;  ;d=1'], { a: 'b=c', d: '1' }],
  ];
  for (const [lines, cookies] of cases) t.same({ ...readCookies(lines) }, cookies, lines.join('|'));
});

t.test('a query is all its pairs, and an empty one costs nothing', async (t) => {
  t.same({ ...readQueryValues('a=1&a=2&k') }, { a: ['1', '2'], k: [''] });
  t.equal(readQueryValues(''), readQueryValues(''));
});

interface Peer {
  readonly ip?: string;
  readonly raw?: string[];
  readonly trustProxy?: boolean;
}

function snapshotOf({ ip = '192.0.2.7', raw = [], trustProxy = false }: Peer): ReturnType<typeof takeSnapshot> {
  const socket = { remoteAddress: ip, remotePort: 5 };
  const request = { method: 'GET', rawHeaders: raw, headers: { host: 'h:1' }, socket } as unknown as IncomingMessage;
  const target = { path: '/x/p/a', rawQuery: '', scheme: '', host: '' };
  const path = { publicPath: '/x/p/a', pluginId: 'p', internalPath: '/a' };
  return takeSnapshot(request, target, path, Buffer.alloc(0), trustProxy);
}

t.test('the peer is named by address and port', async (t) => {
  const cases: [ip: string, remoteAddr: string, clientIp: string][] = [
    ['192.0.2.7', '192.0.2.7:5', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7:5', '192.0.2.7'],
    ['2001:db8::1', '[2001:db8::1]:5', '2001:db8::1'],
    ['', '', ''],
  ];
  for (const [ip, remoteAddr, clientIp] of cases) t.match(snapshotOf({ ip }), { remoteAddr, clientIp }, ip);
});

t.test('forwarding headers name the client only behind a trusted proxy', async (t) => {
  const cases: [raw: string[], clientIp: string][] = [
    [['X-Forwarded-For', '1.1.1.1, 2.2.2.2', 'X-Real-IP', '3'], '1.1.1.1'],
    [['X-Forwarded-For', 'Unknown', 'X-Real-IP', '3'], '3'],
    [['X-Forwarded-For', ',1', 'Proxy-Client-IP', '9'], '9'],
    [['WL-Proxy-Client-IP', '8', 'X-Real-IP', '3'], '8'],
    [['HTTP_CLIENT_IP', '7', 'HTTP_X_FORWARDED_FOR', '6'], '7'],
    [['HTTP_X_FORWARDED_FOR', '6', 'X-Real-IP', '3'], '6'],
    [['X-Real-IP', ''], '192.0.2.7'],
    [[], '192.0.2.7'],
  ];
  for (const [raw, clientIp] of cases) {
    t.equal(snapshotOf({ raw, trustProxy: true }).clientIp, clientIp, raw.join(' '));
    t.equal(snapshotOf({ raw, trustProxy: false }).clientIp, '192.0.2.7', raw.join(' '));
  }
});
