import t from 'tap';
import { buildOpenApi, type CoreEndpoint, type DocumentedPlugin } from '../../src/resources/openapi.js';
import { route } from '../http/fakes.js';
import { checkOpenApi, type OpenApiDocument } from './openapi-rules.js';

function build(parts: {
  core?: readonly CoreEndpoint[];
  plugins?: readonly DocumentedPlugin[];
  texts?: Readonly<Record<string, string>>;
}): OpenApiDocument {
  const { core = [], plugins = [], texts = {} } = parts;
  const about = { title: 'Sandpool', description: 'About', version: '1.2.3' };
  const document = buildOpenApi({ ...about, core, plugins, texts: new Map(Object.entries(texts)) });
  const written = JSON.parse(JSON.stringify(document)) as OpenApiDocument;
  checkOpenApi(t, written);
  return written;
}

const notes: DocumentedPlugin = {
  pluginId: 'acme-notes',
  routeExecution: true,
  routes: [
    route('GET', '/notes', { tags: ['Notes', 'Read'], summary: 'List notes', description: 'All of them' }),
    route('POST', '/notes', { permission: 'acme-notes:note:add' }),
    route('GET', '/notes/{id}'),
    route('DELETE', '/notes/{noteId}', { access: 'login' }),
    route('PATCH', '/notes/{id}'),
    route('PUT', '/odd{x}y/{}'),
  ],
};

t.test('routes of plugins stand under their public paths (F117, C108)', async (t) => {
  const { paths } = build({ plugins: [notes] });
  t.same(Object.keys(paths), ['/x/acme-notes/notes', '/x/acme-notes/notes/{id}', '/x/acme-notes/odd%7Bx%7Dy/%7B%7D']);
  t.same(Object.keys(paths['/x/acme-notes/notes'] ?? {}), ['get', 'post']);
  t.match(paths['/x/acme-notes/notes']?.get, {
    tags: ['Notes', 'Read'],
    summary: 'List notes',
    description: 'All of them',
    operationId: 'plugins.acme_notes.paths.get.notes',
    security: [],
  });
});

t.test('a route that runs answers 200 or 500, one that cannot run 501 or 500', async (t) => {
  const runs = build({ plugins: [notes] }).paths['/x/acme-notes/notes']?.get;
  t.same(Object.keys(runs?.responses ?? {}), ['200', '500']);
  const cannot = build({ plugins: [{ ...notes, routeExecution: false }] }).paths['/x/acme-notes/notes']?.get;
  t.same(Object.keys(cannot?.responses ?? {}), ['500', '501']);
});

t.test('who must log in is said for every route', async (t) => {
  const { paths } = build({ plugins: [notes] });
  t.same(paths['/x/acme-notes/notes']?.post?.security, [{ BearerAuth: [] }]);
  t.equal(paths['/x/acme-notes/notes']?.post?.['x-permission'], 'acme-notes:note:add');
  t.same(paths['/x/acme-notes/notes/{id}']?.delete?.security, [{ BearerAuth: [] }]);
  t.same(paths['/x/acme-notes/notes/{id}']?.get?.security, []);
});

t.test('templates that differ in names alone are one path', async (t) => {
  const { paths } = build({ plugins: [notes] });
  const item = paths['/x/acme-notes/notes/{id}'];
  t.same(Object.keys(item ?? {}), ['get', 'delete']);
  t.match(item?.delete?.parameters, [{ name: 'id', in: 'path', required: true }]);
});

t.test('tags, summary, description and answers are said in the wanted language', async (t) => {
  const key = 'plugins.acme_notes.paths.get.notes';
  const { paths } = build({
    plugins: [notes],
    texts: {
      [`${key}.meta.tags`]: '笔记',
      [`${key}.meta.tags.1`]: '读取',
      [`${key}.meta.summary`]: '笔记列表',
      [`${key}.meta.dc`]: '全部',
      [`${key}.responses.200.dc`]: '成功',
      'plugins.acme_notes.paths.post.notes.meta.summary': 'has no source text, so there is nothing to translate',
    },
  });
  const item = paths['/x/acme-notes/notes'];
  t.match(item?.get, { tags: ['笔记', '读取'], summary: '笔记列表', description: '全部' });
  t.equal(item?.get?.responses['200']?.description, '成功');
  t.equal(item?.post?.summary, undefined);
});

t.test("the host's own endpoints have parameters, bodies and refusals", async (t) => {
  const endpoint: CoreEndpoint = {
    method: 'PUT',
    path: '/api/v1/plugins/{id}/enable',
    tag: 'plugins',
    summary: 'Enable',
    isPublic: false,
    params: { type: 'object', properties: { id: { type: 'string', maxLength: 64 } } },
    query: {
      type: 'object',
      required: ['pageNum', 'must'],
      properties: { pageNum: { type: 'integer', default: 1 }, must: { type: 'string' } },
    },
    body: { type: 'object' },
  };
  const open = { ...endpoint, path: '/api/v1/auth/login', method: 'POST', isPublic: true };
  const { paths } = build({
    core: [endpoint, open],
    texts: { 'core.paths.api.v1.plugins.id.enable.put.meta.summary': '启用' },
  });
  const operation = paths['/api/v1/plugins/{id}/enable']?.put;
  t.equal(operation?.summary, '启用');
  t.same(operation?.parameters, [
    { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 64 } },
    { name: 'pageNum', in: 'query', required: false, schema: { type: 'integer', default: 1 } },
    { name: 'must', in: 'query', required: true, schema: { type: 'string' } },
  ]);
  t.same(Object.keys(operation?.responses ?? {}), ['200', '401', '403']);
  t.same(operation?.security, [{ BearerAuth: [] }]);
  t.same(paths['/api/v1/auth/login']?.post?.security, []);
  t.same(Object.keys(paths['/api/v1/auth/login']?.post?.responses ?? {}), ['200']);
});

t.test('operations have ids of their own, whatever the paths look like', async (t) => {
  const plugin = { ...notes, routes: ['/a-b', '/a_b', '/a.b'].map((path) => route('GET', path)) };
  const { paths } = build({ plugins: [plugin] });
  const ids = Object.values(paths).map((item) => item.get?.operationId);
  t.same(ids, [
    'plugins.acme_notes.paths.get.a_b',
    'plugins.acme_notes.paths.get.a_b_2',
    'plugins.acme_notes.paths.get.a_b_3',
  ]);
});
