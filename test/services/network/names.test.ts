import t from 'tap';
import { createNames } from '../../../src/services/network/names.js';

function open(answers: (name: string) => readonly string[] | Promise<readonly string[]>, pinMs = 1000) {
  const looked: string[] = [];
  let now = 0;
  const addressesOf = createNames({
    pinMs,
    now: () => now,
    async lookup(name) {
      looked.push(name);
      return answers(name);
    },
  });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { addressesOf, looked, pass };
}

t.test('a name that changes its mind keeps its first answer until the pin has run out', async (t) => {
  const answers = [['1.1.1.1'], ['127.0.0.1']];
  const names = open(() => answers.shift() as string[]);
  t.same(await names.addressesOf('a'), ['1.1.1.1']);
  names.pass(999);
  t.same(await names.addressesOf('a'), ['1.1.1.1']);
  names.pass(1);
  t.same(await names.addressesOf('a'), ['127.0.0.1']);
});

t.test('without a pin each request looks the name up', async (t) => {
  const names = open(() => ['1.1.1.1'], 0);
  await names.addressesOf('a');
  await names.addressesOf('a');
  t.same(names.looked, ['a', 'a']);
});

t.test('who asks at the same time gets the same answer, and each name is looked up alone', async (t) => {
  const waiting: (() => void)[] = [];
  const names = open((name) => new Promise((resolve) => waiting.push(() => resolve([name]))));
  const asked = ['a', 'a', 'b'].map((name) => names.addressesOf(name));
  await new Promise(setImmediate);
  t.same(names.looked, ['a']);
  waiting[0]?.();
  t.same(await asked[0], ['a']);
  await new Promise(setImmediate);
  t.same(names.looked, ['a', 'b']);
  waiting[1]?.();
  t.same(await Promise.all(asked), [['a'], ['a'], ['b']]);
});

t.test('neither a failure nor an empty answer is remembered, and it holds up nobody', async (t) => {
  const answers: (() => readonly string[])[] = [
    () => {
      throw new Error('ENOTFOUND');
    },
    () => [],
    () => ['1.1.1.1'],
  ];
  const names = open(() => (answers.shift() as () => readonly string[])());
  await t.rejects(names.addressesOf('a'), { message: 'ENOTFOUND' });
  t.same(await names.addressesOf('a'), []);
  t.same(await names.addressesOf('a'), ['1.1.1.1']);
});

t.test('the order of a round robin makes no other answer', async (t) => {
  const answers = [
    ['2.2.2.2', '1.1.1.1', '2.2.2.2'],
    ['1.1.1.1', '2.2.2.2'],
  ];
  const names = open(() => answers.shift() as string[], 0);
  t.same(await names.addressesOf('a'), await names.addressesOf('a'));
});

t.test('only so many names are remembered', async (t) => {
  const names = open(() => ['1.1.1.1']);
  for (let i = 0; i <= 256; i++) await names.addressesOf(`name${i}`);
  await names.addressesOf('name256');
  t.equal(names.looked.length, 257);
  await names.addressesOf('name0');
  t.equal(names.looked.length, 258);
});
