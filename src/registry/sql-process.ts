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

process.once('message', (job: SqlJob) => {
  watch(job.deadlineMs);
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
    return runPhase(database, job.options);
  } finally {
    database.close();
  }
}

/** Ends this process in time also when the host that would do it has died itself. */
function watch(deadlineMs: number): void {
  const source = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${Math.ceil(deadlineMs) + 1000})`;
  new Worker(source, { eval: true }).unref();
}
