import t from 'tap';
import { createSerial } from '../../src/registry/serial.js';

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

t.test('tasks of one key run one after the other, in order', async (t) => {
  const serial = createSerial();
  const first = gate();
  const steps: string[] = [];
  const one = serial('a', async () => {
    steps.push('one begins');
    await first.opened;
    steps.push('one ends');
  });
  const two = serial('a', async () => void steps.push('two'));
  const three = serial('a', async () => void steps.push('three'));
  first.open();
  await Promise.all([one, two, three]);
  t.same(steps, ['one begins', 'one ends', 'two', 'three']);
});

t.test('tasks of other keys do not wait', async (t) => {
  const serial = createSerial();
  const first = gate();
  const waiting = serial('a', () => first.opened);
  t.equal(await serial('b', async () => 'done'), 'done');
  first.open();
  await waiting;
});

t.test('a task that fails is told so, and the next one runs', async (t) => {
  const serial = createSerial();
  const failing = serial('a', async () => {
    throw new Error('boom');
  });
  const next = serial('a', async () => 'done');
  await t.rejects(failing, { message: 'boom' });
  t.equal(await next, 'done');
});
