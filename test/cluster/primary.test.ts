/** The primary with host processes that are played in this one. */
import t, { type Test } from 'tap';
import type { Fork, ForkEvents } from '../../src/cluster/fork.js';
import type { LineMessage } from '../../src/cluster/line.js';
import { type HostProcess, type PeerAnswers, type Peers, servePrimary } from '../../src/cluster/peers.js';
import { type Primary, type PrimaryOptions, startPrimary } from '../../src/cluster/primary.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import { createMemoryCache } from '../../src/services/cache/memory.js';

/** A played process. */
interface Played {
  readonly pid: number;
  peers: Peers;
  readonly isFirst: boolean;
  /** Plugins that it was told to refresh; an abandoned one with `!`. */
  readonly refreshed: string[];
  /** How it ended. */
  ended: string | undefined;
  /** Takes no more messages. */
  hang(): void;
  die(how: string): void;
}

interface Play {
  readonly start?: (process: Played) => unknown;
  readonly refresh?: (process: Played) => Promise<void> | void;
}

/** Later, but before any time limit: on a busy machine an event loop may be late for all of them at once. */
const soon = (what: () => void): void => queueMicrotask(what);

function stage(t: Test, play: Play = {}, options: Partial<PrimaryOptions> = {}) {
  const processes: Played[] = [];
  const lines: string[] = [];
  const retired: number[] = [];
  const note = (_facts: object, line: string) => void lines.push(line);

  const fork: Fork = ({ onOpen, onMessage, onExit }: ForkEvents) => {
    let isHung = false;
    let receive: (message: LineMessage) => void = () => {};
    const die = (how: string): void => {
      if (played.ended !== undefined) return;
      played.ended = how;
      isHung = true;
      soon(() => onExit(how));
    };
    const played: Played = {
      pid: processes.length + 1,
      peers: undefined as unknown as Peers,
      isFirst: false,
      refreshed: [],
      ended: undefined,
      hang: () => {
        isHung = true;
      },
      die,
    };
    const answers: PeerAnswers = {
      async refresh({ key, isAbandoned }) {
        played.refreshed.push(isAbandoned ? `${key}!` : key);
        await play.refresh?.(played);
      },
      hear: ({ of }) => played.refreshed.push(of) > 0 && of === 'quarantine',
      metrics: async () => played.pid,
    };
    const host: HostProcess = {
      async start(_work, peers) {
        Object.assign(played, { peers, isFirst: peers.isFirst });
        peers.listen(answers);
        return (await play.start?.(played)) ?? `started ${played.pid}`;
      },
      runOut: async () => {},
      end: async () => {},
      exit: () => die('exit code 0'),
    };
    processes.push(played);
    receive = servePrimary(host, (message) => {
      if (!isHung) soon(() => onMessage(structuredClone(message)));
    });
    soon(onOpen);
    return {
      pid: played.pid,
      post(message) {
        soon(() => {
          if (!isHung) receive(structuredClone(message));
        });
      },
      kill: (signal) => die(signal),
    };
  };

  const start = async (): Promise<Primary> => {
    const primary = await startPrimary({
      processes: 2,
      fork,
      work: () => ({}),
      graceMs: 1000,
      attemptLogin: () => () => {},
      cache: createMemoryCache({ maxEntries: 10, maxBytes: 1 << 20, now: () => 0 }),
      metrics: { keep: () => {}, retire: (pid) => void retired.push(pid), render: async (pids) => [...pids].join() },
      log: { info: note, warn: note, error: note },
      // Who tests a bound sets it.
      patience: { endMs: 600_000 },
      ...options,
    });
    t.teardown(() => primary.close());
    return primary;
  };
  /** Resolves when as many processes were started. */
  const started = async (count: number): Promise<Played> => {
    while (processes[count - 1]?.peers === undefined) await new Promise(setImmediate);
    return processes[count - 1] as Played;
  };
  return { processes, lines, retired, start, started };
}

t.test('the first process starts alone, and only it is told that it is the first', async (t) => {
  const seen: number[] = [];
  const { processes, start } = stage(t, { start: () => void seen.push(processes.length) }, { processes: 3 });
  const primary = await start();
  t.equal(primary.first, 'started 1');
  t.same(primary.pids(), [1, 2, 3]);
  t.same(
    processes.map(({ isFirst }) => isFirst),
    [true, false, false],
  );
  t.equal(seen[0], 1, 'the others were started when it served');
});

t.test('what the first process cannot start with ends everything', async (t) => {
  const { processes, start } = stage(t, {
    start: () => Promise.reject(new SandpoolError('SBX_DATA_DIR', { dir: 'd', reason: 'full' })),
  });
  await t.rejects(start(), { code: 'SBX_DATA_DIR', message: 'the data directory d cannot be used: full' });
  t.same(
    processes.map(({ ended }) => ended),
    ['SIGKILL'],
    'and is not tried again',
  );
});

t.test('processes that die before they serve are tried three times, not for ever', async (t) => {
  const { processes, start } = stage(t, { start: (process) => process.die('SIGSEGV') });
  await t.rejects(start(), { code: 'SBX_PROCESS_LOST', message: 'a host process ended before its time: SIGSEGV' });
  t.equal(processes.length, 3);
});

t.test('a process that dies is replaced, and what it had counted is kept', async (t) => {
  const { processes, retired, start, started } = stage(t);
  const primary = await start();
  processes[0]!.die('SIGKILL');
  const third = await started(3);
  t.equal(third.isFirst, false, 'another one may be working on the data');
  t.same(retired, [1]);
  while (primary.pids().length < 2) await new Promise(setImmediate);
  t.same(primary.pids(), [2, 3]);
});

t.test('one process at a time changes a plugin; when it has, all others have followed', async (t) => {
  const { processes, start } = stage(t, {}, { processes: 3 });
  await start();
  const [one, two, three] = processes as [Played, Played, Played];
  const end = await one.peers.beginTurn('a');
  let hasBegun = false;
  const waiting = two.peers.beginTurn('a').then((ends) => {
    hasBegun = true;
    return ends;
  });
  await (await three.peers.beginTurn('b'))([]);
  t.notOk(hasBegun);
  await end(['plugin_enabled']);
  t.same(two.refreshed, ['b', 'a']);
  t.same(three.refreshed, ['a']);
  t.same(one.refreshed, ['b'], 'who has changed it knows');
  await (await waiting)([]);
  t.same(one.refreshed, ['b', 'a']);
});

t.test(
  'what concerns all reaches every other process, and is answered with whether it meant anything there',
  async (t) => {
    const { processes, start } = stage(t);
    await start();
    const { peers } = processes[0] as Played;
    t.equal(await peers.spread({ of: 'identities' }), false);
    t.equal(await peers.spread({ of: 'quarantine', pluginId: 'demo' }), true);
    t.same(
      processes.map(({ refreshed }) => refreshed),
      [[], ['identities', 'quarantine']],
    );
  },
);

t.test('all processes have one cache; what one of them forgets of a plugin, all have forgotten', async (t) => {
  const { processes, start } = stage(t);
  await start();
  const [one, two] = processes as [Played, Played];
  const set = { do: 'set', key: 'k', value: 'v', expireAt: 60_000 } as const;
  const scopeOf = (pluginId: string) => ({ pluginId, tenantId: 0, namespace: 'n' });
  for (const pluginId of ['demo', 'other']) await one.peers.cache(scopeOf(pluginId), [set]);
  const seenByTwo = (pluginId: string) => two.peers.cache(scopeOf(pluginId), [{ do: 'get', key: 'k' }]);
  t.match(await seenByTwo('demo'), [{ text: 'v' }]);
  await one.peers.forgetCache('demo');
  t.same(await seenByTwo('demo'), [undefined]);
  t.match(await seenByTwo('other'), [{ text: 'v' }], 'other plugins keep theirs');
});

for (const [how, play, patience] of [
  ['does not hear', {}, { heardMs: 50 }],
  ['cannot do', { refresh: ({ pid }: Played) => (pid === 2 ? Promise.reject(new Error('no memory')) : undefined) }, {}],
] as const) {
  t.test(`a process that ${how} what a change asks of it is killed before the change is answered`, async (t) => {
    const { processes, start, started } = stage(t, play, { patience });
    await start();
    const [one, two] = processes as [Played, Played];
    if (how === 'does not hear') two.hang();
    await (await one.peers.beginTurn('a'))([]);
    t.equal(two.ended, 'SIGKILL');
    await started(3);
  });
}

t.test('what a process was changing when it died is settled by another one before anybody goes on', async (t) => {
  const { processes, start } = stage(t, {}, { processes: 3 });
  await start();
  const [one, two, three] = processes as [Played, Played, Played];
  await one.peers.beginTurn('a');
  const waiting = three.peers.beginTurn('a').then(() => [...two.refreshed, ...three.refreshed]);
  one.die('SIGKILL');
  t.same(await waiting, ['a!', 'a']);
});

t.test('failed logins are counted in one place', async (t) => {
  const log: string[] = [];
  const { processes, start } = stage(
    t,
    {},
    {
      attemptLogin(username, ip) {
        if (log.length > 1) throw new SandpoolError('SBX_LOGIN_RATE', { retryAfterSeconds: 9 });
        log.push(`${username} ${ip}`);
        return () => void log.pop();
      },
    },
  );
  await start();
  const [one, two] = processes as [Played, Played];
  const takeBack = await one.peers.attemptLogin('ada', '::1');
  await two.peers.attemptLogin('ada', '::1');
  await t.rejects(two.peers.attemptLogin('ada', '::1'), { code: 'SBX_LOGIN_RATE', details: { retryAfterSeconds: 9 } });
  await takeBack();
  t.same(log, ['ada ::1']);
  await two.peers.attemptLogin('ada', '::1');
});

t.test('metrics are asked of every process; one that hangs is left out after a while', async (t) => {
  const { processes, start } = stage(t, {}, { graceMs: 1, patience: { metricsMs: 50, endMs: 50 } });
  await start();
  const [one, two] = processes as [Played, Played];
  t.equal(await one.peers.metrics(), '1,2');
  two.hang();
  t.equal(await one.peers.metrics(), '1');
});

t.test('a replacement serves before the old process ends, one after the other', async (t) => {
  const alive: number[] = [];
  const { processes, start } = stage(t, {
    start: () => void alive.push(processes.filter(({ ended }) => ended === undefined).length),
  });
  const primary = await start();
  await primary.roll();
  t.same(primary.pids(), [3, 4]);
  t.same(alive, [1, 2, 3, 3], 'never fewer than two that serve, never more than one beside them');
  t.same(
    processes.map(({ ended }) => ended),
    ['exit code 0', 'exit code 0', undefined, undefined],
  );
});

t.test('processes stay when their replacement does not start', async (t) => {
  const { processes, start } = stage(t, {
    start: ({ pid }) => (pid > 2 ? Promise.reject(new SandpoolError('SBX_STORE_FAILED', { reason: 'x' })) : undefined),
  });
  const primary = await start();
  await t.rejects(primary.roll(), { code: 'SBX_STORE_FAILED' });
  t.same(primary.pids(), [1, 2]);
  t.equal(processes.length, 3);
});

t.test('a host ends with all its processes, and says when one had to be killed', async (t) => {
  const good = stage(t);
  t.equal(await (await good.start()).close(), true);
  t.same(
    good.processes.map(({ ended }) => ended),
    ['exit code 0', 'exit code 0'],
  );
  const bad = stage(t, {}, { graceMs: 1, patience: { endMs: 50 } });
  const primary = await bad.start();
  bad.processes[1]!.hang();
  t.equal(await primary.close(), false);
  t.equal(bad.processes[1]!.ended, 'SIGKILL');
});
