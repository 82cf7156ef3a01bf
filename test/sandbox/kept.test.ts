import t from 'tap';
import type { Instance } from '../../src/sandbox/instance.js';
import { createKept, type KeptOptions } from '../../src/sandbox/kept.js';

const MIB = 1024 * 1024;

/** An instance of paper; `bytes` may be changed. */
function instance(bytes = MIB, recycleAfter = 0) {
  const fake = { bytes, release: { recycleAfter }, memoryBytes: () => fake.bytes };
  return fake as unknown as Instance & { bytes: number };
}

function open(options: Partial<KeptOptions> = {}) {
  const discarded: string[] = [];
  const clock = { ms: 0 };
  const kept = createKept({
    budgetBytes: 100 * MIB,
    maxInstances: 100,
    idleMs: 1000,
    discarded: (reason) => discarded.push(reason),
    now: () => clock.ms,
    random: () => 0,
    ...options,
  });
  return { kept, discarded, clock };
}

t.test('an instance that has served is kept for the next invocation', async (t) => {
  const { kept } = open();
  const one = instance();
  kept.keep(1, one);
  t.equal(kept.get(1), one);
  t.equal(kept.get(2), undefined);
  t.equal(kept.count(), 1);
});

t.test('the least recently used instances make room within the memory budget', async (t) => {
  const { kept, discarded } = open({ budgetBytes: 3 * MIB });
  for (const key of [1, 2, 3]) kept.keep(key, instance());
  kept.get(1);
  kept.keep(4, instance());
  t.equal(kept.get(2), undefined);
  t.ok(kept.get(1));
  t.same(discarded, ['budget']);
});

t.test('an instance that has grown is weighed anew', async (t) => {
  const { kept, discarded } = open({ budgetBytes: 3 * MIB });
  const grown = instance();
  kept.keep(1, instance());
  kept.keep(2, grown);
  grown.bytes = 3 * MIB;
  kept.keep(2, grown);
  t.equal(kept.get(1), undefined);
  t.equal(kept.get(2), grown);
  t.same(discarded, ['budget']);
});

t.test('an instance larger than the whole budget is not kept, and counted', async (t) => {
  const { kept, discarded } = open({ budgetBytes: MIB });
  kept.keep(1, instance(2 * MIB));
  t.equal(kept.get(1), undefined);
  t.same(discarded, ['budget']);
});

t.test('no more instances are kept than there are addresses for', async (t) => {
  const { kept, discarded } = open({ maxInstances: 2 });
  for (const key of [1, 2, 3]) kept.keep(key, instance());
  t.equal(kept.count(), 2);
  t.equal(kept.get(1), undefined);
  t.same(discarded, ['address-space']);
});

t.test('half of the instances go when there is no room for another', async (t) => {
  const { kept, discarded } = open();
  for (const key of [1, 2, 3, 4, 5]) kept.keep(key, instance());
  t.equal(kept.makeRoom(), 3);
  t.same(
    [1, 2, 3, 4, 5].filter((key) => kept.get(key)),
    [4, 5],
  );
  t.same(discarded, ['address-space', 'address-space', 'address-space']);
  t.equal(open().kept.makeRoom(), 0);
});

t.test('an instance is recycled after its number of invocations', async (t) => {
  const { kept, discarded } = open();
  const one = instance(MIB, 3);
  for (const expected of [one, one, undefined]) {
    kept.keep(1, one);
    t.equal(kept.get(1), expected);
  }
  t.same(discarded, ['recycled']);
  const next = instance(MIB, 3);
  kept.keep(1, next);
  t.equal(kept.get(1), next);
});

t.test('instances that were made together are recycled up to a fifth apart', async (t) => {
  const uses = (random: number) => {
    const { kept, discarded } = open({ random: () => random });
    const one = instance(MIB, 1000);
    let count = 0;
    while (discarded.length === 0) {
      kept.keep(1, one);
      count += 1;
    }
    return count;
  };
  t.equal(uses(0), 1000);
  t.equal(uses(0.5), 900);
  t.equal(uses(0.999), 801);
});

t.test('an instance that nobody asks for is freed when its time has come, and no other', async (t) => {
  const { kept, discarded, clock } = open();
  kept.keep(1, instance());
  clock.ms = 600;
  const busy = instance();
  kept.keep(2, busy);
  clock.ms = 999;
  kept.freeIdle();
  t.equal(kept.count(), 2);
  clock.ms = 1000;
  kept.freeIdle();
  t.equal(kept.get(1), undefined);
  t.equal(kept.get(2), busy);
  t.same(discarded, ['idle']);
});

t.test('an instance that serves again is not idle', async (t) => {
  const { kept, clock } = open();
  const one = instance();
  for (clock.ms = 0; clock.ms < 5000; clock.ms += 900) {
    kept.freeIdle();
    kept.get(1);
    kept.keep(1, one);
  }
  t.equal(kept.get(1), one);
});
