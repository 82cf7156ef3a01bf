import t, { type Test } from 'tap';
import { sysConfigRoutes } from '../../../src/http/routes/sys-config.js';
import { SandpoolError } from '../../../src/protocol/errors.js';
import { createSysConfig } from '../../../src/resources/sys-config.js';
import { openDatabase } from '../../../src/store/sqlite.js';
import type { Answer } from '../control-plane.js';
import { fakeHost, identity } from '../fakes.js';

const ALL = ['list', 'query', 'edit', 'remove'].map((action) => `system:config:${action}`);

/** Who asks is a word: `admin`, `tenant` (of tenant 22, with every permission), or permissions. */
function authenticate(authorization = '') {
  const word = authorization.replace('Bearer ', '');
  if (word === 'admin') return identity({ userId: 1, isSuperAdmin: true, username: 'ada' });
  if (word === 'tenant') return identity({ tenantId: 22, permissions: ALL, username: 'tina' });
  if (word === '') throw new SandpoolError('SBX_TOKEN_MISSING');
  return identity({ permissions: word.split(',') });
}

function stage(t: Test) {
  const database = openDatabase(':memory:');
  const told: string[] = [];
  const onChange = ({ by, text }: { by: string; text: string }) => void told.push(`${by}: ${text}`);
  const sysConfig = createSysConfig({ database, now: () => 1000, onChange });
  const { app } = fakeHost({
    register: async (scope) => void (await scope.register(sysConfigRoutes({ identity: { authenticate }, sysConfig }))),
  });
  t.teardown(async () => {
    await app.close();
    database.close();
  });
  const ask = async (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown, as = 'admin') => {
    const answer = await app.inject({
      method,
      url: `/api/v1/config${path}`,
      headers: as === '' ? {} : { authorization: `Bearer ${as}` },
      ...(body !== undefined && { payload: body as object }),
    });
    return { ...answer.json<Answer>(), status: answer.statusCode };
  };
  return { ask, told };
}

t.test('a parameter is set, shown, listed and removed, and the audit log hears of the changes', async (t) => {
  const { ask, told } = stage(t);
  const body = { value: 'on', name: 'Demo flag', systemManageable: true };
  t.match(await ask('PUT', '/demo.flag', body), { code: 0, data: { key: 'demo.flag', ...body, tenantId: 0 } });
  t.match(await ask('GET', '/demo.flag'), { code: 0, data: { value: 'on' } });
  t.match(await ask('GET', '?keyword=DEMO&pageSize=1'), { data: { total: 1, list: [{ key: 'demo.flag' }] } });
  t.match(await ask('DELETE', '/demo.flag'), { code: 0, data: { key: 'demo.flag' } });
  t.match(await ask('GET', '/demo.flag'), { data: null, errorCode: 'SBX_PARAMETER_NOT_FOUND' });
  t.match(await ask('DELETE', '/demo.flag'), { data: null, errorCode: 'SBX_PARAMETER_NOT_FOUND' });
  t.same(told, ['ada: parameter demo.flag of the platform: set', 'ada: parameter demo.flag of the platform: removed']);
});

t.test('each action needs its permission', async (t) => {
  const { ask } = stage(t);
  const asks = {
    list: (as: string) => ask('GET', '', undefined, as),
    query: (as: string) => ask('GET', '/k', undefined, as),
    edit: (as: string) => ask('PUT', '/k', { value: 'x' }, as),
    remove: (as: string) => ask('DELETE', '/k', undefined, as),
  };
  for (const [action, act] of Object.entries(asks)) {
    const others = ALL.filter((permission) => permission !== `system:config:${action}`).join();
    t.match(await act(others), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' }, action);
    t.match(await act(''), { status: 401 }, action);
  }
  t.match(await asks.edit('system:config:edit'), { code: 0 });
});

t.test('an administrator of a tenant changes what the tenant sees, and nothing of the platform', async (t) => {
  const { ask } = stage(t);
  await ask('PUT', '/k', { value: 'platform' });
  t.match(await ask('GET', '/k', undefined, 'tenant'), { data: { value: 'platform', tenantId: 0 } });
  t.match(await ask('DELETE', '/k', undefined, 'tenant'), { errorCode: 'SBX_PARAMETER_NOT_FOUND' });
  await ask('PUT', '/k', { value: 'own' }, 'tenant');
  t.match(await ask('GET', '/k', undefined, 'tenant'), { data: { value: 'own', tenantId: 22 } });
  t.match(await ask('GET', '/k'), { data: { value: 'platform' } });
});

t.test('what is no parameter is refused', async (t) => {
  const { ask } = stage(t);
  for (const [path, body] of [
    ['/k', {}],
    ['/k', { value: {} }],
    ['/k', { value: 'x', name: 'n'.repeat(129) }],
    [`/${'k'.repeat(129)}`, { value: 'x' }],
    ['/a%20b', { value: 'x' }],
  ] as const) {
    t.match(await ask('PUT', path, body), { errorCode: 'SBX_BODY_INVALID' }, JSON.stringify([path, body]).slice(0, 60));
  }
});
