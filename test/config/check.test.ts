import t from 'tap';
import { Value } from 'typebox/value';
import { nearest, readSettings } from '../../src/config/check.js';
import { CONFIG_SHAPE, SETTINGS } from '../../src/config/schema.js';

t.test('a near miss is recognised, a different word is not', async (t) => {
  const words = ['maxThreads', 'minThreads', 'host', 'port'];
  const cases: [word: string, meant: string | undefined][] = [
    ['maxthreads', 'maxThreads'],
    ['maxThread', 'maxThreads'],
    ['hst', 'host'],
    ['hsot', 'host'],
    ['max', 'maxThreads'],
    ['p', undefined],
    ['colour', undefined],
    ['', undefined],
  ];
  for (const [word, meant] of cases) t.equal(nearest(word, words), meant, word);
});

t.test('a setting holds exactly when its JSON schema holds', async (t) => {
  const values = [
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    5000,
    1e9,
    1e99,
    '',
    'auto',
    'warm',
    '/admin',
    '/x',
    '/x/y',
    'a'.repeat(40),
    [],
    ['a'],
    [1],
    {},
  ];
  for (const { path } of SETTINGS) {
    const keys = path.replace('<plugin-id>', 'acme').split('.');
    for (const value of values) {
      const tree = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
      const holds = Value.Check(partial(CONFIG_SHAPE) as object, tree);
      t.equal(readSettings(tree).misfits.length === 0, holds, `${path}: ${JSON.stringify(value)}`);
    }
  }
});

/** The schema without the demand that every section and setting is there. */
function partial(schema: typeof CONFIG_SHAPE): typeof CONFIG_SHAPE {
  const { required: _, ...rest } = schema;
  if (!schema.properties) return schema;
  const properties = Object.entries(schema.properties).map(([key, inner]) => [key, partial(inner)]);
  return { ...rest, properties: Object.fromEntries(properties) };
}
