import t from 'tap';
import { bestOf, loadsOf, type Point, type Settings, type SweepOptions, sweep } from '../../src/tune/sweep.js';

/** A machine whose speed depends on the settings alone. */
function machine(speed: (settings: Settings) => number) {
  const log: string[] = [];
  let open = 0;
  const start: SweepOptions['start'] = async (settings) => {
    open += 1;
    return {
      async load() {
        log.push(Object.values(settings).join(' '));
        const requestsPerSecond = speed(settings);
        return { requestsPerSecond, p99Ms: 1000 / requestsPerSecond };
      },
      async end() {
        open -= 1;
      },
    };
  };
  return { start, log, open: () => open };
}

const OPTIONS = { processors: 4, rounds: 2, target: 'rps', choosesIsolation: false } as const;

t.test('each step builds on what was best before', async (t) => {
  const { start, open } = machine(
    ({ maxThreads, processes, batchSize }) => 1000 * maxThreads - 200 * processes + (batchSize === 4 ? 900 : 0),
  );
  const steps = await sweep({ ...OPTIONS, start });
  t.same(
    steps.map(({ dimension, best }) => [dimension, best]),
    [
      ['maxThreads', { maxThreads: 4, processes: 1, batchSize: 16, isolation: 'pristine' }],
      ['processes', { maxThreads: 4, processes: 1, batchSize: 16, isolation: 'pristine' }],
      ['batchSize', { maxThreads: 4, processes: 1, batchSize: 4, isolation: 'pristine' }],
      ['isolation', { maxThreads: 4, processes: 1, batchSize: 4, isolation: 'pristine' }],
    ],
  );
  t.same(
    steps[0]?.points.map(({ settings }) => settings.maxThreads),
    [1, 2, 4],
  );
  t.equal(open(), 0, 'every host has ended');
});

t.test('a faster isolation is measured, and taken only when that is asked for', async (t) => {
  const { start } = machine(({ isolation }) => (isolation === 'warm' ? 2000 : 1000));
  const kept = (await sweep({ ...OPTIONS, start })).at(-1);
  t.match(kept, { dimension: 'isolation', best: { isolation: 'pristine' } });
  t.equal(kept?.points.find(({ settings }) => settings.isolation === 'warm')?.requestsPerSecond, 2000);
  t.match((await sweep({ ...OPTIONS, start, choosesIsolation: true })).at(-1), { best: { isolation: 'warm' } });
});

t.test('rounds are interleaved, and the first does not count', async (t) => {
  const { start, log } = machine(() => 1000);
  const steps = await sweep({ ...OPTIONS, processors: 2, start });
  t.same(log.slice(0, 6), Array(3).fill(['1 1 16 pristine', '2 1 16 pristine']).flat());
  t.equal(steps[0]?.points[0]?.rounds.length, 2);
  t.equal(log.length, loadsOf(2, 2));
});

t.test('the processes of a machine with one processor are not tried', async (t) => {
  const { start } = machine(() => 1000);
  const dimensions = (await sweep({ ...OPTIONS, processors: 1, start })).map(({ dimension }) => dimension);
  t.same(dimensions, ['maxThreads', 'batchSize', 'isolation']);
});

t.test('of settings that are equally good the smaller is taken, by the target', async (t) => {
  const point = (maxThreads: number, requestsPerSecond: number, p99Ms: number): Point => ({
    settings: { maxThreads, processes: 1, batchSize: 16, isolation: 'pristine' },
    rounds: [],
    requestsPerSecond,
    p99Ms,
  });
  const points = [point(1, 970, 10), point(2, 1000, 5), point(4, 1010, 4)];
  t.equal(bestOf(points, 'rps').settings.maxThreads, 1);
  t.equal(bestOf(points, 'p99').settings.maxThreads, 4);
  t.equal(bestOf([point(1, 0, 0), ...points], 'p99').settings.maxThreads, 4, 'what answers nothing is not quick');
});

t.test('hosts end when a load fails', async (t) => {
  const { start, open } = machine(() => {
    throw new Error('it answers 500');
  });
  await t.rejects(sweep({ ...OPTIONS, start }), { message: 'it answers 500' });
  t.equal(open(), 0);
});
