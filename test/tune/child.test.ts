import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import t from 'tap';
import { login, startHostServer, startServer } from '../../src/tune/child.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';

t.test('a host is started with its plugins enabled, and leaves nothing behind', async (t) => {
  const routes = [{ method: 'POST', path: '/echo' }];
  const artifact = buildArtifact({ manifest: { id: 'acme' }, routes, module: await watGuest('echo') });
  const host = await startHostServer({ settings: { pool: { maxThreads: 1 } }, artifacts: { acme: artifact } });
  const response = await fetch(`${host.url}/x/acme/echo`, { method: 'POST', body: 'hello' });
  t.equal(response.status, 200);
  t.match(await login(host), /^\S{20,}$/, 'its administrator can log in');
  await host.end();
  t.throws(() => process.kill(host.pid, 0), { code: 'ESRCH' });
});

t.test('settings that a host refuses are told in its words', async (t) => {
  await t.rejects(startHostServer({ settings: { pool: { maxThreads: 0 } }, artifacts: {} }), {
    message: /the server ended with 1: SBX_CONFIG_INVALID.*pool\.maxThreads/s,
  });
});

t.test('what a server says after it has ended is told, too', async (t) => {
  // Somebody who shares its output speaks as soon as it is gone.
  const heir = `while kill -0 "$1" 2>/dev/null; do :; done; echo last words >&2`;
  await t.rejects(startServer(['sh', '-c', `sh -c '${heir}' - $$ & exit 3`]), {
    message: 'the server ended with 3: last words',
  });
});

t.test('servers end with a measurement that is broken off', async (t) => {
  const module = new URL('../../src/tune/child.js', import.meta.url).href;
  const serve = `process.stdout.write(JSON.stringify({ url: 'http://x' })); setInterval(() => {}, 1000)`;
  const program = `
    import { startServer } from ${JSON.stringify(module)};
    const { pid } = await startServer([process.execPath, '-e', ${JSON.stringify(serve)}]);
    console.log(pid);
    setInterval(() => {}, 1000);
  `;
  const measuring = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = (await once(measuring.stdout, 'data')) as [Buffer];
  measuring.kill('SIGTERM');
  await once(measuring, 'exit');
  await gone(Number(pid));
  t.pass('the server is gone');
});

/** Resolves when the process has ended; the test's own time limit is the bound. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('a program that does not exist is told', async (t) => {
  const program = '/nonexistent/program';
  t.notOk(existsSync(program));
  await t.rejects(startServer([program]), { code: 'ENOENT' });
});
