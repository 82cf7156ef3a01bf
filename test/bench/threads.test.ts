import t from 'tap';
import { measuresAll } from './promises.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

t.test('dispatch measures what it promises', (t) =>
  measuresAll(t, 'dispatch', [
    'Piscina task per request, 64 in flight',
    'dispatch, no-op guest, 64 in flight',
    'bare batches, 1 in flight',
  ]),
);

t.test('cache measures what it promises', (t) =>
  measuresAll(t, 'cache', ['hit, over the bridge', 'hit, in the worker', 'miss, in the worker', 'set', 'incr']),
);

t.test('data measures what it promises', (t) =>
  measuresAll(t, 'data', [
    'point read, in the worker',
    'list of 20, over the bridge',
    'create, in the worker',
    'transaction of 10, bare better-sqlite3',
  ]),
);

t.test('host-call measures what it promises', (t) =>
  measuresAll(t, 'host-call', ['function, in the worker', 'SQLite read, over the bridge']),
);

t.test('deadline measures what it promises', (t) =>
  measuresAll(t, 'deadline', [
    'loop, past its deadline',
    'recursion, until the thread serves again',
    'bystander p99, beside a stuck guest',
  ]),
);
