import { join } from 'node:path';
import t from 'tap';
import { formatInspection, inspectArtifact } from '../../src/cli/inspect.js';
import { buildArtifact } from '../artifact/build.js';
import { assembleWat, watGuest } from '../guest-modules.js';
import { sandpool } from './command-line.js';

const GUEST = `(memory (export "memory") 1)
  (func (export "lina_dynamic_route_alloc") (param i32) (result i32) i32.const 0)
  (func (export "lina_dynamic_route_execute") (param i32) (result i64) i64.const 0)`;
const RESOURCES_ONLY = { bridge: { routeExecution: false, requestCodec: '', responseCodec: '' } };

const inspectWat = async (text: string) => inspectArtifact(buildArtifact({ module: await assembleWat(text) }));

t.test('everything that an artifact holds is described', async (t) => {
  const described = await inspectArtifact(
    buildArtifact({
      module: await watGuest('echo'),
      manifest: { public_assets: [{ source: 'frontend/pages' }] },
      frontendAssets: { 'frontend/pages/index.html': '<p>' },
      manifestResources: { 'manifest/a.txt': 'abc' },
      i18n: { 'zh-CN': { a: 'b' } },
      apidocI18n: { 'en-US': { plugins: { demo: { a: 'b' } } } },
      installSql: { '001-a.sql': 'SELECT 1' },
      uninstallSql: { '001-b.sql': 'SELECT 2' },
      mockSql: { '001-c.sql': 'SELECT 3' },
      routes: [{ path: '/a', method: 'post', access: 'login', permission: 'demo:a:add' }],
      lifecycle: [{ operation: 'BeforeInstall', requestType: 'R', internalPath: '/__lifecycle/before-install' }],
      hostServices: [{ service: 'data', methods: ['list'], resources: { tables: ['plugin_demo_a'] } }],
    }),
  );
  t.match(described, {
    id: 'demo',
    version: 'v0.1.0',
    checksum: /^[0-9a-f]{64}$/,
    sqlAssetCount: 3,
    routeCount: 1,
    routes: [{ method: 'POST', publicPath: '/x/demo/a', access: 'login', permission: 'demo:a:add' }],
    lifecycle: [{ operation: 'BeforeInstall', internalPath: '/__lifecycle/before-install' }],
    hostServices: [{ service: 'data', methods: ['list'], tables: ['plugin_demo_a'] }],
    capabilities: ['host:data:read'],
    publicAssets: [{ source: 'frontend/pages', mount: '', index: 'index.html' }],
    frontendAssets: [{ path: 'frontend/pages/index.html', sizeBytes: 3 }],
    manifestResources: [{ path: 'manifest/a.txt', sizeBytes: 3 }],
    i18nLocales: ['zh-CN'],
    apidocI18nLocales: ['en-US'],
    sql: { install: ['001-a.sql'], uninstall: ['001-b.sql'], mock: ['001-c.sql'] },
    isExecutable: true,
    problems: [],
  });
  t.match(
    described.module?.exports.map(({ name }) => name),
    ['memory', 'lina_dynamic_route_alloc', 'lina_dynamic_route_execute'],
  );
  t.ok(described.sections.some(({ name }) => name === 'code'));
  t.same(described.sections.at(-1)?.name, 'lina.plugin.backend.host-services');
  t.same(JSON.parse(JSON.stringify(described)), described, 'plain data');
});

t.test('a module that can be reset may run in every isolation', async (t) => {
  const { isolation, warnings } = await inspectWat(`(module ${GUEST})`);
  t.same(isolation, { eligible: ['pristine', 'fresh', 'warm'], reasons: [] });
  t.same(warnings, []);
});

t.test('a module that cannot be pristine says why', async (t) => {
  const { isolation } = await inspectWat(
    `(module ${GUEST} (table 1 funcref) (func (table.set (i32.const 0) (ref.null func))))`,
  );
  t.same(isolation, { eligible: ['fresh', 'warm'], reasons: ['it changes a table (table.set)'] });
});

t.test('a module whose memory cannot be limited cannot run at all', async (t) => {
  const { isolation, warnings } = await inspectWat('(module (import "env" "memory" (memory 1)))');
  t.same(isolation.eligible, []);
  t.match(isolation.reasons, [/memory/]);
  t.same(warnings, [
    'the host does not offer the import env.memory (memory)',
    'the module does not export the memory memory',
    'the module does not export the function lina_dynamic_route_alloc',
    'the module does not export the function lina_dynamic_route_execute',
  ]);
});

t.test('F024: exports that an execution would miss are warnings', async (t) => {
  const { warnings } = await inspectWat(`(module
    (import "lina_env" "host_call" (func (param i32 i32 i32) (result i64)))
    (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
    ${GUEST})`);
  t.same(warnings, ['the module does not export the function lina_host_call_alloc']);
});

t.test('imports that no host offers are warnings', async (t) => {
  const { warnings } = await inspectWat(`(module
    (import "lina_env" "fly" (func)) (import "wasi_snapshot_preview1" "fd_fly" (func)) ${GUEST})`);
  t.same(warnings, [
    'the host does not offer the import lina_env.fly (function)',
    'the host does not offer the import wasi_snapshot_preview1.fd_fly (function)',
  ]);
});

t.test('a broken code section is a warning, as an upload does not look at it', async (t) => {
  const module = Uint8Array.from(Buffer.from('0061736d010000000a03aabbcc', 'hex'));
  const { module: code, isolation, warnings, problems } = await inspectArtifact(buildArtifact({ module }));
  t.equal(code, null);
  t.same(isolation.eligible, []);
  t.match(warnings, [/^the module cannot be compiled: /]);
  t.same(problems, []);
});

t.test('an artifact without code is described as never executed', async (t) => {
  const described = await inspectArtifact(buildArtifact(RESOURCES_ONLY));
  t.equal(described.isExecutable, false);
  t.same(described.isolation, {
    eligible: [],
    reasons: ['it is never executed: the artifact has no executable bridge'],
  });
  t.same(described.warnings, []);
  t.equal((await inspectArtifact(buildArtifact({ bridge: null }))).bridge, null);
});

t.test('the description is shown as aligned text', async (t) => {
  const described = await inspectArtifact(buildArtifact({ ...RESOURCES_ONLY, routes: [{ path: '/a' }] }));
  t.equal(
    formatInspection(described),
    `id         demo
name       Demo
type       dynamic
version    v0.1.0
tenancy    tenant_aware, installed as tenant_scoped
checksum   ${described.checksum}
size       ${described.sizeBytes} bytes
bridge     not executable
isolation  none
sections:
  lina.plugin.manifest        ${described.sections[0]?.sizeBytes} bytes
  lina.plugin.dynamic         40 bytes
  lina.plugin.backend.routes  72 bytes
  lina.plugin.backend.bridge  ${described.sections[3]?.sizeBytes} bytes
routes:
  GET  /x/demo/a  public
why an isolation is missing:
  it is never executed: the artifact has no executable bridge`,
  );
});

t.test('the command prints text, or one JSON document, and ends with 0', async (t) => {
  const cwd = t.testdir({ 'demo.wasm': Buffer.from(buildArtifact(RESOURCES_ONLY)) });
  const shown = await sandpool(['inspect', 'demo.wasm'], { cwd });
  t.match(shown, { code: 0, stdout: /^id +demo$/m, stderr: '' });
  const { stdout } = await sandpool(['inspect', join(cwd, 'demo.wasm'), '--json'], { cwd });
  t.match(JSON.parse(stdout), { id: 'demo', isolation: { eligible: [] }, problems: [] });
});

t.test('a damaged file ends with 1 and the code', async (t) => {
  const whole = buildArtifact();
  const cwd = t.testdir({
    'cut.wasm': Buffer.from(whole.subarray(0, whole.length - 1)),
    'page.wasm': '<!doctype html>',
  });
  t.same(await sandpool(['inspect', 'cut.wasm'], { cwd }), {
    code: 1,
    stdout: '',
    stderr: 'SBX_ARTIFACT_INVALID: wasm section length exceeds content\n',
  });
  t.match(await sandpool(['inspect', 'page.wasm'], { cwd }), { code: 1, stderr: /: invalid wasm header$/m });
  t.match(await sandpool(['inspect', 'absent.wasm'], { cwd }), { code: 1, stderr: /^SBX_FILE_UNREADABLE: / });
});

t.test('an artifact that an upload refuses is described nevertheless, and ends with 1', async (t) => {
  const bytes = buildArtifact({ ...RESOURCES_ONLY, manifest: { supportsMultiTenant: undefined } });
  const cwd = t.testdir({ 'demo.wasm': Buffer.from(bytes) });
  const { code, stdout, stderr } = await sandpool(['inspect', 'demo.wasm'], { cwd });
  t.equal(code, 1);
  t.match(stdout, /^id +demo$/m);
  t.match(stdout, /^an upload would be refused:\n {2}SBX_ARTIFACT_INVALID {2}supports_multi_tenant is required$/m);
  t.equal(stderr, 'SBX_ARTIFACT_INVALID: supports_multi_tenant is required\n');
});
