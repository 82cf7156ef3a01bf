import t from 'tap';
import { playHost, sandpool } from './command-line.js';

const cwd = t.testdir({});

t.test('a synchronisation tells how many plugins lie there', async (t) => {
  const { url } = await playHost(t, { 'POST /plugins/sync': { total: 1 } });
  const ran = await sandpool(['sync', '--url', url], { cwd });
  t.same(ran, { code: 0, stdout: '1 plugin in the staging directory\n', stderr: '' });
});

t.test('files that are no plugins are told, and the command ends with 1', async (t) => {
  const synced = { total: 2, problems: [{ file: 'a.wasm', reason: 'no module' }] };
  const { url } = await playHost(t, { 'POST /plugins/sync': synced });
  const ran = await sandpool(['sync', '--url', url], { cwd });
  t.match(ran, { code: 1, stdout: '2 plugins in the staging directory\nunusable: a.wasm: no module\n', stderr: '' });
  t.same(JSON.parse((await sandpool(['sync', '--json', '--url', url], { cwd })).stdout), synced);
});
