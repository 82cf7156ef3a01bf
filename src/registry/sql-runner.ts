/** Jobs of SQL, each in a process of its own with a deadline, so that no plugin's SQL holds up the host. */
import { fork } from 'node:child_process';
import { type ErrorData, SandpoolError } from '../protocol/errors.js';
import type { SqlPhases, SqlProblem } from '../store/sql-check.js';
import type { LedgerRow, PhaseOptions } from './install-sql.js';

export interface SqlRunner {
  /**
   * `runPhase` on the plugin's own database, which is made when it is missing.
   * @throws as `runPhase`; SBX_SQL_DEADLINE `{pluginId, phase, deadlineMs}`, with nothing left behind
   */
  readonly run: (options: RunnablePhase) => Promise<readonly LedgerRow[]>;
  /**
   * `checkSql`, from the tables of the plugin's database where `isLive`, else from an empty one.
   * @throws SBX_SQL_DEADLINE
   */
  readonly check: (pluginId: string, phases: SqlPhases, isLive: boolean) => Promise<readonly SqlProblem[]>;
}

export type RunnablePhase = Omit<PhaseOptions, 'now'>;

interface JobBase {
  readonly dataDir: string;
  readonly pluginId: string;
  readonly deadlineMs: number;
}

export type SqlJob =
  | (JobBase & { readonly kind: 'run'; readonly options: RunnablePhase })
  | (JobBase & { readonly kind: 'check'; readonly phases: SqlPhases; readonly isLive: boolean });

export type SqlAnswer = { readonly result: unknown } | { readonly error: ErrorData };

export interface SqlRunnerOptions {
  readonly dataDir: string;
  readonly deadlineMs?: number;
}

const PROCESS = new URL('./sql-process.js', import.meta.url);
const MAX_HEAP_MIB = 512;

export function createSqlRunner({ dataDir, deadlineMs = 60_000 }: SqlRunnerOptions): SqlRunner {
  return {
    run: async (options) => {
      if (options.files.length === 0) return [];
      const { pluginId, phase } = options;
      return (await perform({ kind: 'run', dataDir, pluginId, deadlineMs, options }, phase)) as readonly LedgerRow[];
    },
    check: async (pluginId, phases, isLive) => {
      if (Object.values(phases).every((files) => files.length === 0)) return [];
      return (await perform(
        { kind: 'check', dataDir, pluginId, deadlineMs, phases, isLive },
        'check',
      )) as readonly SqlProblem[];
    },
  };
}

function perform(job: SqlJob, phase: string): Promise<unknown> {
  const { pluginId, deadlineMs } = job;
  return new Promise((resolve, reject) => {
    const child = fork(PROCESS, {
      execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const timer = setTimeout(() => {
      settle(() => reject(new SandpoolError('SBX_SQL_DEADLINE', { pluginId, phase, deadlineMs })));
      child.kill('SIGKILL');
    }, deadlineMs);
    const settle = (how: () => void) => {
      clearTimeout(timer);
      // The file is free, and the transaction settled, once the process has gone.
      if (child.exitCode === null && child.signalCode === null) child.once('exit', how);
      else how();
    };
    child.once('message', (answer: SqlAnswer) => {
      settle(() => ('error' in answer ? reject(SandpoolError.fromData(answer.error)) : resolve(answer.result)));
    });
    // After an answer this changes nothing.
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const reason = `the SQL process of plugin ${pluginId} ended (${signal ?? code})`;
      setImmediate(() => reject(new SandpoolError('SBX_INTERNAL', { reason })));
    });
    child.once('error', (cause) =>
      settle(() => reject(new SandpoolError('SBX_INTERNAL', { reason: cause.message }, { cause }))),
    );
    child.send(job);
  });
}
