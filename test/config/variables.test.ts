import t from 'tap';
import { SETTINGS } from '../../src/config/schema.js';
import { settingOfVariable, variableOf } from '../../src/config/variables.js';

t.test('a variable is the path in upper snake case', async (t) => {
  const names: [path: string, variable: string][] = [
    ['server.port', 'SANDPOOL_SERVER_PORT'],
    ['pool.maxThreads', 'SANDPOOL_POOL_MAX_THREADS'],
    ['sandbox.memoryLimitMiB', 'SANDPOOL_SANDBOX_MEMORY_LIMIT_MIB'],
    ['plugin.dynamic.storagePath', 'SANDPOOL_PLUGIN_DYNAMIC_STORAGE_PATH'],
    ['i18n.default', 'SANDPOOL_I18N_DEFAULT'],
    ['auth.accessTokenTtlSeconds', 'SANDPOOL_AUTH_ACCESS_TOKEN_TTL_SECONDS'],
  ];
  for (const [path, variable] of names) t.equal(variableOf(path), variable);
});

t.test('every setting is found by its variable, for any plugin', async (t) => {
  for (const { path } of SETTINGS) {
    const concrete = path.replace('<plugin-id>', 'acme-demo-queue');
    t.equal(settingOfVariable(variableOf(concrete))?.path, concrete);
  }
});

t.test('other names are no settings', async (t) => {
  for (const name of [
    'SANDPOOL_',
    'SANDPOOL_PORT',
    'SANDPOOL_PLUGIN_',
    'SANDPOOL_SANDBOX_PLUGINS_A',
    'SANDPOOL_PLUGIN_A__B',
  ]) {
    t.equal(settingOfVariable(name), undefined, name);
  }
});
