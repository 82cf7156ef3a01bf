import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

const cwd = t.testdir({});
const nothing = { added: [], removed: [], changed: [] };
const differences = {
  routes: { added: ['GET /new'], removed: ['GET /old'], changed: ['POST /notes'] },
  permissions: nothing,
  menus: { ...nothing, added: ['plugin:acme:list'] },
  assets: nothing,
  publicAssets: nothing,
  installSql: { ...nothing, changed: ['001-notes.sql'] },
  uninstallSql: nothing,
  mockSql: nothing,
  manifestResources: nothing,
  languages: nothing,
  hooks: nothing,
  lifecycle: nothing,
  fromSizeBytes: 1024,
  toSizeBytes: 1600,
};
const hostServicesDiff = {
  added: [{ service: 'storage', toMethods: ['get'], toPaths: ['a/'] }],
  removed: [{ owner: 'other', service: 'crm', version: 'v1', fromMethods: ['find'], fromResourceRefs: ['x'] }],
  changed: [{ service: 'data', fromMethods: ['list'], toMethods: ['get', 'list'], fromTables: ['t'], toTables: ['t'] }],
};
const dependencyCheck = { blockers: [{ detail: 'acme needs base' }], reverseBlockers: [] };
const upgrade = {
  pluginId: 'acme',
  runtimeState: 'upgrade_failed',
  effectiveVersion: 'v0.1.0',
  discoveredVersion: 'v0.2.0',
  riskHints: ['plugin.runtimeUpgrade.risk.upgradeSqlRequiresReview', 'plugin.other'],
  toManifest: { hostServiceAuthConfirmed: false },
  differences,
  hostServicesDiff,
  dependencyCheck,
};
const rollback = {
  pluginId: 'acme',
  fromVersion: 'v0.2.0',
  toVersion: 'v0.1.0',
  sqlCompatibility: 'kept',
  sqlLeft: ['002-more.sql'],
  differences: { ...differences, routes: nothing, menus: nothing, installSql: nothing },
  hostServicesDiff: { added: [], removed: [], changed: [] },
  dependencyCheck: { blockers: [], reverseBlockers: [] },
};

t.test('an upgrade is shown as what it adds, removes and changes', async (t) => {
  const { url } = await playHost(t, { 'GET /plugins/acme/upgrade/preview': upgrade });
  const { code, stdout } = await sandpool(['preview', 'acme', '--url', url], { cwd });
  t.equal(code, 0);
  t.equal(
    stdout,
    `acme v0.1.0 → v0.2.0, which has failed once
size: 1.0 KiB → 1.6 KiB
routes:
  + GET /new
  - GET /old
  ~ POST /notes
menus:
  + plugin:acme:list
install SQL:
  ~ 001-notes.sql
host services:
  + storage       get        a/
  - other/crm@v1  find       x
  ~ data          list       t
    →             get, list  t
forbidden by dependencies:
  acme needs base
mind:
  its install SQL runs again; a rollback does not undo it
  plugin.other
sandpool upgrade acme carries it out
`,
  );
  t.same(JSON.parse((await sandpool(['preview', 'acme', '--json', '--url', url], { cwd })).stdout), upgrade);
});

t.test('a rollback is shown with what stays of the SQL', async (t) => {
  const { url, received } = await playHost(t, {
    'GET /plugins/acme/rollback/preview': rollback,
    'GET /plugins/acme/rollback/preview?version=v0.1.0': rollback,
  });
  const { stdout } = await sandpool(['preview', 'acme', '--rollback', '--url', url], { cwd });
  t.equal(
    stdout,
    `acme v0.2.0 → v0.1.0
size: 1.0 KiB → 1.6 KiB
mind:
  no SQL runs; tables stay as v0.2.0 left them: the effects of 002-more.sql stay
sandpool rollback acme --to v0.1.0 carries it out
`,
  );
  await sandpool(['preview', 'acme', '--to', 'v0.1.0', '--url', url], { cwd });
  t.equal(received[1]?.request, 'GET /plugins/acme/rollback/preview?version=v0.1.0');
});

t.test('where there is nothing to preview, the host says so', async (t) => {
  const errorCode = 'PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE';
  const refusal = new Raw(200, { code: 55, message: 'nothing waits', data: null, errorCode });
  const { url } = await playHost(t, { 'GET /plugins/acme/upgrade/preview': refusal });
  const ran = await sandpool(['preview', 'acme', '--url', url], { cwd });
  t.same(ran, { code: 1, stdout: '', stderr: `${errorCode}: nothing waits\n` });
});

const SAME_SERVICES = { added: [], removed: [], changed: [], authorizationChanged: false };
const CONSENTS: readonly (readonly [what: string, changes: object, text: string])[] = [
  [
    'a consent that is needed',
    { toManifest: { hostServiceAuthConfirmed: false } },
    'host services have to be granted: --grant all, none or a file',
  ],
  [
    'the same request, to which somebody has consented',
    { toManifest: { hostServiceAuthConfirmed: true }, hostServicesDiff: SAME_SERVICES },
    'it asks for the same host services, and what was granted stays granted',
  ],
  [
    'another request of a host that grants everything',
    {
      toManifest: { hostServiceAuthConfirmed: true },
      hostServicesDiff: { ...SAME_SERVICES, authorizationChanged: true },
    },
    'it asks for other host services, and all of them are granted',
  ],
];

for (const [what, changes, text] of CONSENTS) {
  t.test(`the preview says what becomes of ${what}`, async (t) => {
    const riskHints = ['plugin.runtimeUpgrade.risk.hostServiceAuthorizationChanged'];
    const { url } = await playHost(t, { 'GET /plugins/acme/upgrade/preview': { ...upgrade, riskHints, ...changes } });
    const { stdout } = await sandpool(['preview', 'acme', '--url', url], { cwd });
    t.match(stdout, `mind:\n  ${text}\n`);
  });
}
