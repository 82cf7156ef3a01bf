import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import { askBystander, fakeHost, route, view } from './fakes.js';

t.test('a miss outside the plugin routes has the envelope of the core API', async (t) => {
  const { app } = fakeHost({ views: [view('p', [route('GET', '/a')])] });
  const urls = ['/', '/nothing', '/api/v1/nothing', '/x-assets/p/v1/a.js', '/X/p/a', '/xy', '/%78/p/a', '/x%2Fp/a'];
  for (const url of [...urls, '/%78', '/healthz/', '/HEALTHZ']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 404, url);
    t.match(answer.json(), { code: 65, data: null, errorCode: 'SBX_NOT_FOUND', message: `nothing is at ${url}` }, url);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_NOT_FOUND', url);
  }
});

t.test('the query of a miss is not repeated', async (t) => {
  const { app } = fakeHost();
  t.equal((await app.inject('/api/a?token=secret')).json().message, 'nothing is at /api/a');
});

t.test('a miss in one namespace never falls through to another (F102)', async (t) => {
  const { app, invocations } = fakeHost({
    views: [view('p', [route('GET', '/a')])],
    register: (scope) => {
      scope.get('/api/v1/*', async () => 'api');
      scope.get('/*', async () => 'everything else');
    },
  });
  t.equal((await app.inject('/x/p/b')).body, 'Dynamic route not found');
  t.equal((await app.inject('/x')).body, 'Dynamic route not found');
  t.equal((await app.inject('/api/v1/x/p/a')).body, 'api');
  t.equal((await app.inject('/other')).body, 'everything else');
  t.equal(invocations.length, 0);
});

t.test('routes of other people are registered and their failures enveloped', async (t) => {
  const { app, logged } = fakeHost({
    register: async (scope) => {
      scope.get('/api/v1/known', async () => {
        throw new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'q' });
      });
      scope.get('/api/v1/busy', async () => {
        throw new SandpoolError('SBX_LOGIN_RATE', { retryAfterSeconds: 30 });
      });
      scope.get('/api/v1/broken', async () => {
        throw new Error('a bug');
      });
      scope.post('/api/v1/json', async (request) => request.body);
    },
  });
  const known = await app.inject('/api/v1/known');
  t.equal(known.statusCode, 200);
  t.match(known.json(), { code: 65, errorCode: 'PLUGIN_NOT_FOUND', messageParams: { pluginId: 'q' } });
  const busy = await app.inject('/api/v1/busy');
  t.equal(busy.statusCode, 429);
  t.equal(busy.headers['retry-after'], '30');
  const broken = await app.inject('/api/v1/broken');
  t.equal(broken.statusCode, 500);
  t.match(broken.json(), { code: 50, errorCode: 'SBX_INTERNAL', data: null });
  t.equal(logged.length, 1, 'only the bug is logged');
  const headers = { 'content-type': 'application/json' };
  const malformed = await app.inject({ method: 'POST', url: '/api/v1/json', headers, payload: '{' });
  t.equal(malformed.statusCode, 200);
  t.match(malformed.json(), { code: 51, errorCode: 'SBX_BODY_INVALID' });
  const large = await app.inject({ method: 'POST', url: '/api/v1/json', headers, payload: `"${'a'.repeat(1000)}"` });
  t.equal(large.statusCode, 500);
  t.match(large.json(), { errorCode: 'SBX_BODY_TOO_LARGE' });
  t.equal(await askBystander(app), '200 pong');
});

t.test('a target that cannot be decoded is a bad request everywhere', async (t) => {
  const { app } = fakeHost();
  for (const url of ['/api/%zz', '/x/bystander/%zz']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 400, url);
    t.equal(answer.body, '400 Bad Request', url);
    t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8', url);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_PATH_INVALID', url);
  }
  t.equal(await askBystander(app), '200 pong');
});
