import { rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseArtifact } from '../../../src/artifact/artifact.js';
import { artifactOf, SCOPED, standingOf } from '../../registry/house.js';
import { type Answer, FORM_TYPE, form, openControlPlane } from '../control-plane.js';
import { askBystander } from '../fakes.js';

/** The plugins of a list. */
const idsIn = (data: Answer['data']) => (data as { list: { id: string }[] }).list.map(({ id }) => id);

const DECISION = { services: [{ service: 'storage', methods: ['get'], paths: ['a/'] }] };

t.test('plugins are listed in pages, by id', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  for (const id of ['delta', 'alpha', 'charlie']) await upload(artifactOf(id));
  const ids = async (query: string) => {
    const { data } = await ask('GET', query);
    return [idsIn(data), data?.total];
  };
  t.same(await ids(''), [['alpha', 'bystander', 'charlie', 'delta'], 4]);
  t.same(await ids('?pageSize=2'), [['alpha', 'bystander'], 4]);
  t.same(await ids('?pageSize=3&pageNum=2'), [['delta'], 4]);
  t.same(await ids('?pageNum=9'), [[], 4]);
});

t.test('the list is narrowed by id, name, type and state', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('notes', 'v0.1.0', { manifest: { name: 'Notebook' } }));
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['id=ote', ['notes']],
    ['name=Notebook', ['notes']],
    ['name=zzz', []],
    ['type=dynamic', ['bystander', 'notes']],
    ['type=source', []],
    ['installed=1', ['bystander']],
    ['installed=0', ['notes']],
    ['status=1', ['bystander']],
    ['status=0&id=by', []],
    ['includeBuiltin=1', ['bystander', 'notes']],
  ];
  for (const [query, expected] of cases) {
    const { data } = await ask('GET', `?${query}`);
    t.same(idsIn(data), expected, query);
    t.equal(data?.total, expected.length, query);
  }
});

t.test('a list that is asked for again reads no artifact, and follows every change (C104)', async (t) => {
  let parsed = 0;
  const { ask, upload, stagingDir } = await openControlPlane(t, {
    parseArtifact(bytes) {
      parsed += 1;
      return parseArtifact(bytes);
    },
  });
  const list = async () => {
    const { data } = await ask('GET', '');
    return (data as { list: { id: string; installed: number }[] }).list.map(
      ({ id, installed }) => `${id} ${installed}`,
    );
  };
  const before = parsed;
  t.same(await list(), ['bystander 1']);
  writeFileSync(join(stagingDir, 'by-hand.wasm'), artifactOf('by-hand'));
  t.same(await list(), ['bystander 1'], 'what lies there by hand is seen by a sync, not by a list');
  t.equal(parsed, before);
  await ask('POST', '/sync');
  t.same(await list(), ['by-hand 0', 'bystander 1']);
  await upload(artifactOf('demo'));
  await ask('POST', '/demo/install');
  t.same(await list(), ['by-hand 0', 'bystander 1', 'demo 1']);
});

t.test('a plugin whose staged file is gone stays in the list, and pages take it for gone (C105)', async (t) => {
  const { ask, serve, stagingDir, rows } = await openControlPlane(t);
  await serve('demo', 'v0.1.0', { routes: [{ path: '/hello' }] });
  const before = rows('sys_plugin');
  unlinkSync(join(stagingDir, 'demo.wasm'));
  await ask('POST', '/sync');
  t.match(await ask('GET', '?id=demo'), { data: { list: [{ id: 'demo', installed: 1, enabled: 1 }] } });
  const { data } = await ask('GET', '/dynamic', undefined, '');
  t.match(
    (data as { list: { id: string }[] }).list.find(({ id }) => id === 'demo'),
    { installed: 0, enabled: 0, version: 'v0.1.0' },
  );
  t.same(rows('sys_plugin'), before, 'nothing was written');
});

t.test('a query that makes no sense is a malformed request', async (t) => {
  const { ask, app } = await openControlPlane(t);
  for (const query of ['pageNum=0', 'pageSize=101', 'pageSize=many', 'status=2', 'installed=yes']) {
    t.match(await ask('GET', `?${query}`), { status: 200, code: 51, data: null, errorCode: 'SBX_BODY_INVALID' }, query);
  }
  t.equal(await askBystander(app), '200 pong');
});

t.test('anybody may ask which plugins are there, and learns no more than that', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  const { data } = await ask('GET', '/dynamic', undefined, '');
  t.strictSame(data, {
    list: [
      {
        id: 'bystander',
        installed: 1,
        enabled: 1,
        version: 'v1.0.0',
        generation: 3,
        statusKey: 'sys_plugin.status:bystander',
        runtimeState: 'normal',
      },
      {
        id: 'demo',
        installed: 0,
        enabled: 0,
        version: 'v0.1.0',
        generation: 1,
        statusKey: 'sys_plugin.status:demo',
        runtimeState: 'normal',
      },
    ],
  });
});

t.test('a plugin gains its scoped services only when an administrator confirms them (F003)', async (t) => {
  const { upload, ask, registry } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  t.strictSame(await ask('POST', '/demo/install', {}), {
    status: 200,
    code: 0,
    message: 'OK',
    data: {
      id: 'demo',
      installed: 1,
      enabled: 0,
      pendingHostServices: [{ service: 'storage', methods: ['get', 'put'], paths: ['a/', 'b/'] }],
    },
  });
  t.match(await ask('PUT', '/demo/enable', {}), { data: { id: 'demo', enabled: 1, pendingHostServices: [{}] } });
  t.match(await ask('GET', '/demo'), { data: { authorizationStatus: 'pending', authorizationRequired: 1 } });
  const granted = () => registry.find('demo')?.grant.services.map(({ service }) => service);
  t.same(granted(), ['runtime']);

  const answer = await ask('PUT', '/demo/enable', {
    authorization: { services: [{ service: 'storage', paths: ['a/', 'b/'] }] },
  });
  t.strictSame(answer.data, { id: 'demo', enabled: 1 });
  t.match(await ask('GET', '/demo'), { data: { authorizationStatus: 'confirmed' } });
  t.same(granted()?.toSorted(), ['runtime', 'storage']);
});

t.test('confirming a subset leaves only that subset (F004)', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  t.strictSame((await ask('POST', '/demo/install', { authorization: DECISION })).data, {
    id: 'demo',
    installed: 1,
    enabled: 0,
  });
  const { data } = await ask('GET', '/demo');
  t.equal(data?.authorizationStatus, 'confirmed');
  t.strictSame(data?.authorizedHostServices, [
    { service: 'runtime', methods: ['info.now'] },
    { service: 'storage', methods: ['get'], paths: ['a/'] },
  ]);
});

t.test('a decision that does not fit the declaration is refused, and nothing is installed (C77, C80)', async (t) => {
  const { upload, ask, app } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  const decisions: readonly (readonly [string, object])[] = [
    ['an unknown service', { service: 'network' }],
    ['an unknown method', { service: 'storage', methods: ['delete'], paths: ['a/'] }],
    ['an unknown path', { service: 'storage', paths: ['c/'] }],
    ['a version without an owner', { service: 'storage', version: 'v1', paths: ['a/'] }],
  ];
  for (const [title, decision] of decisions) {
    const answer = await ask('POST', '/demo/install', { authorization: { services: [decision] } });
    t.match(answer, { status: 200, code: 53, data: null, errorCode: 'SBX_GRANT_DECISION_INVALID' }, title);
  }
  t.match(await ask('GET', '/demo'), { data: { installed: 0, authorizationStatus: 'pending' } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('with plugin.grantUnreviewed an install without a decision confirms everything (F140)', async (t) => {
  const { upload, ask } = await openControlPlane(t, { grantUnreviewed: true });
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  t.strictSame((await ask('POST', '/demo/install')).data, { id: 'demo', installed: 1, enabled: 0 });
  t.match(await ask('GET', '/demo'), {
    data: { authorizationStatus: 'confirmed', authorizedHostServices: [{}, { paths: ['a/', 'b/'] }] },
  });
});

t.test('an enabled plugin answers, a disabled one does not, an enabled one does again (F006, F007)', async (t) => {
  const { upload, ask, app, registry } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  await ask('POST', '/demo/install');
  t.match(await app.inject('/x/demo/hello'), { statusCode: 404, body: 'Dynamic plugin is not enabled' });
  t.strictSame((await ask('PUT', '/demo/enable')).data, { id: 'demo', enabled: 1 });
  t.match(await app.inject('/x/demo/hello'), { statusCode: 200, body: /^v0\.1\.0 / });
  t.match(await ask('GET', '/demo'), { data: { installed: 1, enabled: 1, runtimeState: 'normal' } });

  t.strictSame((await ask('PUT', '/demo/disable')).data, { id: 'demo', enabled: 0 });
  t.match(await app.inject('/x/demo/hello'), { statusCode: 404, body: 'Dynamic plugin is not enabled' });
  t.equal(registry.find('demo')?.installed, true);
  t.equal(await askBystander(app), '200 pong');

  await ask('PUT', '/demo/enable');
  t.equal((await app.inject('/x/demo/hello')).statusCode, 200);
});

t.test('install, enable and disable succeed again without a change', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo');
  const before = await standingOf(plane, 'demo');
  t.strictSame((await plane.ask('POST', '/demo/install')).data, { id: 'demo', installed: 1, enabled: 0 });
  t.strictSame((await plane.ask('PUT', '/demo/enable')).data, { id: 'demo', enabled: 1 });
  t.same(await standingOf(plane, 'demo'), before);
  await plane.ask('PUT', '/demo/disable');
  const disabled = await standingOf(plane, 'demo');
  t.match(await plane.ask('PUT', '/demo/disable'), { code: 0 });
  t.same(await standingOf(plane, 'demo'), disabled);
});

t.test('a file that is staged by hand changes nothing that is served until it is installed (F014, F016)', async (t) => {
  const { serve, ask, app, stagingDir } = await openControlPlane(t);
  await serve('demo');
  const before = (await app.inject('/x/demo/hello')).body;
  const rebuilt = artifactOf('demo', 'v0.1.0', { manifest: { description: 'rebuilt' } });
  writeFileSync(join(stagingDir, 'demo.wasm'), rebuilt);
  t.strictSame((await ask('POST', '/sync')).data, { total: 2 });
  t.equal((await app.inject('/x/demo/hello')).body, before);
  t.match(await ask('POST', '/demo/install'), { code: 0 });
  const after = await app.inject('/x/demo/hello');
  t.equal(after.statusCode, 200);
  t.not(after.body, before);
  t.equal(await askBystander(app), '200 pong');
});

t.test('a synchronisation and the list name the files that are no plugins, and keep the rest', async (t) => {
  const { ask, app, stagingDir } = await openControlPlane(t);
  writeFileSync(join(stagingDir, 'broken.wasm'), 'not wasm');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo'));
  t.match(await ask('POST', '/sync'), { data: { total: 2, problems: [{ file: 'broken.wasm', reason: /./ }] } });
  t.match(await ask('GET', ''), { data: { total: 2, problems: [{ file: 'broken.wasm', reason: /./ }] } });
  rmSync(join(stagingDir, 'broken.wasm'));
  await ask('POST', '/sync');
  t.strictSame(Object.keys((await ask('GET', '')).data ?? {}), ['list', 'total']);
  t.equal(await askBystander(app), '200 pong');
});

t.test('what cannot be done says so in the envelope, and changes nothing', async (t) => {
  const { upload, ask, app, stagingDir } = await openControlPlane(t);
  const platformOnly = { scopeNature: 'platform_only', supportsMultiTenant: false, defaultInstallMode: 'global' };
  await upload(artifactOf('platform', 'v0.1.0', { manifest: platformOnly }));
  await upload(artifactOf('gone'));
  await upload(artifactOf('demo'));
  rmSync(join(stagingDir, 'gone.wasm'));
  const tenantScoped = { installMode: 'tenant_scoped' };
  const cases = [
    ['GET', '/nope', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['POST', '/nope/install', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['PUT', '/nope/enable', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['PUT', '/nope/disable', undefined, 65, 'PLUGIN_NOT_FOUND'],
    ['PUT', '/demo/enable', undefined, 55, 'PLUGIN_NOT_INSTALLED'],
    ['PUT', '/demo/disable', undefined, 55, 'PLUGIN_NOT_INSTALLED'],
    ['POST', '/demo/install', { installMode: 'each' }, 53, 'PLUGIN_INSTALL_MODE_INVALID'],
    ['POST', '/platform/install', tenantScoped, 55, 'PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH'],
    ['POST', '/gone/install', undefined, 55, 'PLUGIN_DYNAMIC_ARTIFACT_MISSING'],
  ] as const;
  for (const [method, path, body, code, errorCode] of cases) {
    const messageKey = `error.${errorCode.toLowerCase().replaceAll('_', '.')}`;
    const answer = await ask(method, path, body);
    t.match(answer, { status: 200, code, data: null, errorCode, messageKey }, `${method} ${path}`);
    t.match(answer.messageParams, { [errorCode === 'PLUGIN_INSTALL_MODE_INVALID' ? 'installMode' : 'pluginId']: /./ });
  }
  t.match(await ask('GET', ''), { data: { total: 3 } });
  t.match(await ask('GET', '/demo'), { data: { installed: 0, enabled: 0 } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('an unknown plugin is answered with every key of the envelope (C107)', async (t) => {
  const { ask } = await openControlPlane(t);
  t.strictSame(await ask('GET', '/nope'), {
    status: 200,
    code: 65,
    message: 'plugin nope does not exist',
    data: null,
    errorCode: 'PLUGIN_NOT_FOUND',
    messageKey: 'error.plugin.not.found',
    messageParams: { pluginId: 'nope' },
  });
});

t.test('a plugin that the engine refuses stays disabled, and the refusal is told', async (t) => {
  const { upload, ask, app, fake } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  await ask('POST', '/demo/install');
  fake.failure = new Error('no memory');
  const refused = await ask('PUT', '/demo/enable');
  t.match(refused, { status: 500, code: 50, data: null, errorCode: 'SBX_INTERNAL' });
  t.notOk(refused.messageParams, 'details of the host stay in the host');
  fake.failure = undefined;
  t.match(await ask('GET', '/demo'), { data: { installed: 1, enabled: 0, diagnosis: { action: 'enabled' } } });
  t.equal((await app.inject('/x/demo/hello')).statusCode, 404);
  t.equal(await askBystander(app), '200 pong');
  t.match(await ask('PUT', '/demo/enable'), { code: 0 });
});

t.test('without a valid token nobody governs, and the answer is a real 401', async (t) => {
  const { ask, upload, registry, app } = await openControlPlane(t);
  const words = [
    ['', 'SBX_TOKEN_MISSING'],
    ['nonsense', 'SBX_TOKEN_INVALID'],
    ['expired', 'SBX_SESSION_EXPIRED'],
  ] as const;
  for (const [word, errorCode] of words) {
    const refused = { status: 401, code: 61, data: null, errorCode };
    for (const path of ['', '/bystander', '/bystander/dependencies'])
      t.match(await ask('GET', path, undefined, word), refused);
    for (const path of ['/bystander/install', '/sync']) t.match(await ask('POST', path, {}, word), refused);
    for (const path of ['enable', 'disable']) t.match(await ask('PUT', `/bystander/${path}`, {}, word), refused);
    t.match(await ask('DELETE', '/bystander', undefined, word), refused);
    t.match(await upload(artifactOf('demo'), {}, word), refused);
  }
  t.equal(registry.list().length, 1);
  t.equal(await askBystander(app), '200 pong');
});

t.test('each action needs its own permission, and none stands for another (C53)', async (t) => {
  const { ask, upload, app } = await openControlPlane(t);
  const cases = [
    ['GET', '', 'plugin:query'],
    ['GET', '/bystander', 'plugin:query'],
    ['GET', '/bystander/dependencies', 'plugin:query'],
    ['GET', '/bystander/releases', 'plugin:query'],
    ['GET', '/bystander/upgrade/preview', 'plugin:query'],
    ['GET', '/bystander/rollback/preview', 'plugin:query'],
    ['POST', '/bystander/upgrade', 'plugin:install'],
    ['POST', '/bystander/rollback', 'plugin:install'],
    ['POST', '/bystander/release-quarantine', 'plugin:enable'],
    ['POST', '/sync', 'plugin:install'],
    ['POST', '/bystander/install', 'plugin:install'],
    ['PUT', '/bystander/enable', 'plugin:enable'],
    ['PUT', '/bystander/tenant-provisioning-policy', 'plugin:edit'],
    ['PUT', '/bystander/disable', 'plugin:disable'],
    ['DELETE', '/bystander', 'plugin:uninstall'],
  ] as const;
  const all = [...new Set(cases.map(([, , permission]) => permission))];
  for (const [method, path, permission] of cases) {
    const others = all.filter((other) => other !== permission).join(',');
    t.match(
      await ask(method, path, undefined, `${others},plugin:*`),
      { status: 403, code: 61, data: null, errorCode: 'SBX_PERMISSION_DENIED', messageParams: { permission } },
      `${method} ${path}`,
    );
  }
  t.match(await upload(artifactOf('demo'), {}, 'plugin:query'), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' });
  t.equal(await askBystander(app), '200 pong');
  for (const [method, path, permission] of cases) {
    t.not((await ask(method, path, undefined, permission)).status, 403, `${method} ${path}`);
  }
});

t.test('users of a tenant may look, but not govern (C52)', async (t) => {
  const { ask, upload, app } = await openControlPlane(t);
  const refused = { status: 403, code: 61, data: null, errorCode: 'PLATFORM_PERMISSION_REQUIRED' };
  t.match(await ask('POST', '/bystander/install', {}, 'tenant'), refused);
  t.match(await ask('PUT', '/bystander/enable', {}, 'tenant'), refused);
  t.match(await ask('PUT', '/bystander/disable', undefined, 'tenant'), refused);
  t.match(await ask('DELETE', '/bystander', undefined, 'tenant'), refused);
  t.match(await ask('POST', '/sync', undefined, 'tenant'), refused);
  t.match(await ask('POST', '/bystander/upgrade', { confirmed: true }, 'tenant'), refused);
  t.match(await ask('POST', '/bystander/rollback', { confirmed: true }, 'tenant'), refused);
  const policy = { autoEnableForNewTenants: true };
  t.match(await ask('PUT', '/bystander/tenant-provisioning-policy', policy, 'tenant'), refused);
  t.match(await upload(artifactOf('demo'), {}, 'tenant'), refused);
  t.match(await ask('GET', '', undefined, 'tenant'), { code: 0, data: { total: 1 } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('a body may be missing, empty or null, and its members null', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  const bodies = [undefined, '', '  ', 'null', '{}', { authorization: null, installMode: null, installMockData: null }];
  for (const body of [...bodies, { authorization: { services: [] } }, { unknown: 1 }]) {
    t.match(await ask('POST', '/demo/install', body), { status: 200, code: 0 }, JSON.stringify(body));
  }
});

t.test('a body that is malformed changes nothing', async (t) => {
  const { upload, ask, app } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  const bodies = [
    '{',
    '[]',
    '"text"',
    '{"__proto__":{"installMode":"global"}}',
    { authorization: {} },
    { authorization: 'all' },
    { authorization: { services: 'storage' } },
    { authorization: { services: [{}] } },
    { authorization: { services: [{ service: 'storage', paths: [{ a: 1 }] }] } },
    { installMode: { a: 1 } },
    { installMockData: 'perhaps' },
    `${'['.repeat(100_000)}`,
  ];
  for (const body of bodies) {
    const title = JSON.stringify(body).slice(0, 60);
    const refused = { status: 200, code: 51, data: null, errorCode: 'SBX_BODY_INVALID' };
    t.match(await ask('POST', '/demo/install', body), refused, title);
  }
  t.match(await ask('GET', '/demo'), { data: { installed: 0 } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('a body of another type is malformed, too', async (t) => {
  const { upload, ask, app } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  const types = [
    ['text/plain', '{}'],
    ['application/x-www-form-urlencoded', 'a=1'],
    [FORM_TYPE, form([['authorization', '{}']])],
  ] as const;
  for (const [type, payload] of types) {
    const headers = { authorization: 'Bearer admin', 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: '/api/v1/plugins/demo/install', headers, payload });
    t.equal(answer.statusCode, 200, type);
    t.match(answer.json(), { code: 51, data: null, errorCode: 'SBX_BODY_INVALID' }, type);
  }
  t.match(await ask('GET', '/demo'), { data: { installed: 0 } });
  t.equal(await askBystander(app), '200 pong');
});

t.test('a body beyond 1 MiB is refused', async (t) => {
  const { ask, app } = await openControlPlane(t);
  const answer = await ask('POST', '/bystander/install', { installMode: 'a'.repeat(1024 * 1024) });
  t.match(answer, { status: 500, data: null, errorCode: 'SBX_BODY_TOO_LARGE' });
  t.equal(await askBystander(app), '200 pong');
});

t.test('an id has 1 to 64 characters', async (t) => {
  const { ask } = await openControlPlane(t);
  t.match(await ask('GET', `/${'a'.repeat(64)}`), { code: 65, errorCode: 'PLUGIN_NOT_FOUND' });
  t.match(await ask('GET', '/'), { code: 51, errorCode: 'SBX_BODY_INVALID' });
  t.match(await ask('GET', `/${'a'.repeat(65)}`), { code: 51, errorCode: 'SBX_BODY_INVALID' });
});

t.test('mock data that a plugin does not have is no obstacle', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo'));
  t.match(await ask('POST', '/demo/install', { installMockData: true }), { code: 0 });
});

t.test('parts of an artifact that are not carried out are told', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { installSql: { '001-a.sql': 'SELECT 1;' } }));
  const notExecuted = [{ part: 'installSql', count: 1, executed: 0 }];
  t.match(await ask('POST', '/demo/install'), { data: { notExecuted } });
  t.match(await ask('GET', '/demo'), { data: { notExecuted } });
});

t.test('an endpoint that does not exist is a real 404 in the envelope', async (t) => {
  const { ask, app } = await openControlPlane(t);
  const cases = [
    ['POST', ''],
    ['PUT', '/bystander'],
    ['GET', '/bystander/install'],
    ['POST', '/bystander/enable'],
    ['POST', '/bystander/nothing'],
  ] as const;
  for (const [method, path] of cases) {
    const answer = await ask(method, path);
    t.match(answer, { status: 404, code: 65, data: null, errorCode: 'SBX_NOT_FOUND' }, `${method} ${path}`);
  }
  t.equal(await askBystander(app), '200 pong');
});

t.test('answers of the control plane are not kept by caches', async (t) => {
  const { app } = await openControlPlane(t);
  for (const headers of [{ authorization: 'Bearer admin' }, {}]) {
    t.equal((await app.inject({ url: '/api/v1/plugins', headers })).headers['cache-control'], 'no-store');
  }
});
