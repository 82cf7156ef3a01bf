import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { reservedPort } from '../closed-port.js';

const CLI = fileURLToPath(new URL('../../src/cli/index.js', import.meta.url));
const PASSWORD = 'only-for-tests-1';
const START_LIMIT_MS = 300_000;

t.setTimeout(3_600_000);

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
async function sandpool(
  cwd: string,
  args: readonly string[],
  options: { input?: string; env?: object } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, env: environment(cwd, options.env) });
  // One that reads nothing may have ended.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const out = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (data) => {
      out[stream] += data;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...out };
}

function environment(cwd: string, more: object = {}) {
  const { PATH } = process.env;
  return {
    PATH,
    HOME: cwd,
    XDG_CONFIG_HOME: join(cwd, 'config'),
    SANDPOOL_ADMIN_PASSWORD: PASSWORD,
    // A busy machine may hold up every thread for a while.
    SANDPOOL_POOL_QUEUE_TIMEOUT_MS: '60000',
    ...more,
  };
}

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
  readonly greeting: string;
}

/** Starts a host and waits for its greeting. */
async function serve(
  t: { teardown(end: () => void): void },
  cwd: string,
  { port = 0, args = [] }: { port?: number; args?: readonly string[] } = {},
): Promise<Served> {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', String(port), '--data', 'data', ...args], {
    cwd,
    env: environment(cwd, { SANDPOOL_LOG_LEVEL: 'error' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  let greeting = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
  for await (const data of child.stdout) {
    greeting += data;
    if (/metrics {3}\S+\/metrics\n/.test(greeting)) break;
  }
  clearTimeout(timer);
  return { child, greeting, url: /listens on (\S+)/.exec(greeting)?.[1] ?? '' };
}

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

t.test(
  'a newcomer scaffolds, packs, inspects and runs a plugin, and serves it on a host that survives kill -9',
  async (t) => {
    const cwd = t.testdir();
    t.match(await sandpool(cwd, ['new', 'acme-notes']), { code: 0, stdout: /plugin\.yaml/ });
    t.match(await sandpool(cwd, ['pack', 'acme-notes']), { code: 0, stdout: /acme-notes\.wasm/ });
    const file = 'temp/output/acme-notes.wasm';
    const inspected = JSON.parse((await sandpool(cwd, ['inspect', file, '--json'])).stdout);
    t.match(inspected, {
      id: 'acme-notes',
      version: 'v0.1.0',
      isolation: { eligible: ['pristine', 'fresh', 'warm'], reasons: [] },
    });

    await t.test('one route of the artifact, nothing installed', async (t) => {
      t.match(await sandpool(cwd, ['run', file, 'GET', '/notes']), { code: 0, stdout: /^HTTP 200\n[\s\S]*"total":0/ });
      const written = await sandpool(cwd, [
        'run',
        file,
        'POST',
        '/notes',
        '--json',
        '-H',
        'content-type: application/json',
        '-d',
        '{"title":"A","text":"b"}',
      ]);
      const document = JSON.parse(written.stdout);
      t.match(document, {
        status: 201,
        hostCalls: [{ service: String, method: String, status: 0 }],
        timings: { hostCalls: Number },
      });
      t.match(JSON.parse(Buffer.from(document.bodyBase64, 'base64').toString()), { title: 'A', author: 'admin' });
      await writeFile(join(cwd, 'note.json'), '{"title":"from a file","text":"b"}');
      t.match(
        (await sandpool(cwd, ['run', file, 'POST', '/x/acme-notes/notes', '-d', '@note.json'])).stdout,
        'from a file',
      );
      const anonymous = await sandpool(cwd, ['run', file, 'POST', '/notes', '--anonymous', '-d', '{}', '--json']);
      t.match(JSON.parse(anonymous.stdout), { status: 401, body: 'Missing Authorization header' });
      const denied = JSON.parse(
        (await sandpool(cwd, ['run', file, 'GET', '/notes', '--grant', 'none', '--json'])).stdout,
      );
      t.match(denied.hostCalls, [{ status: 1 }]);
      t.match(await sandpool(cwd, ['run', file, 'GET', '/nowhere']), { code: 0, stdout: /^HTTP 404/ });
      t.match(await sandpool(cwd, ['run', 'missing.wasm', 'GET', '/']), { code: 1, stderr: /^SBX_FILE_UNREADABLE: / });
    });

    const first = await serve(t, cwd, { port: await reservedPort(t), args: ['--demo'] });
    const curl = /curl (\S+)/.exec(first.greeting)?.[1] ?? '';
    await t.test('the curl line that the demo prints', async (t) => {
      t.match(await get(curl), { status: 200, text: '"items"' });
    });
    await t.test('install, use, disable', async (t) => {
      const at = ['--url', first.url];
      t.match(await sandpool(cwd, ['login', ...at, '--password-stdin'], { input: `${PASSWORD}\n` }), { code: 0 });
      t.match(await sandpool(cwd, ['list', ...at]), { code: 0, stdout: /sandpool-notes .*enabled/ });
      t.match(await sandpool(cwd, ['install', file, '--grant', 'all', '--enable', ...at]), { code: 0 });
      t.match(await get(`${first.url}/x/acme-notes/notes`), { status: 200 });
      t.match(await sandpool(cwd, ['disable', 'acme-notes', ...at]), { code: 0 });
      t.match(await get(`${first.url}/x/acme-notes/notes`), { status: 404, text: 'Dynamic plugin is not enabled' });
      t.equal((await get(curl)).status, 200, 'the bystander');
      t.match(await sandpool(cwd, ['enable', 'acme-notes', ...at]), { code: 0 });
      t.match(await sandpool(cwd, ['list', '--url', first.url, '--token', 'forged']), {
        code: 1,
        stderr: /SBX_TOKEN_INVALID/,
      });
    });

    first.child.kill('SIGKILL');
    await once(first.child, 'close');
    t.match(await sandpool(cwd, ['list', '--url', first.url]), { code: 3, stderr: /^SBX_HOST_UNREACHABLE: / });

    const second = await serve(t, cwd);
    await t.test('after kill -9 both plugins serve again', async (t) => {
      t.notMatch(second.greeting, 'password');
      for (const id of ['acme-notes', 'sandpool-notes'])
        t.equal((await get(`${second.url}/x/${id}/notes`)).status, 200, id);
    });
    second.child.kill('SIGTERM');
    const [code] = (await once(second.child, 'close')) as [number | null];
    t.equal(code, 0, 'SIGTERM is an orderly end');
  },
);

t.test('a guest that fails makes `run` fail with its code', async (t) => {
  const { buildArtifact } = await import('../artifact/build.js');
  const { watGuest } = await import('../guest-modules.js');
  const routes = [{ path: '/a' }];
  const cwd = t.testdir({
    'trap.wasm': Buffer.from(buildArtifact({ module: await watGuest('trap'), routes })),
    'loop.wasm': Buffer.from(buildArtifact({ module: await watGuest('infinite-loop'), routes })),
  });
  const trapped = await sandpool(cwd, ['run', 'trap.wasm', 'GET', '/a', '--json']);
  t.equal(trapped.code, 1);
  t.match(JSON.parse(trapped.stdout), {
    status: 500,
    error: { code: 'SBX_TRAP' },
    headers: { 'x-sandpool-error': 'SBX_TRAP' },
  });
  const looped = await sandpool(cwd, ['run', 'loop.wasm', 'GET', '/a', '--json'], {
    env: { SANDPOOL_SANDBOX_DEADLINE_MS: '200' },
  });
  t.match(JSON.parse(looped.stdout), { status: 500, error: { code: 'SBX_DEADLINE' } });
});

t.test('a configuration that is wrong starts nothing', async (t) => {
  const cwd = t.testdir({ 'sandpool.yaml': 'server:\n  port: 99999\npoool: {}\n' });
  const refused = await sandpool(cwd, ['serve', '--data', 'data']);
  t.equal(refused.code, 1);
  t.match(refused.stderr, /^SBX_CONFIG_INVALID: [\s\S]*sandpool\.yaml:2:9 server\.port[\s\S]*poool/);
  await t.rejects(readFile(join(cwd, 'data', 'sandpool.db')));
});
