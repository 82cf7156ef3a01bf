import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { COMMANDS } from '../../src/cli/commands.js';
import { ENTRY, sandpool, silentUrl } from './command-line.js';

// Every command is a process of its own.
t.setTimeout(3_600_000);

const cwd = t.testdir({ 'bad.yaml': 'server: { port: many, hst: x }\n' });

t.test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  t.same(await sandpool(['--version'], { cwd }), { code: 0, stdout: `${version}\n`, stderr: '' });
});

t.test('--help names every command', async (t) => {
  const { code, stdout } = await sandpool(['--help'], { cwd });
  t.equal(code, 0);
  for (const { name } of COMMANDS) t.match(stdout, new RegExp(`^  ${name} `, 'm'));
});

t.test('every command shows an example of itself', async (t) => {
  for (const { name, example } of COMMANDS) {
    const { code, stdout } = await sandpool([name, '--help'], { cwd });
    t.equal(code, 0, name);
    t.ok(example.startsWith(`sandpool ${name}`) && stdout.includes(`Example:\n  ${example}`), name);
    t.match(stdout, /--json /, name);
  }
});

t.test('wrong usage exits with 2 and says what is wrong', async (t) => {
  const [list, show, login] = ['list', 'show <id>', 'login'].map(
    (usage) => `  usage: sandpool ${usage} [options]; --help explains them\n`,
  );
  const cases: [args: string[], stderr: string][] = [
    [[], 'SBX_USAGE: a command is missing; `sandpool --help` lists them\n'],
    [['lst'], "SBX_USAGE: unknown command 'lst' (Did you mean list?)\n"],
    [['list', '--ulr', 'x'], `SBX_USAGE: unknown option '--ulr' (Did you mean --url?)\n${list}`],
    [['list', '--url'], `SBX_USAGE: option '--url <url>' argument missing\n${list}`],
    [['list', '--url', 'ftp://h'], `SBX_USAGE: ftp://h is not an http or https address\n${list}`],
    [['list', '--url', 'nonsense'], `SBX_USAGE: nonsense is not an http or https address\n${list}`],
    [['show'], `SBX_USAGE: missing required argument 'id'\n${show}`],
    [['show', 'a', 'b'], `SBX_USAGE: too many arguments for 'show'. Expected 1 argument but got 2.\n${show}`],
    [['login'], `SBX_USAGE: the password is empty; without a terminal it is read from stdin\n${login}`],
  ];
  for (const [args, stderr] of cases)
    t.same(await sandpool(args, { cwd }), { code: 2, stdout: '', stderr }, args.join(' '));
});

t.test('commands that this version does not have are unknown', async (t) => {
  for (const name of ['call', 'dev', 'doctor']) {
    const { code, stderr } = await sandpool([name, 'x'], { cwd });
    t.equal(code, 2, name);
    t.match(stderr, `SBX_USAGE: unknown command '${name}'`);
  }
});

t.test('with --json a failure is one JSON document on stdout, and the sentence on stderr', async (t) => {
  const usage = await sandpool(['lst', '--json'], { cwd });
  t.equal(usage.code, 2);
  const reason = "unknown command 'lst' (Did you mean list?)";
  t.same(JSON.parse(usage.stdout), { error: { code: 'SBX_USAGE', message: reason, details: { reason } } });
  t.equal(usage.stderr, `SBX_USAGE: ${reason}\n`);

  const failure = await sandpool(['config', '-c', 'absent.yaml', '--json'], { cwd });
  t.equal(failure.code, 1);
  t.match(JSON.parse(failure.stdout), { error: { code: 'SBX_FILE_UNREADABLE', details: { file: 'absent.yaml' } } });
  t.match(failure.stderr, /^SBX_FILE_UNREADABLE: cannot read absent.yaml: there is no such file or directory\n$/);
});

t.test('an operation that fails exits with 1 and names every problem', async (t) => {
  const { code, stdout, stderr } = await sandpool(['config', '-c', 'bad.yaml'], { cwd });
  t.same([code, stdout], [1, '']);
  t.equal(
    stderr,
    `SBX_CONFIG_INVALID: the configuration is invalid:
  bad.yaml:1:17 server.port must be an integer from 0 to 65535, not "many"
  bad.yaml:1:23 server.hst is not a setting; did you mean server.host?
`,
  );
});

t.test('a host that is not there exits with 3', async (t) => {
  const url = await silentUrl(t);
  const { code, stdout, stderr } = await sandpool(['list', '--url', url, '--json'], { cwd });
  t.equal(code, 3);
  t.match(JSON.parse(stdout), { error: { code: 'SBX_HOST_UNREACHABLE', details: { url } } });
  t.match(stderr, `SBX_HOST_UNREACHABLE: no host answers at ${url}: `);
  t.match(stderr, '\n  `sandpool serve` starts a host; --url and SANDPOOL_URL say where it is\n');
});

t.test('a reader that leaves early is no failure', async (t) => {
  const child = spawn(process.execPath, [ENTRY, 'config', '--schema'], {
    cwd,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  t.same([code, stderr], [0, '']);
});
