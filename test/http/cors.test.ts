import t from 'tap';
import { corsHeaders } from '../../src/http/cors.js';

const ALLOWED = 'Origin,Content-Type,Accept,User-Agent,Cookie,Authorization,X-Auth-Token,X-Requested-With';

t.test('every answer allows everything', async (t) => {
  t.same(corsHeaders({}), [
    ...['Access-Control-Allow-Origin', '*'],
    ...['Access-Control-Allow-Credentials', 'true'],
    ...['Access-Control-Max-Age', '3628800'],
    ...['Access-Control-Allow-Methods', 'GET,PUT,POST,DELETE,PATCH,HEAD,CONNECT,OPTIONS,TRACE'],
    ...['Access-Control-Allow-Headers', ALLOWED],
  ]);
});

t.test('the origin is that of the request, else that of the page it comes from', async (t) => {
  const cases: [headers: Record<string, string>, origin: string][] = [
    [{ origin: 'http://a' }, 'http://a'],
    [{ origin: 'null' }, 'null'],
    [{ origin: 'http://a', referer: 'http://b/c' }, 'http://a'],
    [{ origin: '', referer: 'http://b/' }, 'http://b'],
    [{ referer: 'HTTPS://user:word@b:8080/c?d' }, 'https://b:8080'],
    [{ referer: 'nonsense' }, '*'],
    [{ referer: '/c' }, '*'],
  ];
  for (const [headers, origin] of cases) t.equal(corsHeaders(headers)[1], origin, JSON.stringify(headers));
});

t.test('headers that the browser asks for are added to the known ones', async (t) => {
  const allowed = (requested: string): string | undefined =>
    corsHeaders({ 'access-control-request-headers': requested })[9];
  t.equal(allowed('X-A, content-type,,X-B'), `${ALLOWED},X-A,content-type,X-B`);
  t.equal(allowed('Cookie, Accept'), ALLOWED);
});
