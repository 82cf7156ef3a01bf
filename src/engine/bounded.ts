/** A bound for tasks of threads. */
import type { TaskEnd } from '../protocol/messages.js';
import type { RunningTask } from './pool.js';

/**
 * Kills the task when it has not ended after `limitMs`. What has ended counts, although this thread was held up and has not heard of
 * it: timers come before what threads have sent, so it is heard first.
 * @returns what ends the wait
 */
export function limit(task: Pick<RunningTask<TaskEnd>, 'kill'>, limitMs: number): () => void {
  let lastTurn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    lastTurn = setImmediate(() => void task.kill());
  }, limitMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(lastTurn);
  };
}
