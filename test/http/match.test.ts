import t from 'tap';
import type { Artifact } from '../../src/artifact/artifact.js';
import { compileRoutes, normaliseRoutePath, routeTableOf } from '../../src/http/match.js';
import { route } from './fakes.js';

/** Parameters of the match as a plain object, or undefined. */
function paramsOf(template: string, path: string): Record<string, string> | undefined {
  const hit = compileRoutes([route('GET', template)]).match('GET', path);
  return hit === undefined ? undefined : { ...hit.pathParams };
}

t.test('a template matches a path of the same segments and captures what stands at a name (R1–R4)', async (t) => {
  const cases: [id: string, template: string, path: string, params: Record<string, string> | undefined][] = [
    ['R1', '/a/{id}', '/a/7', { id: '7' }],
    ['R1', '/a/{id}', '/a/7/', { id: '7' }],
    ['R1', '/a/{id}', '/a', undefined],
    ['R1', '/a/{id}', '/a/7/b', undefined],
    ['R1', '/a/{id}', '/A/7', undefined],
    ['R2', '/a/{id}', '/a//', { id: '' }],
    ['R3', '/', '/', {}],
    ['R3', '/', '', {}],
    ['R4', '/{}', '/x', undefined],
    ['R4', '/{ }', '/x', undefined],
    ['R4', '/{}', '/{}', undefined],
    ['R4', '/a-{id}', '/a-7', undefined],
    ['R4', '/a-{id}', '/a-{id}', {}],
    ['names are trimmed', '/{ id }', '/7', { id: '7' }],
    ['the last of a name stays', '/{id}/{id}', '/1/2', { id: '2' }],
    ['a star is literal', '/*', '/a', undefined],
    ['a star is literal', '/*', '/*', {}],
    ['a template may lack its slash', 'a', '/a', {}],
    ['a template may end in one', '/a/', '/a', {}],
    ['only one trailing slash is forgiven', '/a', '/a//', undefined],
    ['names of object members are names', '/{toString}/{__proto__}', '/1/2', { toString: '1', ['__proto__']: '2' }],
  ];
  for (const [id, template, path, params] of cases)
    t.same(paramsOf(template, path), params, `${id}: ${template} ${path}`);
});

t.test('nothing below a plugin is reserved (R5)', async (t) => {
  const paths = ['/api/v2/summary', '/interface/m1/summary', '/graphql', '/'];
  const table = compileRoutes(paths.map((path) => route('GET', path)));
  for (const path of paths) t.equal(table.match('GET', path)?.contract.path, path);
});

t.test('the first contract in declared order wins, whatever the table looks like inside (R6)', async (t) => {
  const cases: [paths: string[], path: string, winner: string][] = [
    [['/a/{x}', '/a/b'], '/a/b', '/a/{x}'],
    [['/a/b', '/a/{x}'], '/a/b', '/a/b'],
    [['/{x}/b', '/a/b', '/a/{x}'], '/a/b', '/{x}/b'],
    [['/q/{x}', '/a/b', '/a/{x}'], '/a/b', '/a/b'],
    [['/a/{x}', '/{x}/{y}'], '/a/c', '/a/{x}'],
    [['/a', '/a/'], '/a', '/a'],
  ];
  for (const [paths, path, winner] of cases) {
    const table = compileRoutes(paths.map((one) => route('GET', one)));
    t.equal(table.match('GET', path)?.contract.path, winner, `${paths} for ${path}`);
  }
});

t.test('another verb is no match, and HEAD is not GET (R7)', async (t) => {
  const table = compileRoutes([route('GET', '/a'), route('PROPFIND', '/a')]);
  t.equal(table.match('POST', '/a'), undefined);
  t.equal(table.match('HEAD', '/a'), undefined);
  t.equal(table.match('PROPFIND', '/a')?.contract.method, 'PROPFIND');
});

t.test('both sides of a match are trimmed and get one leading slash', async (t) => {
  const cases: [path: string, normal: string][] = [
    ['', '/'],
    ['/', '/'],
    ['a', '/a'],
    [' /a/ ', '/a'],
    ['/a//', '/a/'],
    ['\u0085/a\u3000', '/a'],
    ['\ufeff/a', '/\ufeff/a'],
  ];
  for (const [path, normal] of cases) t.equal(normaliseRoutePath(path), normal, JSON.stringify(path));
});

t.test('the table of an artifact is built once', async (t) => {
  let reads = 0;
  const artifact = {
    get routes() {
      reads += 1;
      return [route('GET', '/a')];
    },
  } as unknown as Artifact;
  t.equal(routeTableOf(artifact), routeTableOf(artifact));
  t.equal(reads, 1);
});
