import t from 'tap';
import { once, shutDown } from '../../src/main/end.js';

/** The time that last answers have, in ms. */
const LAST_WORDS_MS = 500;
const never = new Int32Array(new SharedArrayBuffer(4));

/** A host whose last answer leaves when the test says; what happens is noted in its order. */
function stage(onEnded: (leave: () => void) => void) {
  const steps: string[] = [];
  let settle: () => void = () => {};
  const closed = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const leave = (): void => {
    steps.push('the answer leaves');
    settle();
  };
  const app = {
    async close() {
      steps.push('no new requests');
      await closed;
    },
    server: {
      closeAllConnections() {
        steps.push('connections are cut');
        settle();
      },
    },
  };
  const engine = {
    async close(graceMs: number) {
      steps.push(`guests have ${graceMs} ms`);
      onEnded(leave);
    },
  };
  const end = () => shutDown(app as never, engine as never, 7000);
  return { steps, end };
}

t.test('an answer that is on its way when the last guest has ended still leaves', async (t) => {
  // Due before the last words are spent, so it comes before that, however late both are.
  const { steps, end } = stage((leave) => setTimeout(leave, LAST_WORDS_MS / 2));
  await end();
  t.same(steps, ['no new requests', 'guests have 7000 ms', 'the answer leaves', 'connections are cut']);
});

t.test('a process that is held up for longer than that gives its sockets their turn before it cuts them', async (t) => {
  const { steps, end } = stage((leave) => {
    setImmediate(() => {
      Atomics.wait(never, 0, 0, 2 * LAST_WORDS_MS);
      // As an answer that a socket takes in two pieces.
      setImmediate(() => setImmediate(leave));
    });
  });
  await end();
  t.same(steps.slice(2), ['the answer leaves', 'connections are cut']);
});

t.test('an answer that nobody takes is cut in the end', async (t) => {
  // A connection that is open keeps the process; the time for last words does not.
  const connection = setInterval(() => {}, 60_000);
  t.teardown(() => clearInterval(connection));
  const { steps, end } = stage(() => {});
  await end();
  t.same(steps.slice(2), ['connections are cut']);
});

t.test('what was opened is closed in reverse order, each when the one before has ended, and once', async (t) => {
  const steps: string[] = [];
  const close = once([
    () => steps.push('first'),
    async () => {
      steps.push('second begins');
      await new Promise(setImmediate);
      steps.push('second ends');
    },
  ]);
  await Promise.all([close(), close()]);
  t.same(steps, ['second begins', 'second ends', 'first']);
});
