import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { autoEnable } from '../../src/registry/auto-enable.js';

type FakeRegistry = Parameters<typeof autoEnable>[0];

/** What the registry says of a plugin, as far as it counts here. */
interface Standing {
  installed: 0 | 1;
  status: 0 | 1;
  authorizationStatus: 'not_required' | 'pending' | 'confirmed';
  effectiveVersion: string;
  discoveredVersion: string;
}

const DISCOVERED: Standing = {
  installed: 0,
  status: 0,
  authorizationStatus: 'not_required',
  effectiveVersion: '',
  discoveredVersion: 'v0.1.0',
};
const INSTALLED: Standing = { ...DISCOVERED, installed: 1, effectiveVersion: 'v0.1.0' };
const ENABLED: Standing = { ...INSTALLED, status: 1 };

function fakeRegistry(plugins: Readonly<Record<string, Standing>>, failures: Readonly<Record<string, Error>> = {}) {
  const standings = new Map(Object.entries(plugins).map(([id, standing]) => [id, { ...standing }]));
  const calls: string[] = [];
  const act = async (call: string, id: string, change: Partial<Standing>) => {
    calls.push(call);
    const failure = failures[call];
    if (failure) throw failure;
    Object.assign(standings.get(id)!, change);
  };
  const registry = {
    list: () =>
      [...standings].map(([pluginId, { installed, status, ...rest }]) => ({
        plugin: { pluginId, installed, status },
        ...rest,
      })),
    install: (id: string, { installMockData }: { installMockData?: boolean }) =>
      act(`install ${id}${installMockData ? ' with mock data' : ''}`, id, { installed: 1 }),
    enable: (id: string) => act(`enable ${id}`, id, { status: 1 }),
  } as unknown as FakeRegistry;
  return { registry, calls };
}

const UNREVIEWED = { grantUnreviewed: true };
const REVIEWED = { grantUnreviewed: false };

t.test(
  'what is discovered is installed and enabled, one after the other in the order of the configuration',
  async (t) => {
    const { registry, calls } = fakeRegistry({ a: DISCOVERED, b: INSTALLED, c: ENABLED });
    await autoEnable(registry, [{ id: 'b' }, { id: 'a' }, { id: 'c' }], REVIEWED);
    t.same(calls, ['install b', 'enable b', 'install a', 'enable a', 'install c']);
  },
);

t.test('of two entries with one id the first counts', async (t) => {
  const { registry, calls } = fakeRegistry({ a: DISCOVERED });
  await autoEnable(registry, [{ id: 'a' }, { id: 'a', withMockData: true }], REVIEWED);
  t.same(calls, ['install a', 'enable a']);
});

t.test('C98: mock data comes with the first installation, and with no other start', async (t) => {
  const first = fakeRegistry({ a: DISCOVERED });
  await autoEnable(first.registry, [{ id: 'a', withMockData: true }], REVIEWED);
  t.same(first.calls, ['install a with mock data', 'enable a']);
  const second = fakeRegistry({ a: ENABLED });
  await autoEnable(second.registry, [{ id: 'a', withMockData: true }], REVIEWED);
  t.same(second.calls, ['install a']);
});

t.test('a higher version that waits goes on waiting: nothing is upgraded by the configuration', async (t) => {
  const { registry, calls } = fakeRegistry({ a: { ...INSTALLED, discoveredVersion: 'v0.2.0' } });
  await autoEnable(registry, [{ id: 'a' }], REVIEWED);
  t.same(calls, ['enable a']);
});

t.test('C97: what waits for a consent is not touched, and the start ends', async (t) => {
  for (const standing of [DISCOVERED, INSTALLED]) {
    const { registry, calls } = fakeRegistry({ a: { ...standing, authorizationStatus: 'pending' }, b: DISCOVERED });
    const starting = autoEnable(registry, [{ id: 'a' }, { id: 'b' }], REVIEWED);
    await t.rejects(starting, {
      code: 'PLUGIN_AUTO_ENABLE_FAILED',
      details: { pluginId: 'a' },
      cause: { code: 'PLUGIN_DYNAMIC_AUTO_ENABLE_AUTH_SNAPSHOT_MISSING' },
    });
    t.same(calls, [], 'nor what comes after it');
  }
});

t.test('a consent that is there, or that nobody asks for, lets it go on', async (t) => {
  for (const [standing, options] of [
    [{ ...DISCOVERED, authorizationStatus: 'confirmed' }, REVIEWED],
    [{ ...DISCOVERED, authorizationStatus: 'pending' }, UNREVIEWED],
  ] as const) {
    const { registry, calls } = fakeRegistry({ a: standing });
    await autoEnable(registry, [{ id: 'a' }], options);
    t.same(calls, ['install a', 'enable a']);
  }
});

t.test(
  'a plugin that an administrator has enabled without a consent does not keep the host from starting',
  async (t) => {
    const { registry, calls } = fakeRegistry({ a: { ...ENABLED, authorizationStatus: 'pending' } });
    await autoEnable(registry, [{ id: 'a' }], REVIEWED);
    t.same(calls, ['install a']);
  },
);

t.test('a plugin that is nowhere ends the start by its own code', async (t) => {
  const { registry } = fakeRegistry({});
  await t.rejects(autoEnable(registry, [{ id: 'nobody' }], REVIEWED), {
    code: 'PLUGIN_AUTO_ENABLE_FAILED',
    cause: { code: 'PLUGIN_AUTO_ENABLE_MANIFEST_NOT_FOUND' },
  });
});

t.test('C99: a dependency that is missing is told as such; any other failure keeps its reason', async (t) => {
  const blocked = new SandpoolError('PLUGIN_DEPENDENCY_BLOCKED', { pluginId: 'a', blockers: 'dependency_missing' });
  const unmet = fakeRegistry({ a: DISCOVERED }, { 'install a': blocked });
  await t.rejects(autoEnable(unmet.registry, [{ id: 'a' }], REVIEWED), { code: 'PLUGIN_DEPENDENCY_BLOCKED' });
  const broken = fakeRegistry({ a: DISCOVERED, b: DISCOVERED }, { 'enable a': new Error('of the engine') });
  await t.rejects(autoEnable(broken.registry, [{ id: 'a' }, { id: 'b' }], REVIEWED), {
    code: 'PLUGIN_AUTO_ENABLE_FAILED',
    details: { pluginId: 'a', reason: 'of the engine' },
  });
  t.same(broken.calls, ['install a', 'enable a'], 'what comes after it is left alone');
});
