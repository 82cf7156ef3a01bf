import t, { type Test } from 'tap';
import { authRoutes } from '../../../src/http/routes/auth.js';
import { openRoom, PASSWORD, START_MS } from '../../identity/identity-room.js';
import { fakeHost } from '../fakes.js';

async function openHost(t: Test) {
  const room = openRoom(t, { failedLogins: { perUser: 2, windowSeconds: 60 } });
  room.identity.createRole({ key: 'editor', name: 'Editor', permissions: ['notes:edit'], dataScope: 2 });
  await room.addUser('ada', { tenantId: 3, roles: ['editor'] });
  const { identity } = room;
  const { app } = fakeHost({ identity, register: async (app) => void app.register(authRoutes({ identity })) });
  t.teardown(() => app.close());
  const logIn = (payload: object) => app.inject({ method: 'POST', url: '/api/v1/auth/login', payload });
  const asAda = async () => {
    const answer = (await logIn({ username: 'ada', password: PASSWORD })).json<{ data: { accessToken: string } }>();
    return { authorization: `Bearer ${answer.data.accessToken}` };
  };
  return { ...room, app, logIn, asAda };
}

t.test('a login answers with a token and when it ends', async (t) => {
  const { logIn } = await openHost(t);
  const answer = await logIn({ username: 'ada', password: PASSWORD });
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['cache-control'], 'no-store');
  const { accessToken, refreshToken, ...data } = answer.json<{ data: { accessToken: string; refreshToken: string } }>()
    .data;
  t.match(refreshToken, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  t.match(accessToken, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  t.strictSame(
    { ...answer.json<object>(), data },
    {
      code: 0,
      message: 'OK',
      data: {
        tokenType: 'Bearer',
        expiresAt: START_MS + 7_200_000,
        refreshExpiresAt: START_MS + 10_800_000,
        user: { id: 1, username: 'ada', tenantId: 3, isSuperAdmin: false },
      },
    },
  );
});

t.test('the session remembers program and address', async (t) => {
  const { logIn, database } = await openHost(t);
  await logIn({ username: 'ada', password: PASSWORD, clientType: 'cli' });
  t.match(database.prepare('SELECT * FROM sys_online_session').get(), {
    tenant_id: 3,
    user_id: 1,
    username: 'ada',
    client_type: 'cli',
    ip: '127.0.0.1',
    login_at: START_MS,
    last_active_at: START_MS,
  });
});

t.test('wrong credentials are 401, and too many of them 429 with the time to wait', async (t) => {
  const { logIn, passSeconds } = await openHost(t);
  for (let guess = 0; guess < 2; guess++) {
    const refused = await logIn({ username: 'ada', password: 'wrong' });
    t.equal(refused.statusCode, 401);
    t.strictSame(refused.json(), {
      code: 61,
      message: 'username or password is wrong',
      data: null,
      errorCode: 'SBX_CREDENTIALS_INVALID',
      messageKey: 'error.sbx.credentials.invalid',
    });
  }
  passSeconds(20);
  const stopped = await logIn({ username: 'ada', password: PASSWORD });
  t.equal(stopped.statusCode, 429);
  t.equal(stopped.headers['retry-after'], '40');
  t.match(stopped.json(), { code: 64, errorCode: 'SBX_LOGIN_RATE', messageParams: { retryAfterSeconds: 40 } });
});

t.test('a body that is no login is refused in the envelope of the core API', async (t) => {
  const { app, logIn } = await openHost(t);
  const bodies = [
    {},
    { username: 'ada' },
    { username: '', password: 'x' },
    { username: 'ada', password: 'x', clientType: 'tv' },
  ];
  for (const body of bodies) {
    const refused = await logIn(body);
    t.equal(refused.statusCode, 200, JSON.stringify(body));
    t.match(refused.json(), { code: 51, data: null, errorCode: 'SBX_BODY_INVALID' });
  }
  const broken = await app.inject({
    method: 'POST',
    url: '/api/v1/auth/login',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  });
  t.match(broken.json(), { code: 51, errorCode: 'SBX_BODY_INVALID' });
});

t.test('a token tells who it stands for', async (t) => {
  const { app, asAda } = await openHost(t);
  const answer = await app.inject({ url: '/api/v1/auth/me', headers: await asAda() });
  t.strictSame(answer.json(), {
    code: 0,
    message: 'OK',
    data: {
      userId: 1,
      username: 'ada',
      status: 1,
      tenantId: 3,
      actingUserId: 0,
      actingAsTenant: false,
      isImpersonation: false,
      isSuperAdmin: false,
      permissions: ['notes:edit'],
      roleNames: ['Editor'],
      dataScope: 2,
      dataScopeUnsupported: false,
      unsupportedDataScope: 0,
    },
  });
});

t.test('a logout ends the session of its token', async (t) => {
  const { app, asAda } = await openHost(t);
  const headers = await asAda();
  const answer = await app.inject({ method: 'POST', url: '/api/v1/auth/logout', headers });
  t.strictSame(answer.json(), { code: 0, message: 'OK', data: null });
  const after = await app.inject({ url: '/api/v1/auth/me', headers });
  t.equal(after.statusCode, 401);
  t.match(after.json(), { code: 61, message: 'Session has expired', errorCode: 'SBX_SESSION_EXPIRED' });
});

t.test('without a token nobody logs out or is anybody', async (t) => {
  const { app } = await openHost(t);
  const requests = [
    { method: 'POST', url: '/api/v1/auth/logout' },
    { method: 'GET', url: '/api/v1/auth/me' },
  ] as const;
  for (const request of requests) {
    const refused = await app.inject(request);
    t.equal(refused.statusCode, 401, request.url);
    t.match(refused.json(), { message: 'Missing Authorization header', errorCode: 'SBX_TOKEN_MISSING' });
  }
});
