import t from 'tap';
import { redirectOf } from '../../../src/services/network/redirect.js';

const sent = (method: string, url = 'https://a.example.com/x/y?q=1') => ({
  method,
  url: new URL(url),
  headers: { authorization: 'Bearer 1', cookie: 'a=1', 'content-type': 'text/plain', 'x-key': 'k' },
  body: Buffer.from('body'),
});

for (const [status, method, next, keepsBody] of [
  [301, 'GET', 'GET', false],
  [302, 'POST', 'GET', false],
  [303, 'PUT', 'GET', false],
  [303, 'HEAD', 'HEAD', false],
  [307, 'POST', 'POST', true],
  [308, 'PUT', 'PUT', true],
] as const) {
  t.test(`${status} to a ${method} is followed with ${next}, ${keepsBody ? 'with' : 'without'} the body`, async (t) => {
    const hop = redirectOf(sent(method), { statusCode: status, headers: { Location: '/z' } });
    t.match(hop, { method: next, url: { href: 'https://a.example.com/z' } });
    t.equal(hop?.body.length, keepsBody ? 4 : 0);
    t.equal(hop?.headers['content-type'], keepsBody ? 'text/plain' : undefined);
    t.match(hop?.headers, { authorization: 'Bearer 1', cookie: 'a=1', 'x-key': 'k' });
  });
}

for (const location of [
  'https://b.example.com/',
  'http://a.example.com/',
  'https://a.example.com:444/',
  '//evil.test',
]) {
  t.test(`credentials are not taken to ${location}`, async (t) => {
    const hop = redirectOf(sent('POST'), { statusCode: 307, headers: { Location: location } });
    t.same(hop?.headers, { 'content-type': 'text/plain', 'x-key': 'k' });
  });
}

t.test('what is no redirect, or leads nowhere, is the answer', async (t) => {
  for (const statusCode of [200, 300, 304, 305, 306, 399, 404])
    t.equal(redirectOf(sent('GET'), { statusCode, headers: { Location: '/' } }), undefined, `${statusCode}`);
  t.equal(redirectOf(sent('GET'), { statusCode: 302, headers: {} }), undefined);
  t.equal(redirectOf(sent('GET'), { statusCode: 302, headers: { Location: '' } }), undefined);
});

t.test('a location that is no URL is status 4', async (t) => {
  t.throws(() => redirectOf(sent('GET'), { statusCode: 302, headers: { Location: 'http://[::1' } }), {
    status: 4,
    message: 'failed to parse Location header',
  });
});
