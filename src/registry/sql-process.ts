/**
 * Runs one job of SQL in a process of its own, and ends. SQLite cannot be interrupted: a query without an end is ended with its
 * process, and the transaction with it.
 */
import { Worker } from 'node:worker_threads';
import { SandpoolError } from '../protocol/errors.js';
import { loadParser } from '../store/dialect/parse.js';
import { hasPluginDatabase, openPluginDatabase } from '../store/plugin-database.js';
import { checkSql } from '../store/sql-check.js';
import { runPhase } from './install-sql.js';
import type { SqlAnswer, SqlJob } from './sql-runner.js';

/** How often it is seen to that the host is there, in ms. */
const LOOK_FOR_HOST_MS = 100;

process.once('message', (job: SqlJob) => {
  watch(job);
  answer(job).then((result) => process.send!(result, () => process.disconnect()));
});

async function answer(job: SqlJob): Promise<SqlAnswer> {
  try {
    await loadParser();
    return { result: perform(job) };
  } catch (thrown) {
    const error =
      thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_INTERNAL', { reason: String(thrown) });
    return { error: error.toData() };
  }
}

function perform(job: SqlJob): unknown {
  const { dataDir, pluginId } = job;
  requireHost(job);
  if (job.kind === 'check') {
    const live = job.isLive && hasPluginDatabase(dataDir, pluginId) ? openPluginDatabase(dataDir, pluginId) : undefined;
    try {
      return checkSql(pluginId, job.phases, live);
    } finally {
      live?.close();
    }
  }
  const database = openPluginDatabase(dataDir, pluginId);
  try {
    return runPhase(database, { ...job.options, requireWanted: () => requireHost(job) });
  } finally {
    database.close();
  }
}

/** What a host was doing when it was killed must not be done beside the next one. @throws SBX_INTERNAL */
function requireHost({ hostPid }: SqlJob): void {
  if (process.ppid !== hostPid) throw new SandpoolError('SBX_INTERNAL', { reason: 'the host has ended' });
}

/** Ends this process in time also when the host that would do it has died itself, and soon when there is no host to answer to. */
function watch({ deadlineMs, hostPid }: SqlJob): void {
  const source = `
    const end = () => process.kill(process.pid, 'SIGKILL');
    setTimeout(end, ${Math.ceil(deadlineMs) + 1000});
    setInterval(() => process.ppid === ${hostPid} || end(), ${LOOK_FOR_HOST_MS});`;
  new Worker(source, { eval: true }).unref();
}
