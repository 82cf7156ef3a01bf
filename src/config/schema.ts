/**
 * Every setting of a host: type, default, range, unit and one sentence, in one place. The loader, the editors' JSON schema
 * and the table in README are all made from this list. Units are in the names (spec/product.md §3).
 */
import { type Static, type TProperties, Type } from 'typebox';
import { ISOLATIONS } from '../protocol/messages.js';

/** Keys that may stand for a plugin: an id of 1–64 characters (spec/governance.md §0.3). */
export const PLUGIN_ID_PATTERN = '^(?=.{1,64}$)[a-z0-9]+(?:-[a-z0-9]+)*$';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

// Addresses in these namespaces belong to the host (spec/governance.md §5.1); a base path has no empty and no dot segments.
const BASE_PATH_PATTERN = '^(?!/(?:api|x|x-assets)(?:/|$))(?!.*(?://|/\\.{1,2}(?:/|$)))/[^*?#\\s]*$';

type Range = readonly [minimum: number, maximum: number, unit?: string];

const DEADLINE: Range = [1, 3_600_000, 'ms'];
const MEMORY_LIMIT: Range = [1, 4096, 'MiB'];
const RESPONSE: Range = [1024, 1_073_741_824, 'bytes'];
const HOST_CALLS: Range = [0, 10_000_000, 'host calls'];
const LOG_LINES: Range = [0, 1_000_000, 'lines'];
const HEADROOM: Range = [0, 1024, 'MiB'];
const NETWORK_TIMEOUT: Range = [1, 600_000, 'ms'];
const NETWORK_BODY: Range = [0, 268_435_456, 'bytes'];
const NETWORK_CONCURRENCY: Range = [1, 1024, 'requests'];
const RECYCLE: Range = [0, 1_000_000_000, 'invocations'];

// biome-ignore format: a table
export const CONFIG_SCHEMA = section({
  server: section({
    host:             text('127.0.0.1', 'Address that the HTTP server listens on.'),
    port:             integer(9120, [0, 65_535], 'TCP port that the HTTP server listens on; 0 takes a free one.'),
    processes:        autoOr([1, 256, 'processes'], 'Host processes that share the port and the data directory; `auto` is one per processor.', 1),
    maxBodyBytes:     integer(8_388_608, [1024, 1_073_741_824, 'bytes'], 'Largest request body, except uploads of artifacts.'),
    trustProxy:       flag(false, 'Whether X-Forwarded-* headers are believed; only for a host that a proxy of yours alone can reach.'),
    shutdownGraceMs:  integer(10_000, [0, 600_000, 'ms'], 'Longest wait for running requests when the host shuts down.'),
  }),
  data: section({
    dir:              text('./data', 'Directory of databases, stored objects and keys; relative to the working directory.'),
  }),
  pool: section({
    minThreads:       integer(1, [1, 1024, 'threads'], 'Worker threads that are kept when idle.'),
    maxThreads:       autoOr([1, 1024, 'threads'], 'Most worker threads of one process that compute at once; `auto` is one per processor, shared among `server.processes`, two at least.'),
    maxWaitingThreads: integer(8, [0, 1024, 'threads'], 'Worker threads beyond `maxThreads` that may start while others wait for the answer of a host call, so that plugins that compute are served meanwhile.'),
    idleTimeoutMs:    integer(30_000, [0, 3_600_000, 'ms'], 'Idle time after which a thread above `minThreads` ends.'),
    maxQueue:         integer(2048, [0, 1_000_000, 'invocations'], 'Most invocations that wait for a worker.'),
    queueTimeoutMs:   integer(5000, [1, 600_000, 'ms'], 'Longest wait for a worker.'),
    batchSize:        integer(16, [1, 1024, 'invocations'], 'Most invocations that a worker takes at a time.'),
    slotBytes:        integer(65_536, [16_384, 16_777_216, 'bytes'], 'Shared memory of one slot; a larger request or response takes memory of its own.'),
    slots:            autoOr([1, 65_536, 'slots'], 'Slots of shared memory; `auto` follows `maxThreads` and `batchSize`.'),
  }),
  sandbox: section({
    isolation:         choice(ISOLATIONS, 'pristine', 'What an invocation finds: `pristine` an instance reset to what it was right after its initialisation, `fresh` a new instance, `warm` the state that the last one left.'),
    deadlineMs:        integer(30_000, DEADLINE, 'Longest run of one invocation; then the guest is stopped.'),
    memoryLimitMiB:    integer(256, MEMORY_LIMIT, 'Most linear memory that one instance may grow to.'),
    maxResponseBytes:  integer(16_777_216, RESPONSE, 'Largest response of a guest.'),
    maxHostCalls:      integer(10_000, HOST_CALLS, 'Most host calls of one invocation.'),
    slowHostCallMs:    integer(1000, [0, 3_600_000, 'ms'], 'Host calls that take this long are logged, with plugin, method and resource; 0 for none.'),
    logLinesPerSecond: integer(100, LOG_LINES, 'Most log lines of one plugin in a second, per worker; what is more is dropped and counted.'),
    instanceBudgetMiB: integer(512, [1, 1_048_576, 'MiB'], 'Memory of the instances that one worker keeps.'),
    maxInstances:      autoOr([1, 100_000, 'instances'], 'Most instances that one worker keeps, because each reserves 10 GiB of addresses; `auto` shares 8,000 among `pool.maxThreads` and `pool.maxWaitingThreads`.'),
    instanceIdleMs:    integer(300_000, [1000, 86_400_000, 'ms'], 'Time without an invocation after which a worker frees an instance.'),
    memoryHeadroomMiB: integer(0, HEADROOM, 'Memory that an instance has in reserve, so that a request that makes the memory grow by less does not cost the instance. A guest that errs and reads up to so far behind the end of its memory finds zeros there instead of a trap.'),
    recycleAfter:      integer(0, RECYCLE, 'Invocations after which an instance is replaced by a new one, up to a fifth earlier so that not all go together; 0 for never.'),
    tenantFilter:      flag(true, 'Whether `data` reads and changes only rows of the tenant in force, in tables with a column `tenant_id`, and writes its number into new ones; the platform sees all rows.'),
    quarantine: section({
      failures:        integer(20, [0, 1_000_000, 'invocations'], 'Failures of a plugin within `withinMs` that put it into quarantine: its requests get 503 without being run; 0 for never.'),
      failurePercent:  integer(50, [1, 100, '%'], 'Part of all its invocations in that time that must have failed.'),
      withinMs:        integer(10_000, [100, 3_600_000, 'ms'], 'Time in which failures are counted.'),
      backOffMs:       integer(5000, [100, 86_400_000, 'ms'], 'Length of a first quarantine; then one request is let through, and each failure doubles it.'),
      maxBackOffMs:    integer(300_000, [100, 86_400_000, 'ms'], 'Longest quarantine between two such requests.'),
    }),
    plugins:           perPlugin({
      isolation:       Type.Optional(Type.Enum([...ISOLATIONS], { description: 'Isolation of this plugin.' })),
      deadlineMs:      optionalInteger(DEADLINE, 'Deadline of this plugin.'),
      memoryLimitMiB:  optionalInteger(MEMORY_LIMIT, 'Memory limit of this plugin.'),
      maxResponseBytes: optionalInteger(RESPONSE, 'Largest response of this plugin.'),
      maxHostCalls:    optionalInteger(HOST_CALLS, 'Most host calls of one invocation of this plugin.'),
      logLinesPerSecond: optionalInteger(LOG_LINES, 'Most log lines of this plugin.'),
      memoryHeadroomMiB: optionalInteger(HEADROOM, 'Reserve of this plugin\'s instances.'),
      recycleAfter:    optionalInteger(RECYCLE, 'Invocations after which an instance of this plugin is replaced.'),
      tenantFilter:    Type.Optional(Type.Boolean({ description: 'Whether `data` keeps the rows of tenants apart for this plugin.' })),
      warmUp:          Type.Optional(Type.Array(Type.String({ pattern: '^GET /\\S*$', shape: 'a request such as GET /notes' }), { description: 'Requests that run before the snapshot of this plugin is taken, such as `GET /notes`: nobody asks, and host calls are refused.' })),
      concurrency:     optionalInteger([1, 65_536, 'invocations'], 'Most invocations of this plugin that run at once; without it the pool is the limit.'),
      queue:           optionalInteger([0, 1_000_000, 'invocations'], 'Most invocations of this plugin that wait; without it `pool.maxQueue`.'),
      weight:          optionalInteger([1, 1000], 'Share of this plugin when several wait for workers; without it 1.'),
    }),
  }),
  plugin: Type.Object({
    dynamic: section({
      storagePath:      text('temp/output', 'Directory of artifacts: uploads go there and `*.wasm` in it is discovered; relative to the working directory.'),
    }),
    configPath:         Type.Optional(Type.String({ minLength: 1, description: 'Directory with the configuration of plugins in production, `plugins/<plugin-id>/config.yaml`; without it `config` in `data.dir`.' })),
    developmentPath:    text('apps/lina-plugins', 'Directory of plugins in development, whose `<plugin-id>/manifest/config/config.yaml` comes before what an artifact carries; relative to the working directory.'),
    autoEnable:         Type.Array(autoEnableEntry(), about([], 'Plugins that are installed and enabled when the host starts: a list of `{id, withMockData}`.')),
    allowForceUninstall: flag(false, 'Whether an administrator may uninstall a plugin against its veto.'),
    servePending:       flag(false, 'Whether a release goes on serving while a higher version waits, is being upgraded to or has failed; if not, its routes answer 409 until the upgrade.'),
    grantUnreviewed:    flag(false, 'Whether an install without an authorization grants everything that the plugin declares.'),
    sqlDeadlineMs:      integer(60_000, [1000, 3_600_000, 'ms'], 'Longest run of one phase of a plugin\'s SQL; then it is ended, and nothing of it stays.'),
  }, {
    additionalProperties: false,
    patternProperties: { [PLUGIN_ID_PATTERN]: { type: 'object', description: 'Configuration that the plugin of this id reads.' } },
  }),
  cache: section({
    maxEntries:       integer(10_000, [1, 10_000_000, 'entries'], 'Most entries that one plugin keeps in its cache; then what was used longest ago goes.'),
    budgetMiB:        integer(16, [1, 65_536, 'MiB'], 'Most memory of what one plugin keeps in its cache.'),
  }),
  notifications: section({
    channels:         Type.Array(channelEntry(), about([{ key: 'inbox', type: 'inbox', enabled: true }], 'Channels that plugins may send messages through: a list of `{key, type, enabled}`. Messages of the type `inbox` reach the inbox of users; other types are refused.')),
  }),
  network: section({
    timeoutMs:        integer(10_000, NETWORK_TIMEOUT, 'Longest time of one HTTP request of a plugin, from the host call to the last byte, redirects included; the deadline of the invocation may come sooner.'),
    maxRequestBytes:  integer(2_097_152, NETWORK_BODY, 'Largest body of such a request.'),
    maxResponseBytes: integer(2_097_152, NETWORK_BODY, 'Largest body of its response, unpacked.'),
    concurrency:      integer(8, NETWORK_CONCURRENCY, 'Most requests of one plugin that are under way at once in a process, and its connections to one server; others wait, within `timeoutMs`.'),
    idleConnectionMs: integer(4000, [1, 600_000, 'ms'], 'Time without a request after which a connection is closed.'),
    pinMs:            integer(30_000, [0, 3_600_000, 'ms'], 'How long the addresses of a host name stand, once resolved; 0 resolves it for each request.'),
    proxy:            Type.Optional(Type.String({ pattern: '^https?://[^/?#\\s]+/?$', secret: true, shape: 'a URL such as http://user:password@proxy:3128', description: 'HTTP proxy that all requests of plugins go through, as tunnels to addresses that the host has resolved and checked.' })),
    allowedAddresses: addresses('Addresses that are not public and that plugins may reach, as IPs or ranges such as `10.1.0.0/16`, when a grant covers the URL. Without it only those that a grant writes out.'),
    deniedAddresses:  addresses('Addresses that no plugin reaches, whatever its grant writes out.'),
    plugins:          perPlugin({
      timeoutMs:      optionalInteger(NETWORK_TIMEOUT, 'Longest time of one request of this plugin.'),
      maxRequestBytes: optionalInteger(NETWORK_BODY, 'Largest request body of this plugin.'),
      maxResponseBytes: optionalInteger(NETWORK_BODY, 'Largest response body of this plugin.'),
      concurrency:    optionalInteger(NETWORK_CONCURRENCY, 'Most requests of this plugin at once.'),
      allowedAddresses: Type.Optional(addresses('Addresses that this plugin may reach besides `network.allowedAddresses`.', false)),
    }),
  }),
  storage: section({
    maxObjectBytes:   integer(1_073_741_824, [1024, 1_125_899_906_842_624, 'bytes'], 'Largest object that a plugin may store.'),
    pluginQuotaBytes: integer(10_737_418_240, [0, 1_125_899_906_842_624, 'bytes'], 'Most bytes that one plugin may store, for all tenants together; uploads under way count.'),
    tenantQuotaBytes: integer(10_737_418_240, [0, 1_125_899_906_842_624, 'bytes'], 'Most bytes that all plugins together may store for one tenant; the platform has no such limit.'),
    pluginQuotaFiles: integer(100_000, [0, 1_000_000_000, 'files'], 'Most files and directories that one plugin may have.'),
    maxUploads:       integer(64, [1, 1_000_000, 'uploads'], 'Most uploads in chunks that one plugin may have under way.'),
    uploadTtlMs:      integer(900_000, [1000, 604_800_000, 'ms'], 'Time without a chunk after which an upload is forgotten.'),
  }),
  jobs: section({
    maxRunning:       autoOr([1, 1024, 'runs'], 'Most scheduled jobs that one process runs at once, others wait; `auto` leaves one thread of `pool.maxThreads` to requests.'),
    catchUpSeconds:   integer(3600, [0, 31_536_000, 'seconds'], 'How late one run may be that makes up for those that were missed while the host was down; a minute is never too late.'),
    historyRuns:      integer(1000, [1, 1_000_000, 'runs'], 'Most runs of one job that its history keeps.'),
    historyDays:      integer(30, [1, 36_500, 'days'], 'How long they are kept; older ones go when the job runs next.'),
  }),
  workspace: section({
    basePath:         Type.String({ pattern: BASE_PATH_PATTERN, shape: 'a path that starts with / and is outside /api, /x and /x-assets', ...about('/admin', 'Path of the console.') }),
  }),
  assets: section({
    maxAgeSeconds:    integer(31_536_000, [0, 31_536_000, 'seconds'], 'How long browsers may keep a public asset without asking; 0 has them ask every time.'),
    previousVersionGraceSeconds: integer(0, [0, 604_800, 'seconds'], 'How long the assets of a version are served after another version has taken its place.'),
    cacheMiB:         integer(64, [0, 65_536, 'MiB'], 'Memory for compressed public assets; 0 compresses none.'),
  }),
  i18n: section({
    enabled:          flag(true, 'Whether texts are translated.'),
    default:          text('en-US', 'Locale of a request that names none.'),
    locales:          Type.Array(Type.String({ minLength: 1 }), { minItems: 1, ...about(['en-US', 'zh-CN'], 'Locales that the host offers.') }),
  }),
  auth: section({
    secret:           Type.Optional(Type.String({ minLength: 32, secret: true, description: 'Key that signs access tokens; without it one is made at the first start and kept in `data.dir`.' })),
    accessTokenTtlSeconds: integer(86_400, [60, 31_536_000, 'seconds'], 'Life of an access token.'),
    sessionTtlSeconds: integer(86_400, [60, 31_536_000, 'seconds'], 'Idle time after which a session ends.'),
  }),
  log: section({
    level:            choice(LOG_LEVELS, 'info', 'Least severe level that is logged.'),
  }),
  metrics: section({
    enabled:          flag(true, 'Whether metrics are counted and served.'),
    path:             Type.String({ pattern: '^/[A-Za-z0-9._~/-]+$', shape: 'a path that starts with /', ...about('/metrics', 'Path that metrics are served at.') }),
  }),
});

/** Settings that a flag of `sandpool serve` may override, by the flag's name. */
export const FLAGS = { host: 'server.host', port: 'server.port', data: 'data.dir' } as const;
export type ConfigFlag = keyof typeof FLAGS;
export const FLAG_NAMES = Object.keys(FLAGS) as ConfigFlag[];

/** The effective configuration. Frozen; `plugin` also carries the free sections, see `pluginSection`. */
export type Config = DeepReadonly<Static<typeof CONFIG_SCHEMA>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** What the schema says about one setting, as JSON Schema keywords and four of our own. */
export interface SettingSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly SettingSchema[];
  readonly items?: SettingSchema;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly patternProperties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly unit?: string;
  readonly secret?: boolean;
  /** What a value looks like, where a pattern would not tell a person. */
  readonly shape?: string;
}

/** One setting with its path; `<plugin-id>` stands for any plugin's id. */
export interface Setting {
  readonly path: string;
  readonly schema: SettingSchema;
}

/** The same schema as plain JSON Schema, for those who walk it. */
export const CONFIG_SHAPE = CONFIG_SCHEMA as unknown as SettingSchema;

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = settingsOf('', CONFIG_SHAPE);

/** The configuration of a host that was told nothing. */
export const defaults = defaultOf(CONFIG_SHAPE) as Config;

/** Settings whose value is never shown. */
export const SECRET_PATHS: readonly string[] = SETTINGS.filter(({ schema }) => schema.secret).map(({ path }) => path);

/** Whether a value at this path is masked: the secrets of the host, and what looks like one in a plugin's own section. */
export function isSecretPath(path: string): boolean {
  return SECRET_PATHS.includes(path) || /^plugin\.[^.]+\..*(?:secret|passw|token|key|credential)/i.test(path);
}

/** The schema for editors: every setting optional, unknown keys refused. */
export function editorSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sandpool configuration',
    ...withoutRequired(CONFIG_SHAPE),
  };
}

function withoutRequired(schema: SettingSchema): SettingSchema {
  const { required, properties, ...rest } = schema;
  if (properties === undefined) return schema;
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, withoutRequired(inner)])),
  };
}

function settingsOf(path: string, schema: SettingSchema): Setting[] {
  if (schema.type !== 'object') return [{ path, schema }];
  const below = (key: string) => (path === '' ? key : `${path}.${key}`);
  const named = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => settingsOf(below(key), inner));
  const perId = Object.values(schema.patternProperties ?? {}).map((inner) => ({ path: below('<plugin-id>'), inner }));
  return [
    ...named,
    ...perId.flatMap(({ path, inner }) => (inner.properties ? settingsOf(path, inner) : [{ path, schema: inner }])),
  ];
}

function defaultOf(schema: SettingSchema): unknown {
  if (schema.type !== 'object') return structuredClone(schema.default);
  const filled = Object.entries(schema.properties ?? {}).map(([key, inner]) => [key, defaultOf(inner)] as const);
  return Object.fromEntries(filled.filter(([, value]) => value !== undefined));
}

function section<T extends TProperties>(settings: T) {
  return Type.Object(settings, { additionalProperties: false });
}

function perPlugin<T extends TProperties>(settings: T) {
  return Type.Record(Type.String({ pattern: PLUGIN_ID_PATTERN }), section(settings), { additionalProperties: false });
}

function autoEnableEntry() {
  return section({
    id: Type.String({ pattern: PLUGIN_ID_PATTERN, shape: 'a plugin id' }),
    withMockData: Type.Optional(Type.Boolean()),
  });
}

function channelEntry() {
  return section({
    key: Type.String({ minLength: 1, maxLength: 64 }),
    type: Type.String({ minLength: 1, maxLength: 64 }),
    enabled: Type.Boolean(),
  });
}

function about(value: unknown, description: string) {
  return { default: value, description };
}

function integer(value: number, [minimum, maximum, unit]: Range, description: string) {
  return Type.Integer({ minimum, maximum, ...(unit && { unit }), ...about(value, description) });
}

function optionalInteger([minimum, maximum, unit]: Range, description: string) {
  return Type.Optional(Type.Integer({ minimum, maximum, ...(unit && { unit }), description }));
}

function autoOr([minimum, maximum, unit]: Range, description: string, value: 'auto' | number = 'auto') {
  return Type.Union([Type.Literal('auto'), Type.Integer({ minimum, maximum })], {
    unit,
    ...about(value, description),
  });
}

function text(value: string, description: string) {
  return Type.String({ minLength: 1, ...about(value, description) });
}

function addresses(description: string, hasDefault = true) {
  const item = Type.String({ pattern: '^[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?$', shape: 'an IP address or a range of them' });
  return Type.Array(item, { description, ...(hasDefault && { default: [] }) });
}

function flag(value: boolean, description: string) {
  return Type.Boolean(about(value, description));
}

function choice<const T extends string[]>(values: readonly [...T], value: T[number], description: string) {
  return Type.Enum([...values], about(value, description));
}
