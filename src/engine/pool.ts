/**
 * The thread pool. Piscina owns the threads: it starts, ends and replaces them; which thread gets a task, and what exactly
 * is posted to it, is decided here at the moment when the task is handed over.
 */
import { EventEmitter } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type {
  BatchEnd,
  Ready,
  Rehearsal,
  Rewrite,
  RewriteEnd,
  SandboxMessage,
  SandboxSetup,
  TaskEnd,
  TaskPayload,
  Trim,
  TrimEnd,
  WarmUp,
  WarmUpEnd,
} from '../protocol/messages.js';

/** Longest wait, in ms, for killed threads when the pool closes. */
const KILL_WAIT_MS = 1000;

/** So many threads may die one after the other while they boot before what waits for them fails. */
const MAX_BOOT_DEATHS = 5;

export interface PoolOptions {
  readonly setup: SandboxSetup;
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly idleTimeoutMs: number;
  readonly onMessage: (message: SandboxMessage) => void;
  /** A thread is gone, for whatever reason. */
  readonly onThreadGone: (threadId: number) => void;
}

export interface Task<Payload extends TaskPayload = TaskPayload> {
  /** Picks one of the idle threads; they are in the order of their creation, so that little work stays on few threads. */
  choose(idle: readonly number[]): number;
  /** Makes what is posted to that thread. Called once, when the thread is known. */
  payload(threadId: number): Payload;
}

export interface RunningTask<End extends TaskEnd = TaskEnd> {
  /** Settles when the thread has ended the task. @throws SBX_WORKER_LOST when the thread died or was killed. */
  readonly ended: Promise<End>;
  /** The thread that got the task; undefined while it waits for one. */
  threadId(): number | undefined;
  /** Ends the thread, whatever it does. Resolves when it is gone and touches memory no more. */
  kill(): Promise<void>;
}

export interface Pool {
  run<Payload extends TaskPayload>(task: Task<Payload>): RunningTask<EndOf<Payload>>;
  threadCount(): number;
  close(): Promise<void>;
}

/** What ends a task of that kind. */
export type EndOf<Payload> = Payload extends Rewrite | Rehearsal
  ? RewriteEnd
  : Payload extends WarmUp
    ? WarmUpEnd
    : Payload extends Trim | Ready
      ? TrimEnd
      : BatchEnd;

/** What Piscina posts: our object, filled in by the balancer just before. */
interface Posted {
  payload?: TaskPayload;
  [Piscina.queueOptionsSymbol]?: Order;
}

interface Order {
  readonly task: Task;
  readonly posted: Posted;
  threadId: number | undefined;
  readonly onPlaced: () => void;
}

/** A task that no thread has got yet. */
interface Waiting {
  giveUp(): void;
}

export function createPool(options: PoolOptions): Pool {
  const piscina = new Piscina<Posted, TaskEnd>({
    filename: new URL('../sandbox/worker.js', import.meta.url).href,
    minThreads: options.minThreads,
    maxThreads: options.maxThreads,
    idleTimeout: options.idleTimeoutMs,
    concurrentTasksPerWorker: 1,
    atomics: 'sync',
    recordTiming: false,
    env: {},
    workerData: options.setup,
    loadBalancer: balance,
  });
  piscina.on('message', options.onMessage);
  tellThreadsGone(piscina, options.onThreadGone);
  // A thread that dies without a task has failed nobody; Piscina replaces it when it is needed.
  piscina.on('error', () => {});
  const waiting = new Set<Waiting>();
  rescueWaiting(piscina, waiting);

  const dying = new Set<Promise<void>>();
  return {
    run: (task) => runTask(piscina, { dying, waiting }, task),
    threadCount: () => piscina.threads.length,
    async close() {
      // Piscina starts a new thread for every one whose exit it sees after `destroy` has returned. V8 cannot end a thread in
      // every loop (see `rewrite/fuel.ts`), so the wait has a bound.
      await Promise.race([Promise.all(dying), setTimeout(KILL_WAIT_MS, undefined, { ref: false })]);
      await piscina.destroy();
    },
  };
}

/**
 * Once a thread has died while it booted, Piscina replaces no thread by itself any more, only when a task comes; what waits
 * already would wait for ever. A task that does nothing makes it start one. When thread after thread dies so, the tasks fail.
 */
function rescueWaiting(piscina: Piscina<Posted, TaskEnd>, waiting: ReadonlySet<Waiting>): void {
  let deathsInARow = 0;
  piscina.on('workerCreate', () => {
    deathsInARow = 0;
  });
  // Piscina tells before it has taken the thread out of its list.
  piscina.on('workerDestroy', () => setImmediate(rescue));

  function rescue(): void {
    if (waiting.size === 0 || piscina.threads.length > 0) return;
    deathsInARow += 1;
    if (deathsInARow < MAX_BOOT_DEATHS) start();
    else for (const task of [...waiting]) task.giveUp();
  }

  function start(): void {
    const trim: Posted = { payload: { trim: true } };
    trim[Piscina.queueOptionsSymbol] = {
      task: { choose: (idle) => idle[0] as number, payload: () => ({ trim: true }) },
      posted: trim,
      threadId: undefined,
      onPlaced() {},
    };
    piscina.run(trim).catch(() => {});
  }
}

/** A thread that has died by itself has no number any more when Piscina tells: it is the one that is missing. */
function tellThreadsGone(piscina: Piscina<Posted, TaskEnd>, tell: (threadId: number) => void): void {
  const known = new Set<number>();
  piscina.on('workerCreate', (thread: { id: number }) => known.add(thread.id));
  piscina.on('workerDestroy', (thread: { id: number }) => {
    const living = new Set(piscina.threads.map(({ threadId }) => threadId));
    const gone = thread.id >= 0 ? [thread.id] : [...known].filter((threadId) => !living.has(threadId));
    for (const threadId of gone) {
      known.delete(threadId);
      tell(threadId);
    }
  });
}

type PoolThread = { id: number; currentUsage: number; terminating: boolean; destroyed: boolean };

function balance<Thread extends PoolThread>(task: object, threads: Thread[]): Thread | null {
  const order = (task as Posted)[Piscina.queueOptionsSymbol] as Order;
  const idle = threads.filter((thread) => thread.currentUsage === 0 && !thread.terminating && !thread.destroyed);
  if (idle.length === 0) return null;
  const threadId = order.task.choose(idle.map((thread) => thread.id));
  const chosen = idle.find((thread) => thread.id === threadId) ?? (idle[0] as Thread);
  order.threadId = chosen.id;
  order.onPlaced();
  order.posted.payload = order.task.payload(chosen.id);
  return chosen;
}

function runTask<Payload extends TaskPayload>(
  piscina: Piscina<Posted, TaskEnd>,
  { dying, waiting }: { dying: Set<Promise<void>>; waiting: Set<Waiting> },
  task: Task<Payload>,
): RunningTask<EndOf<Payload>> {
  const posted: Posted = {};
  const abort = new EventEmitter();
  const place: Waiting = { giveUp: () => void abort.emit('abort') };
  const order: Order = { task, posted, threadId: undefined, onPlaced: () => waiting.delete(place) };
  posted[Piscina.queueOptionsSymbol] = order;
  waiting.add(place);
  const ended = piscina.run(posted, { signal: abort }).catch((thrown: unknown) => {
    waiting.delete(place);
    throw new SandpoolError('SBX_WORKER_LOST', { reason: reasonOf(thrown) }, { cause: thrown });
  }) as Promise<EndOf<Payload>>;

  return {
    ended,
    threadId: () => order.threadId,
    kill() {
      const thread = piscina.threads.find((candidate) => candidate.threadId === order.threadId);
      const gone = new Promise<void>((resolve) => {
        if (thread === undefined) resolve();
        else thread.once('exit', () => resolve());
      });
      dying.add(gone);
      void gone.then(() => dying.delete(gone));
      abort.emit('abort');
      return gone;
    },
  };
}
