import t from 'tap';
import { parse, refused } from './refusal.js';

type Route = Readonly<Record<string, unknown>>;
const LOGIN = { path: '/a', access: 'login' };
const declare = (...routes: Route[]) => parse({ routes }).routes;
const one = (route: Route) => declare(route)[0];

const REFUSED: readonly (readonly [why: string, route: Route, fragment: string])[] = [
  ['without path', {}, 'path cannot be empty'],
  ['with a blank path', { path: ' ' }, 'path cannot be empty'],
  ['with a relative path', { path: 'a' }, 'must start with /'],
  ['without method', { path: '/a', method: ' ' }, 'method cannot be empty'],
  ['without request type', { path: '/a', requestType: '' }, 'requestType cannot be empty'],
  [
    'R8 that is public and asks for a permission',
    { path: '/a', permission: 'demo:a:b' },
    'public dynamic route cannot declare permission',
  ],
  [
    'R8 that is public and asks for nonsense',
    { path: '/a', permission: 'x' },
    'public dynamic route cannot declare permission',
  ],
  ['R8 with a permission of two parts', { ...LOGIN, permission: 'demo:x' }, 'must use {pluginId}:{resource}:{action}'],
  [
    'with a permission of four parts',
    { ...LOGIN, permission: 'demo:a:b:c' },
    'must use {pluginId}:{resource}:{action}',
  ],
  ['R8 with a permission of another plugin', { ...LOGIN, permission: 'other:a:b' }, 'must start with prefix demo'],
  ['with an empty part in its permission', { ...LOGIN, permission: 'demo: :b' }, 'cannot be empty'],
  ['with another access', { path: '/a', access: 'admin' }, 'only supports public/login'],
];

for (const [why, route, fragment] of REFUSED) {
  t.test(`a route ${why} is refused`, async (t) => refused(t, () => declare(route), fragment));
}

t.test('R9 a route without access asks for a login', async (t) => {
  t.equal(one({ path: '/a', access: '' })?.access, 'login');
  t.equal(one({ path: '/a', access: undefined })?.access, 'login');
  t.equal(one({ path: '/a', access: ' PUBLIC ' })?.access, 'public');
});

t.test('a route has a normal form', async (t) => {
  const route = {
    path: ' /a/{id} ',
    method: ' post ',
    tags: [' x ', ' ', 'y'],
    summary: ' s ',
    description: ' d ',
    access: 'login',
    permission: ' demo:a:add ',
    meta: { ' operLog ': ' create ', ' ': 'x', empty: ' ' },
    requestType: ' Req ',
  };
  t.same(one(route), {
    path: '/a/{id}',
    method: 'POST',
    tags: ['x', 'y'],
    summary: 's',
    description: 'd',
    access: 'login',
    permission: 'demo:a:add',
    meta: { operLog: 'create' },
    requestType: 'Req',
  });
});

t.test('R5 no path is reserved, and any method goes', async (t) => {
  const paths = ['/api/v2/summary', '/interface/m1/summary', '/graphql', '/', '/{}', '/a-{id}'];
  t.same(
    declare(...paths.map((path) => ({ path, method: 'purge' }))).map(({ path }) => path),
    paths,
  );
});

t.test('R6 routes keep the order in which they are declared', async (t) => {
  t.same(
    declare({ path: '/b/{x}' }, { path: '/b/a' }, { path: '/a' }).map(({ path }) => path),
    ['/b/{x}', '/b/a', '/a'],
  );
});

t.test('a method and a path stand once', async (t) => {
  refused(t, () => declare({ path: '/a' }, { path: ' /a', method: 'get' }), 'cannot be duplicated: GET /a');
  t.doesNotThrow(() => declare({ path: '/a' }, { path: '/a', method: 'POST' }, { path: '/A' }, { path: '/a/' }));
});

t.test('a mark named __proto__ is a mark', async (t) => {
  const json = '[{"path":"/a","method":"GET","requestType":"R","meta":{"__proto__":"x"}}]';
  const [route] = parse({ sections: { 'lina.plugin.backend.routes': json } }).routes;
  t.same(Object.entries(route?.meta ?? {}), [['__proto__', 'x']]);
});
