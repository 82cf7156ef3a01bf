import t from 'tap';
import { type Config, defaults } from '../../src/config/schema.js';
import { engineOptions } from '../../src/main/engine-options.js';

const options = (pool: Partial<Config['pool']>, sandbox: Partial<Config['sandbox']> = {}) =>
  engineOptions({
    ...defaults,
    pool: { ...defaults.pool, ...pool },
    sandbox: { ...defaults.sandbox, ...sandbox },
  } as Config);

t.test('all threads that there may be share the addresses of the process, those that wait among them', async (t) => {
  t.equal(options({ maxThreads: 2, maxWaitingThreads: 8 }).maxInstances, 800);
  t.equal(options({ maxThreads: 2, maxWaitingThreads: 0 }).maxInstances, 4000);
  t.equal(options({ maxThreads: 2 }, { maxInstances: 7 }).maxInstances, 7, 'whoever says a number means it');
});

t.test('one stuck guest never holds up everybody, and there are slots for all threads', async (t) => {
  t.ok(options({ maxThreads: 'auto' }).pool.maxThreads >= 2);
  t.equal(options({ maxThreads: 3, batchSize: 16, maxWaitingThreads: 5, slots: 'auto' }).pool.slots, 101);
  t.equal(options({ maxThreads: 1, minThreads: 4 }).pool.minThreads, 1);
});

t.test('a plugin has the limits of its own section', async (t) => {
  const { limitsOf } = options({ slots: 40 }, { plugins: { demo: { weight: 3 } } } as never);
  t.equal(limitsOf('demo').weight, 3);
  t.equal(limitsOf('other').weight, 1);
  t.equal(limitsOf('other').concurrency, 40);
});
