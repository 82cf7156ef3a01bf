import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

const cwd = t.testdir({});

t.test('a plugin is uninstalled with its data, or without', async (t) => {
  const answer = { id: 'acme', installed: 0, enabled: 0 };
  const { url, received } = await playHost(t, { 'DELETE /plugins/acme': answer });
  const ran = await sandpool(['uninstall', 'acme', '--url', url], { cwd });
  t.same(ran, { code: 0, stdout: 'acme is uninstalled, its data is deleted\n', stderr: '' });
  const kept = await sandpool(['uninstall', 'acme', '--keep-data', '--force', '--url', url], { cwd });
  t.equal(kept.stdout, 'acme is uninstalled, its data is kept\n');
  t.same(
    received.map(({ body }) => JSON.parse(body)),
    [
      { purgeStorageData: 1, force: false },
      { purgeStorageData: 0, force: true },
    ],
  );
  t.same(JSON.parse((await sandpool(['uninstall', 'acme', '--json', '--url', url], { cwd })).stdout), answer);
});

t.test('who is needed stays, with the reason', async (t) => {
  const errorCode = 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED';
  const refusal = new Raw(200, { code: 55, message: 'acme is needed by other', data: null, errorCode });
  const { url } = await playHost(t, { 'DELETE /plugins/acme': refusal });
  const ran = await sandpool(['uninstall', 'acme', '--url', url], { cwd });
  t.same(ran, { code: 1, stdout: '', stderr: `${errorCode}: acme is needed by other\n` });
  t.match(await sandpool(['uninstall'], { cwd }), { code: 2, stderr: /^SBX_USAGE: missing required argument 'id'/ });
});
