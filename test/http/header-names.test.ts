import t from 'tap';
import { canonicalHeaderName, isHeaderName, rememberingNames } from '../../src/http/header-names.js';

t.test('header names have the form that Go gives them', async (t) => {
  const cases: [name: string, canonical: string][] = [
    ['x-request-id', 'X-Request-Id'],
    ['X-REQUEST-ID', 'X-Request-Id'],
    ['host', 'Host'],
    ['http_client_ip', 'Http_client_ip'],
    ['-a--b-', '-A--B-'],
    ['wl-proxy-client-ip', 'Wl-Proxy-Client-Ip'],
    ['bad name', 'bad name'],
    ['', ''],
  ];
  for (const [name, canonical] of cases) t.equal(canonicalHeaderName(name), canonical, name);
});

t.test('only a token is a header name', async (t) => {
  for (const name of ['a', "x!#$%&'*+-.^_`|~9Z"]) t.equal(isHeaderName(name), true, name);
  for (const name of ['', 'a b', 'a:', 'é', 'a\n', '(a)']) t.equal(isHeaderName(name), false, name);
});

t.test('a name is worked out once, as long as there are not too many', async (t) => {
  const asked: string[] = [];
  const remembering = rememberingNames((name) => {
    asked.push(name);
    return name === 'none' ? '' : name.toUpperCase();
  });
  for (const name of ['a', 'none', 'a', 'none']) remembering(name);
  t.same(asked, ['a', 'none']);
  for (let i = 0; i < 2000; i++) t.equal(remembering(`x${i}`), `X${i}`);
  asked.length = 0;
  remembering('x1999');
  t.same(asked, ['x1999']);
});
