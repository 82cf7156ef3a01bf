import t from 'tap';
import { measuresAll } from './promises.js';

// Hosts are started again and again; the first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

t.test('plugins measures what it promises', (t) => measuresAll(t, 'plugins', []));

t.test('load measures what it promises', (t) =>
  measuresAll(t, 'load', ['AS, upload to first answer', 'AS, parse', 'AS, rewrite', 'AS, compile', 'AS, warm']),
);

t.test('swap measures what it promises', (t) =>
  measuresAll(t, 'swap', ['AS, steady', 'AS, first after an upgrade', 'AS, first after a rollback']),
);

t.test('jobs measures what it promises', (t) =>
  measuresAll(t, 'jobs', [
    'idle CPU per second, 50 jobs',
    'memory of 50 jobs',
    'a run with its history, guest of paper',
  ]),
);

t.test('storm measures what it promises', (t) =>
  measuresAll(t, 'storm', [
    'reads, p95, 2 connections',
    'reads, p95, 16 connections, beside 16 connections to a Fastify next door',
    'reads, p95, 16 connections, beside 16 connections that write for another plugin, a row each time',
  ]),
);
