import { appendFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseArtifact } from '../../src/artifact/artifact.js';
import { customSections } from '../../src/artifact/sections.js';
import { scaffold } from '../../src/cli/new.js';
import { packDirectory } from '../../src/cli/pack.js';
import { assembleWat, goVersion } from '../guest-modules.js';
import { sandpool } from './command-line.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

const PLUGIN_YAML = 'id: acme-demo\nname: Demo\nversion: v0.1.0\ntype: dynamic\nsupports_multi_tenant: true\n';

/** The smallest module that a host would run, and one without its exports. */
const GUEST = await assembleWat(`(module (memory (export "memory") 1)
  (func (export "lina_dynamic_route_alloc") (param i32) (result i32) (i32.const 0))
  (func (export "lina_dynamic_route_execute") (param i32 i32) (result i64) (i64.const 0)))`);
const NO_GUEST = await assembleWat('(module (memory (export "memory") 1))');

const failed = (message: string | RegExp) => ({ code: 'SBX_PACK_FAILED', message });
const configured = (build: string) => ({
  'plugin.yaml': PLUGIN_YAML,
  hack: { 'config.yaml': `wasm: { build: ${build} }` },
});

t.test('F061 F062 F063 F065 the scaffold is packed from end to end', async (t) => {
  const cwd = t.testdir();
  await scaffold('acme-memo', { language: 'assemblyscript', directory: join(cwd, 'acme-memo') });
  const { code, stdout, stderr } = await sandpool(['pack', 'acme-memo', '--json'], { cwd });
  t.equal(stderr, '');
  t.equal(code, 0);
  const document = JSON.parse(stdout);
  const file = join(cwd, 'temp/output/acme-memo.wasm');
  const bytes = await readFile(file);
  const artifact = parseArtifact(bytes);
  const { sections, ...facts } = document;
  t.same(facts, {
    file,
    id: 'acme-memo',
    version: 'v0.1.0',
    bytes: bytes.length,
    checksum: artifact.checksum,
    warnings: [],
  });
  t.same(
    sections.map(({ name }: { name: string }) => name),
    [
      'lina.plugin.manifest',
      'lina.plugin.dynamic',
      'lina.plugin.frontend.assets',
      'lina.plugin.i18n.assets',
      'lina.plugin.install.sql',
      'lina.plugin.uninstall.sql',
      'lina.plugin.manifest.resources',
      'lina.plugin.backend.lifecycle',
      'lina.plugin.backend.routes',
      'lina.plugin.backend.bridge',
      'lina.plugin.backend.host-services',
    ],
  );
  t.equal(
    Buffer.from(customSections(bytes).get('lina.plugin.dynamic')!).toString(),
    '{"runtimeKind":"wasm","abiVersion":"v1","frontendAssetCount":1,"i18nAssetCount":2,"sqlAssetCount":2,"manifestResourceCount":7,"routeCount":11}',
  );
  t.same(
    artifact.routes.map(({ method, path }) => `${method} ${path}`),
    [
      'GET /notes',
      'GET /notes/{id}',
      'POST /notes',
      'DELETE /notes/{id}',
      'GET /notes/{id}/attachment',
      'PUT /notes/{id}/attachment',
      'GET /search',
      'GET /authors',
      'GET /export',
      'GET /',
      'GET /about',
    ],
  );
  t.equal(artifact.routes[3]?.permission, 'acme-memo:note:delete');
  t.same(
    artifact.lifecycle.map(({ internalPath }) => internalPath),
    ['/__lifecycle/after-install'],
  );
  t.same(await readdir(join(cwd, 'temp/output')), ['acme-memo.wasm'], 'nothing is left beside it');
  t.ok(WebAssembly.validate(bytes));
});

const hasGo = (await goVersion()) !== undefined;
t.test('the scaffold in Go is packed too', { skip: hasGo ? false : 'Go >= 1.24 is not installed' }, async (t) => {
  const directory = join(t.testdir(), 'acme-memo');
  await scaffold('acme-memo', { language: 'go', directory });
  const { bytes, manifest } = await packDirectory(directory);
  t.equal(manifest.id, 'acme-memo');
  t.equal(parseArtifact(bytes).routes.length, 11);

  t.test('whether its build is spelt out or named, or nothing is said', async (t) => {
    const file = join(directory, 'hack/config.yaml');
    const config = await readFile(file, 'utf8');
    const code = async (build: string) => {
      await writeFile(file, config.replace(/ {2}build:\n(?: {4}.*\n)+/, build));
      const { bytes } = await packDirectory(directory);
      return parseArtifact(bytes).bridge?.routeExecution;
    };
    t.equal(await code('  build: { language: go }\n'), true);
    t.equal(await code(''), true);
  });

  t.test('and what its compiler says is shown', async (t) => {
    await appendFile(join(directory, 'main.go'), '\nfunc broken() { return 1 }\n');
    await t.rejects(packDirectory(directory), failed(/^the build failed: [\s\S]*main\.go:\d+/));
  });
});

t.test('a plugin of resources alone needs no build', async (t) => {
  const directory = t.testdir({ 'plugin.yaml': PLUGIN_YAML, manifest: { 'a.txt': 'a' } });
  const { bytes, manifest, warnings } = await packDirectory(directory);
  const artifact = parseArtifact(bytes);
  t.equal(manifest.id, 'acme-demo');
  t.same(warnings, []);
  t.equal(artifact.bridge?.routeExecution, false);
  t.same(artifact.manifestResources, [{ path: 'manifest/a.txt', content: Buffer.from('a') }]);
});

t.test('a module that is built already is taken as it is', async (t) => {
  const cwd = t.testdir({ plugin: configured('{ command: [false], output: x }'), 'guest.wasm': Buffer.from(GUEST) });
  const { code, stdout } = await sandpool(['pack', 'plugin', '--wasm', 'guest.wasm', '-o', 'out/demo.wasm'], { cwd });
  t.equal(code, 0);
  t.match(stdout, 'acme-demo v0.1.0');
  const bytes = await readFile(join(cwd, 'out/demo.wasm'));
  t.same(bytes.subarray(0, GUEST.length), Buffer.from(GUEST));
  t.equal(parseArtifact(bytes).bridge?.routeExecution, true);
  t.equal((await sandpool(['pack', 'plugin', '--wasm', 'guest.wasm', '-o', 'out'], { cwd })).code, 0);
  t.same(await readdir(join(cwd, 'out')), ['acme-demo.wasm', 'demo.wasm'], 'a directory gets a file of the id');
  const again = await packDirectory(join(cwd, 'plugin'), { wasm: join(cwd, 'out/demo.wasm') });
  t.same(again.bytes, bytes, 'the code of an artifact will do');
});

t.test('a module that no host could run is refused', async (t) => {
  const directory = t.testdir({
    'plugin.yaml': PLUGIN_YAML,
    'no.wasm': Buffer.from(NO_GUEST),
    'text.wasm': 'hello there',
    'broken.wasm': Buffer.concat([GUEST.subarray(0, 8), Buffer.from([1, 1, 0xff])]),
  });
  const pack = (name: string) => packDirectory(directory, { wasm: join(directory, name) });
  await t.rejects(pack('no.wasm'), failed('does not export lina_dynamic_route_alloc, lina_dynamic_route_execute'));
  await t.rejects(pack('text.wasm'), { code: 'SBX_ARTIFACT_INVALID', message: 'invalid wasm header' });
  await t.rejects(pack('broken.wasm'), failed('the module is not valid WebAssembly'));
  await t.rejects(pack('absent.wasm'), { code: 'SBX_FILE_UNREADABLE' });
});

t.test('a build that goes wrong is told with what its compiler said', async (t) => {
  const pack = (files: object) => packDirectory(t.testdir(files as never));
  const script = 'console.error("line 7: no"); process.exit(3)';
  await t.rejects(
    pack(configured(`{ command: [node, -e, '${script}'], output: x }`)),
    failed(/the build failed: node -e[\s\S]*\nline 7: no$/),
  );
  await t.rejects(
    pack(configured('{ command: [no-such-compiler], output: x }')),
    failed('no-such-compiler is not installed'),
  );
  await t.rejects(
    pack(configured('{ command: [env, no-such-compiler], output: x }')),
    failed('its compiler is not installed'),
  );
  await t.rejects(
    pack(configured('{ command: [node, -e, "0"], output: build/x.wasm }')),
    failed('the build has not written build/x.wasm'),
  );
  await t.rejects(
    pack({
      ...configured('{ language: assemblyscript }'),
      assembly: { 'index.ts': 'export function f(): i32 { return "x"; }' },
    }),
    failed(/does not compile:[\s\S]*TS2322/),
  );
  await t.rejects(
    pack(configured('{ language: assemblyscript, entry: absent.ts }')),
    failed('absent.ts does not compile'),
  );
});

t.test('a command is run in the directory, without a shell', async (t) => {
  const directory = t.testdir({
    ...configured(`{ command: [node, copy.cjs, '$HOME; exit 1'], output: out.wasm }`),
    'guest.bin': Buffer.from(GUEST),
    'copy.cjs': `const fs = require('fs'); if (process.argv[2] === '$HOME; exit 1') fs.copyFileSync('guest.bin', 'out.wasm');`,
  });
  t.equal(parseArtifact((await packDirectory(directory)).bytes).bridge?.routeExecution, true);
});

t.test('AssemblyScript without asconfig.json is built with the flags of the scaffold', async (t) => {
  const directory = t.testdir({
    'plugin.yaml': PLUGIN_YAML,
    assembly: {
      'index.ts': `export function lina_dynamic_route_alloc(size: i32): i32 { return 0; }
        export function lina_dynamic_route_execute(at: i32, size: i32): i64 { return 0; }`,
    },
  });
  const { bytes } = await packDirectory(directory);
  const exported = WebAssembly.Module.exports(await WebAssembly.compile(Uint8Array.from(bytes)));
  t.ok(exported.some(({ name }) => name === '_initialize'));
});

t.test('F064 what plugin_embed.go names is packed, and without the file the same comes out', async (t) => {
  const files = () => ({
    'plugin.yaml': PLUGIN_YAML,
    manifest: { 'a.txt': 'a', sql: { '001-a.sql': 'A;' } },
    frontend: { pages: { 'i.html': 'i' } },
  });
  const directory = t.testdir({
    all: { ...files(), 'plugin_embed.go': 'package x\n//go:embed plugin.yaml manifest frontend\n' },
    some: { ...files(), 'plugin_embed.go': 'package x\n//go:embed plugin.yaml manifest/*.txt\n' },
    none: files(),
  });
  const pack = async (name: string) => (await packDirectory(join(directory, name))).bytes;
  t.same(await pack('all'), await pack('none'));
  const some = parseArtifact(await pack('some'));
  t.same([some.installSql, some.frontendAssets], [[], []]);
  t.same(
    some.manifestResources.map(({ path }) => path),
    ['manifest/a.txt'],
  );
});

t.test('F142 hidden files stay at home, unless `all:` asks for them', async (t) => {
  const manifest = () => ({ 'a.txt': 'a', '.b.txt': 'b', _c: { 'd.txt': 'd' } });
  const directory = t.testdir({
    plain: { 'plugin.yaml': PLUGIN_YAML, 'plugin_embed.go': '//go:embed plugin.yaml manifest\n', manifest: manifest() },
    all: {
      'plugin.yaml': PLUGIN_YAML,
      'plugin_embed.go': '//go:embed plugin.yaml all:manifest\n',
      manifest: manifest(),
    },
  });
  const packed = async (name: string) =>
    parseArtifact((await packDirectory(join(directory, name))).bytes).manifestResources.map(({ path }) => path);
  t.same(await packed('plain'), ['manifest/a.txt']);
  t.same(await packed('all'), ['manifest/.b.txt', 'manifest/_c/d.txt', 'manifest/a.txt']);
});

t.test('a link to a file is followed, a link to a directory is refused', async (t) => {
  const directory = t.testdir({ shared: { 'a.txt': 'linked' }, plugin: { 'plugin.yaml': PLUGIN_YAML, manifest: {} } });
  const plugin = join(directory, 'plugin');
  await symlink('../../shared/a.txt', join(plugin, 'manifest/a.txt'));
  await mkdir(join(plugin, 'node_modules'));
  await symlink('../../shared', join(plugin, 'node_modules/shared'));
  const { manifestResources } = parseArtifact((await packDirectory(plugin)).bytes);
  t.same(manifestResources, [{ path: 'manifest/a.txt', content: Buffer.from('linked') }]);
  await symlink('../../shared', join(plugin, 'manifest/deep'));
  await t.rejects(packDirectory(plugin), failed('manifest/deep is a link to a directory'));
});

t.test('C85 F091 a frontend file is never one from outside the plugin', async (t) => {
  const directory = t.testdir({
    'secret.txt': 'secret',
    plugin: { 'plugin.yaml': PLUGIN_YAML, frontend: { pages: { 'a.txt': 'a' } } },
  });
  const pages = join(directory, 'plugin/frontend/pages');
  await symlink('a.txt', join(pages, 'b.txt'));
  // The directory itself may be reached by a link.
  await symlink('plugin', join(directory, 'linked'));
  const { frontendAssets } = parseArtifact((await packDirectory(join(directory, 'linked'))).bytes);
  t.same(
    frontendAssets.map(({ path, content }) => [path, Buffer.from(content).toString()]),
    [
      ['frontend/pages/a.txt', 'a'],
      ['frontend/pages/b.txt', 'a'],
    ],
  );
  await symlink('../../../secret.txt', join(pages, 'c.txt'));
  await t.rejects(
    packDirectory(join(directory, 'plugin')),
    failed(/^frontend\/pages\/c\.txt is a link to a file outside/),
  );
});

t.test('a link that leads nowhere is refused', async (t) => {
  const plugin = t.testdir({ 'plugin.yaml': PLUGIN_YAML, manifest: {} });
  await symlink('nowhere', join(plugin, 'manifest/a.txt'));
  await t.rejects(packDirectory(plugin), failed('manifest/a.txt cannot be read'));
});

t.test('warnings go to stderr and into the document', async (t) => {
  const cwd = t.testdir({
    plugin: {
      'plugin.yaml': PLUGIN_YAML,
      manifest: { sql: { 'install.sql': 'I;' } },
      backend: { 'plugin.go': 'package backend' },
    },
  });
  const { code, stdout, stderr } = await sandpool(['pack', 'plugin', '--json'], { cwd });
  t.equal(code, 0);
  const warnings = [
    'manifest/sql/install.sql is an old name; it is packed as 001-install.sql',
    'backend/ is not searched for routes and callbacks: declare them in hack/config.yaml under wasm',
  ];
  t.same(JSON.parse(stdout).warnings, warnings);
  for (const warning of warnings) t.match(stderr, `warning: ${warning}`);
});

t.test('a directory that is no plugin is refused, and nothing is written', async (t) => {
  const cwd = t.testdir({ empty: {}, file: 'x', bad: { 'plugin.yaml': PLUGIN_YAML, manifest: { 'gone.txt': '' } } });
  for (const [name, message] of [
    ['empty', 'SBX_PACK_FAILED: missing plugin.yaml'],
    ['absent', 'SBX_FILE_UNREADABLE'],
    ['file', 'SBX_FILE_UNREADABLE'],
    ['bad', 'SBX_PACK_FAILED: manifest/gone.txt is empty'],
  ] as const) {
    const { code, stderr } = await sandpool(['pack', name], { cwd });
    t.equal(code, 1, name);
    t.match(stderr, message);
  }
  t.notOk((await readdir(cwd)).includes('temp'));
});

t.test('a file that cannot be written is told', async (t) => {
  const cwd = t.testdir({ plugin: { 'plugin.yaml': PLUGIN_YAML }, taken: 'x' });
  const { code, stderr } = await sandpool(['pack', 'plugin', '-o', 'taken/out.wasm'], { cwd });
  t.equal(code, 1);
  t.match(stderr, /SBX_PACK_FAILED: cannot write .*taken\/out\.wasm/);
});

t.test('F062 a directory of plugins is packed whole, each dynamic one into its own file', async (t) => {
  const yaml = (id: string) => PLUGIN_YAML.replace('acme-demo', id);
  const cwd = t.testdir({
    plugins: {
      a: { 'plugin.yaml': yaml('acme-a') },
      b: { 'plugin.yaml': yaml('acme-b') },
      source: { 'plugin.yaml': yaml('acme-source').replace('type: dynamic', 'type: source') },
      notes: { 'README.md': 'x' },
      'README.md': 'x',
    },
    out: {},
  });
  const { code, stdout } = await sandpool(['pack', 'plugins', '--json'], { cwd });
  t.equal(code, 0);
  t.match(JSON.parse(stdout), { artifacts: [{ id: 'acme-a' }, { id: 'acme-b' }] });
  t.same((await readdir(join(cwd, 'temp/output'))).sort(), ['acme-a.wasm', 'acme-b.wasm']);
  t.match(await sandpool(['pack', 'plugins', '-o', 'out'], { cwd }), { code: 0, stdout: /acme-b v0\.1\.0, \d+ bytes/ });
  t.same((await readdir(join(cwd, 'out'))).sort(), ['acme-a.wasm', 'acme-b.wasm']);
  for (const choice of [
    ['-o', 'one.wasm'],
    ['--wasm', 'a.wasm'],
  ]) {
    const refused = await sandpool(['pack', 'plugins', ...choice], { cwd });
    t.equal(refused.code, 2);
    t.match(refused.stderr, /^SBX_USAGE: /);
  }
});
