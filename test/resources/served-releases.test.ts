import t from 'tap';
import { createServedReleases, type ServedView } from '../../src/resources/served-releases.js';

function open(graceMs: number) {
  const clock = { now: 1_000_000 };
  const plugins = new Map<string, ServedView>();
  const releases = createServedReleases<ServedView>({
    plugins: { find: (pluginId) => plugins.get(pluginId) },
    graceMs,
    now: () => clock.now,
  });
  const put = (version: string, more: Partial<ServedView> = {}) => {
    const view = { pluginId: 'p', version, installed: true, enabled: true, ...more };
    plugins.set('p', view);
    releases.see('p', view);
  };
  const served = (...versions: string[]) =>
    versions.filter((version) => releases.find('p', version)?.version === version);
  return { clock, plugins, releases, put, served };
}

t.test('only the effective version of an installed and enabled plugin is served (F081, F082, F084)', async (t) => {
  const { put, served, releases } = open(0);
  t.same(served('v1'), [], 'unknown plugin');
  put('v1', { installed: false, enabled: false });
  t.same(served('v1'), [], 'not installed');
  put('v1', { enabled: false });
  t.same(served('v1'), [], 'disabled');
  put('v1');
  t.same(served('v1', 'v0', 'V1', '1', ''), ['v1']);
  put('v2');
  t.same(served('v1', 'v2'), ['v2']);
  t.equal(releases.find('q', 'v2'), undefined);
});

t.test('a version that was effective is served for the time of grace, a staged one never (F084)', async (t) => {
  const { clock, put, served } = open(60_000);
  put('v1');
  put('v2');
  t.same(served('v1', 'v2', 'v3'), ['v1', 'v2']);
  clock.now += 59_999;
  t.same(served('v1', 'v2'), ['v1', 'v2']);
  clock.now += 1;
  t.same(served('v1', 'v2'), ['v2']);
});

t.test('grace ends with the plugin: nothing of a disabled or removed one is served', async (t) => {
  const { put, served, plugins, releases } = open(60_000);
  put('v1');
  put('v2');
  put('v2', { enabled: false });
  t.same(served('v1', 'v2'), []);
  put('v2');
  t.same(served('v1', 'v2'), ['v1', 'v2'], 'enabled again within the time');
  put('v2', { installed: false, enabled: false });
  put('v2');
  t.same(served('v1', 'v2'), ['v2'], 'removed and installed again');
  plugins.clear();
  releases.see('p', undefined);
  t.same(served('v1', 'v2'), []);
});

t.test('a version that was replaced while its plugin was disabled gets no grace', async (t) => {
  const { put, served } = open(60_000);
  put('v1', { enabled: false });
  put('v2');
  t.same(served('v1', 'v2'), ['v2']);
});

t.test('going back and forth keeps one entry for a version', async (t) => {
  const { clock, put, served } = open(60_000);
  for (const version of ['v1', 'v2', 'v1', 'v2', 'v3']) {
    put(version);
    clock.now += 1000;
  }
  t.same(served('v1', 'v2', 'v3'), ['v1', 'v2', 'v3']);
});

t.test('a clock that is set back ends a grace, instead of making it longer', async (t) => {
  const { clock, put, served } = open(60_000);
  put('v1');
  put('v2');
  clock.now -= 1;
  t.same(served('v1', 'v2'), ['v2']);
});
