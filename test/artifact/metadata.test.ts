import t from 'tap';
import { parse, refused } from './refusal.js';

const ASSETS = { frontendAssets: { 'frontend/a.js': 'a', 'frontend/b.js': 'b' } };

t.test('B1 kind and ABI version are taken in any case', async (t) => {
  t.match(parse({ metadata: { runtimeKind: '', abiVersion: ' V1 ' } }).metadata, {
    runtimeKind: 'wasm',
    abiVersion: 'v1',
  });
});

t.test('B2 another ABI version is refused', async (t) => {
  refused(t, () => parse({ metadata: { abiVersion: 'v2' } }), 'ABI version is not supported: v2');
});

t.test('B3 an ABI version must be given', async (t) => {
  refused(t, () => parse({ metadata: { abiVersion: undefined } }), 'missing ABI version');
  refused(t, () => parse({ metadata: { abiVersion: ' ' } }), 'missing ABI version');
  refused(t, () => parse({ sections: { 'lina.plugin.dynamic': 'null' } }), 'missing ABI version');
});

t.test('another runtime kind is refused, before the ABI version is looked at', async (t) => {
  refused(t, () => parse({ metadata: { runtimeKind: 'js', abiVersion: '' } }), 'runtime kind must be wasm');
});

t.test('B4 C13 a count that does not match is refused with both numbers', async (t) => {
  const parts = { apidocI18n: { 'en-US': {} }, metadata: { apiDocI18nAssetCount: 2 } };
  refused(t, () => parse(parts), 'apidoc i18n');
  refused(t, () => parse(parts), 'metadata=2 actual=1');
});

t.test('B5 a count that is absent becomes the actual one', async (t) => {
  t.equal(parse(ASSETS).metadata.frontendAssetCount, 2);
});

t.test('a count of 0 or below says nothing', async (t) => {
  for (const frontendAssetCount of [0, -1, null]) {
    t.equal(parse({ ...ASSETS, metadata: { frontendAssetCount } }).metadata.frontendAssetCount, 2);
  }
});

/** Every family holds one item; SQL three, of which one is mock data. */
const ONE_OF_EACH = {
  frontendAssets: { 'frontend/a.js': 'a' },
  i18n: { 'en-US': {} },
  apidocI18n: { 'en-US': {} },
  installSql: { '001-a.sql': 'a' },
  uninstallSql: { '001-a.sql': 'a' },
  mockSql: { '001-a.sql': 'a' },
  manifestResources: { 'manifest/a': 'a' },
  routes: [{ path: '/a' }],
};

const FAMILIES: readonly (readonly [field: string, family: string, actual: number])[] = [
  ['sqlAssetCount', 'SQL asset', 3],
  ['mockSqlAssetCount', 'mock SQL asset', 1],
  ['frontendAssetCount', 'frontend asset', 1],
  ['i18nAssetCount', 'i18n asset', 1],
  ['apiDocI18nAssetCount', 'apidoc i18n asset', 1],
  ['manifestResourceCount', 'manifest resource', 1],
  ['routeCount', 'route', 1],
];

for (const [field, family, actual] of FAMILIES) {
  t.test(`${field} counts what is there`, async (t) => {
    t.match(parse({ ...ONE_OF_EACH, metadata: { [field]: actual } }).metadata, { [field]: actual });
    refused(
      t,
      () => parse({ ...ONE_OF_EACH, metadata: { [field]: 9 } }),
      `${family} count does not match: metadata=9 actual=${actual}`,
    );
  });
}

t.test('counts are compared in the order of the reference', async (t) => {
  FAMILIES.forEach(([, family], index) => {
    const metadata = Object.fromEntries(FAMILIES.slice(index).map(([field]) => [field, 9]));
    refused(t, () => parse({ ...ONE_OF_EACH, metadata }), `plugin ${family} count`);
  });
});

t.test('a count is an integer', async (t) => {
  const withCount = (count: string) =>
    parse({ ...ASSETS, sections: { 'lina.plugin.dynamic': `{"abiVersion":"v1","frontendAssetCount":${count}}` } });
  t.doesNotThrow(() => withCount('2'));
  for (const wrong of ['2.0', '2e0', '"2"', 'true', '[]', '{}']) {
    refused(t, () => withCount(wrong), 'frontendAssetCount must be an integer');
  }
  t.doesNotThrow(() => withCount('-9223372036854775808'));
  for (const beyond of ['9223372036854775808', '-9223372036854775809', '9'.repeat(100_000)]) {
    refused(t, () => withCount(beyond), 'frontendAssetCount is outside the range of integers');
  }
});
