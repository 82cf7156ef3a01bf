import t from 'tap';
import { fakeHost } from '../fakes.js';

t.test('/healthz answers while the process lives, whatever it waits for', async (t) => {
  const { app } = fakeHost({ unreadyReasons: () => ['plugins are warming up'] });
  const answer = await app.inject('/healthz');
  t.equal(answer.statusCode, 200);
  t.same(answer.json(), { status: 'alive' });
  t.equal((await app.inject({ method: 'HEAD', url: '/healthz' })).statusCode, 200);
});

t.test('/readyz tells what the host still waits for', async (t) => {
  let reasons: string[] = ['plugin a is not compiled yet', 'plugin b is not warmed yet'];
  const { app } = fakeHost({ unreadyReasons: () => reasons });
  const waiting = await app.inject('/readyz');
  t.equal(waiting.statusCode, 503);
  t.equal(waiting.headers['retry-after'], '1');
  t.same(waiting.json(), { ready: false, reasons });
  reasons = [];
  const ready = await app.inject('/readyz');
  t.equal(ready.statusCode, 200);
  t.same(ready.json(), { ready: true, reasons: [] });
  t.equal(ready.headers['cache-control'], 'no-store');
  reasons = ['shutting down'];
  t.equal((await app.inject('/readyz')).statusCode, 503);
});

t.test('metrics are where the configuration says, or nowhere', async (t) => {
  const metrics = {
    enabled: true,
    path: '/internal/metrics',
    render: async () => 'up 1\n',
    contentType: 'text/plain; x',
  };
  const { app } = fakeHost({ metrics });
  const answer = await app.inject('/internal/metrics');
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'text/plain; x');
  t.equal(answer.body, 'up 1\n');
  t.equal((await app.inject('/metrics')).statusCode, 404);
  const without = fakeHost({ metrics: { ...metrics, enabled: false } });
  t.equal((await without.app.inject('/internal/metrics')).statusCode, 404);
});

t.test('metrics that cannot be rendered are an internal error, and only that', async (t) => {
  const render = async (): Promise<string> => {
    throw new Error('no worker answered');
  };
  const { app, logged } = fakeHost({ metrics: { enabled: true, path: '/metrics', render, contentType: 'text/plain' } });
  const answer = await app.inject('/metrics');
  t.equal(answer.statusCode, 500);
  t.equal(answer.headers['x-sandpool-error'], 'SBX_INTERNAL');
  t.match(answer.headers['content-type'], 'application/json');
  t.equal(logged.length, 1);
  t.equal((await app.inject('/healthz')).statusCode, 200);
});
