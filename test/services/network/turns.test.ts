import t from 'tap';
import { createTurns } from '../../../src/services/network/turns.js';

function work() {
  let end: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { done, end };
}

t.test('no more than the limit is under way, and the others follow in order', async (t) => {
  const turns = createTurns(2);
  const { signal } = new AbortController();
  const begun: number[] = [];
  const works = [0, 1, 2, 3].map(() => work());
  const runs = works.map(({ done }, index) =>
    turns.run(signal, () => {
      begun.push(index);
      return done;
    }),
  );
  await new Promise(setImmediate);
  t.same(begun, [0, 1]);
  works[1]?.end();
  await runs[1];
  await new Promise(setImmediate);
  t.same(begun, [0, 1, 2]);
  for (const { end } of works) end();
  await Promise.all(runs);
  t.same(begun, [0, 1, 2, 3]);
});

t.test('who gives up while waiting takes no place, and a failure frees its own', async (t) => {
  const turns = createTurns(1);
  const { signal } = new AbortController();
  const gone = new AbortController();
  const first = work();
  const running = turns.run(signal, () => first.done);
  const waiting = turns.run(gone.signal, async () => t.fail('must not run'));
  gone.abort(new Error('gone'));
  await t.rejects(waiting, { message: 'gone' });
  first.end();
  await running;
  await t.rejects(
    turns.run(signal, async () => {
      throw new Error('broken');
    }),
    { message: 'broken' },
  );
  t.equal(await turns.run(signal, async () => 7), 7);
  await t.rejects(
    turns.run(gone.signal, async () => t.fail('must not run')),
    { message: 'gone' },
  );
});
