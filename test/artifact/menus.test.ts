import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { buildArtifact } from './build.js';
import { refused, upload } from './refusal.js';

type Menu = Readonly<Record<string, unknown>>;
const MENU = { key: 'plugin:demo:a', name: 'A' };
const accept = (...menus: (Menu | null)[]) => upload({ manifest: { menus } });
const menusOf = (...menus: Menu[]) => parseArtifact(buildArtifact({ manifest: { menus } })).manifest.menus;

t.test('a menu has defaults', async (t) => {
  t.same(menusOf({ key: ' plugin:demo:a ', name: ' A ' }), [
    {
      key: 'plugin:demo:a',
      parentKey: '',
      name: 'A',
      path: '',
      component: '',
      perms: '',
      icon: '',
      type: 'M',
      sort: 0,
      visible: 1,
      status: 1,
      isFrame: 0,
      isCache: 0,
      queryParam: '',
      remark: '',
    },
  ]);
});

t.test('artifact.md C16 a menu stands in the namespace of its plugin', async (t) => {
  refused(t, () => accept({ ...MENU, key: 'plugin:other:x' }), 'must use current plugin prefix plugin:demo:');
});

const REFUSED: readonly (readonly [why: string, menu: Menu | null, fragment: string])[] = [
  ['null', null, 'cannot be nil'],
  ['without key', { name: 'A' }, 'missing key'],
  ['without name', { key: 'plugin:demo:a', name: ' ' }, 'missing name'],
  ['of another type', { ...MENU, type: 'X' }, 'only supports D/M/B'],
  ['below itself', { ...MENU, parent_key: ' plugin:demo:a' }, 'cannot point to itself'],
  ['half visible', { ...MENU, visible: 2 }, 'visible: only 0 or 1 is supported'],
  ['of status -1', { ...MENU, status: -1 }, 'status: only 0 or 1 is supported'],
  ['framed twice', { ...MENU, is_frame: 2 }, 'is_frame: only 0 or 1 is supported'],
  ['cached twice', { ...MENU, is_cache: 2 }, 'is_cache: only 0 or 1 is supported'],
  ['with a query that is no object text', { ...MENU, query_param: 'a=1' }, 'query_param'],
  ['with an array as query', { ...MENU, query_param: '[]' }, 'query_param'],
  [
    'below a menu that is missing',
    { ...MENU, parent_key: 'plugin:demo:b' },
    'references undeclared parent_key plugin:demo:b',
  ],
];

for (const [why, menu, fragment] of REFUSED) {
  t.test(`a menu ${why} is refused`, async (t) => refused(t, () => accept(menu), fragment));
}

t.test('a key is used once', async (t) => refused(t, () => accept(MENU, MENU), 'duplicated'));

t.test('rules of a menu are applied in order', async (t) => {
  const broken: readonly (readonly [fields: Menu, fragment: string])[] = [
    [{ name: '' }, 'missing name'],
    [{ type: 'X' }, 'only supports D/M/B'],
    [{ parent_key: 'x' }, 'cannot point to itself'],
    [{ key: 'x' }, 'must use current plugin prefix'],
  ];
  broken.forEach(([, fragment], index) => {
    const fields = Object.assign({ name: 'A' }, ...broken.slice(index).map(([fields]) => fields), { key: 'x' });
    refused(t, () => accept(fields), fragment);
  });
});

t.test('types are taken in any case', async (t) => {
  t.same(
    menusOf({ ...MENU, type: ' d ' }, { ...MENU, key: 'plugin:demo:b', type: 'b' }).map(({ type }) => type),
    ['D', 'B'],
  );
});

t.test('a parent may be declared later, or be a menu of the host', async (t) => {
  const child = { ...MENU, parent_key: 'plugin:demo:b' };
  t.doesNotThrow(() => accept(child, { key: 'plugin:demo:b', name: 'B' }));
  t.doesNotThrow(() => accept({ ...MENU, parent_key: 'extension' }));
});

t.test('a query is kept as sorted JSON text, and query_param wins over it', async (t) => {
  t.equal(menusOf({ ...MENU, query: { b: 1, a: '<' } })[0]?.queryParam, '{"a":"\\u003c","b":1}');
  t.equal(menusOf({ ...MENU, query: { b: 1 }, query_param: ' {"c":2} ' })[0]?.queryParam, '{"c":2}');
  refused(t, () => menusOf({ ...MENU, query: 'a=1' }), 'query must be an object');
});
