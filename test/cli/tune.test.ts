import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { buildArtifact } from '../artifact/build.js';
import { watGuest } from '../guest-modules.js';
import { sandpool } from './command-line.js';

// A dozen hosts start one after the other.
t.setTimeout(3_600_000);
const cwd = t.testdir();
const artifact = join(cwd, 'acme.wasm');
const routes = [{ method: 'POST', path: '/echo', access: 'login' }];
await writeFile(artifact, buildArtifact({ manifest: { id: 'acme' }, routes, module: await watGuest('echo') }));
const tune = (...args: string[]) => sandpool(['tune', '--plugin', artifact, ...args], { cwd });

t.test(
  'tune writes a configuration that a host accepts, with the curve that led to it',
  { timeout: 3_600_000 },
  async (t) => {
    const file = join(cwd, 'tuned.yaml');
    const short = ['--rounds', '1', '--round-ms', '20', '-o', file, '--json'];
    const { code, stdout, stderr } = await tune('--request', 'POST /echo', '-d', '{}', ...short);
    t.equal(code, 0, stderr);
    t.match(stderr, /^\d+ loads of 20 ms: about \d+ seconds/, 'the estimate comes first');
    const { recommended, steps, fragment } = JSON.parse(stdout);
    const { config } = loadConfig({ file, env: {} });
    t.equal(await readFile(file, 'utf8'), fragment);
    t.match(config.pool, { maxThreads: recommended.maxThreads, batchSize: recommended.batchSize });
    t.equal(recommended.isolation, 'pristine');
    t.same(
      steps.at(-1).points.map((point: { settings: { isolation: string } }) => point.settings.isolation),
      ['pristine', 'fresh', 'warm'],
    );
  },
);

t.test('tune says what is wrong before it measures anything', async (t) => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ['no route to ask by itself', [], /SBX_USAGE: the plugin has no public GET route without parameters/],
    ['a request that is none', ['--request', 'echo'], /SBX_USAGE: --request echo is not like/],
    ['a target that is none', ['--target', 'speed'], /SBX_USAGE: --target speed is neither rps nor p99/],
    ['no time', ['--round-ms', '1'], /SBX_USAGE: --round-ms 1 is no number/],
  ];
  for (const [title, args, stderr] of cases) t.match(await tune(...args), { code: 2, stderr }, title);
  t.match(await sandpool(['tune', '--plugin', 'none.wasm'], { cwd }), {
    code: 1,
    stderr: /SBX_FILE_UNREADABLE: cannot read none/,
  });
});

t.test('a request that the plugin refuses is not measured', async (t) => {
  t.match(await tune('--request', 'GET /none'), { code: 2, stderr: /SBX_USAGE: GET \/none answers 404/ });
});
