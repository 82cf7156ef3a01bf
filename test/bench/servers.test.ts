import t from 'tap';
import { measuresAll } from './promises.js';

// Hosts are started again and again; the first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

t.test('http measures what it promises', (t) =>
  measuresAll(t, 'http', ['Fastify echo', 'Fastify echo, p99', 'AS, 1 worker', 'AS, 1 worker, p99']),
);

t.test('payload measures what it promises', (t) =>
  measuresAll(t, 'payload', ['Fastify echo, 0.5 KB', 'Fastify echo, 128 KB']),
);
