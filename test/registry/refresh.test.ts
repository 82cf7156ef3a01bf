/** Two registries on one directory, as two processes have them. */
import t, { type Test } from 'tap';
import type { PluginChange, SharedTurns } from '../../src/registry/registry.js';
import { artifactOf, type House, openHouse } from './house.js';

/** What each house has done is followed by the other before its turn ends, as the primary process would have it. */
async function openPair(t: Test): Promise<{ one: House; other: House; told: PluginChange[] }> {
  const told: PluginChange[] = [];
  const houses: House[] = [];
  const turnsOf = (index: number): SharedTurns => ({
    begin: async () => async () => {},
    ...(index === 0 && {
      begin: async (pluginId: string) => async (news: readonly string[]) => {
        const change = { pluginId, news, isAbandoned: false };
        told.push(change);
        await houses[1]?.registry.refresh(change);
      },
    }),
  });
  const dir = t.testdir({});
  const one = openHouse(t, dir, { turns: turnsOf(0) });
  await one.registry.reload();
  const other = openHouse(t, dir, { turns: turnsOf(1) });
  await other.registry.follow();
  houses.push(one, other);
  told.length = 0;
  return { one, other, told };
}

t.test(
  'what one process installs, enables and disables, the other one has when the operator is answered',
  async (t) => {
    const { one, other } = await openPair(t);
    await one.registry.upload(artifactOf('demo'));
    t.equal(other.registry.show('demo').isStaged, true);
    await one.registry.install('demo');
    t.match(other.registry.find('demo'), { installed: true, enabled: false });
    await one.registry.enable('demo');
    t.match(other.registry.find('demo'), { enabled: true, runtimeState: 'normal' });
    t.equal(other.fake.loaded.get('demo')?.version, 'v0.1.0');
    await one.registry.disable('demo');
    t.match(other.registry.find('demo'), { enabled: false });
    t.notOk(other.fake.loaded.has('demo'));
    t.same(other.registry.show('demo').plugin, one.registry.show('demo').plugin);
  },
);

t.test('the other process is told what has happened in the words of the first', async (t) => {
  const { one, other, told } = await openPair(t);
  const heard: string[] = [];
  other.registry.subscribe(({ pluginId, reason }) => heard.push(`${pluginId} ${reason}`));
  await one.registry.upload(artifactOf('demo'));
  await one.registry.install('demo');
  await one.registry.enable('demo');
  t.same(heard, ['demo dynamic_package_uploaded', 'demo plugin_installed', 'demo plugin_enabled']);
  t.same(
    told.map(({ pluginId }) => pluginId),
    ['demo', 'demo', 'demo'],
  );
});

t.test('a release that serves already is not loaded again', async (t) => {
  const { one, other } = await openPair(t);
  await one.registry.upload(artifactOf('demo'));
  await one.registry.install('demo');
  await one.registry.enable('demo');
  const before = other.fake.calls.length;
  await one.registry.enable('demo');
  await one.registry.sync();
  t.equal(other.fake.calls.length, before);
});

t.test('a process that comes later serves what is enabled and changes nothing that is stored', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  await first.registry.upload(artifactOf('demo'));
  await first.registry.install('demo');
  await first.registry.enable('demo');
  const rows = first.rows('sys_plugin');
  const later = openHouse(t, dir);
  await later.registry.follow();
  t.ok(later.fake.loaded.has('demo'));
  t.same(later.rows('sys_plugin'), rows);
});

t.test('a release that a process cannot load is out of service there, and it says so', async (t) => {
  const { one, other } = await openPair(t);
  await one.registry.upload(artifactOf('demo'));
  await one.registry.install('demo');
  await one.registry.enable('demo');
  await one.registry.disable('demo');
  other.fake.failure = new Error('no memory');
  await t.rejects(one.registry.enable('demo'), { message: 'no memory' });
  t.notOk(other.fake.loaded.has('demo'));
  t.match(other.registry.show('demo').diagnosis, { message: 'no memory' });
});

t.test('what a dead process has left half-done is settled', async (t) => {
  const { one, other } = await openPair(t);
  await one.registry.upload(artifactOf('demo'));
  await one.registry.install('demo');
  await one.registry.enable('demo');
  one.database.exec("UPDATE sys_plugin SET current_state = 'upgrade_running'");
  await other.registry.refresh({ pluginId: 'demo', news: [], isAbandoned: true });
  t.equal(other.registry.show('demo').plugin.currentState, 'enabled');
  t.match(other.registry.find('demo'), { enabled: true, runtimeState: 'normal' });
  t.ok(other.fake.loaded.has('demo'));
});
