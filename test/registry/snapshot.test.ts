import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { authorize } from '../../src/registry/authorization.js';
import { decodeAuthorization, encodeSnapshot, withAuthorization } from '../../src/registry/snapshot.js';
import { artifactOf, SCOPED } from './house.js';

const artifact = parseArtifact(
  artifactOf('demo', 'v0.1.0', {
    hostServices: SCOPED,
    installSql: { '001-a.sql': 'SELECT 1', '002-b.sql': 'SELECT 2' },
    uninstallSql: { '001-a.sql': 'SELECT 3' },
    mockSql: { '001-a.sql': 'SELECT 4' },
    manifest: { menus: [{ key: 'plugin:demo:main', name: 'Main' }] },
  }),
);
const pending = authorize({ requested: artifact.hostServices, grantUnreviewed: false });
const confirmed = authorize({ requested: artifact.hostServices, grantUnreviewed: true });

t.test('F138 a snapshot names identity, contents and services under the keys of the reference', async (t) => {
  t.match(JSON.parse(encodeSnapshot(artifact, pending)), {
    id: 'demo',
    version: 'v0.1.0',
    type: 'dynamic',
    distribution: 'managed',
    scopeNature: 'tenant_aware',
    supportsMultiTenant: true,
    defaultInstallMode: 'tenant_scoped',
    runtimeKind: 'wasm',
    runtimeAbiVersion: 'v1',
    installSqlCount: 2,
    uninstallSqlCount: 1,
    mockSqlCount: 1,
    runtimeSqlAssetCount: 4,
    menuCount: 1,
    routeCount: 1,
    routeExecutionEnabled: true,
    routes: [{ path: '/hello' }],
    requestedHostServices: [{ service: 'runtime' }, { service: 'storage' }],
    authorizedHostServices: [{ service: 'runtime' }],
    hostServiceAuthRequired: true,
    hostServiceAuthConfirmed: false,
  });
});

t.test('an authorization is read back as it was written, and can be replaced alone', async (t) => {
  const snapshot = encodeSnapshot(artifact, pending);
  t.same(decodeAuthorization(snapshot), pending);
  const replaced = withAuthorization(snapshot, confirmed);
  t.same(decodeAuthorization(replaced), confirmed);
  t.match(JSON.parse(replaced), { id: 'demo', installSqlCount: 2, hostServiceAuthConfirmed: true });
});

for (const text of ['', '{', '[]', 'null', '{}', '{"requestedHostServices":[],"authorizedHostServices":[]}']) {
  t.test(`${JSON.stringify(text)} is no snapshot`, async (t) => {
    t.throws(() => decodeAuthorization(text), {
      code: 'SBX_STORE_FAILED',
      message: /a release snapshot is unreadable/,
    });
  });
}
