/** `sandpool serve` with several processes: the primary, which prints the greeting and hears the signals. */
import { isDeepStrictEqual } from 'node:util';
import { choosePort, forkOf } from '../cluster/fork.js';
import { type Primary, startPrimary } from '../cluster/primary.js';
import type { Config } from '../config/schema.js';
import { countFailedLogins, DEFAULT_FAILED_LOGIN_LIMITS } from '../identity/failed-logins.js';
import { cacheLimits } from '../main/cache.js';
import { holdDataDir, makeDataDir } from '../main/data-dir.js';
import { urlOf } from '../main/listen.js';
import { createLog } from '../main/log.js';
import { processesOf } from '../main/processes.js';
import { createMetricsOfAll } from '../metrics.js';
import { reasonOf } from '../protocol/errors.js';
import { createMemoryCache } from '../services/cache/memory.js';
import type { Context, ExitCode } from './command.js';
import { type Greeted, greet } from './greeting.js';
import type { HostWork } from './host-process.js';
import { untilTold } from './signals.js';

export interface ServeOptions {
  readonly config: Config;
  /** Reads the configuration again. @throws SBX_CONFIG_INVALID */
  readonly reload: () => Config;
  readonly adminPassword: string | undefined;
  readonly demo: boolean;
}

type Log = ReturnType<typeof createLog>;

/** Runs until a signal ends it. SIGHUP reads the configuration again and replaces one process after the other. */
export async function serveProcesses(context: Context, options: ServeOptions): Promise<ExitCode> {
  const { adminPassword, demo } = options;
  const { server, data } = options.config;
  // For as long as this process lives; the processes of the host share what it holds.
  holdDataDir(makeDataDir(data.dir));
  const port = await choosePort(server.host, server.port);
  let config = withPort(options.config, port);
  const processes = processesOf(config);
  const log = createLog(config);
  const primary = await startPrimary({
    processes,
    fork: forkOf(new URL('./host-process.js', import.meta.url)),
    work: (): HostWork => ({ config, adminPassword, demo }),
    graceMs: server.shutdownGraceMs,
    attemptLogin: countFailedLogins(DEFAULT_FAILED_LOGIN_LIMITS, Date.now).attempt,
    cache: createMemoryCache({ ...cacheLimits(config), now: Date.now }),
    metrics: createMetricsOfAll(),
    log,
  });
  const ending = untilTold(primary, context);
  process.on('SIGHUP', () => {
    try {
      config = reloaded(config, options.reload(), log);
      replaceAll(primary, log);
    } catch (thrown) {
      log.error({ err: thrown }, `everything stays as it was: ${reasonOf(thrown)}`);
    }
  });
  greet(context, { ...(primary.first as Greeted), url: urlOf(config, port) }, { demo, processes });
  const endedByThemselves = await ending;
  return endedByThemselves ? 0 : 1;
}

function withPort(config: Config, port: number): Config {
  return { ...config, server: { ...config.server, port } };
}

/** The configuration as it is written now; what the processes must share, and what the primary itself goes by, stays. */
function reloaded(before: Config, after: Config, log: Log): Config {
  const { host, port, processes, shutdownGraceMs } = before.server;
  const kept: Config = {
    ...after,
    server: { ...after.server, host, port, processes, shutdownGraceMs },
    data: before.data,
    plugin: { ...after.plugin, dynamic: before.plugin.dynamic },
    cache: before.cache,
  };
  const given = after.server.port === 0 ? withPort(after, port) : after;
  if (!isDeepStrictEqual(kept, given)) log.warn({ settings: FIXED }, 'a change of these settings needs a new start');
  return kept;
}

const FIXED = [
  'server.host',
  'server.port',
  'server.processes',
  'server.shutdownGraceMs',
  'data.dir',
  'plugin.dynamic.storagePath',
  'cache.maxEntries',
  'cache.budgetMiB',
];

function replaceAll(primary: Primary, log: Log): void {
  log.info({ processes: primary.pids() }, 'every process is replaced');
  primary.roll().then(
    () => log.info({ processes: primary.pids() }, 'every process has been replaced'),
    (thrown: unknown) => log.error({ err: thrown }, `the processes stay: ${reasonOf(thrown)}`),
  );
}
