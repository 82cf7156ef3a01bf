/**
 * The primary process: it starts the host processes and keeps them going, and is where they agree: on who changes which plugin,
 * on what everybody must know before an operator is answered, on failed logins and on metrics. It serves no request itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MetricsOfAll } from '../metrics.js';
import type { CacheStore } from '../protocol/cache.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Fork, ForkedProcess } from './fork.js';
import { type Line, openLine, type Patience } from './line.js';
import type { HostQuestion, PrimaryQuestion } from './questions.js';
import { deathsInARow, restartDelayMs } from './restarts.js';
import { createTurns } from './turns.js';

export interface PrimaryOptions {
  readonly processes: number;
  readonly fork: Fork;
  /** What the next process is told to start with. */
  readonly work: () => unknown;
  /** Longest wait for running requests when a process ends. */
  readonly graceMs: number;
  /** Counts an attempt to log in. @returns what takes it back @throws SBX_LOGIN_RATE */
  readonly attemptLogin: (username: string, ip: string) => () => void;
  /** What plugins of all processes keep for a while. */
  readonly cache: { readonly run: CacheStore; forget(pluginId: string): void };
  readonly metrics: MetricsOfAll;
  readonly log: PrimaryLog;
  readonly now?: () => number;
  readonly patience?: Partial<PrimaryPatience>;
}

/** Bounds of what a host process may take, in ms. One that misses `heardMs` or `refreshMs` is killed and replaced. */
export interface PrimaryPatience {
  readonly startMs: number;
  /** For the event loop of a process to take a message. */
  readonly heardMs: number;
  /** For a process to bring one plugin up to date, compiling included. */
  readonly refreshMs: number;
  readonly metricsMs: number;
  /** Beyond `graceMs`, for a process to end. */
  readonly endMs: number;
}

export const PATIENCE: PrimaryPatience = {
  startMs: 600_000,
  heardMs: 10_000,
  refreshMs: 120_000,
  metricsMs: 2000,
  endMs: 5000,
};

export interface PrimaryLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface Primary {
  /** What the first process said when it served. */
  readonly first: unknown;
  /** Processes that serve. */
  pids(): readonly number[];
  /** Replaces one process after the other; each new one serves before an old one ends. Stops at the first that does not start. */
  roll(): Promise<void>;
  /** Ends all processes. @returns whether each ended by itself. */
  close(): Promise<boolean>;
}

/** A host process from its start to its exit. */
interface Member {
  readonly process: ForkedProcess;
  readonly line: Line<PrimaryQuestion>;
  readonly startedAt: number;
  /** While booting it hears nothing, and has read nothing that could be out of date. */
  state: 'booting' | 'starting' | 'serving' | 'ending';
  /** Resolves when it hears. */
  readonly opened: Promise<void>;
  /** Resolves with how it ended. */
  readonly gone: Promise<string>;
  /** Whether no other process was there. */
  readonly isFirst: boolean;
}

/** A first process that dies without a word is tried this often. */
const FIRST_TRIES = 3;

/**
 * Starts the processes, the first one alone, and resolves when all serve.
 * @throws SBX_PROCESS_LOST when they die before they serve, and what a process throws when it starts.
 */
export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { processes, log, metrics, now = Date.now } = options;
  const patience = { ...PATIENCE, ...options.patience };
  const refreshPatience: Patience = { heardMs: patience.heardMs, answerMs: patience.refreshMs };
  const members = new Set<Member>();
  const turns = createTurns<Member>();
  const tickets = new Map<number, () => void>();
  /** Plugins whose change was cut short by the death of its process, until another one has settled them. */
  const abandoned = new Map<string, Member>();
  let lastTicket = 0;
  let deaths = 0;
  let isEnding = false;
  let rolling: Promise<void> | undefined;
  let starting: Promise<unknown> = Promise.resolve();

  try {
    const first = await startMember(FIRST_TRIES);
    await Promise.all(Array.from({ length: processes - 1 }, () => startMember(FIRST_TRIES)));
    return { first, pids: () => serving().map(({ process }) => process.pid), roll, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }

  function serving(): Member[] {
    return [...members].filter(({ state }) => state === 'serving');
  }

  // ---- starting and ending -----------------------------------------------------------------------------------------------

  /** Starts one process; alone while none serves, so that only one is the first. @returns what it said when it served. */
  function startMember(tries = 1): Promise<unknown> {
    if (serving().length > 0) return tryStart(tries);
    const start = () => tryStart(tries);
    const mine = starting.then(start, start);
    starting = mine;
    return mine;
  }

  async function tryStart(tries: number): Promise<unknown> {
    for (let left = tries; ; left -= 1) {
      if (isEnding) throw new SandpoolError('SBX_SHUTTING_DOWN');
      const member = open(members.size === 0);
      try {
        return await begun(member);
      } catch (thrown) {
        const hasDied = thrown instanceof SandpoolError && thrown.code === 'SBX_PROCESS_LOST';
        if (!hasDied || left <= 1) throw thrown;
        log.warn({ err: thrown }, 'a host process ended before it served');
        await pause(restartDelayMs(tries - left + 1));
      }
    }
  }

  /** A process and the line to it. */
  function open(isFirst: boolean): Member {
    const opened = deferred<void>();
    const gone = deferred<string>();
    const forked = options.fork({
      onOpen() {
        if (member.state === 'booting') member.state = 'starting';
        opened.settle();
      },
      onMessage: (message) => line.receive(message),
      onExit(how) {
        lose(member, how);
        opened.settle();
        gone.settle(how);
      },
    });
    const line = openLine<PrimaryQuestion, HostQuestion>({
      post: forked.post,
      answer: (question) => answer(member, question),
    });
    const member: Member = {
      process: forked,
      line,
      startedAt: now(),
      state: 'booting',
      opened: opened.promise,
      gone: gone.promise,
      isFirst,
    };
    members.add(member);
    return member;
  }

  async function begun(member: Member): Promise<unknown> {
    const { isFirst, line, opened } = member;
    try {
      await opened;
      const said = await line.ask({ ask: 'start', work: options.work(), isFirst }, { answerMs: patience.startMs });
      if (member.state === 'starting') member.state = 'serving';
      for (const key of abandoned.keys()) await settleAbandoned(key);
      return said;
    } catch (thrown) {
      member.state = 'ending';
      await kill(member);
      throw thrown;
    }
  }

  /** A process has ended, of its own will or not. */
  function lose(member: Member, how: string): void {
    const { process, line, state, startedAt } = member;
    members.delete(member);
    line.close(how);
    metrics.retire(process.pid);
    for (const key of turns.abandon(member)) {
      abandoned.set(key, member);
      void settleAbandoned(key);
    }
    if (state !== 'serving' || isEnding) return;
    deaths = deathsInARow(deaths, now() - startedAt);
    log.error({ process: process.pid, reason: how }, 'a host process died; another one takes its place');
    void fillUp();
  }

  /** Starts processes until there are enough, however long it takes. */
  async function fillUp(): Promise<void> {
    for (;;) {
      await pause(restartDelayMs(deaths));
      if (isEnding) return;
      try {
        await startMember();
        return;
      } catch (thrown) {
        if (isEnding) return;
        deaths = deathsInARow(deaths, 0);
        log.error({ err: thrown }, `a host process does not start: ${reasonOf(thrown)}`);
      }
    }
  }

  async function kill(member: Member): Promise<void> {
    if (!members.has(member)) return;
    member.process.kill('SIGKILL');
    await member.gone;
  }

  /** @returns whether it ended by itself. */
  async function retire(member: Member, isReplaced: boolean): Promise<boolean> {
    const { process, line } = member;
    member.state = 'ending';
    const answerMs = options.graceMs + patience.endMs;
    try {
      metrics.keep(process.pid, await line.ask({ ask: 'end', isReplaced }, { answerMs }));
    } catch (thrown) {
      log.warn({ process: process.pid, err: thrown }, 'a host process does not end by itself');
    }
    const timer = setTimeout(() => process.kill('SIGKILL'), patience.endMs);
    const how = await member.gone;
    clearTimeout(timer);
    return how === 'exit code 0';
  }

  function roll(): Promise<void> {
    rolling ??= rollAll().finally(() => {
      rolling = undefined;
    });
    return rolling;
  }

  async function rollAll(): Promise<void> {
    for (const old of serving()) {
      if (isEnding || !members.has(old)) continue;
      await startMember();
      if (members.has(old) && old.state === 'serving') await retire(old, true);
    }
  }

  async function close(): Promise<boolean> {
    isEnding = true;
    const ended = await Promise.all([...members].map((member) => retire(member, false)));
    return ended.every(Boolean);
  }

  // ---- what they agree on ------------------------------------------------------------------------------------------------

  async function answer(member: Member, question: HostQuestion): Promise<unknown> {
    switch (question.ask) {
      case 'begin-turn':
        return turns.begin(question.key, member);
      case 'end-turn':
        await refreshOthers(question.key, question.news, member);
        return turns.end(question.key, member);
      case 'spread':
        return (await askOthers({ ask: 'hear', news: question.news }, member)).includes(true);
      case 'attempt-login':
        return keepTicket(options.attemptLogin(question.username, question.ip));
      case 'take-back':
        return takeBack(question.ticket);
      case 'cache':
        return options.cache.run(question.scope, question.commands);
      case 'forget-cache':
        return options.cache.forget(question.pluginId);
      case 'metrics':
        return gatherMetrics();
    }
  }

  async function refreshOthers(key: string, news: readonly string[], except: Member): Promise<void> {
    await askOthers({ ask: 'refresh', key, news, isAbandoned: false }, except);
  }

  /** Resolves when every other process has answered or is no more. */
  async function askOthers(question: PrimaryQuestion, except: Member): Promise<unknown[]> {
    const others = [...members].filter((member) => member !== except && member.state !== 'booting');
    return Promise.all(others.map((member) => insist(member, question)));
  }

  /** A process that does not do as it is told would serve what is no longer so: it is killed, and another takes its place. */
  async function insist(member: Member, question: PrimaryQuestion): Promise<unknown> {
    try {
      return await member.line.ask(question, refreshPatience);
    } catch (thrown) {
      if (members.has(member)) {
        log.error({ process: member.process.pid, err: thrown }, `a host process did not ${question.ask}; it is killed`);
        await kill(member);
      }
      return undefined;
    }
  }

  /** Has one process settle what a dead one was doing, then all the others follow; only then is it anybody's turn again. */
  async function settleAbandoned(key: string): Promise<void> {
    const holder = abandoned.get(key);
    for (const member of serving()) {
      await insist(member, { ask: 'refresh', key, news: [], isAbandoned: true });
      // Another call may have been quicker.
      if (holder === undefined || abandoned.get(key) !== holder) return;
      if (!members.has(member)) continue;
      abandoned.delete(key);
      await refreshOthers(key, [], member);
      turns.end(key, holder);
      return;
    }
  }

  function keepTicket(takeBack: () => void): number {
    lastTicket += 1;
    tickets.set(lastTicket, takeBack);
    return lastTicket;
  }

  function takeBack(ticket: number): void {
    tickets.get(ticket)?.();
    tickets.delete(ticket);
  }

  async function gatherMetrics(): Promise<string> {
    const answered = new Set<number>();
    const gather = async ({ process: { pid }, line, state }: Member): Promise<void> => {
      try {
        const own = await line.ask({ ask: 'metrics' }, { answerMs: patience.metricsMs });
        if (own === undefined) return;
        metrics.keep(pid, own);
        answered.add(pid);
      } catch (thrown) {
        // One that hangs or dies is left out of what is now; what it had counted stays.
        if (state === 'serving') log.warn({ process: pid, err: thrown }, 'a host process gives no metrics');
      }
    };
    await Promise.all([...members].map(gather));
    return metrics.render(answered);
  }
}

function deferred<Value>(): { promise: Promise<Value>; settle: (value: Value) => void } {
  let settle: (value: Value) => void = () => {};
  const promise = new Promise<Value>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}
