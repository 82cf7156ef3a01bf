import t from 'tap';
import { playHost, sandpool } from './command-line.js';

const cwd = t.testdir({});
const installed = { version: 'v0.1.0', state: 'installed', generation: 1 };
const enabled = { ...installed, state: 'enabled', generation: 2 };
const list = [
  {
    id: 9,
    at: 1_790_000_000_000,
    pluginId: 'acme',
    action: 'enable',
    by: 'ada',
    from: installed,
    to: enabled,
    result: 'done',
  },
  {
    id: 8,
    at: 1_790_000_000_000,
    pluginId: '',
    action: 'upload',
    by: 'bob',
    result: 'refused',
    errorCode: 'SBX_ARTIFACT_INVALID',
  },
  {
    id: 7,
    at: 1_790_000_000_000,
    pluginId: 'acme',
    action: 'install',
    by: 'ada',
    from: installed,
    to: installed,
    result: 'unchanged',
  },
];

t.test('the log is a table, newest first, that tells how to go on', async (t) => {
  const { url } = await playHost(t, { 'GET /audit?limit=20': { list, next: 7 } });
  const { code, stdout } = await sandpool(['audit', '--url', url], { cwd });
  t.equal(code, 0);
  t.equal(
    stdout,
    `WHEN                      WHO  WHAT     PLUGIN  FROM → TO                          RESULT
2026-09-21T14:13:20.000Z  ada  enable   acme    v0.1.0 installed → v0.1.0 enabled  done
2026-09-21T14:13:20.000Z  bob  upload   -                                          refused, SBX_ARTIFACT_INVALID
2026-09-21T14:13:20.000Z  ada  install  acme    v0.1.0 installed                   unchanged
older: --before 7
`,
  );
});

t.test('it is of one plugin, in pages, and may be empty', async (t) => {
  const { url } = await playHost(t, { 'GET /audit?limit=5&pluginId=acme&before=7': { list: [] } });
  const page = ['audit', 'acme', '--limit', '5', '--before', '7', '--url', url];
  t.same(await sandpool(page, { cwd }), { code: 0, stdout: 'nothing has been done\n', stderr: '' });
  t.same(JSON.parse((await sandpool([...page, '--json'], { cwd })).stdout), { list: [] });
  const wrong = await sandpool(['audit', '--limit', 'many', '--url', url], { cwd });
  t.match(wrong, { code: 2, stderr: 'SBX_USAGE: --limit many is not a whole number above 0\n' });
});

t.test('what changes no release says what it was about', async (t) => {
  const run = {
    id: 3,
    at: 1_790_000_000_000,
    pluginId: 'acme',
    action: 'job-run',
    by: 'ada',
    result: 'done',
    message: 'nightly',
  };
  const { url } = await playHost(t, { 'GET /audit?limit=20': { list: [run] } });
  t.match((await sandpool(['audit', '--url', url], { cwd })).stdout, /ada {2}job-run {2}acme {4}nightly {4}done\n$/);
});
