import t from 'tap';
import { apiFailure, apiStatus, asSandpoolError } from '../../src/http/api-failure.js';
import { type ErrorCode, type Facts, SandpoolError } from '../../src/protocol/errors.js';

t.test('a failure has the envelope of the core API', async (t) => {
  t.same(apiFailure(new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'p' })), {
    code: 65,
    message: 'plugin p does not exist',
    data: null,
    errorCode: 'PLUGIN_NOT_FOUND',
    messageKey: 'error.plugin.not.found',
    messageParams: { pluginId: 'p' },
  });
});

t.test('a failure is said in the language of its reader, unless it was said more exactly', async (t) => {
  const say = (key: string) => (key === 'error.plugin.not.found' ? '插件 {pluginId} 不存在' : undefined);
  t.equal(apiFailure(new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'p' }), say).message, '插件 p 不存在');
  t.equal(
    apiFailure(new SandpoolError('PLUGIN_NOT_INSTALLED', { pluginId: 'p' }), say).message,
    'plugin p is not installed',
  );
  const exact = new SandpoolError('PLUGIN_NOT_FOUND', { pluginId: 'p' }, { message: 'line 1\nline 2' });
  t.equal(apiFailure(exact, say).message, 'line 1\nline 2');
});

t.test('number and HTTP status follow the kind of failure', async (t) => {
  const cases: [code: ErrorCode, number: number, status: number][] = [
    ['SBX_BODY_INVALID', 51, 200],
    ['SBX_ARTIFACT_INVALID', 53, 200],
    ['UPLOAD_FILE_TOO_LARGE', 53, 200],
    ['PLUGIN_NOT_INSTALLED', 55, 200],
    ['PLUGIN_NOT_FOUND', 65, 200],
    ['SBX_NOT_FOUND', 65, 404],
    ['SBX_TOKEN_INVALID', 61, 401],
    ['SBX_PERMISSION_DENIED', 61, 403],
    ['SBX_LOGIN_RATE', 64, 429],
    ['SBX_STORE_FAILED', 50, 500],
    ['SBX_SHUTTING_DOWN', 50, 503],
  ];
  for (const [code, number, status] of cases) {
    const error = new SandpoolError(code);
    t.same([apiFailure(error).code, apiStatus(error)], [number, status], code);
  }
});

t.test('details of the host’s own failures stay inside', async (t) => {
  const failure = apiFailure(new SandpoolError('SBX_WORKER_LOST', { reason: 'killed', path: '/secret' }));
  t.notOk('messageParams' in failure);
});

t.test('what the framework throws becomes a failure of the table', async (t) => {
  const cases: [thrown: unknown, code: ErrorCode, facts: Facts][] = [
    [new SandpoolError('SBX_NOT_FOUND', { path: '/a' }), 'SBX_NOT_FOUND', { path: '/a' }],
    [Object.assign(new Error('bad JSON'), { statusCode: 400 }), 'SBX_BODY_INVALID', { reason: 'bad JSON' }],
    [Object.assign(new Error('what is this'), { statusCode: 415 }), 'SBX_BODY_INVALID', { reason: 'what is this' }],
    [Object.assign(new Error('large'), { statusCode: 413 }), 'SBX_BODY_TOO_LARGE', {}],
    [new Error('boom'), 'SBX_INTERNAL', { reason: 'boom' }],
    ['text', 'SBX_INTERNAL', { reason: 'text' }],
    [undefined, 'SBX_INTERNAL', { reason: 'undefined' }],
  ];
  for (const [thrown, code, details] of cases) t.match(asSandpoolError(thrown), { code, details }, code);
});
