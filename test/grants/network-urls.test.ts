import t from 'tap';
import { grantAll } from '../../src/grants/grant.js';
import { compileUrlAccess, compileUrlPattern } from '../../src/grants/network-urls.js';

const CASES: readonly (readonly [pattern: string, url: string, allowed: boolean])[] = [
  ['https://*.example.com/api', 'https://foo.bar.example.com/api/orders?id=1', true],
  ['https://*.example.com/api', 'https://a.example.com/api', true],
  ['https://*.example.com/api', 'https://a.example.com/api/', true],
  ['https://*.example.com/api', 'https://a.example.com/api#part', true],
  ['https://*.example.com/api', 'HTTPS://A.EXAMPLE.COM/api', true],
  ['https://*.example.com/api', ' https://a.example.com/api ', true],
  ['https://*.example.com/api', 'https://user:password@a.example.com/api', true],
  ['https://*.example.com/api', 'https://a.example.com:8443/api', true],
  ['https://*.example.com/api', 'https://a.example.com/%61pi/x', true],
  ['https://*.example.com/api', 'https://example.com/api', false],
  ['https://*.example.com/api', 'http://a.example.com/api', false],
  ['https://*.example.com/api', 'https://a.example.com/apix', false],
  ['https://*.example.com/api', 'https://a.example.com/API', false],
  ['https://*.example.com/api', 'https://a.example.com/', false],
  ['https://*.example.com/api', 'https://a.example.com/api/../admin', false],
  ['https://*.example.com/api', 'https://a.example.com/api/%2e%2e/admin', false],
  ['https://*.example.com/api', 'https://a.example.com/api/..%2fadmin', false],
  ['https://*.example.com/api', 'https://a.example.com/admin/..%2fapi/x', false],
  ['https://*.example.com/api', 'https://a.example.com/api/%zz', false],
  ['https://*.example.com/api', 'https://evil.com\\.example.com/api', false],
  ['https://*.example.com/api', 'https://evil.com\\@a.example.com/api', false],
  ['https://*.example.com/api', 'https://a.example.com@evil.com/api', false],
  ['https://*.example.com/api', 'https://evil.com/.example.com/api', false],
  ['https://*.example.com/api', 'https://evil.com\t.example.com/api', false],
  ['https://*.example.com/api', 'https:a.example.com/api', false],
  ['https://*.example.com/api', 'a.example.com/api', false],
  ['https://*.example.com/api', '//a.example.com/api', false],
  ['https://*.example.com/api', '', false],
  ['https://api.example.com/v1', 'https://evil.example.com/v1/ping', false],
  ['https://api.example.com', 'https://api.example.com/anything/at?all=1', true],
  ['https://api.example.com/', 'https://api.example.com', true],
  ['https://api.example.com:443/', 'https://api.example.com/', false],
  ['https://api.example.com:443/', 'https://api.example.com:443/', true],
  ['https://api.example.com:443/', 'https://api.example.com:444/', false],
  ['https://api.example.com/a b', 'https://api.example.com/a%20b/c', true],
  ['http://[::1]:8080/', 'http://[::1]:8080/x', true],
  ['http://10.0.0.?/', 'http://10.0.0.1/', false],
  ['http://10.0.0.[0-9]/', 'http://10.0.0.7/', true],
  ['http://127.0.0.1/', 'http://0x7f000001/', false],
  ['https://*/', 'https://anything.example/', true],
  ['https://bücher.example/', 'https://bücher.example/', true],
  ['https://bücher.example/', 'https://xn--bcher-kva.example/', true],
  ['https://*.bücher.example/', 'https://a.bücher.example/', true],
  ['https://*.bücher.example/', 'https://a.xn--bcher-kva.example/', true],
  ['https://*.bücher.example/', 'https://a.bucher.example/', false],
  ['https://a.example.com/über', 'https://a.example.com/%C3%BCber/x', true],
  ['https://a.example.com/über', 'https://a.example.com/%FCber/x', false],
  ['https://a.example.com/api', 'https://a.example.com/api/%ff%fe', true],
  ['https://a.example.com/api', 'https://a.example.com/api/%2', false],
  ['https://xn--bcher-kva.example/', 'https://xn--bcher-kva.example/', true],
  ['https://xn--bcher-kva.example/', 'https://bücher.example/', false],
  ['https://a.example.com/', 'https://а.example.com/', false],
  ['https://a.example.com/', 'https://ａ.example.com/', false],
  ['https://a.example.com/', 'https://a.example.com./', false],
  ['http://127.1/', 'http://127.1/', true],
  ['http://127.1/', 'http://127.0.0.1/', true],
  ['http://127.1/', 'http://127.0.0.2/', false],
  ['http://[0:0:0:0:0:0:0:1]/', 'http://[0:0:0:0:0:0:0:1]/', true],
];

for (const [pattern, url, allowed] of CASES) {
  t.test(`a grant of ${pattern} ${allowed ? 'allows' : 'refuses'} "${url}"`, async (t) => {
    t.equal(compileUrlPattern(pattern)?.(url) === true, allowed);
  });
}

for (const pattern of ['', 'example.com', 'https://', 'https:///path', 'https://a b.com/', 'https://a.com:x/']) {
  t.test(`"${pattern}" is no URL and grants nothing`, async (t) => {
    t.equal(compileUrlPattern(pattern), undefined);
  });
}

const entry = (...urls: string[]) => ({
  owner: '',
  service: 'network',
  version: '',
  methods: ['request'],
  paths: [],
  tables: [],
  keys: [],
  resources: urls.map((ref) => ({ ref })),
});

for (const [pattern, url, access] of [
  ['http://127.0.0.1/', 'http://127.0.0.1:80/x', 'named'],
  ['http://[::1]/', 'http://[::1]/', 'named'],
  ['http://localhost/', 'http://LOCALHOST/', 'named'],
  ['http://localhost/a', 'http://localhost/b', 'refused'],
  ['http://127.0.0.?/', 'http://127.0.0.1/', 'refused'],
  ['http://127.0.0.[1]/', 'http://127.0.0.1/', 'granted'],
  ['http://127.*/', 'http://127.0.0.1/', 'granted'],
  ['http://127.1/', 'http://127.1/', 'granted'],
  ['http://127.1/', 'http://127.0.0.1/', 'granted'],
  ['http://localhost./', 'http://localhost./', 'granted'],
  ['http://a.localhost/', 'http://a.localhost/', 'granted'],
  ['http://inside.example.com/', 'http://inside.example.com/', 'granted'],
] as const) {
  t.test(`a grant of ${pattern} says of ${url}: ${access}`, async (t) => {
    t.equal(compileUrlAccess(grantAll('demo', [entry(pattern)]))(url), access);
  });
}

t.test('an address that is named stays so beside a wildcard, and nothing is granted without an entry', async (t) => {
  t.equal(compileUrlAccess(grantAll('demo', [entry('http://*/', 'http://10.0.0.1/')]))('http://10.0.0.1/'), 'named');
  t.equal(compileUrlAccess(grantAll('demo', []))('http://10.0.0.1/'), 'refused');
  t.equal(compileUrlAccess(grantAll('demo', [{ ...entry('http://*/'), owner: 'x' }]))('http://a.com/'), 'refused');
});
