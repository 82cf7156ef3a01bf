import t from 'tap';
import type { Peers } from '../../src/cluster/peers.js';
import { type Config, defaults } from '../../src/config/schema.js';
import { createCache } from '../../src/main/cache.js';
import type { PluginView, RegistryChange } from '../../src/registry/registry.js';

const SCOPE = { pluginId: 'demo', tenantId: 0, namespace: 'n' };
const SET = { do: 'set', key: 'k', value: 'v', expireAt: Number.MAX_SAFE_INTEGER } as const;
const GET = { do: 'get', key: 'k' } as const;

/** The cache of a host in which plugin `demo` is installed until the test says otherwise. */
function stage(peers?: Pick<Peers, 'cache' | 'forgetCache'>) {
  let isInstalled = true;
  let tell: (change: RegistryChange) => void = () => {};
  const warnings: string[] = [];
  const { cache } = createCache({
    config: defaults as Config,
    registry: {
      find: () => ({ installed: isInstalled }) as PluginView,
      subscribe(listener) {
        tell = listener;
        return () => {};
      },
    },
    metrics: { cache: () => {} },
    peers: peers as Peers | undefined,
    log: { warn: (_facts: object, line: string) => void warnings.push(line) } as never,
  });
  return {
    cache,
    warnings,
    disable: () => tell({ pluginId: 'demo', reason: 'plugin_disabled' }),
    uninstall() {
      isInstalled = false;
      tell({ pluginId: 'demo', reason: 'plugin_uninstalled' });
    },
  };
}

t.test('what a plugin has cached is there while it is disabled, and gone when it is removed', async (t) => {
  const { cache, disable, uninstall } = stage();
  await cache(SCOPE, [SET]);
  disable();
  t.match(await cache(SCOPE, [GET]), [{ text: 'v' }]);
  uninstall();
  t.same(await cache(SCOPE, [GET]), [undefined]);
});

t.test(
  'of several processes, all forget what a removed plugin had cached, and it is said when they cannot',
  async (t) => {
    const forgotten: string[] = [];
    const { cache, warnings, disable, uninstall } = stage({
      cache: () => ['of all processes' as never],
      forgetCache(pluginId) {
        forgotten.push(pluginId);
        return Promise.reject(new Error('nobody listens'));
      },
    });
    t.same(await cache(SCOPE, [GET]), ['of all processes']);
    disable();
    t.same(forgotten, []);
    uninstall();
    t.same(forgotten, ['demo']);
    await new Promise(setImmediate);
    t.same(warnings, ['what a removed plugin had cached may still be there']);
  },
);
