import t from 'tap';
import { playHost, sandpool } from './command-line.js';

const cwd = t.testdir();

t.test('a plugin is let out of quarantine by hand', async (t) => {
  const { url } = await playHost(t, { 'POST /plugins/a/release-quarantine': { id: 'a', released: 1 } });
  t.same(await sandpool(['release', 'a', '--url', url], { cwd }), {
    code: 0,
    stdout: 'a is out of quarantine\n',
    stderr: '',
  });
});

t.test('a plugin that is not in quarantine is left as it is', async (t) => {
  const { url } = await playHost(t, { 'POST /plugins/a/release-quarantine': { id: 'a', released: 0 } });
  t.equal((await sandpool(['release', 'a', '--url', url], { cwd })).stdout, 'a was not in quarantine\n');
});

t.test('a plugin in quarantine is shown as such, with why and how long', async (t) => {
  const quarantine = { since: 'SINCE', until: 'UNTIL', failures: 20, lastCode: 'SBX_TRAP' };
  const plugin = { id: 'a', version: '0.1.0', runtimeState: 'normal', installed: 1, enabled: 1, quarantine };
  const list = { list: [{ ...plugin, type: 'dynamic', name: 'A' }], total: 1 };
  const { url } = await playHost(t, { 'GET /plugins/a': plugin, 'GET /plugins?pageNum=1&pageSize=100': list });
  const shown = (await sandpool(['show', 'a', '--url', url], { cwd })).stdout;
  t.match(shown, /^state +enabled, quarantined$/m);
  t.match(shown, /^quarantine +since SINCE, until UNTIL: 20 failures, the last SBX_TRAP; sandpool release ends it$/m);
  t.match((await sandpool(['list', '--url', url], { cwd })).stdout, /^a +0\.1\.0 +enabled, quarantined +dynamic +A$/m);
});
