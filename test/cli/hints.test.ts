import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

const cwd = t.testdir({});
const CASES: readonly (readonly [code: string, hint: (url: string) => string])[] = [
  ['SBX_TOKEN_MISSING', (url) => `\`sandpool login --url ${url}\` stores a token that the commands use`],
  ['SBX_TOKEN_SHAPE', (url) => `\`sandpool login --url ${url}\` stores a token that the commands use`],
  ['SBX_TOKEN_INVALID', (url) => `\`sandpool login --url ${url}\` stores a token that the commands use`],
  ['SBX_SESSION_EXPIRED', (url) => `\`sandpool login --url ${url}\` stores a token that the commands use`],
  ['PLUGIN_NOT_FOUND', (url) => `\`sandpool list --url ${url}\` shows the plugins that the host knows`],
  ['JOB_NOT_FOUND', (url) => `\`sandpool jobs --url ${url}\` shows the jobs that the host knows`],
];

for (const [code, hint] of CASES) {
  t.test(`${code} is followed by what to do`, async (t) => {
    const refusal = new Raw(400, { code: 1, message: 'no', data: null, errorCode: code });
    const { url } = await playHost(t, { 'GET /plugins/a': refusal });
    const ran = await sandpool(['show', 'a', '--url', url], { cwd });
    t.same(ran, { code: 1, stdout: '', stderr: `${code}: no\n  ${hint(url)}\n` });
  });
}

t.test('other failures are one line', async (t) => {
  const refusal = new Raw(403, { code: 1, message: 'no', data: null, errorCode: 'SBX_PERMISSION_DENIED' });
  const { url } = await playHost(t, { 'GET /plugins/a': refusal });
  t.equal((await sandpool(['show', 'a', '--url', url], { cwd })).stderr, 'SBX_PERMISSION_DENIED: no\n');
});
