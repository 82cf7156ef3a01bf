import t from 'tap';
import { createQuarantine, type QuarantineSettings, type TellEnd } from '../../src/engine/quarantine.js';
import { type ErrorCode, SandpoolError } from '../../src/protocol/errors.js';

const SETTINGS: QuarantineSettings = {
  failures: 4,
  failurePercent: 50,
  withinMs: 1000,
  backOffMs: 10_000,
  maxBackOffMs: 60_000,
};

function open(settings: Partial<QuarantineSettings> = {}) {
  const clock = { ms: 1_000_000 };
  const changes: (string | undefined)[] = [];
  const quarantine = createQuarantine({
    pluginId: 'demo',
    settings: { ...SETTINGS, ...settings },
    now: () => clock.ms,
    onChange: (state) => changes.push(state?.lastCode),
  });
  const run = (code?: ErrorCode, times = 1) => {
    for (let index = 0; index < times; index++) quarantine.admit()(code && new SandpoolError(code));
  };
  /** Milliseconds until the next probe; undefined when it serves. */
  const waitMs = () => {
    const state = quarantine.state();
    return state && state.until - clock.ms;
  };
  return { quarantine, clock, changes, run, waitMs };
}

const refusal = (retryAfterSeconds: number) => ({
  code: 'SBX_QUARANTINED',
  status: 503,
  details: { retryAfterSeconds },
});

t.test('a release that fails too often is refused, with the time to come back', async (t) => {
  const { quarantine, clock, changes, run } = open();
  run('SBX_TRAP', 3);
  t.equal(quarantine.state(), undefined);
  run('SBX_DEADLINE');
  t.same(quarantine.state(), { since: clock.ms, until: clock.ms + 10_000, failures: 4, lastCode: 'SBX_DEADLINE' });
  t.throws(() => quarantine.admit(), refusal(10));
  clock.ms += 8500;
  t.throws(() => quarantine.admit(), refusal(2));
  t.same(changes, ['SBX_DEADLINE']);
});

t.test('failures that are spread over a longer time do no harm', async (t) => {
  const { quarantine, clock, run } = open();
  for (let index = 0; index < 20; index++) {
    run('SBX_TRAP');
    clock.ms += 400;
  }
  t.equal(quarantine.state(), undefined);
});

t.test('many failures among more successes do no harm: a good plugin may have a bad route', async (t) => {
  const { quarantine, run } = open();
  for (let index = 0; index < 100; index++) {
    run(undefined, 2);
    run('SBX_TRAP');
  }
  t.equal(quarantine.state(), undefined);
  run('SBX_TRAP', 100);
  t.ok(quarantine.state());
});

t.test('what is not the guest’s fault does not count', async (t) => {
  const { quarantine, run } = open();
  for (const code of ['SBX_QUEUE_FULL', 'SBX_QUEUE_TIMEOUT', 'SBX_CANCELLED', 'SBX_SHUTTING_DOWN'] as const)
    run(code, 10);
  t.equal(quarantine.state(), undefined);
});

for (const code of [
  'SBX_TRAP',
  'SBX_STACK_OVERFLOW',
  'SBX_MEMORY_LIMIT',
  'SBX_DEADLINE',
  'SBX_EXIT',
  'SBX_ALLOC_FAILED',
  'SBX_INITIALIZE_FAILED',
  'SBX_RESPONSE_INVALID',
  'SBX_HOST_CALL_LIMIT',
  'SBX_WORKER_LOST',
] as const) {
  t.test(`${code} is a failure of the guest`, async (t) => {
    const { quarantine, run } = open();
    run(code, 4);
    t.equal(quarantine.state()?.lastCode, code);
  });
}

t.test('after the back-off one request is let through, and its success ends the quarantine', async (t) => {
  const { quarantine, clock, changes, run } = open();
  run('SBX_TRAP', 4);
  clock.ms += 10_000;
  const tell = quarantine.admit();
  t.throws(() => quarantine.admit(), refusal(1), 'only one');
  tell(undefined);
  t.equal(quarantine.state(), undefined);
  t.same(changes, ['SBX_TRAP', undefined]);
  run('SBX_TRAP', 3);
  t.equal(quarantine.state(), undefined, 'failures of before are forgotten');
});

t.test('each probe that fails doubles the back-off, up to a limit', async (t) => {
  const { quarantine, clock, run, waitMs } = open();
  const began = clock.ms;
  run('SBX_TRAP', 4);
  const waits: (number | undefined)[] = [waitMs()];
  for (let index = 0; index < 4; index++) {
    clock.ms += waitMs() as number;
    run('SBX_EXIT');
    waits.push(waitMs());
  }
  t.same(waits, [10_000, 20_000, 40_000, 60_000, 60_000]);
  t.match(quarantine.state(), { since: began, failures: 8, lastCode: 'SBX_EXIT' });
});

t.test(
  'a release that fails again soon after is kept away twice as long; after a healthy time it is not',
  async (t) => {
    const { clock, run, waitMs } = open();
    const fail = () => {
      run('SBX_TRAP', 4);
      return waitMs();
    };
    t.equal(fail(), 10_000);
    clock.ms += 10_000;
    run();
    t.equal(fail(), 20_000);
    clock.ms += 20_000;
    run();
    clock.ms += 60_001;
    t.equal(fail(), 10_000);
  },
);

t.test('a probe that was never run proves nothing: the next request is the probe', async (t) => {
  const { quarantine, clock, run } = open();
  run('SBX_TRAP', 4);
  clock.ms += 10_000;
  run('SBX_QUEUE_FULL');
  t.ok(quarantine.state());
  run();
  t.equal(quarantine.state(), undefined);
});

t.test('what was admitted before ends without a word in it', async (t) => {
  const { quarantine, clock, run } = open();
  const early: TellEnd[] = Array.from({ length: 20 }, () => quarantine.admit());
  run('SBX_TRAP', 4);
  for (const tell of early.slice(0, 10)) tell(undefined);
  t.ok(quarantine.state(), 'a late success does not end it');
  clock.ms += 10_000;
  run();
  for (const tell of early.slice(10)) tell(new SandpoolError('SBX_TRAP'));
  t.equal(quarantine.state(), undefined, 'late failures do not begin another');
});

t.test('an operator ends a quarantine by hand, and the release begins anew', async (t) => {
  const { quarantine, run, changes, waitMs } = open();
  t.equal(quarantine.lift(), false);
  run('SBX_TRAP', 4);
  t.equal(quarantine.lift(), true);
  t.equal(quarantine.state(), undefined);
  run(undefined, 1);
  t.same(changes, ['SBX_TRAP', undefined]);
  run('SBX_TRAP', 4);
  t.equal(waitMs(), 10_000);
});

t.test('with 0 failures nobody is ever kept away', async (t) => {
  const { quarantine, run } = open({ failures: 0 });
  run('SBX_TRAP', 1000);
  t.equal(quarantine.state(), undefined);
});
