import t from 'tap';
import type { Artifact } from '../../src/artifact/artifact.js';
import { rehearsalRequests, warmUpRequests } from '../../src/http/warm-up.js';
import { route } from './fakes.js';

const artifact = {
  manifest: { id: 'acme-notes' },
  routes: [route('GET', '/notes/{id}', { requestType: 'GetNoteReq' }), route('POST', '/notes')],
} as unknown as Artifact;

t.test('a line of configuration becomes the request that a guest would receive', async (t) => {
  const [envelope] = warmUpRequests(artifact, ['GET /notes/a%20b?page=1']);
  t.match(envelope, {
    pluginId: 'acme-notes',
    requestId: 'acme-notes:GET:/notes/a b',
    route: {
      method: 'GET',
      publicPath: '/x/acme-notes/notes/a b',
      internalPath: '/notes/a b',
      routePath: '/notes/{id}',
      requestType: 'GetNoteReq',
      access: 'public',
      pathParams: { id: 'a b' },
      queryValues: { page: ['1'] },
    },
    request: { method: 'GET', rawQuery: 'page=1' },
  });
  t.equal(envelope?.identity, undefined);
});

t.test('a line that no route matches is refused by code, and named', async (t) => {
  const error = { code: 'SBX_WARM_UP_FAILED', message: 'the warm-up fails: no route matches GET /notes' };
  t.throws(() => warmUpRequests(artifact, ['GET /notes']), error);
});

t.test('each route that can be reached is rehearsed, with a value for each parameter of its path', async (t) => {
  const hidden = { ...artifact, routes: [...artifact.routes, route('GET', '/notes/{other}')] };
  const requests = rehearsalRequests(hidden);
  t.match(requests, [
    { route: { method: 'GET', internalPath: '/notes/1', routePath: '/notes/{id}', pathParams: { id: '1' } } },
    { route: { method: 'POST', internalPath: '/notes', routePath: '/notes', pathParams: {} } },
    { route: { method: 'GET', internalPath: '/notes/1', routePath: '/notes/{id}' } },
  ]);
  for (const { identity } of requests) t.equal(identity, undefined);
});
