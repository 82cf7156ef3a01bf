import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { authorize } from '../../src/registry/authorization.js';
import type { DependencyCheck } from '../../src/registry/dependencies.js';
import { differencesOf, hostServicesDiff, riskHints, type Side } from '../../src/registry/preview.js';
import { type ArtifactParts, buildArtifact } from '../artifact/build.js';

const artifactOf = (parts: ArtifactParts) => parseArtifact(buildArtifact(parts));

function sideOf(parts: ArtifactParts): Side {
  const artifact = artifactOf(parts);
  return { artifact, authorization: authorize({ requested: artifact.hostServices, grantUnreviewed: false }) };
}

// ---- parts -----------------------------------------------------------------------------------------------------------------

const route = (path: string, parts: object = {}) => ({ path, ...parts });
const asking = (path: string, permission: string) => ({ path, access: 'login', permission });
const menu = (name: string, title = name) => ({ key: `plugin:demo:${name}`, name: title, type: 'M', path: `/${name}` });
const mount = (mount: string, index: string) => ({ source: 'frontend/pages', mount, index });
const hook = (event: string) => ({ event, action: 'sleep', sleepMs: 1 });
const callback = (operation: string, timeoutMs: number) => ({
  operation,
  requestType: 'X',
  internalPath: `/__lifecycle/${operation}`,
  timeoutMs,
});
const PAGE = { 'frontend/pages/index.html': 'x', 'frontend/pages/other.html': 'x' };

/** What goes, what is other than before, and what is new, of each part of an artifact. */
const PARTS: readonly (readonly [
  part: keyof ReturnType<typeof differencesOf>,
  from: ArtifactParts,
  to: ArtifactParts,
  names: readonly [removed: string, changed: string, added: string],
])[] = [
  [
    'routes',
    { routes: [route('/old'), route('/same'), route('/other')] },
    { routes: [route('/new'), route('/same'), route('/other', { access: 'login' })] },
    ['GET /old', 'GET /other', 'GET /new'],
  ],
  [
    'menus',
    { manifest: { menus: [menu('old'), menu('same'), menu('other')] } },
    { manifest: { menus: [menu('new'), menu('same'), menu('other', 'Another')] } },
    ['plugin:demo:old', 'plugin:demo:other', 'plugin:demo:new'],
  ],
  [
    'assets',
    { frontendAssets: { 'frontend/pages/old': 'a', 'frontend/pages/same': 'a', 'frontend/pages/other': 'a' } },
    { frontendAssets: { 'frontend/pages/new': 'a', 'frontend/pages/same': 'a', 'frontend/pages/other': 'b' } },
    ['frontend/pages/old', 'frontend/pages/other', 'frontend/pages/new'],
  ],
  [
    'publicAssets',
    { frontendAssets: PAGE, manifest: { public_assets: [mount('old', 'index.html'), mount('a', 'index.html')] } },
    { frontendAssets: PAGE, manifest: { public_assets: [mount('new', 'index.html'), mount('a', 'other.html')] } },
    ['old', 'a', 'new'],
  ],
  [
    'installSql',
    { installSql: { '001-old.sql': 'SELECT 1', '002-same.sql': 'SELECT 1', '003-other.sql': 'SELECT 1' } },
    { installSql: { '002-same.sql': 'SELECT 1', '003-other.sql': 'SELECT 2', '004-new.sql': 'SELECT 1' } },
    ['001-old.sql', '003-other.sql', '004-new.sql'],
  ],
  [
    'uninstallSql',
    { uninstallSql: { '001-old.sql': 'SELECT 1', '003-other.sql': 'SELECT 1' } },
    { uninstallSql: { '003-other.sql': 'SELECT 2', '004-new.sql': 'SELECT 1' } },
    ['001-old.sql', '003-other.sql', '004-new.sql'],
  ],
  [
    'mockSql',
    { mockSql: { '001-old.sql': 'SELECT 1', '003-other.sql': 'SELECT 1' } },
    { mockSql: { '003-other.sql': 'SELECT 2', '004-new.sql': 'SELECT 1' } },
    ['001-old.sql', '003-other.sql', '004-new.sql'],
  ],
  [
    'manifestResources',
    { manifestResources: { 'manifest/old.txt': 'a', 'manifest/other.txt': 'a' } },
    { manifestResources: { 'manifest/new.txt': 'a', 'manifest/other.txt': 'b' } },
    ['manifest/old.txt', 'manifest/other.txt', 'manifest/new.txt'],
  ],
  [
    'languages',
    { i18n: { 'de-DE': { a: 'a' }, 'en-US': { a: 'a' } } },
    { i18n: { 'zh-CN': { a: 'a' }, 'en-US': { a: 'b' } } },
    ['de-DE', 'en-US', 'zh-CN'],
  ],
  [
    'lifecycle',
    { lifecycle: [callback('BeforeInstall', 1000), callback('BeforeUpgrade', 1000)] },
    { lifecycle: [callback('AfterInstall', 1000), callback('BeforeUpgrade', 2000)] },
    ['BeforeInstall', 'BeforeUpgrade', 'AfterInstall'],
  ],
];

for (const [part, from, to, [removed, changed, added]] of PARTS) {
  t.test(`a preview says which ${part} go, which are new, and which are other than before`, async (t) => {
    const before = artifactOf(from);
    t.same(differencesOf(before, artifactOf(to))[part], { added: [added], removed: [removed], changed: [changed] });
    t.same(differencesOf(before, before)[part], { added: [], removed: [], changed: [] });
  });
}

t.test('a permission is there as long as one route asks for it, whichever', async (t) => {
  const from = artifactOf({ routes: [asking('/a', 'demo:a:kept'), asking('/b', 'demo:a:old'), route('/c')] });
  const to = artifactOf({ routes: [asking('/b', 'demo:a:kept'), asking('/c', 'demo:a:new'), route('/a')] });
  t.same(differencesOf(from, to).permissions, { added: ['demo:a:new'], removed: ['demo:a:old'], changed: [] });
});

t.test('a hook that is declared otherwise is another hook', async (t) => {
  const from = artifactOf({ hooks: [hook('plugin.enabled'), hook('plugin.disabled')] });
  const to = artifactOf({ hooks: [hook('plugin.enabled'), { ...hook('plugin.disabled'), sleepMs: 2 }] });
  t.match(differencesOf(from, to).hooks, { added: [/"sleepMs":2/], removed: [/"sleepMs":1/], changed: [] });
});

t.test('the sizes of both files are told', async (t) => {
  const [small, large] = [buildArtifact(), buildArtifact({ mockSql: { '001-a.sql': 'SELECT 1' } })];
  t.match(differencesOf(parseArtifact(small), parseArtifact(large)), {
    fromSizeBytes: small.length,
    toSizeBytes: large.length,
  });
});

// ---- host services ---------------------------------------------------------------------------------------------------------

const storage = (methods: readonly string[], ...paths: string[]) => ({
  service: 'storage',
  methods,
  resources: { paths },
});
const network = (timeoutMs: number) => ({
  service: 'network',
  methods: ['request'],
  resources: [{ url: 'https://example.com/', timeoutMs }],
});
const RUNTIME = { service: 'runtime', methods: ['info.now'] };

const diffOf = (from: readonly unknown[], to: readonly unknown[]) =>
  hostServicesDiff(sideOf({ hostServices: from }), sideOf({ hostServices: to }));

t.test('a service that is asked for otherwise is shown with both sides', async (t) => {
  t.same(diffOf([storage(['get'], 'a/')], [storage(['get', 'put'], 'a/', 'b/')]), {
    added: [],
    removed: [],
    changed: [
      {
        service: 'storage',
        fromMethods: ['get'],
        toMethods: ['get', 'put'],
        fromResourceCount: 0,
        toResourceCount: 0,
        fromPaths: ['a/'],
        toPaths: ['a/', 'b/'],
      },
    ],
    authorizationRequired: true,
    authorizationChanged: true,
  });
});

t.test(
  'services that come and go are told; the order of a list and the limits of a resource change nothing',
  async (t) => {
    t.match(diffOf([storage(['get'], 'a/')], [RUNTIME]), {
      added: [{ service: 'runtime', toMethods: ['info.now'] }],
      removed: [{ service: 'storage', fromPaths: ['a/'] }],
      changed: [],
      authorizationRequired: false,
      authorizationChanged: true,
    });
    t.match(diffOf([storage(['get', 'put'], 'a/', 'b/')], [storage(['put', 'get'], 'b/', 'a/')]), {
      changed: [],
      authorizationRequired: true,
      authorizationChanged: false,
    });
    t.match(diffOf([network(1000)], [network(2000)]), { changed: [], authorizationChanged: false });
  },
);

// ---- risks -----------------------------------------------------------------------------------------------------------------

const FREE = { blockers: [], reverseBlockers: [] } as unknown as DependencyCheck;
const SOMETHING = [{ code: 'dependency_missing' }] as unknown as DependencyCheck['blockers'];
const SELECT = { '001-a.sql': 'SELECT 1' };
const SQL_REVIEW = 'plugin.runtimeUpgrade.risk.upgradeSqlRequiresReview';
const MOCK = 'plugin.runtimeUpgrade.risk.mockSqlExcluded';
const CONSENT = 'plugin.runtimeUpgrade.risk.hostServiceAuthorizationChanged';
const PAGES = 'plugin.runtimeUpgrade.risk.pagesInvalid';
const OLD_PAGE = { key: 'plugin:demo:page', name: 'Page', type: 'M', path: '/x-assets/demo/v0.0.9/index.html' };
const BLOCKED = 'plugin.runtimeUpgrade.risk.dependencyBlockers';
const SCOPED = { hostServices: [storage(['get'], 'a/')] };

const RISKS: readonly (readonly [
  what: string,
  from: ArtifactParts,
  to: ArtifactParts,
  check: DependencyCheck,
  hints: readonly string[],
])[] = [
  ['nothing', {}, {}, FREE, []],
  ['SQL that the upgrade runs', {}, { installSql: SELECT }, FREE, [SQL_REVIEW]],
  ['SQL of an uninstallation', {}, { uninstallSql: SELECT }, FREE, [SQL_REVIEW]],
  ['mock data, which no upgrade loads', {}, { mockSql: SELECT }, FREE, [SQL_REVIEW, MOCK]],
  ['SQL that is gone', { installSql: SELECT }, {}, FREE, []],
  ['another request, even one that needs no consent', {}, { hostServices: [RUNTIME] }, FREE, [CONSENT]],
  ['a consent that is needed, even the same as before', SCOPED, SCOPED, FREE, [CONSENT]],
  ['services that are given back', SCOPED, {}, FREE, [CONSENT]],
  ['what it needs and does not find', {}, {}, { ...FREE, blockers: SOMETHING }, [BLOCKED]],
  ['who needs it as it is', {}, {}, { ...FREE, reverseBlockers: SOMETHING }, [BLOCKED]],
  ['a page of another version', {}, { manifest: { menus: [OLD_PAGE] } }, FREE, [PAGES]],
];

for (const [what, from, to, check, hints] of RISKS) {
  t.test(`the risk of ${what} is ${hints.length === 0 ? 'none' : 'told'}`, async (t) => {
    const [before, after] = [sideOf(from), sideOf(to)];
    t.same(riskHints(after, hostServicesDiff(before, after), check), hints);
  });
}
