import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

const cwd = t.testdir();
const plugin = (id: string, more: object) => ({
  id,
  name: `Name of ${id}`,
  version: '0.1.0',
  type: 'dynamic',
  runtimeState: 'normal',
  installed: 0,
  enabled: 0,
  ...more,
});
const first = [
  plugin('a', { installed: 1, enabled: 1 }),
  plugin('long-plugin-name', { installed: 1, version: 'v10.0.0', runtimeState: 'upgrade_failed' }),
];
const second = [plugin('c', {})];
const answers = {
  'GET /plugins?pageNum=1&pageSize=100': { list: first, total: 3 },
  'GET /plugins?pageNum=2&pageSize=100': { list: second, total: 3 },
};

t.test('every plugin is listed in aligned columns, from all pages', async (t) => {
  const { url } = await playHost(t, answers);
  t.same(await sandpool(['list', '--url', url], { cwd }), {
    code: 0,
    stdout: `ID                VERSION  STATE                      TYPE     NAME
a                 0.1.0    enabled                    dynamic  Name of a
long-plugin-name  v10.0.0  installed, upgrade_failed  dynamic  Name of long-plugin-name
c                 0.1.0    discovered                 dynamic  Name of c
`,
    stderr: '',
  });
});

t.test('files in the staging directory that are no plugins are listed with the reason', async (t) => {
  const problems = [{ file: 'broken.wasm', reason: 'wasm file is too short' }];
  const { url } = await playHost(t, { 'GET /plugins?pageNum=1&pageSize=100': { list: second, total: 1, problems } });
  const { code, stdout } = await sandpool(['list', '--url', url], { cwd });
  t.equal(code, 0);
  t.equal(
    stdout,
    `ID  VERSION  STATE       TYPE     NAME
c   0.1.0    discovered  dynamic  Name of c
unusable: broken.wasm: wasm file is too short
`,
  );
  const ran = await sandpool(['list', '--url', url, '--json'], { cwd });
  t.same(JSON.parse(ran.stdout), { list: second, total: 1, problems });
});

t.test('--json gives the host’s own items as one document', async (t) => {
  const { url } = await playHost(t, answers);
  const { stdout } = await sandpool(['list', '--url', url, '--json'], { cwd });
  t.same(JSON.parse(stdout), { list: [...first, ...second], total: 3 });
});

t.test('a caller who is not logged in exits with 1 and the code of the host, and is told what to do', async (t) => {
  const refused = { code: 401, message: 'Missing Authorization header', errorCode: 'SBX_TOKEN_MISSING' };
  const { url } = await playHost(t, { 'GET /plugins?pageNum=1&pageSize=100': new Raw(401, refused) });
  t.same(await sandpool(['list', '--url', url], { cwd }), {
    code: 1,
    stdout: '',
    stderr: `SBX_TOKEN_MISSING: Missing Authorization header\n  \`sandpool login --url ${url}\` stores a token that the commands use\n`,
  });
});
