import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { scaffold } from '../../src/cli/new.js';
import { packDirectory } from '../../src/cli/pack.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';
import { rawCall, readRaw } from '../raw-calls.js';
import { sandpool } from './command-line.js';

t.setTimeout(3_600_000);

const ROUTES = [{ method: 'POST', path: '/echo', requestType: 'EchoReq' }];
const SCOPED = [{ service: 'storage', methods: ['get'], resources: { paths: ['a/'] } }];

/** The sample plugin, built once. */
const NOTES = t.testdir();
await scaffold('acme-notes', { language: 'assemblyscript', directory: join(NOTES, 'acme-notes') });
const { bytes: notes } = await packDirectory(join(NOTES, 'acme-notes'));

/** Runs `sandpool run acme-notes.wasm …` in a directory that holds the sample plugin. */
async function openDirectory(t: Test) {
  const cwd = t.testdir();
  await writeFile(join(cwd, 'acme-notes.wasm'), notes);
  return {
    cwd,
    run: (...args: string[]) => sandpool(['run', 'acme-notes.wasm', ...args], { cwd }),
    json: async (...args: string[]) => {
      const ran = await sandpool(['run', 'acme-notes.wasm', ...args, '--json'], { cwd });
      return { code: ran.code, ...JSON.parse(ran.stdout) };
    },
  };
}

t.test('a route is run without a host, and its answer shown with what it asked for', async (t) => {
  const { run } = await openDirectory(t);
  const { code, stdout, stderr } = await run('GET', '/notes');
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(stdout, /^HTTP 200\n/);
  t.match(stdout, '\ncontent-type: application/json\n');
  t.match(stdout, '\n\n{"items":[],"total":0}\n\n');
  t.match(stdout, /\nran \d+\.\d\d ms with 1 host call\n {2}runtime\.state\.get {4}ok {2}\d+\.\d{3} ms\n$/);
});

t.test('as JSON the answer is one document', async (t) => {
  const { json } = await openDirectory(t);
  const document = await json('GET', '/about');
  t.match(document, {
    code: 0,
    status: 200,
    headers: { 'content-type': 'application/json' },
    timings: { runMs: Number, queueMs: Number, hostCalls: 6 },
  });
  t.equal(Buffer.from(document.bodyBase64, 'base64').toString(), document.body);
  t.match(JSON.parse(document.body), { plugin: 'acme-notes', title: 'Notebook', adminPath: '/admin' });
  t.notOk('error' in document);
  t.strictSame(
    document.hostCalls.map(({ service, method, resource, status }: Record<string, unknown>) => [
      `${service}.${method}`,
      resource,
      status,
    ]),
    [
      ['plugins.config.get', '', 0],
      ['plugins.config.get', '', 0],
      ['runtime.state.get', '', 0],
      ['manifest.get', 'resources/about.json', 0],
      ['hostconfig.get', 'workspace.basePath', 0],
      ['runtime.info.node', '', 0],
    ],
  );
});

t.test('the path may be that of the host, and the method in small letters', async (t) => {
  const { json } = await openDirectory(t);
  t.match(await json('get', '/x/acme-notes/notes?page=1'), { code: 0, status: 200 });
  t.match(await json('GET', 'notes'), { code: 0, status: 200 });
  t.match(await json('GET', '/nothing'), { code: 0, status: 404, timings: null, hostCalls: [] });
});

t.test('a body comes from the command line or a file, with headers', async (t) => {
  const { cwd, run, json } = await openDirectory(t);
  const type = ['-H', 'content-type: application/json'];
  const written = await json('POST', '/notes', ...type, '-d', '{"title":"from the line"}');
  t.match(written, { code: 0, status: 201, headers: { location: /^\/x\/acme-notes\/notes\/[0-9a-f]{32}$/ } });
  t.match(JSON.parse(written.body), { title: 'from the line', author: 'admin' });
  await writeFile(join(cwd, 'note.json'), '{"title":"from a file"}');
  const fromFile = await run('POST', '/notes', ...type, '--data', '@note.json');
  t.match(fromFile.stdout, '"title":"from a file"');
  t.match(fromFile.stderr, /^acme-notes info: .*note written/, 'what the plugin logs is a diagnostic');
});

t.test('a header that is none, and files that are not there, are told', async (t) => {
  const { run } = await openDirectory(t);
  t.match(await run('GET', '/notes', '-H', 'nonsense'), { code: 2, stdout: '', stderr: /^SBX_USAGE: -H nonsense/ });
  t.match(await run('POST', '/notes', '-d', '@none'), { code: 1, stderr: /^SBX_FILE_UNREADABLE: cannot read none/ });
  t.match(await run('GET', '/notes', '--grant', 'none.json'), { code: 1, stderr: /^SBX_FILE_UNREADABLE/ });
  const missing = await sandpool(['run', 'none.wasm', 'GET', '/'], { cwd: t.testdirName });
  t.match(missing, { code: 1, stderr: /^SBX_FILE_UNREADABLE: cannot read none\.wasm/ });
});

t.test('without an identity a route for users refuses', async (t) => {
  const { json } = await openDirectory(t);
  const body = ['-d', '{"title":"x"}'];
  t.match(await json('POST', '/notes', ...body, '--anonymous'), {
    code: 0,
    status: 401,
    body: 'Missing Authorization header',
    hostCalls: [],
  });
  t.match(await json('POST', '/notes', ...body, '--anonymous', '-H', 'authorization: Bearer x'), {
    status: 401,
    body: 'invalid token',
  });
  t.match(await json('GET', '/notes', '--anonymous'), { status: 200 });
});

t.test('a plugin that is granted nothing is denied, and what it asked for is listed', async (t) => {
  const { json, run } = await openDirectory(t);
  const document = await json('GET', '/about', '--grant', 'none');
  t.match(document, { status: 500, error: { code: 'SBX_TRAP' }, hostCalls: [{ service: 'plugins', status: 1 }] });
  t.equal(document.code, 1, 'the guest does not live without its configuration');
  t.match((await run('GET', '/about', '--grant', 'none')).stdout, /\n {2}plugins\.config\.get +denied +\d/);
});

t.test('a grant may be a part of what is declared', async (t) => {
  const { cwd, json } = await openDirectory(t);
  const services = [
    { service: 'hostconfig', keys: ['workspace.basePath'] },
    { service: 'manifest', paths: [] },
  ];
  await mkdir(join(cwd, 'grants'));
  await writeFile(join(cwd, 'grants/some.json'), JSON.stringify({ authorization: { services } }));
  const { hostCalls } = await json('GET', '/about', '--grant', 'grants/some.json');
  const statusOf = (service: string) => hostCalls.find((call: { service: string }) => call.service === service)?.status;
  t.equal(statusOf('plugins'), 0);
  t.equal(statusOf('manifest'), 1);
});

t.test('a grant of what was never declared is refused', async (t) => {
  const cwd = t.testdir({ 'grant.json': '{"services":[{"service":"storage","paths":["b/"]}]}' });
  await writeFile(join(cwd, 'a.wasm'), buildArtifact({ routes: ROUTES, hostServices: SCOPED }));
  const ran = await sandpool(['run', 'a.wasm', 'POST', '/echo', '--grant', 'grant.json'], { cwd });
  t.match(ran, { code: 1, stdout: '', stderr: /^SBX_GRANT_DECISION_INVALID/ });
});

t.test('a guest that traps ends the command with 1', async (t) => {
  const cwd = t.testdir();
  await writeFile(join(cwd, 'trap.wasm'), buildArtifact({ module: await watGuest('trap'), routes: ROUTES }));
  const ran = await sandpool(['run', 'trap.wasm', 'POST', '/echo'], { cwd });
  t.match(ran, {
    code: 1,
    stdout: /^HTTP 500\n/,
    stderr: /^SBX_TRAP: call dynamic plugin execute failed: unreachable\n$/,
  });
  t.match(ran.stdout, '\nx-sandpool-error: SBX_TRAP\n');
  const { stdout } = await sandpool(['run', 'trap.wasm', 'POST', '/echo', '--json'], { cwd });
  t.match(JSON.parse(stdout), {
    status: 500,
    error: { code: 'SBX_TRAP', message: /^call dynamic plugin execute failed/ },
  });
});

t.test('a file that is no artifact is refused by its reason, without a trace of calls', async (t) => {
  const cwd = t.testdir({ 'a.wasm': 'not wasm' });
  const { code, stdout, stderr } = await sandpool(['run', 'a.wasm', 'GET', '/'], { cwd });
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(stderr, /^SBX_ARTIFACT_INVALID: [^\n]+\n$/);
});

t.test('the install SQL is applied, and what is wrong with it is told', async (t) => {
  const cwd = t.testdir({});
  const parts = { module: await watGuest('echo'), routes: [{ path: '/echo' }] };
  const write = (name: string, sql: string) =>
    writeFile(join(cwd, name), buildArtifact({ ...parts, installSql: { '001-a.sql': sql } }));
  await write('good.wasm', 'CREATE TABLE plugin_demo (id INT)');
  await write('bad.wasm', 'CREATE TABLE plugin_demo (id INT);\nINSERT INTO plugin_demo VALUES (none)');
  t.match(await sandpool(['run', 'good.wasm', 'GET', '/echo'], { cwd }), { code: 0, stdout: /^HTTP 200/ });
  t.match(await sandpool(['run', 'bad.wasm', 'GET', '/echo'], { cwd }), {
    code: 1,
    stdout: '',
    stderr: /^SBX_SQL_[A-Z]+: 001-a\.sql:2: /,
  });
});

t.test('a plugin that runs alone sees itself among the plugins, and nobody else', async (t) => {
  const cwd = t.testdir({});
  const hostServices = [{ service: 'plugins', methods: ['plugins.current.get', 'plugins.registry.list'] }];
  const artifact = buildArtifact({
    manifest: { id: 'demo', name: 'Demo' },
    module: await watGuest('host-call'),
    hostServices,
    routes: [{ method: 'POST', path: '/call', requestType: 'CallReq' }],
  });
  await writeFile(join(cwd, 'a.wasm'), artifact);
  const ask = async (method: string) => {
    await writeFile(join(cwd, 'body'), rawCall('plugins', method));
    const { stdout } = await sandpool(['run', 'a.wasm', 'POST', '/call', '--data', '@body', '--json'], { cwd });
    return readRaw(Buffer.from(JSON.parse(stdout).bodyBase64, 'base64')).json();
  };
  t.match(await ask('plugins.current.get'), { ID: 'demo', Enabled: true, Status: 'enabled' });
  t.match(await ask('plugins.registry.list'), { Total: 1 });
});
