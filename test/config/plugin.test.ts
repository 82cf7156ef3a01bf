import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { effectiveNetwork, effectiveSandbox, pluginSection } from '../../src/config/plugin.js';
import { defaults } from '../../src/config/schema.js';

const load = (env: Record<string, string>) => loadConfig({ env }).config;

process.chdir(t.testdir());

t.test('a plugin’s own limits lie over the defaults', async (t) => {
  const config = load({
    SANDPOOL_SANDBOX_PLUGINS_BIG_ONE_MEMORY_LIMIT_MIB: '512',
    SANDPOOL_SANDBOX_PLUGINS_BIG_ONE_ISOLATION: 'warm',
    SANDPOOL_SANDBOX_PLUGINS_BIG_ONE_CONCURRENCY: '2',
    SANDPOOL_SANDBOX_PLUGINS_BIG_ONE_QUEUE: '0',
    SANDPOOL_SANDBOX_DEADLINE_MS: '1000',
    SANDPOOL_POOL_MAX_QUEUE: '7',
  });
  const shared = {
    deadlineMs: 1000,
    maxResponseBytes: 16777216,
    maxHostCalls: 10000,
    logLinesPerSecond: 100,
    slowHostCallMs: 1000,
    recycleAfter: 0,
    tenantFilter: true,
    memoryHeadroomMiB: 0,
  };
  t.same(effectiveSandbox(config, 'big-one'), {
    ...shared,
    isolation: 'warm',
    memoryLimitMiB: 512,
    concurrency: 2,
    queue: 0,
    weight: 1,
  });
  t.same(effectiveSandbox(config, 'other'), {
    ...shared,
    isolation: defaults.sandbox.isolation,
    memoryLimitMiB: 256,
    queue: 7,
    weight: 1,
  });
  t.same(effectiveSandbox(config, 'constructor'), effectiveSandbox(config, 'other'));
});

t.test('a plugin’s section is what the operator wrote, and never a setting of the host', async (t) => {
  const config = load({ SANDPOOL_PLUGIN_MAILER: '{"smtp":{"host":"h"}}' });
  t.same(pluginSection(config, 'mailer'), { smtp: { host: 'h' } });
  for (const id of ['other', 'dynamic', 'constructor']) t.equal(pluginSection(config, id), undefined, id);
});

t.test('a plugin’s own network limits lie over the defaults, its addresses on top of those for all', async (t) => {
  const config = load({
    SANDPOOL_NETWORK_TIMEOUT_MS: '2000',
    SANDPOOL_NETWORK_ALLOWED_ADDRESSES: '["10.0.0.0/8"]',
    SANDPOOL_NETWORK_PROXY: 'http://me:secret@proxy:3128',
    SANDPOOL_NETWORK_PLUGINS_FRIEND_ALLOWED_ADDRESSES: '["::1"]',
    SANDPOOL_NETWORK_PLUGINS_FRIEND_CONCURRENCY: '2',
  });
  const shared = {
    timeoutMs: 2000,
    maxRequestBytes: 2_097_152,
    maxResponseBytes: 2_097_152,
    idleConnectionMs: 4000,
    pinMs: 30_000,
    deniedAddresses: [],
  };
  t.same(effectiveNetwork(config, 'friend'), { ...shared, concurrency: 2, allowedAddresses: ['10.0.0.0/8', '::1'] });
  t.same(effectiveNetwork(config, 'other'), { ...shared, concurrency: 8, allowedAddresses: ['10.0.0.0/8'] });
});
