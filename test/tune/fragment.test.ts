import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { curveOf, type Evidence, fragmentOf } from '../../src/tune/fragment.js';
import type { Point, Settings, Step } from '../../src/tune/sweep.js';

const BASE: Settings = { maxThreads: 2, processes: 1, batchSize: 4, isolation: 'pristine' };

function step<Key extends keyof Settings>(
  dimension: Key,
  rates: readonly (readonly [Settings[Key], number])[],
  best: Settings,
): Step {
  const points = rates.map(([value, requestsPerSecond]): Point => {
    const rounds = [0.9, 1, 1.1].map((part) => ({ requestsPerSecond: requestsPerSecond * part, p99Ms: 2 }));
    return { settings: { ...best, [dimension]: value }, rounds, requestsPerSecond, p99Ms: 2 };
  });
  return { dimension, points, best };
}

function evidence(parts: Partial<Evidence> = {}): Evidence {
  return {
    pluginId: 'acme-notes',
    request: 'GET /notes',
    machine: '2 × Some CPU',
    node: '20.20.2',
    startedAt: '2026-11-21T07:00:00.000Z',
    connections: 64,
    rounds: 3,
    roundMs: 1000,
    target: 'rps',
    choosesIsolation: false,
    steps: [
      step(
        'maxThreads',
        [
          [1, 1000],
          [2, 2000],
        ],
        BASE,
      ),
      step(
        'processes',
        [
          [1, 2000],
          [2, 1000],
        ],
        BASE,
      ),
      step(
        'isolation',
        [
          ['pristine', 2000],
          ['warm', 4000],
        ],
        BASE,
      ),
    ],
    ...parts,
  };
}

const loaded = async (t: { testdir(): string }, text: string) => {
  const file = join(t.testdir(), 'sandpool.yaml');
  await writeFile(file, text);
  return loadConfig({ file, env: {} }).config;
};

t.test('the fragment is a configuration that a host accepts', async (t) => {
  const config = await loaded(t, fragmentOf(evidence()));
  t.match(config, { server: { processes: 1 }, pool: { maxThreads: 2, batchSize: 4 } });
  t.same(config.sandbox.plugins, {}, 'and leaves isolation alone');
});

t.test('an isolation that was asked for is written for that plugin alone, with a warning', async (t) => {
  const warm = { ...BASE, isolation: 'warm' as const };
  const text = fragmentOf(evidence({ choosesIsolation: true, steps: [step('isolation', [['warm', 4000]], warm)] }));
  t.match((await loaded(t, text)).sandbox, { isolation: 'pristine', plugins: { 'acme-notes': { isolation: 'warm' } } });
  t.match(text, /^# WARNING: warm keeps the state of one request for the next\./m);
});

t.test('the evidence stands beside the settings', async (t) => {
  const text = fragmentOf(evidence());
  t.match(text, /^# Plugin acme-notes, GET \/notes, 64 connections; medians of 3 interleaved rounds of 1000 ms/m);
  t.match(text, /^# {3}2 +2,000 rps \[1,800 – 2,200\] +p99 +2\.00 ms +█+ +◀$/m);
  t.match(text, /^# Isolation was measured and is left as it is/m);
});

t.test('one thread alone is warned of', async (t) => {
  const one = { ...BASE, maxThreads: 1 };
  t.match(
    fragmentOf(evidence({ steps: [step('maxThreads', [[1, 1000]], one)] })),
    /^# With a single thread, a guest that is stuck/m,
  );
  t.notMatch(fragmentOf(evidence()), 'With a single thread');
});

t.test('the curve marks what was taken, and what was fastest when that is another', async (t) => {
  const lines = curveOf(evidence()).split('\n');
  t.match(
    lines.find((line) => line.startsWith('  pristine')),
    /█{15} +◀$/,
  );
  t.match(
    lines.find((line) => line.startsWith('  warm')),
    /█{30} \(fastest\)$/,
  );
});
