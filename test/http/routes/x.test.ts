import t from 'tap';
import type { Outcome } from '../../../src/engine/engine.js';
import type { ErrorCode, Facts } from '../../../src/protocol/errors.js';
import type { PluginView } from '../../../src/registry/registry.js';
import { askBystander, done, failed, fakeHost, response, route, view } from '../fakes.js';

const TEXT = 'text/plain; charset=utf-8';
const EMPTY = '{"code":0,"message":"OK","data":null}';

t.test('an unknown plugin, route or verb is not found (R7, R10, R11)', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a')]), view('bare', [])] });
  const misses: [method: 'GET' | 'POST' | 'HEAD', url: string][] = [
    ['POST', '/x/p/a'],
    ['HEAD', '/x/p/a'],
    ['GET', '/x/p/A'],
    ['GET', '/x/p'],
    ['GET', '/x/p/a/b'],
    ['GET', '/x/unknown/a'],
    ['GET', '/x/bare/a'],
    ['GET', '/x'],
    ['GET', '/x/'],
    ['GET', '/x?a=1'],
    ['GET', '//x/p/a'],
  ];
  for (const [method, url] of misses) {
    const answer = await app.inject({ method, url });
    t.equal(answer.statusCode, 404, `${method} ${url}`);
    t.equal(answer.body, method === 'HEAD' ? '' : 'Dynamic route not found', `${method} ${url}`);
    t.equal(answer.headers['content-type'], TEXT);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_ROUTE_NOT_FOUND');
  }
  t.equal(invocations.length, 0);
});

t.test('a blank plugin id is refused (R11)', async (t) => {
  const { app } = fakeHost();
  for (const url of ['/x//a', '/x/%20', '/x/%20/a', '/x///']) {
    const answer = await app.inject(url);
    if (url === '/x///') {
      t.equal(answer.statusCode, 404, 'nothing but slashes is /x');
      continue;
    }
    t.equal(answer.statusCode, 400, url);
    t.equal(answer.body, 'dynamic plugin path is missing pluginId', url);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_PLUGIN_ID_MISSING');
  }
});

t.test('a broken escape in the path is a bad request', async (t) => {
  const { app } = fakeHost({ views: [view('p', [route('GET', '/{any}')])] });
  const answer = await app.inject('/x/p/%zz');
  t.equal(answer.statusCode, 400);
  t.equal(answer.body, '400 Bad Request');
  t.equal(answer.headers['x-sandpool-error'], 'SBX_PATH_INVALID');
  t.equal(await askBystander(app), '200 pong');
});

t.test('paths are decoded before they are matched', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a/{id}')])] });
  for (const url of ['/x/p/a/7', '/x/p/a/7//', '/x/p/a%2F7', '/x/%20p/a/7', '/x/p/a/7%20']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 200, url);
    t.same({ ...invocations.at(-1)?.envelope.route?.pathParams }, { id: '7' }, url);
  }
  t.equal((await app.inject('/x/p/a/')).statusCode, 404, 'a trailing slash is gone before matching (R2)');
});

t.test('every verb that HTTP parsers know reaches its contract', async (t) => {
  const verbs = [
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'TRACE',
    'PROPFIND',
    'MKCOL',
    'REPORT',
    'PURGE',
  ] as const;
  const { app, invocations } = fakeHost({
    views: [
      view(
        'p',
        verbs.map((verb) => route(verb, '/a')),
      ),
    ],
  });
  for (const method of verbs) {
    const answer = await app.inject({ method: method as 'GET', url: '/x/p/a' });
    t.equal(answer.statusCode, 200, method);
    t.equal(invocations.at(-1)?.envelope.route?.method, method);
  }
});

t.test('OPTIONS is answered by the CORS step, even where a contract has that verb', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('OPTIONS', '/a')])] });
  for (const url of ['/x/p/a', '/x/unknown', '/x', '/x/p/a?q=%zz']) {
    const answer = await app.inject({ method: 'OPTIONS', url, headers: { origin: 'http://o' } });
    t.equal(answer.statusCode, 200, url);
    t.equal(answer.headers['content-type'], 'application/json');
    t.equal(answer.headers['access-control-allow-origin'], 'http://o');
    t.equal(answer.body, EMPTY);
  }
  t.equal(invocations.length, 0);
});

t.test('CORS headers are on every answer, failures included', async (t) => {
  const { app } = fakeHost({ views: [view('p', [route('GET', '/a')])] });
  for (const url of ['/x/p/a', '/x/p/b', '/x//a', '/x/p/a?q=%zz', '/x/p/%zz']) {
    const { headers } = await app.inject(url);
    t.equal(headers['access-control-allow-origin'], '*', url);
    t.equal(headers['access-control-allow-credentials'], 'true', url);
    t.equal(headers['access-control-max-age'], '3628800', url);
  }
});

t.test('the answer names its language', async (t) => {
  const { app } = fakeHost({ views: [view('p', [route('GET', '/a')])] });
  const cases: [url: string, acceptLanguage: string, language: string][] = [
    ['/x/p/a', '', 'en-US'],
    ['/x/p/a?lang=zh-cn', '', 'zh-CN'],
    ['/x/p/a?lang=xx', 'zh-CN', 'en-US'],
    ['/x/p/a', 'de, zh-CN;q=0.5', 'zh-CN'],
    ['/x/unknown/a', 'zh-CN', 'zh-CN'],
  ];
  for (const [url, acceptLanguage, language] of cases) {
    const { headers } = await app.inject({ url, headers: { 'accept-language': acceptLanguage } });
    t.equal(headers['content-language'], language, `${url} ${acceptLanguage}`);
  }
});

t.test('a query that cannot be parsed is refused before matching (R24)', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a')])] });
  for (const url of ['/x/p/a?q=%zz', '/x/unknown?q=%zz']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 500, url);
    t.match(answer.body, /^Parse Query failed/);
    t.equal(answer.headers['content-type'], TEXT);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_QUERY_INVALID');
  }
  t.equal(invocations.length, 0);
  t.equal(await askBystander(app), '200 pong');
});

t.test('a form that cannot be parsed is refused', async (t) => {
  const { app } = fakeHost({ views: [view('p', [route('POST', '/a')])] });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await app.inject({ method: 'POST', url: '/x/p/a', headers, payload: 'a=%zz' });
  t.equal(answer.statusCode, 500);
  t.equal(answer.body, 'r.Request.ParseForm failed: invalid URL escape "%zz"');
  t.equal(answer.headers['x-sandpool-error'], 'SBX_FORM_INVALID');
  t.equal(await askBystander(app), '200 pong');
});

t.test('a body over the limit is refused, one at the limit is not', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('POST', '/a')])] });
  const post = (bytes: number) => app.inject({ method: 'POST', url: '/x/p/a', payload: Buffer.alloc(bytes, 'a') });
  t.equal((await post(1000)).statusCode, 200);
  t.equal(invocations.at(-1)?.envelope.request?.body?.length, 1000);
  const answer = await post(1001);
  t.equal(answer.statusCode, 500);
  t.equal(answer.body, 'Read from request Body failed: http: request body too large');
  t.equal(answer.headers['content-type'], TEXT);
  t.equal(answer.headers['x-sandpool-error'], 'SBX_BODY_TOO_LARGE');
  t.equal(invocations.length, 1);
  t.equal(await askBystander(app), '200 pong');
});

t.test('an upload over its own limit is refused in the form of the core API', async (t) => {
  const limits = { maxBodyBytes: 10, maxUploadBytes: 3 * 1024 * 1024 };
  const { app, invocations } = fakeHost({ views: [view('p', [route('POST', '/a')])], limits });
  const post = (payload: Buffer) =>
    app.inject({ method: 'POST', url: '/x/p/a', headers: { 'content-type': 'Multipart/Form-Data' }, payload });
  t.equal((await post(Buffer.alloc(3 * 1024 * 1024))).statusCode, 200);
  const answer = await post(Buffer.alloc(3 * 1024 * 1024 + 1));
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'application/json');
  t.equal(answer.headers['x-sandpool-error'], 'UPLOAD_FILE_TOO_LARGE');
  t.same(answer.json(), {
    code: 53,
    message: 'file size cannot exceed 2MB',
    data: null,
    errorCode: 'UPLOAD_FILE_TOO_LARGE',
    messageKey: 'error.upload.file.too.large',
    messageParams: { maxSizeMB: 2 },
  });
  t.equal(invocations.length, 1);
  t.equal(await askBystander(app), '200 pong');
});

t.test('the state of a plugin is checked after the match, before the token (R17, R18)', async (t) => {
  const cases: [label: string, more: Partial<PluginView>, status: number, body: string, code: ErrorCode][] = [
    ['not installed', { installed: false }, 404, 'Dynamic plugin is not enabled', 'SBX_PLUGIN_NOT_ENABLED'],
    ['disabled', { enabled: false }, 404, 'Dynamic plugin is not enabled', 'SBX_PLUGIN_NOT_ENABLED'],
  ];
  for (const runtimeState of ['pending_upgrade', 'upgrade_running', 'upgrade_failed', 'abnormal'] as const) {
    const text = 'Plugin p requires runtime upgrade before business routes can execute';
    cases.push([runtimeState, { runtimeState }, 409, text, 'PLUGIN_RUNTIME_UPGRADE_REQUIRED']);
  }
  for (const [label, more, status, body, code] of cases) {
    const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a', { access: 'login' })], more)] });
    const answer = await app.inject('/x/p/a');
    t.equal(answer.statusCode, status, label);
    t.equal(answer.body, body, label);
    t.equal(answer.headers['content-type'], TEXT, label);
    t.equal(answer.headers['x-sandpool-error'], code, label);
    t.equal((await app.inject('/x/p/b')).body, 'Dynamic route not found', `${label}: matching comes first`);
    t.equal(invocations.length, 0, label);
    t.equal(await askBystander(app), '200 pong', label);
  }
});

t.test('a plugin that is disabled for the tenant of the token is not enabled (R17)', async (t) => {
  const routes = [route('GET', '/login', { access: 'login' }), route('GET', '/public')];
  const { app } = fakeHost({ views: [view('p', routes)], tenantExposes: (_view, tenantId) => tenantId !== 22 });
  const get = (url: string, authorization = '') => app.inject({ url, headers: { authorization } });
  const refused = await get('/x/p/login', 'Bearer tenant');
  t.equal(refused.statusCode, 404);
  t.equal(refused.body, 'Dynamic plugin is not enabled');
  t.equal((await get('/x/p/login', 'Bearer user')).statusCode, 200);
  t.equal((await get('/x/p/public', 'Bearer tenant')).statusCode, 200, 'a public route reads no token');
  t.equal((await get('/x/p/login', 'Bearer wrong')).statusCode, 401);
});

t.test('a tenant that a plugin does not serve is told before its bad token', async (t) => {
  const { app } = fakeHost({
    views: [view('p', [route('GET', '/a', { access: 'login' })])],
    tenantExposes: ({ pluginId }) => pluginId !== 'p',
  });
  t.equal((await app.inject('/x/p/a')).statusCode, 404);
});

t.test('a login route wants a valid token and the permission (R12–R14, F021, F030)', async (t) => {
  const routes = [
    route('GET', '/a', { access: 'login', permission: 'p:a:view' }),
    route('GET', '/b', { access: 'login' }),
  ];
  const { app, invocations } = fakeHost({ views: [view('p', routes)] });
  const cases: [authorization: string | undefined, status: number, body: string, code: ErrorCode][] = [
    [undefined, 401, 'Missing Authorization header', 'SBX_TOKEN_MISSING'],
    [' ', 401, 'Missing Authorization header', 'SBX_TOKEN_MISSING'],
    ['bearer abc', 401, 'Invalid bearer token', 'SBX_TOKEN_SHAPE'],
    ['Bearer refresh', 401, 'invalid token', 'SBX_TOKEN_INVALID'],
    ['Bearer expired', 401, 'Session has expired', 'SBX_SESSION_EXPIRED'],
    ['Bearer stars', 403, 'Permission denied', 'SBX_PERMISSION_DENIED'],
    ['Bearer tenant', 403, 'Permission denied', 'SBX_PERMISSION_DENIED'],
  ];
  for (const [authorization, status, body, code] of cases) {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await app.inject({ url: '/x/p/a', headers });
    t.equal(answer.statusCode, status, String(authorization));
    t.equal(answer.body, body, String(authorization));
    t.equal(answer.headers['content-type'], TEXT);
    t.equal(answer.headers['x-sandpool-error'], code, String(authorization));
  }
  t.equal(invocations.length, 0, 'no guest code has run');
  for (const authorization of ['Bearer user', 'Bearer admin']) {
    t.equal((await app.inject({ url: '/x/p/a', headers: { authorization } })).statusCode, 200, authorization);
  }
  t.equal((await app.inject({ url: '/x/p/b', headers: { authorization: 'Bearer stars' } })).statusCode, 200);
  t.equal(await askBystander(app), '200 pong');
});

t.test('permissions that cannot be loaded are an internal error', async (t) => {
  const { app, logged } = fakeHost({ views: [view('p', [route('GET', '/a', { access: 'login' })])] });
  const answer = await app.inject({ url: '/x/p/a', headers: { authorization: 'Bearer rolesless' } });
  t.equal(answer.statusCode, 500);
  t.match(answer.body, 'roles of user 7 cannot be loaded');
  t.equal(answer.headers['x-sandpool-error'], 'SBX_INTERNAL');
  t.equal(logged.length, 1);
});

t.test('a release without an executable bridge answers 501, after authentication (R15)', async (t) => {
  const routes = [route('GET', '/a'), route('GET', '/b', { access: 'login' })];
  const { app } = fakeHost({ views: [view('p', routes, { routeExecution: false })] });
  const answer = await app.inject('/x/p/a');
  t.equal(answer.statusCode, 501);
  t.equal(answer.body, 'Dynamic route bridge is not executable for the active plugin release');
  t.equal(answer.headers['x-sandpool-error'], 'BRIDGE_NOT_IMPLEMENTED');
  t.equal((await app.inject('/x/p/b')).statusCode, 401);
  t.equal(await askBystander(app), '200 pong');
});

t.test('the guest receives route, request and identity (F022, F029, R20)', async (t) => {
  const contract = route('POST', '/api/v1/a/{id}', { access: 'login', permission: 'p:a:view', requestType: 'AReq' });
  const { app, invocations } = fakeHost({ views: [view('p', [contract])] });
  await app.inject({
    method: 'POST',
    url: '/x/p/api/v1/a/7/?q=1&q=2&b',
    headers: {
      authorization: 'Bearer user',
      cookie: 'a=1; a=2',
      'x-request-id': 'r1',
      'content-type': 'a/b',
      host: 'h:1',
    },
    payload: ' {} ',
  });
  const [invocation] = invocations;
  const { identity, ...envelope } = invocation?.envelope ?? { requestId: '', pluginId: '' };
  t.match(invocation, { pluginId: 'p', executionSource: 'route', tenantId: 0 });
  t.notOk(invocation !== undefined && 'signal' in invocation);
  t.equal(identity?.userId, 7);
  t.match(envelope, {
    pluginId: 'p',
    requestId: 'p:POST:/api/v1/a/7',
    route: {
      method: 'POST',
      publicPath: '/x/p/api/v1/a/7',
      internalPath: '/api/v1/a/7',
      routePath: '/api/v1/a/{id}',
      access: 'login',
      permission: 'p:a:view',
      requestType: 'AReq',
      pathParams: { id: '7' },
      queryValues: { q: ['1', '2'], b: [''] },
    },
    request: {
      method: 'POST',
      publicPath: '/x/p/api/v1/a/7',
      internalPath: '/api/v1/a/7',
      rawPath: '/x/p/api/v1/a/7',
      rawQuery: 'q=1&q=2&b',
      host: 'h:1',
      scheme: '',
      clientIp: '127.0.0.1',
      contentType: 'a/b',
      headers: { 'X-Request-Id': ['r1'], Cookie: ['a=1; a=2'] },
      cookies: { a: '2' },
    },
  });
  t.notOk('Authorization' in (envelope.request?.headers ?? {}));
  t.equal(Buffer.from(envelope.request?.body ?? '').toString(), ' {} ');
});

t.test('a public route carries no identity, whatever token is sent', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a')])] });
  const answer = await app.inject({ url: '/x/p/a', headers: { authorization: 'Bearer user' } });
  t.equal(answer.statusCode, 200);
  t.notOk(invocations[0] !== undefined && 'identity' in invocations[0].envelope);
});

t.test('the tenant of the token is the tenant of the invocation', async (t) => {
  const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a', { access: 'login' })])] });
  await app.inject({ url: '/x/p/a', headers: { authorization: 'Bearer tenant' } });
  t.equal(invocations[0]?.tenantId, 22);
});

t.test('bodies reach the guest raw for any verb and content type, but never as multipart (R23)', async (t) => {
  const verbs = ['GET', 'POST', 'DELETE', 'PROPFIND'] as const;
  const { app, invocations } = fakeHost({
    views: [
      view(
        'p',
        verbs.map((verb) => route(verb, '/a')),
      ),
    ],
  });
  const send = async (method: string, type: string, payload: Buffer | string): Promise<Buffer> => {
    const headers = type === '' ? {} : { 'content-type': type };
    await app.inject({ method: method as 'GET', url: '/x/p/a', headers, payload });
    return Buffer.from(invocations.at(-1)?.envelope.request?.body ?? '');
  };
  for (const verb of verbs) {
    for (const type of ['', 'application/json', 'text/plain', 'no content type at all', 'application/octet-stream']) {
      t.same(await send(verb, type, Buffer.from([0, 255, 10])), Buffer.from([0, 255, 10]), `${verb} ${type}`);
    }
  }
  const form = '--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--XX--';
  t.equal((await send('POST', 'multipart/form-data; boundary=XX', form)).length, 0);
});

/** The answer to a guest's response. */
async function answerTo(outcome: Outcome, method: 'GET' | 'HEAD' = 'GET') {
  const { app } = fakeHost({ views: [view('p', [route('GET', '/a'), route('HEAD', '/a')])], guest: () => outcome });
  return app.inject({ method, url: '/x/p/a' });
}

t.test('the status of the guest is used as it is, and 200 stands in for none (R19, R21, R22)', async (t) => {
  const cases: [statusCode: number, status: number, body: string][] = [
    [0, 200, '{}'],
    [-1, 200, '{}'],
    [201, 201, '{}'],
    [404, 404, '{}'],
    [799, 799, '{}'],
    [103, 200, '{}'],
    [204, 204, ''],
    [304, 304, ''],
  ];
  for (const [statusCode, status, body] of cases) {
    const answer = await answerTo(done(response({ statusCode, contentType: 'application/json', body: '{}' })));
    t.equal(answer.statusCode, status, String(statusCode));
    t.equal(answer.body, body, String(statusCode));
    t.equal(answer.headers['content-type'], status === 304 ? undefined : 'application/json', String(statusCode));
    t.equal(answer.headers['content-length'], body === '' ? undefined : '2', String(statusCode));
  }
});

t.test('a status that HTTP does not have is an internal error', async (t) => {
  for (const statusCode of [1, 99, 1000, 2147483647]) {
    const answer = await answerTo(done(response({ statusCode, body: 'x' })));
    t.equal(answer.statusCode, 500);
    t.equal(answer.body, `exception recovered: invalid WriteHeader code ${statusCode}`);
    t.equal(answer.headers['x-sandpool-error'], 'SBX_STATUS_INVALID');
  }
});

t.test('an empty body is filled in, except where none belongs (R21, R22)', async (t) => {
  const cases: [label: string, outcome: Outcome, contentType: string | undefined, body: string][] = [
    ['R21', done(response({ statusCode: 201 })), TEXT, EMPTY],
    ['a type of its own', done(response({ contentType: 'text/html' })), 'text/html', EMPTY],
    ['F18', done(response({ statusCode: 0 })), TEXT, EMPTY],
    ['R22', done(response({ statusCode: 204 })), undefined, ''],
    [
      'events',
      done(response({ contentType: 'Text/Event-Stream; charset=utf-8' })),
      'Text/Event-Stream; charset=utf-8',
      '',
    ],
    ['bytes', done(response({ contentType: 'application/octet-stream' })), 'application/octet-stream', ''],
    [
      'a replaced stream',
      done(response({ headers: { 'content-type': ['multipart/x-mixed-replace; boundary=a'] } })),
      'multipart/x-mixed-replace; boundary=a',
      '',
    ],
  ];
  for (const [label, outcome, contentType, body] of cases) {
    const answer = await answerTo(outcome);
    t.equal(answer.headers['content-type'], contentType, label);
    t.equal(answer.body, body, label);
  }
});

t.test('HEAD has the headers of GET and no body', async (t) => {
  const answer = await answerTo(done(response({ body: '{"a":1}' })), 'HEAD');
  t.match(answer.headers, { 'content-length': '7', 'content-type': TEXT });
  t.equal(answer.body, '');
  const headers = { 'Content-Length': ['12345'] };
  t.equal((await answerTo(done(response({ headers })), 'HEAD')).headers['content-length'], '12345');
  t.equal(
    (await answerTo(done(response({ headers: { 'Content-Length': ['-1'] } })), 'HEAD')).headers['content-length'],
    '37',
  );
});

t.test('the content type is the guest’s, else that of a header, else sniffed', async (t) => {
  const cases: [outcome: Outcome, contentType: string | string[] | undefined][] = [
    [done(response({ contentType: 'a/b', headers: { 'content-type': ['c/d'] }, body: 'x' })), 'a/b'],
    [done(response({ contentType: '  ', headers: { 'content-type': ['c/d', 'e/f'] }, body: 'x' })), ['c/d', 'e/f']],
    [done(response({ contentType: ' a/b ', body: 'x' })), 'a/b'],
    [done(response({ body: '{"a":1}' })), TEXT],
    [done(response({ body: '<html>' })), 'text/html; charset=utf-8'],
    [done(response({ body: '<html>', headers: { 'content-encoding': ['gzip'] } })), undefined],
    [done(response({ contentType: 'a/b\r\nX-Evil: 1', body: 'x' })), 'a/b  X-Evil: 1'],
  ];
  for (const [outcome, contentType] of cases) {
    const { headers } = await answerTo(outcome);
    t.same(headers['content-type'], contentType);
    t.notOk('x-evil' in headers);
  }
});

t.test('headers of the guest are added, values in order, beside those of the host', async (t) => {
  const headers = {
    'Set-Cookie': ['a=1', 'b=2'],
    'x-many': ['1', '2'],
    'Access-Control-Allow-Origin': ['http://mine'],
    Date: ['yesterday'],
    'X-None': [],
    'X-twice': ['1'],
    'x-Twice': ['2'],
  };
  const answer = await answerTo(done(response({ headers, body: 'x' })));
  t.same(answer.headers['set-cookie'], ['a=1', 'b=2']);
  t.same(answer.headers['x-many'], ['1', '2']);
  t.same(answer.headers['access-control-allow-origin'], ['*', 'http://mine']);
  t.same(answer.headers['x-twice'], ['1', '2']);
  t.equal(answer.headers.date, 'yesterday');
  t.notOk('x-none' in answer.headers);
});

t.test('headers that would break the framing or pose as the host’s are dropped', async (t) => {
  const headers = {
    'Content-Length': ['999'],
    'transfer-encoding': ['chunked'],
    connection: ['upgrade'],
    Upgrade: ['h2c'],
    'Keep-Alive': ['timeout=1'],
    TE: ['trailers'],
    Trailer: ['X'],
    'Proxy-Connection': ['close'],
    'X-Sandpool-Error': ['SBX_TRAP'],
    'bad name': ['x'],
    'X:Y': ['x'],
    '': ['x'],
    é: ['x'],
  };
  const answer = await answerTo(done(response({ headers, body: 'hello' })));
  t.equal(answer.body, 'hello');
  t.equal(answer.headers['content-length'], '5');
  const kept = Object.keys(answer.headers).filter((name) => !/^(access-|content-|date$)/.test(name));
  t.same(kept, ['connection']);
  t.equal(answer.headers.connection, 'keep-alive');
});

t.test('values of headers are made safe as Go makes them', async (t) => {
  const cases: [value: string, sent: string][] = [
    ['a\nb\r\nSet-Cookie: c', 'a b  Set-Cookie: c'],
    [' \t a \t ', 'a'],
    ['', ''],
    ['中', Buffer.from('中').toString('latin1')],
    ['a\0b\x7fc', 'a b c'],
    ['a\tb', 'a\tb'],
  ];
  for (const [value, sent] of cases) {
    const answer = await answerTo(done(response({ headers: { 'X-V': [value] }, body: 'x' })));
    t.equal(answer.headers['x-v'], sent, JSON.stringify(value));
    t.notOk('set-cookie' in answer.headers);
  }
});

t.test('bodies of any size and content leave as the guest wrote them', async (t) => {
  for (const bytes of [1, 8192, 8193, 100_000]) {
    const body = Buffer.alloc(bytes, Buffer.from([0, 255, 195, 169, 10, 13]));
    const answer = await answerTo(done(response({ contentType: 'a/b', body })));
    t.same(answer.rawPayload, body, `${bytes} bytes`);
    t.equal(answer.headers['content-length'], String(bytes));
  }
});

t.test('the failure in a guest’s envelope is not told to the client (F026)', async (t) => {
  const failure = { code: 'INTERNAL_ERROR', message: 'secret' };
  const answer = await answerTo(done(response({ statusCode: 500, contentType: TEXT, body: 'boom', failure })));
  t.equal(answer.statusCode, 500);
  t.equal(answer.body, 'boom');
  t.notOk('x-sandpool-error' in answer.headers);
  t.notMatch(JSON.stringify(answer.headers), 'secret');
});

t.test('a failed invocation is answered with its sentence and its code (R16, F028)', async (t) => {
  const cases: [code: ErrorCode, facts: Facts, status: number, body: string, retryAfter?: string][] = [
    ['SBX_TRAP', { reason: 'unreachable' }, 500, 'call dynamic plugin execute failed: unreachable'],
    ['SBX_EXIT', { exitCode: 2 }, 500, 'call dynamic plugin execute failed: guest exited with code 2'],
    ['SBX_DEADLINE', { deadlineMs: 50 }, 500, 'call dynamic plugin execute failed: the deadline of 50 ms has passed'],
    ['SBX_MEMORY_LIMIT', { limitMiB: 1 }, 500, 'call dynamic plugin execute failed: out of memory at 1 MiB'],
    ['SBX_INSTANTIATE_FAILED', { reason: 'r' }, 500, 'instantiate dynamic plugin Wasm failed: r'],
    [
      'SBX_RESPONSE_INVALID',
      { reason: 'failed to decode bridge response tag' },
      500,
      'failed to decode bridge response tag',
    ],
    ['SBX_WORKER_LOST', { reason: 'gone' }, 500, 'the worker died: gone'],
    ['SBX_QUEUE_FULL', {}, 429, 'too many requests are waiting', '1'],
    ['SBX_QUEUE_TIMEOUT', { queueTimeoutMs: 5 }, 503, 'no worker was free within 5 ms', '1'],
    ['SBX_SHUTTING_DOWN', { retryAfterSeconds: 2.5 }, 503, 'the host is shutting down', '3'],
  ];
  for (const [code, facts, status, body, retryAfter] of cases) {
    const { app } = fakeHost({ views: [view('p', [route('GET', '/a')])], guest: () => failed(code, facts) });
    const answer = await app.inject('/x/p/a');
    t.equal(answer.statusCode, status, code);
    t.equal(answer.body, body, code);
    t.equal(answer.headers['content-type'], TEXT, code);
    t.equal(answer.headers['x-sandpool-error'], code);
    t.equal(answer.headers['retry-after'], retryAfter, code);
    t.equal(await askBystander(app), '200 pong', code);
  }
});

t.test('a failure that is not the caller’s leaves one log line with plugin, request and reason (F129)', async (t) => {
  const log = async (code: ErrorCode, facts: Facts) => {
    const host = fakeHost({ views: [view('p', [route('GET', '/a/{id}')])], guest: () => failed(code, facts) });
    await host.app.inject('/x/p/a/7');
    return host.logged;
  };
  const facts = { pluginId: 'p', requestId: 'p:GET:/a/7', route: '/a/{id}' };
  t.same(await log('SBX_TRAP', { reason: 'boom' }), [
    { level: 'warn', facts: { code: 'SBX_TRAP', ...facts }, message: 'call dynamic plugin execute failed: boom' },
  ]);
  t.match(await log('SBX_QUEUE_FULL', {}), [{ level: 'error', facts: { code: 'SBX_QUEUE_FULL' } }]);
  t.same(await log('SBX_CANCELLED', {}), []);
});

t.test('an engine that breaks its word is an internal error, and the host keeps serving', async (t) => {
  const { app, logged } = fakeHost({
    views: [view('p', [route('GET', '/a')])],
    guest: () => {
      throw new Error('lost');
    },
  });
  const answer = await app.inject('/x/p/a');
  t.equal(answer.statusCode, 500);
  t.equal(answer.body, 'internal error: lost');
  t.equal(answer.headers['x-sandpool-error'], 'SBX_INTERNAL');
  t.equal(logged.length, 1);
  t.equal(await askBystander(app), '200 pong');
});

t.test('a client behind a proxy is named by it only when the proxy is trusted', async (t) => {
  for (const [trustProxy, clientIp] of [
    [true, '203.0.113.9'],
    [false, '127.0.0.1'],
  ] as const) {
    const { app, invocations } = fakeHost({ views: [view('p', [route('GET', '/a')])], trustProxy });
    await app.inject({ url: '/x/p/a', headers: { 'x-forwarded-for': '203.0.113.9, 10.0.0.1' } });
    t.equal(invocations[0]?.envelope.request?.clientIp, clientIp);
  }
});
