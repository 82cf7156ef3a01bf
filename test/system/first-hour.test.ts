/** The first hour with a host: the first password, refusals, commands given twice, and the ends of a host. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { type Ran, sandpool } from '../cli/command-line.js';
import { reservedPort } from '../closed-port.js';
import { watGuest } from '../guest-modules.js';
import { startChildHost } from './child-host.js';

t.setTimeout(3_600_000);

const CHOSEN_PASSWORD = 'only-for-tests-1';

interface ServedHost {
  readonly url: string;
  /** Everything that was printed up to the end of the greeting. */
  readonly greeting: string;
  get(path: string): Promise<{ status: number; text: string }>;
  /** Sends a signal. @returns the exit code, or the signal that ended the process. */
  end(signal: NodeJS.Signals): Promise<number | string | null>;
}

/** `sandpool serve` in a directory, as a process of its own; ended by its pid when the test ends. */
async function serve(t: Test, cwd: string, { demo = false, port = 0, env = {} } = {}): Promise<ServedHost> {
  const { url, greeting, end } = await startChildHost(t, {
    cwd,
    flags: ['--port', String(port), '--data', join(cwd, 'data'), ...(demo ? ['--demo'] : [])],
    env,
    ...(demo && { last: /in a browser$/ }),
  });
  return {
    url,
    greeting,
    async get(path) {
      const response = await fetch(path.startsWith('http') ? path : `${url}${path}`);
      return { status: response.status, text: await response.text() };
    },
    end,
  };
}

/** The command line as the newcomer types it: in the directory, with the address of the host. */
function typist(t: Test, cwd: string, { url }: ServedHost) {
  const type = (args: readonly string[], input = ''): Promise<Ran> =>
    sandpool(args, { cwd, env: { SANDPOOL_URL: url }, input });
  return {
    type,
    /** Types a command that must succeed, and gives what it prints. */
    async done(...args: string[]): Promise<string> {
      const ran = await type(args);
      t.equal(ran.code, 0, `sandpool ${args.join(' ')}: ${ran.stderr}`);
      return ran.stdout;
    },
  };
}

/** Puts an artifact of plugin `acme-echo` into a directory, as `sandpool pack` would. */
async function putArtifact(directory: string): Promise<string> {
  const manifest = { id: 'acme-echo', name: 'Echo' };
  const file = join(directory, 'acme-echo.wasm');
  await mkdir(directory, { recursive: true });
  await writeFile(file, buildArtifact({ manifest, module: await watGuest('echo'), routes: [{ path: '/echo' }] }));
  return file;
}

t.test(
  'who has only read the greeting gets as far as a plugin of their own, and finds it again the next day',
  async (t) => {
    const cwd = t.testdir();
    const host = await serve(t, cwd, { demo: true, port: await reservedPort(t) });
    const [, curlUrl = ''] = /^Try: {2}curl (\S+)$/m.exec(host.greeting) ?? [];
    const sample = await host.get(curlUrl);
    t.equal(sample.status, 200, 'the printed line works');
    t.match(JSON.parse(sample.text), { total: 1 }, 'its AfterInstall has written a first note');
    t.match(await host.get('/x/sandpool-notes/'), { status: 200, text: /<!doctype html>/i });
    const [, pageUrl = ''] = /^ {6}(\S+) in a browser$/m.exec(host.greeting) ?? [];
    t.match(await host.get(pageUrl), { status: 200, text: /Log in to write/ }, 'the printed page works');

    const { type, done } = typist(t, cwd, host);
    const [, password = ''] = /user admin, password (\S+) \(shown only this once\)/.exec(host.greeting) ?? [];
    t.match(await type(['list']), { code: 1, stdout: '', stderr: /^SBX_TOKEN_MISSING: / });
    t.match(await type(['login', '--password-stdin'], 'wrong\n'), { code: 1, stderr: /^SBX_CREDENTIALS_INVALID: / });
    const login = await type(['login', '--password-stdin'], `${password}\n`);
    t.equal(login.code, 0, login.stderr);
    t.notOk(login.stdout.includes(password));
    t.match(JSON.parse(await done('list', '--json')), { total: 1, list: [{ id: 'sandpool-notes', enabled: 1 }] });

    const file = await putArtifact(join(cwd, 'temp/output'));
    const install = ['install', file, '--grant', 'all', '--enable'];
    t.equal(
      await done(...install),
      'acme-echo v0.1.0 is enabled\n',
      'a file that the host has seen already is no obstacle',
    );
    t.match(await host.get('/x/acme-echo/echo'), { status: 200, text: '{"ok":true}' });
    t.equal(await done(...install), 'acme-echo v0.1.0 is enabled\n', 'the same again is done already');

    t.equal(await done('disable', 'acme-echo'), 'acme-echo v0.1.0 is installed, not enabled\n');
    t.match(await host.get('/x/acme-echo/echo'), { status: 404, text: 'Dynamic plugin is not enabled' });
    t.equal((await host.get(curlUrl)).status, 200, 'the other plugin is not concerned');
    await done('enable', 'acme-echo');

    t.equal(await host.end('SIGTERM'), 0, 'a host that is told to end ends well');
    t.match(await type(['list']), { code: 3, stdout: '', stderr: /^SBX_HOST_UNREACHABLE: no host answers at / });

    const again = await serve(t, cwd, { demo: true });
    t.notOk(again.greeting.includes('password'), 'the first password is not made up again');
    t.match(again.greeting, /plugins {3}acme-echo, sandpool-notes/);
    t.equal((await again.get('/x/acme-echo/echo')).status, 200);
    t.equal((await again.get('/x/sandpool-notes/notes')).status, 200);
    t.equal(await again.end('SIGINT'), 0);
  },
);

t.test('what was answered as installed and enabled serves after the host was killed', async (t) => {
  const cwd = t.testdir();
  const first = await serve(t, cwd, { env: { SANDPOOL_ADMIN_PASSWORD: CHOSEN_PASSWORD } });
  t.match(first.greeting, 'plugins   none; `sandpool install FILE --enable` adds one');
  t.notOk(first.greeting.includes('password'), 'a password that was chosen is not printed');
  const { type, done } = typist(t, cwd, first);
  t.equal((await type(['login', '--password-stdin'], `${CHOSEN_PASSWORD}\n`)).code, 0);
  await done('install', await putArtifact(cwd), '--grant', 'all', '--enable');
  t.equal(await first.end('SIGKILL'), 'SIGKILL');

  const second = await serve(t, cwd);
  t.match(second.greeting, /plugins {3}acme-echo$/m);
  t.match(await second.get('/x/acme-echo/echo'), { status: 200, text: '{"ok":true}' });
  t.match(await second.get('/readyz'), { status: 200 });
  t.equal(await second.end('SIGTERM'), 0);
});
