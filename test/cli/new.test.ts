import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { object } from '../../src/artifact/decode.js';
import { normalizeHostServices } from '../../src/artifact/host-services.js';
import { parsePluginYaml, parseYaml } from '../../src/artifact/manifest.js';
import { normalizeManifest } from '../../src/artifact/manifest-rules.js';
import { decodeRoutes, normalizeRoutes, type RawRoute } from '../../src/artifact/routes.js';
import { scaffold } from '../../src/cli/new.js';
import { sandpool } from './command-line.js';

const read = (...path: string[]): Promise<string> => readFile(join(...path), 'utf8');

for (const language of ['assemblyscript', 'go'] as const) {
  t.test(`A new plugin in ${language} bears its id everywhere and the template's nowhere`, async (t) => {
    const directory = join(t.testdir(), 'acme-memo');
    const files = await scaffold('acme-memo', { language, directory });
    for (const file of files) t.notMatch(await read(directory, file), /sandpool[-_]notes/, file);
    t.match(await read(directory, 'manifest/sql/001-notes.sql'), 'CREATE TABLE IF NOT EXISTS plugin_acme_memo (');
    t.equal(parse(await read(directory, 'plugin.yaml')).id, 'acme-memo');
    t.ok(
      files.includes('hack/config.yaml') && files.includes('frontend/pages/index.html') && files.includes('.gitignore'),
    );
    t.same(files, [...files].sort());
  });
}

t.test('An id that YAML would read as a number or truth value stays a text', async (t) => {
  for (const id of ['123', 'true', 'null', '1e3']) {
    const directory = join(t.testdir(), id);
    await scaffold(id, { language: 'go', directory });
    t.equal(parse(await read(directory, 'plugin.yaml')).id, id);
  }
});

t.test('Both languages declare the same routes, lifecycle and manifest', async (t) => {
  const [as, go] = [join(t.testdir(), 'as'), join(t.testdir(), 'go')];
  await scaffold('acme-memo', { language: 'assemblyscript', directory: as });
  await scaffold('acme-memo', { language: 'go', directory: go });
  const declared = async (directory: string) => ({
    ...parse(await read(directory, 'hack/config.yaml')).wasm,
    build: undefined,
  });
  t.same(await declared(as), await declared(go));
  t.equal(await read(as, 'plugin.yaml'), await read(go, 'plugin.yaml'));
});

t.test('What a new plugin declares passes every check of the host', async (t) => {
  const directory = join(t.testdir(), 'new');
  await scaffold('acme-memo', { language: 'assemblyscript', directory });
  const { manifest, hostServices } = parsePluginYaml(await read(directory, 'plugin.yaml'));
  t.match(normalizeManifest(manifest), { id: 'acme-memo', version: 'v0.1.0', defaultInstallMode: 'global' });
  t.equal(normalizeHostServices(hostServices, 'acme-memo').length, 8);
  const build = object<{ wasm: { routes: readonly RawRoute[] } }>({
    wasm: ['wasm', object({ routes: ['routes', decodeRoutes] })],
  });
  const { wasm } = build(parseYaml(await read(directory, 'hack/config.yaml'), 'config.yaml'), 'config.yaml');
  const routes = normalizeRoutes(wasm.routes, 'acme-memo');
  t.same(
    routes.map(({ method, path, access, permission }) => `${method} ${path} ${access} ${permission}`.trim()),
    [
      'GET /notes public',
      'GET /notes/{id} public',
      'POST /notes login',
      'DELETE /notes/{id} login acme-memo:note:delete',
      'GET /notes/{id}/attachment public',
      'PUT /notes/{id}/attachment login',
      'GET /search login',
      'GET /authors login',
      'GET /export public',
      'GET / public',
      'GET /about public',
    ],
  );
});

t.test('A directory that holds anything is refused and left alone', async (t) => {
  const directory = t.testdir({ 'mine.txt': 'precious' });
  await t.rejects(scaffold('acme-memo', { language: 'go', directory }), { code: 'SBX_DIRECTORY_NOT_EMPTY' });
  t.equal(await read(directory, 'mine.txt'), 'precious');
  await t.rejects(read(directory, 'plugin.yaml'), { code: 'ENOENT' });
});

t.test('An empty directory is filled', async (t) => {
  const directory = join(t.testdir(), 'empty');
  await mkdir(directory);
  t.ok((await scaffold('acme-memo', { language: 'go', directory })).length > 0);
});

t.test('A file in the place of the directory is refused and left alone', async (t) => {
  const directory = join(t.testdir(), 'taken');
  await writeFile(directory, 'precious');
  await t.rejects(scaffold('acme-memo', { language: 'go', directory }), { code: 'SBX_FILE_UNREADABLE' });
  t.equal(await read(directory), 'precious');
});

for (const id of ['', 'Acme', 'a_b', 'a--b', '-a', '../x', 'a/b', 'a.b', 'é', 'x'.repeat(65)]) {
  t.test(`${JSON.stringify(id)} is no plugin id, and nothing is written`, async (t) => {
    const directory = join(t.testdir(), 'new');
    await t.rejects(scaffold(id, { language: 'go', directory }), { code: 'PLUGIN_ID_INVALID' });
    await t.rejects(read(directory, 'plugin.yaml'), { code: 'ENOENT' });
  });
}

t.test('sandpool new makes the directory where it is called, and says what to do next', async (t) => {
  const cwd = t.testdir();
  const { code, stdout } = await sandpool(['new', 'acme-memo'], { cwd });
  t.equal(code, 0);
  t.match(stdout, /^ {2}assembly\/index\.ts$/m);
  t.match(stdout, /^ {2}sdk\/ \(the guest library, \d+ files\)$/m);
  t.notMatch(stdout, 'sdk/router.ts');
  t.match(stdout, /Next:\n {2}sandpool pack acme-memo\n {2}sandpool run temp\/output\/acme-memo.wasm GET \/about\n/);
  t.equal(parse(await read(cwd, 'acme-memo', 'plugin.yaml')).id, 'acme-memo');
});

t.test('sandpool new --json is one document', async (t) => {
  const cwd = t.testdir();
  const { stdout } = await sandpool(['new', 'acme-memo', '--lang', 'go', '--json'], { cwd });
  const { files, ...rest } = JSON.parse(stdout);
  t.same(rest, { id: 'acme-memo', language: 'go', directory: join(cwd, 'acme-memo') });
  t.ok(files.includes('main.go'));
});

t.test('sandpool new refuses an unknown language, a bad id and a directory in use', async (t) => {
  const cwd = t.testdir({ taken: { 'mine.txt': '' } });
  const refused = async (...args: string[]): Promise<[number, string]> => {
    const { code, stderr } = await sandpool(['new', ...args], { cwd });
    return [code, stderr];
  };
  t.match(await refused('acme-memo', '--lang', 'rust'), [2, 'SBX_USAGE: --lang rust is unknown']);
  t.match(await refused('Acme'), [1, 'PLUGIN_ID_INVALID']);
  t.match(await refused('taken'), [1, 'SBX_DIRECTORY_NOT_EMPTY']);
});
