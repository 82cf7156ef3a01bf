/** Everything at once, from a seed: threads that are killed, guests that trap and hang, callers that go away. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import t from 'tap';
import type { Outcome } from '../../src/engine/engine.js';
import { bodyOf, type EngineHost, grantOf, startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { type Random, randomOf } from '../rewrite/random-program.js';
import { startTestHost } from './host.js';

// A busy machine needs seconds to start a thread, and some dozens start here.
t.setTimeout(3_600_000);

/** More of everything for a long run. */
const EFFORT = Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);
const SEED = Number(process.env.SANDPOOL_TEST_SEED ?? 1);
/** Answers between two ends of threads, at least. */
const KILL_EVERY = 30;
/** Threads that are ended, at least. */
const KILLS = 5;
const UUID = { services: [grantOf('runtime', ['info.uuid'])] };

/**
 * Threads that live now, whoever started them. One that has not told that it is ready is left alone: Node itself may abort when a
 * thread ends while it loads its first module.
 */
const threads = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  worker.once('message', () => threads.add(worker));
  worker.once('exit', () => threads.delete(worker));
});

interface Attack {
  readonly id: string;
  readonly body: string;
  /** Codes that the request itself deserves; none when it must succeed. */
  readonly codes: readonly string[];
  readonly deadlineMs?: number;
  readonly isCancelled?: boolean;
}

function attack(random: Random, index: number): Attack {
  const plain = { id: 'echo', body: `body-${index}-end${'.'.repeat(random(random(9) === 0 ? 90_000 : 400))}`, codes: [] };
  switch (random(16)) {
    case 0: return { id: 'mischief', body: '!!xGwt', codes: ['SBX_TRAP'] };
    case 1: return { id: 'mischief', body: '!!Ge', codes: ['SBX_EXIT'] };
    case 2: return { id: 'mischief', body: '!!s', codes: ['SBX_STACK_OVERFLOW'] };
    case 3: return { id: 'mischief', body: '!!l', codes: ['SBX_DEADLINE'], deadlineMs: 10 + random(20) };
    case 4: return random(4) > 0 ? plain : { id: 'stuck', body: '', codes: ['SBX_DEADLINE'], deadlineMs: 20 };
    case 5: return { ...plain, codes: ['SBX_CANCELLED'], isCancelled: true };
    case 6: return { id: 'mischief', body: '!!l', codes: ['SBX_CANCELLED', 'SBX_DEADLINE'], deadlineMs: 400, isCancelled: true };
    case 7: case 8: case 9: return { id: 'mischief', body: `!!${random(2) === 0 ? 'pvfh' : 'gwhx'}`, codes: [] };
    case 10: case 11: return { id: 'fresh', body: '!!ph', codes: [] };
    default: return plain;
  }
} // biome-ignore format: a table of choices

t.test('of thousands of requests under fire each is answered once, and only the guilty fail', async (t) => {
  const host = startEngine(t, {
    pool: { minThreads: 1, maxThreads: 3, maxWaitingThreads: 0, slots: 96, slotBytes: 16_384 },
    perPlugin: { fresh: { isolation: 'fresh' } },
  });
  await host.load('echo', await watGuest('echo-request'));
  await host.load('stuck', await watGuest('stuck'));
  for (const id of ['mischief', 'fresh']) await host.load(id, await watGuest('mischief'), UUID);
  const untouched = bodyOf(await host.request('mischief'));
  const random = randomOf(SEED);
  const before = await keptBytes();
  const total = 1200 * EFFORT;
  const killing = killThreads(random);
  let next = 0;
  let answers = 0;
  const client = async (): Promise<void> => {
    while (next < total || killing.kills() < KILLS) {
      const index = next++;
      killing.asked(index);
      const one = attack(random, index);
      const outcome = await run(host, one, random);
      answers++;
      killing.answered(index);
      const wrong = wrongWith(one, outcome, untouched, index);
      if (wrong !== undefined) t.fail(`request ${index} ${one.id} ${one.body.slice(0, 12)}: ${wrong}`);
    }
  };
  await Promise.all(Array.from({ length: 64 }, client));
  await killing.stop();
  t.equal(answers, next);

  const text = await quiet(host);
  t.equal(sum(text, 'sandpool_invocations_total'), answers + 1, 'each was counted once');
  for (const gauge of ['slots_in_use', 'queue_length', 'threads_busy'])
    t.notMatch(text, new RegExp(`^sandpool_${gauge} [1-9]`, 'm'));
  t.ok(threads.size <= 3, `${threads.size} threads are left`);
  const live = sum(text, 'sandpool_instances_live');
  t.ok(live <= threads.size * 2, `${live} instances live in ${threads.size} threads`);
  const kept = (await keptBytes()) - before;
  t.ok(kept < 4 * 2 ** 20, `memory is back at its level, ${kept} bytes above`);
});

async function run(host: EngineHost, { id, body, deadlineMs, isCancelled }: Attack, random: Random): Promise<Outcome> {
  const gone = new AbortController();
  const running = host.request(id, body, {
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(isCancelled && { signal: gone.signal }),
  });
  if (isCancelled) void wait(random(6)).then(() => gone.abort());
  return running;
}

/** A lost thread excuses only what ran on it. */
function wrongWith(
  { id, codes, body }: Attack,
  outcome: Outcome,
  untouched: string,
  index: number,
): string | undefined {
  const text = bodyOf(outcome);
  if (!outcome.ok) {
    if (text === 'SBX_WORKER_LOST') return outcome.timings.runMs > 0 ? undefined : 'lost before it had started';
    return codes.includes(text) ? undefined : `${text} ${outcome.error.message}`;
  }
  // A request that is to fail may only succeed when its caller went away too late.
  if (codes.length > 0 && !codes.includes('SBX_CANCELLED')) return `it succeeded: ${text.slice(0, 40)}`;
  const isRight = id === 'echo' ? text.includes(body) && text.includes(`body-${index}-end`) : text === untouched;
  return isRight ? undefined : `another answer: ${text.slice(0, 40)}`;
}

interface Killing {
  /** A request has been sent. */
  asked(index: number): void;
  answered(index: number): void;
  kills(): number;
  /** Resolves when the last thread that was told to end has ended. */
  stop(): Promise<void>;
}

/**
 * Ends the oldest thread now and then. The pace is that of the answers: on a busy machine, where a thread takes long to start, time
 * would leave none that ever answers. Nobody meets more than one end: who waits for one thread after the other is given up on.
 */
function killThreads(random: Random): Killing {
  const underWay = new Set<number>();
  /** Who was under way when the last thread ended, and still is. */
  let witnesses = new Set<number>();
  let ending: Promise<void> | undefined;
  let left = KILL_EVERY;
  let kills = 0;
  return {
    asked: (index) => void underWay.add(index),
    answered(index) {
      underWay.delete(index);
      witnesses.delete(index);
      const [victim] = threads;
      if (--left > 0 || ending || witnesses.size > 0 || victim === undefined) return;
      left = KILL_EVERY + random(KILL_EVERY);
      kills += 1;
      threads.delete(victim);
      ending = victim.terminate().then(() => {
        ending = undefined;
        witnesses = new Set(underWay);
      });
    },
    kills: () => kills,
    stop: async () => ending,
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are left when what nobody holds any more is gone. */
async function keptBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The metrics once nothing runs any more. */
async function quiet(host: EngineHost): Promise<string> {
  for (;;) {
    const text = await host.metrics.render();
    if (/^sandpool_slots_in_use 0$/m.test(text)) return text;
    await wait(20);
  }
}

function sum(text: string, metric: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(metric));
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}

t.test('clients on sockets that come and go, and threads that die, cost nobody else an answer', async (t) => {
  const host = await startTestHost(t, { POOL_MAX_THREADS: '2' });
  const routes = [{ path: '/a', method: 'POST', requestType: 'Req' }];
  await host.serve('echo', { module: await watGuest('echo-request'), routes });
  await host.serve('mischief', { module: await watGuest('mischief'), routes });
  const random = randomOf(SEED + 1);
  const killing = killThreads(random);
  const outcomes = new Map<string, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < 250 * EFFORT) {
      const index = next++;
      if (random(6) === 0) {
        await leave(host.url, random);
        continue;
      }
      killing.asked(index);
      const { status, text } = await host.fetch('/x/echo/a', { method: 'POST', body: `body-${index}-end` });
      killing.answered(index);
      const isLost = status === 500 && text.includes('the worker died');
      if (!isLost && (status !== 200 || !text.includes(`body-${index}-end`)))
        t.fail(`request ${index}: ${status} ${text.slice(0, 200)}`);
      const kind = isLost ? 'lost' : 'answered';
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  await killing.stop();
  t.ok((outcomes.get('answered') ?? 0) > 100 * EFFORT, JSON.stringify([...outcomes]));
  t.match(await host.fetch('/x/echo/a', { method: 'POST', body: 'the last' }), { status: 200, text: /the last/ });
  t.match((await metricsOf(host)).match(/^sandpool_slots_in_use \d+/m)?.[0], 'sandpool_slots_in_use 0');
});

/** A client that asks for something endless and goes away before there is an answer. */
async function leave(url: string, random: Random): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('POST /x/mischief/a HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n!!l');
  await wait(random(30));
  socket.destroy();
}

/** The host's metrics once nothing runs any more. */
async function metricsOf(host: { fetch(path: string): Promise<{ text: string }> }): Promise<string> {
  for (;;) {
    const { text } = await host.fetch('/metrics');
    if (/^sandpool_slots_in_use 0$/m.test(text)) return text;
    await wait(20);
  }
}
