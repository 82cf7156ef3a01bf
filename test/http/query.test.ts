import t from 'tap';
import { type Parameter, parsePairs, parseParameters, QueryProblem, unescapeQuery } from '../../src/http/query.js';

t.test('pairs are read as Go reads a query', async (t) => {
  const cases: [query: string, values: Record<string, string[]>][] = [
    ['a=1&a=2&b=%20+x', { a: ['1', '2'], b: ['  x'] }],
    ['k', { k: [''] }],
    ['k=', { k: [''] }],
    ['=v', { '': ['v'] }],
    ['a=1;b=2&c', { c: [''] }],
    ['a=%zz&b=1', { b: ['1'] }],
    ['%zz', {}],
    ['a=b=c', { a: ['b=c'] }],
    ['&&a=1&', { a: ['1'] }],
    ['%E4%B8%AD=\xe4\xb8\xad', { 中: ['中'] }],
    ['toString=1&__proto__=2', { toString: ['1'], ['__proto__']: ['2'] }],
  ];
  for (const [query, values] of cases) t.same({ ...parsePairs(query) }, values, query);
});

t.test('the first reason why a pair was dropped is told, a semicolon before all', async (t) => {
  const reasonOf = (query: string): string | undefined => {
    let reason: string | undefined;
    parsePairs(query, (text) => {
      reason = text;
    });
    return reason;
  };
  t.equal(reasonOf('a=1&b=2'), undefined);
  t.equal(reasonOf('a=%zz&b=%1'), 'invalid URL escape "%zz"');
  t.equal(reasonOf('a=%zz&b;c'), 'invalid semicolon separator in query');
  t.equal(reasonOf(`a${'&a'.repeat(10_000)}`), 'number of URL query parameters exceeded limit');
  t.equal(reasonOf(`a${'&a'.repeat(9_999)}`), undefined);
});

t.test('a broken escape is quoted as Go quotes it', async (t) => {
  const cases: [text: string, message: string][] = [
    ['%', 'invalid URL escape "%"'],
    ['a%1', 'invalid URL escape "%1"'],
    ['%zzz', 'invalid URL escape "%zz"'],
    ['%"x', 'invalid URL escape "%\\"x"'],
  ];
  for (const [text, message] of cases) t.throws(() => unescapeQuery(text), new QueryProblem(message), text);
});

/** Maps as objects, for reading. */
function plain(parameter: Parameter): unknown {
  if (typeof parameter === 'string') return parameter;
  if (Array.isArray(parameter)) return parameter.map(plain);
  return Object.fromEntries([...parameter].map(([key, value]) => [key, plain(value)]));
}

t.test('brackets nest parameters as the framework nests them', async (t) => {
  const cases: [query: string, parameters: unknown][] = [
    ['v1=m&v2=n', { v1: 'm', v2: 'n' }],
    ['v[a]=m&v[b]=n', { v: { a: 'm', b: 'n' } }],
    ['v[a][a]=m&v[a][b]=n', { v: { a: { a: 'm', b: 'n' } } }],
    ['v[]=m&v[]=n', { v: ['m', 'n'] }],
    ['v[a][]=m&v[a][]=n', { v: { a: ['m', 'n'] } }],
    ['v[][a]=1&v[][b]=2&v[][a]=3', { v: [{ a: '1', b: '2' }, { a: '3' }] }],
    ['a.b c=1', { a_b_c: '1' }],
    ['a[b=1', { a_b: '1' }],
    ['a[b]c[d]=1', { a: { b: '1' } }],
    ["'a'=1", { a: '1' }],
    ['[a]=1&=2&k', {}],
    ['+a=1', { a: '1' }],
    ['a=1&a=2', { a: '2' }],
  ];
  for (const [query, parameters] of cases) t.same(plain(parseParameters(query)), parameters, query);
});

t.test('a name cannot have two shapes, and an escape cannot be broken', async (t) => {
  const cases: [query: string, message: string][] = [
    ['q=1&q[a]=2', "expected type 'map[string]any' for key 'q', but got 'string'"],
    ['q[]=1&q[a]=2', "expected type 'map[string]any' for key 'q', but got '[]interface {}'"],
    ['q=1&q[]=2', "expected type '[]any' for key 'q', but got 'string'"],
    ['a[b]=1&a[]=2', "expected type '[]any' for key 'a', but got 'map[string]interface {}'"],
    ['a[b]=1&a[b][c]=2', "expected type 'map[string]any' for key 'b', but got 'string'"],
    ['q=%zz', 'url.QueryUnescape failed for string "%zz": invalid URL escape "%zz"'],
    ['%q=1', 'url.QueryUnescape failed for string "%q": invalid URL escape "%q"'],
    [`a=1${'&a=1'.repeat(10_000)}`, 'number of URL query parameters exceeded limit'],
  ];
  for (const [query, message] of cases) {
    t.throws(() => parseParameters(query), new QueryProblem(message), query.slice(0, 40));
  }
  t.same(plain(parseParameters('%zz')), {}, 'a name without a value is not looked at');
});
