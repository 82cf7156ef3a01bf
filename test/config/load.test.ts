import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ConfigInputs, loadConfig, type Problem, readEnvironment } from '../../src/config/load.js';
import { defaults } from '../../src/config/schema.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import { ISOLATIONS } from '../../src/protocol/messages.js';

/** Loads with a file of this text, called sandpool.yaml in an empty working directory, and nothing from the real environment. */
const load = (yaml: string, inputs: ConfigInputs = {}) => {
  writeFileSync('sandpool.yaml', yaml);
  return loadConfig({ env: {}, ...inputs });
};

/** The problems that a load is refused with, one line each, as a person reads them. */
const problems = (yaml: string, inputs: ConfigInputs = {}): string[] => {
  const error = refusal(() => load(yaml, inputs));
  t.equal(error.code, 'SBX_CONFIG_INVALID');
  const [headline, ...lines] = error.message.split('\n');
  t.equal(headline, 'the configuration is invalid:');
  t.equal((error.details.problems as Problem[]).length, lines.length, 'details carry the same problems');
  return lines.map((line) => line.trim());
};

const refusal = (action: () => unknown): SandpoolError => {
  try {
    action();
  } catch (error) {
    if (error instanceof SandpoolError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

// The only directory of this file: one more beside it would take the working directory along when it goes.
process.chdir(t.testdir());

t.test('without a file, variables and flags every setting has its default', async (t) => {
  const { config, sources } = load('');
  t.same(config, defaults);
  t.match(config, {
    server: {
      host: '127.0.0.1',
      port: 9120,
      processes: 1,
      maxBodyBytes: 8388608,
      trustProxy: false,
      shutdownGraceMs: 10000,
    },
    data: { dir: './data' },
    pool: {
      minThreads: 1,
      maxThreads: 'auto',
      idleTimeoutMs: 30000,
      maxQueue: 2048,
      queueTimeoutMs: 5000,
      batchSize: 16,
      slotBytes: 65536,
      slots: 'auto',
    },
    sandbox: {
      deadlineMs: 30000,
      memoryLimitMiB: 256,
      maxResponseBytes: 16777216,
      maxHostCalls: 10000,
      logLinesPerSecond: 100,
      instanceBudgetMiB: 512,
      plugins: {},
    },
    plugin: {
      dynamic: { storagePath: 'temp/output' },
      autoEnable: [],
      allowForceUninstall: false,
      grantUnreviewed: false,
    },
    workspace: { basePath: '/admin' },
    i18n: { enabled: true, default: 'en-US', locales: ['en-US', 'zh-CN'] },
    log: { level: 'info' },
    metrics: { enabled: true, path: '/metrics' },
  });
  t.same(new Set(Object.values(sources)), new Set(['default']));
});

t.test('a flag wins over a variable, a variable over the file, the file over the default', async (t) => {
  const yaml = 'server:\n  host: file\n  port: 1001\ndata: { dir: file }\npool: { batchSize: 4 }\n';
  const env = { SANDPOOL_SERVER_PORT: '1002', SANDPOOL_DATA_DIR: 'environment' };
  const { config, sources } = load(yaml, { env, flags: { data: 'flag' } });
  t.match(config, {
    server: { host: 'file', port: 1002 },
    data: { dir: 'flag' },
    pool: { batchSize: 4, maxQueue: 2048 },
  });
  t.match(sources, {
    'server.host': 'file',
    'server.port': 'environment',
    'data.dir': 'flag',
    'pool.batchSize': 'file',
    'pool.maxQueue': 'default',
  });
});

t.test('variables are read as the type of their setting', async (t) => {
  const { config, sources } = load('', {
    env: {
      PATH: '/bin',
      SANDPOOL_POOL_MAX_THREADS: '3',
      SANDPOOL_POOL_SLOTS: 'auto',
      SANDPOOL_SANDBOX_MEMORY_LIMIT_MIB: '64',
      SANDPOOL_SANDBOX_ISOLATION: 'warm',
      SANDPOOL_METRICS_ENABLED: 'false',
      SANDPOOL_SERVER_TRUST_PROXY: 'true',
      SANDPOOL_I18N_LOCALES: 'de, en-US',
      SANDPOOL_PLUGIN_AUTO_ENABLE: '[{"id":"a-b","withMockData":true}]',
      SANDPOOL_PLUGIN_A_B: '{"title":"x"}',
      SANDPOOL_SANDBOX_PLUGINS_A_B_DEADLINE_MS: '5',
    },
  });
  t.match(config, {
    pool: { maxThreads: 3, slots: 'auto' },
    sandbox: { memoryLimitMiB: 64, isolation: 'warm', plugins: { 'a-b': { deadlineMs: 5 } } },
    metrics: { enabled: false },
    server: { trustProxy: true },
    i18n: { locales: ['de', 'en-US'] },
    plugin: { autoEnable: [{ id: 'a-b', withMockData: true }], 'a-b': { title: 'x' } },
  });
  t.match(sources, { 'plugin.a-b': 'environment', 'sandbox.plugins.a-b.deadlineMs': 'environment' });
});

t.test('every offending setting is named at once, with line and column (C96)', async (t) => {
  const yaml = `server:
  port: 99999
  hst: a
port: 3
pool:
  maxThreads: many
  batchSize: 1.5
sandbox:
  isolation: pristne
  plugins:
    Bad_Id: { deadlineMs: 1 }
    a-b: { deadlineMs: 0, concurency: 1 }
plugin:
  autoEnable: [foo, { id: '' }, { id: a, withMock: true }, {}]
  my-plugin: []
  My_Plugin: {}
i18n: { enabled: yes, locales: [] }
log:
  level:
auth: { secret: tooshort }
workspace: { basePath: /x/a }
`;
  t.same(problems(yaml), [
    'sandpool.yaml:2:9 server.port must be an integer from 0 to 65535, not 99999',
    'sandpool.yaml:3:3 server.hst is not a setting; did you mean server.host?',
    'sandpool.yaml:4:1 port is not a setting; did you mean server.port?',
    'sandpool.yaml:6:15 pool.maxThreads must be auto or an integer from 1 to 1024, not "many"',
    'sandpool.yaml:7:14 pool.batchSize must be an integer from 1 to 1024, not 1.5',
    `sandpool.yaml:9:14 sandbox.isolation must be one of ${ISOLATIONS.join(', ')}, not "pristne"`,
    'sandpool.yaml:11:5 sandbox.plugins.Bad_Id is not a plugin id',
    'sandpool.yaml:12:24 sandbox.plugins.a-b.deadlineMs must be an integer from 1 to 3600000, not 0',
    'sandpool.yaml:12:27 sandbox.plugins.a-b.concurency is not a setting; did you mean sandbox.plugins.a-b.concurrency?',
    'sandpool.yaml:14:16 plugin.autoEnable[0] must be a map, not "foo"',
    `sandpool.yaml:14:27 plugin.autoEnable[1].id must be a plugin id, not ""`,
    'sandpool.yaml:14:42 plugin.autoEnable[2].withMock is not a setting; did you mean plugin.autoEnable[2].withMockData?',
    'sandpool.yaml:14:60 plugin.autoEnable[3].id is missing',
    'sandpool.yaml:15:14 plugin.my-plugin must be a map, not an empty list',
    'sandpool.yaml:16:3 plugin.My_Plugin is neither a setting nor a plugin id',
    'sandpool.yaml:17:18 i18n.enabled must be true or false, not "yes"',
    'sandpool.yaml:17:32 i18n.locales must be a list with at least one entry, not an empty list',
    'sandpool.yaml:19:3 log.level must be one of fatal, error, warn, info, debug, trace, silent, not nothing',
    'sandpool.yaml:20:17 auth.secret must be a string of at least 32 characters',
    'sandpool.yaml:21:24 workspace.basePath must be a path that starts with / and is outside /api, /x and /x-assets, not "/x/a"',
  ]);
});

t.test('file, variables and flags are refused together', async (t) => {
  const env = { SANDPOOL_POOL_MAX_THREAD: '4', SANDPOOL_SANDBOX_DEADLINE_MS: '5s', SANDPOOL_PLUGIN_FOO: 'text' };
  t.same(problems('log: { level: loud }', { env, flags: { port: 'http' } }), [
    'sandpool.yaml:1:15 log.level must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
    'SANDPOOL_POOL_MAX_THREAD is not a setting; did you mean SANDPOOL_POOL_MAX_THREADS?',
    'SANDPOOL_SANDBOX_DEADLINE_MS sandbox.deadlineMs must be an integer from 1 to 3600000, not "5s"',
    'SANDPOOL_PLUGIN_FOO plugin.foo must be a map, not "text"',
    '--port server.port must be an integer from 0 to 65535, not "http"',
  ]);
});

t.test('settings that contradict each other are refused at the one that was given', async (t) => {
  const cases: [yaml: string, problem: string][] = [
    [
      'pool: { minThreads: 4, maxThreads: 2 }',
      'sandpool.yaml:1:21 pool.minThreads must not be above pool.maxThreads (2)',
    ],
    ['i18n: { locales: [de] }', 'sandpool.yaml:1:18 i18n.default must be one of i18n.locales (de), not "en-US"'],
    [
      'metrics: { path: /x/metrics }',
      'sandpool.yaml:1:18 metrics.path must not be an address that the host uses otherwise: /x/metrics',
    ],
    [
      'workspace: { basePath: /metrics }',
      'sandpool.yaml:1:24 metrics.path must not be an address that the host uses otherwise: /metrics',
    ],
  ];
  for (const [yaml, problem] of cases) t.same(problems(yaml), [problem]);
});

t.test('addresses that are none, and ranges that are too narrow, are refused at their place', async (t) => {
  const text = [
    'network:',
    '  allowedAddresses: [10.0.0.0/8, "::1", 10.0.0.256]',
    '  deniedAddresses: [10.0.0.0/33]',
    '  plugins:',
    '    friend: { allowedAddresses: ["::1/129"] }',
  ].join('\n');
  t.throws(() => load(text), {
    code: 'SBX_CONFIG_INVALID',
    message:
      /:2:.*not "?10\.0\.0\.256[\s\S]*:3:.*network\.deniedAddresses.*10\.0\.0\.0\/33[\s\S]*:5:.*network\.plugins\.friend\.allowedAddresses.*::1\/129/,
  });
  t.throws(() => load('network: { allowedAddresses: [localhost] }'), {
    message: /an IP address or a range of them/,
  });
});

t.test('files that are not a map of settings are refused', async (t) => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
    .concat([...'bcdefg'].map((name, index) => `${name}: &${name} [${`*${'abcdef'[index]}, `.repeat(9)}]`))
    .join('\n');
  const cases: [title: string, yaml: string, problem: RegExp][] = [
    ['a list', '- a\n', /^sandpool.yaml:1:1 must be a map of settings, not a list$/],
    ['a word', 'hello', /^sandpool.yaml:1:1 must be a map of settings, not "hello"$/],
    ['a key given twice', 'server:\n  port: 1\n  port: 2\n', /^sandpool.yaml:3:3 server.port is given twice$/],
    ['a section given twice', 'log: {}\nlog: {}\n', /^sandpool.yaml:2:1 log is given twice$/],
    ['broken YAML', 'server: {\n', /^sandpool.yaml:2:1 .*flow map/i],
    ['an unknown tag', 'data: { dir: !secret x }', /^sandpool.yaml:1:14 .*!secret/],
    ['two documents', 'log: {}\n---\nlog: {}\n', /^sandpool.yaml:2:1 .*multiple documents/i],
    ['an alias bomb', `plugin:\n  x:\n    ${bomb.replaceAll('\n', '\n    ')}`, /alias/i],
    [
      'a prototype',
      'plugin: { __proto__: { grantUnreviewed: true } }',
      /^sandpool.yaml:1:11 plugin.__proto__ is neither/,
    ],
  ];
  for (const [title, yaml, problem] of cases) {
    const found = problems(yaml);
    t.equal(found.length, 1, title);
    t.match(found[0], problem, title);
  }
});

t.test('empty files, empty sections and aliases are no mistake', async (t) => {
  t.same(load('# nothing yet\n').config, defaults);
  t.same(load('server:\n  # port: 1\nplugin:\n').config, defaults);
  t.match(load('sandbox: { plugins: { a: &x { weight: 2 }, b: *x } }').config.sandbox.plugins, {
    a: { weight: 2 },
    b: { weight: 2 },
  });
});

t.test('a plugin may be called like what every object inherits', async (t) => {
  const { config } = load('', { env: { SANDPOOL_SANDBOX_PLUGINS_CONSTRUCTOR_WEIGHT: '3' } });
  t.same(config.sandbox.plugins, { constructor: { weight: 3 } });
  t.equal(Object.getOwnPropertyNames(Object).includes('weight'), false);
});

t.test('a file that is asked for must exist; the default one need not', async (t) => {
  const error = refusal(() => loadConfig({ file: 'absent.yaml', env: {} }));
  t.equal(error.code, 'SBX_FILE_UNREADABLE');
  t.match(error.message, /^cannot read absent.yaml: there is no such file or directory$/);
  mkdirSync('empty');
  process.chdir('empty');
  t.teardown(() => process.chdir('..'));
  t.same(loadConfig({ env: {} }).config, defaults);
});

t.test('the configuration cannot be changed', async (t) => {
  const { config } = load('plugin: { a: { b: [{}] } }');
  t.throws(() => Object.assign(config.server, { port: 1 }), TypeError);
  t.throws(() => Object.assign((config.plugin as unknown as { a: { b: object[] } }).a.b[0]!, { c: 1 }), TypeError);
});

t.test('a trailing slash of the console path is dropped', async (t) => {
  t.equal(load('workspace: { basePath: /console/ }').config.workspace.basePath, '/console');
  t.equal(load('workspace: { basePath: / }').config.workspace.basePath, '/');
});

t.test('a secret is never part of a problem', async (t) => {
  t.notMatch(problems('', { env: { SANDPOOL_AUTH_SECRET: 'hunter2' } }).join(), 'hunter2');
});

t.test('the address, the token and the first password come from the environment and are no settings', async (t) => {
  const env = { SANDPOOL_URL: 'http://h', SANDPOOL_TOKEN: 't', SANDPOOL_ADMIN_PASSWORD: 'p', XDG_CONFIG_HOME: '/c' };
  t.same(load('', { env }).config, defaults);
  t.same(readEnvironment(env), { url: 'http://h', token: 't', adminPassword: 'p', userDir: join('/c', 'sandpool') });
  t.same(readEnvironment({ HOME: '/h', SANDPOOL_TOKEN: '' }), { userDir: join('/h', '.config', 'sandpool') });
});
