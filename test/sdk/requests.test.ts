import t from 'tap';
import type { RequestEnvelope } from '../../src/protocol/envelope.js';
import { assemblyScriptGuest } from '../guest-modules.js';
import { bodyOf, requestOf, startGuest } from './guest.js';

const probe = await assemblyScriptGuest('probe');
const guest = startGuest(probe);

t.test('A handler sees path, query, headers, cookies, body and user of the request', async (t) => {
  const response = guest.ask({
    pluginId: 'demo',
    requestId: 'demo:POST:/a/7',
    route: {
      method: 'POST',
      routePath: '/a/{id}',
      access: 'login',
      permission: 'demo:a:view',
      requestType: 'SeenReq',
      pathParams: { id: '7' },
      queryValues: { q: ['1', '', 'é🚀'] },
    },
    request: {
      method: 'POST',
      publicPath: '/x/demo/a/7',
      internalPath: '/a/7',
      rawQuery: 'q=1',
      host: 'h:1',
      clientIp: '1.2.3.4',
      headers: { 'X-B': ['2'], Accept: ['a/b', 'c/d'] },
      cookies: { k: 'v' },
      body: Buffer.from(' {}\u0000 '),
    },
    identity: {
      userId: -1,
      username: 'admin',
      permissions: ['a:b:c'],
      roleNames: ['R', 'S'],
      tenantId: 22,
      dataScope: 1,
      unsupportedDataScope: 99,
      actingUserId: 7,
      actingAsTenant: true,
      isImpersonation: true,
      dataScopeUnsupported: true,
    },
  });
  t.same(JSON.parse(bodyOf(response)), {
    pluginId: 'demo',
    requestId: 'demo:POST:/a/7',
    routePath: '/a/{id}',
    permission: 'demo:a:view',
    access: 'login',
    method: 'POST',
    publicPath: '/x/demo/a/7',
    internalPath: '/a/7',
    rawQuery: 'q=1',
    clientIp: '1.2.3.4',
    host: 'h:1',
    id: '7',
    q: ['1', '', 'é🚀'],
    first: '1',
    header: '2',
    accepts: ['a/b', 'c/d'],
    cookie: 'v',
    body: ' {}\u0000 ',
    user: 'admin',
    userId: -1,
    roles: ['R', 'S'],
    mayC: true,
    mayX: false,
    tenant: 22,
    scopes: [1, 99, 7],
    flags: [true, true, true],
  });
});

t.test('What a request does not carry reads as empty, and nobody is logged in', async (t) => {
  const seen = JSON.parse(bodyOf(guest.ask(requestOf('SeenReq'))));
  t.match(seen, { id: '', q: [], first: 'none', header: '', accepts: [], cookie: '', body: '' });
  t.notOk('user' in seen);
});

t.test('Of a field that comes twice the last counts, and unknown fields are skipped (F2, F9, F10)', async (t) => {
  const route = Buffer.from('3a075365656e526571', 'hex');
  const nested = (body: Buffer): Buffer => Buffer.concat([Buffer.from([0x12, body.length]), body]);
  const lost = nested(Buffer.from('2203612f62', 'hex'));
  const bytes = Buffer.concat([Buffer.from('0a01700a01719806019b0608019c06', 'hex'), lost, nested(route)]);
  const seen = JSON.parse(
    Buffer.from(guest.run(bytes))
      .toString()
      .replace(/^[^{]*/, ''),
  );
  t.match(seen, { pluginId: 'q', routePath: '' });
});

interface TypedCase {
  readonly title: string;
  readonly method?: string;
  readonly path?: Record<string, string>;
  readonly query?: Record<string, string[]>;
  readonly body?: string;
  readonly status: number;
  readonly answer: string;
}

const note = (members: object): string =>
  JSON.stringify({ id: 'none', title: 't', stars: 3, weight: 0.5, pinned: false, tags: [], ...members });

const TYPED: TypedCase[] = [
  {
    title: 'fields come from the body',
    body: '{"title":"t","stars":5,"weight":2.5,"pinned":true,"tags":["a"]}',
    status: 201,
    answer: note({ stars: 5, weight: 2.5, pinned: true, tags: ['a'] }),
  },
  {
    title: 'fields come from the query',
    query: { title: ['t', 'u'], stars: [' 5 '], pinned: ['TRUE'], tags: ['a', 'b'] },
    status: 201,
    answer: note({ stars: 5, pinned: true, tags: ['a', 'b'] }),
  },
  {
    title: 'the path wins over body and query',
    path: { id: '7' },
    query: { id: ['8'] },
    body: '{"title":"t","id":"9"}',
    status: 201,
    answer: note({ id: '7' }),
  },
  {
    title: 'the body wins over the query',
    query: { title: ['q'] },
    body: '{"title":"t"}',
    status: 201,
    answer: note({}),
  },
  {
    title: 'any query text but 1 and true is false',
    query: { title: ['t'], pinned: ['yes'] },
    status: 201,
    answer: note({}),
  },
  { title: '1 is true', query: { title: ['t'], pinned: ['1'] }, status: 201, answer: note({ pinned: true }) },
  {
    title: 'null is as good as nothing',
    body: '{"title":"t","stars":null,"pinned":null,"tags":null}',
    status: 201,
    answer: note({}),
  },
  { title: 'a required field is missing', body: '{}', status: 400, answer: 'title is required' },
  { title: 'a required field is blank', body: '{"title":"  "}', status: 400, answer: 'title is required' },
  { title: 'there is no body', method: 'POST', status: 400, answer: 'request body cannot be empty' },
  { title: 'a GET needs no body', method: 'GET', status: 400, answer: 'title is required' },
  { title: 'the body is not JSON', body: '{"title":', status: 400, answer: 'request body is not JSON: unexpected end' },
  { title: 'the body is no object', body: '[1]', status: 400, answer: 'request body must be a JSON object' },
  { title: 'a text is a number', body: '{"title":7}', status: 400, answer: 'title must be a text' },
  {
    title: 'a number is a text',
    body: '{"title":"t","stars":"5"}',
    status: 400,
    answer: 'stars must be a whole number',
  },
  {
    title: 'a number in the query is none',
    query: { title: ['t'], stars: ['five'] },
    status: 400,
    answer: 'stars must be a whole number',
  },
  {
    title: 'a whole number has a fraction',
    body: '{"title":"t","stars":1.5}',
    status: 400,
    answer: 'stars must be a whole number',
  },
  {
    title: 'a float is none',
    query: { title: ['t'], weight: ['heavy'] },
    status: 400,
    answer: 'weight must be a number',
  },
  {
    title: 'a truth value is a text',
    body: '{"title":"t","pinned":"yes"}',
    status: 400,
    answer: 'pinned must be true or false',
  },
  { title: 'a list is none', body: '{"title":"t","tags":"a"}', status: 400, answer: 'tags must be a list' },
  {
    title: 'a list holds something else',
    body: '{"title":"t","tags":["a",1]}',
    status: 400,
    answer: 'tags must be a list of texts',
  },
  {
    title: "the plugin's own rule",
    body: '{"title":"longer than ten"}',
    status: 400,
    answer: 'title is longer than 10 characters',
  },
];

for (const { title, status, answer, ...parts } of TYPED) {
  t.test(`A typed request reads its fields: ${title}`, async (t) => {
    const response = guest.ask(typedRequest(parts));
    t.same([response.statusCode, bodyOf(response)], [status, answer]);
  });
}

function typedRequest({ method, path, query, body }: Omit<TypedCase, 'title' | 'status' | 'answer'>): RequestEnvelope {
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  return {
    pluginId: 'demo',
    requestId: 'r',
    route: { method: verb, requestType: 'CreateNoteReq', pathParams: path ?? {}, queryValues: query ?? {} },
    request: { method: verb, body: Buffer.from(body ?? '') },
  };
}
