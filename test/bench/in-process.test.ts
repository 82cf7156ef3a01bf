import t from 'tap';
import { measuresAll } from './promises.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

t.test('wire measures what it promises', (t) =>
  measuresAll(t, 'wire', ['encode request into a slot', 'decode response from a slot']),
);

t.test('isolation measures what it promises', (t) =>
  measuresAll(t, 'isolation', [
    'AS, warm',
    'AS, pristine',
    'AS, full copy back',
    'AS, fresh from snapshot',
    'AS, fresh + _initialize',
    'AS, pristine, requests',
    'AS, words written, rewritten',
  ]),
);

t.test('peers measures what it promises', (t) =>
  measuresAll(t, 'peers', ['bare WebAssembly, AS, warm', 'Sandpool, AS, pristine']),
);
