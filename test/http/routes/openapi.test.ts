import type { FastifyInstance } from 'fastify';
import t from 'tap';
import { collectEndpoints } from '../../../src/http/endpoint-docs.js';
import { apiRoutes } from '../../../src/http/routes/api.js';
import { authRoutes } from '../../../src/http/routes/auth.js';
import { i18nRoutes } from '../../../src/http/routes/i18n.js';
import { openApiRoute } from '../../../src/http/routes/openapi.js';
import { hostTexts } from '../../../src/resources/host-texts.js';
import type { DocumentedPlugin } from '../../../src/resources/openapi.js';
import { createTexts } from '../../../src/resources/texts.js';
import { checkOpenApi, type OpenApiDocument } from '../../resources/openapi-rules.js';
import { fakeHost, identity, route } from '../fakes.js';

const languages = { default: 'en-US', supported: ['en-US', 'zh-CN'] };

function openHost() {
  const state: { plugins: DocumentedPlugin[]; reads: number } = { plugins: [], reads: 0 };
  const texts = createTexts({ host: hostTexts(), plugins: () => [] });
  const nothing = {} as never;
  const { app } = fakeHost({
    register: async (scope: FastifyInstance) => {
      const endpoints = collectEndpoints(scope);
      const plugins = () => {
        state.reads += 1;
        return state.plugins;
      };
      await scope.register(openApiRoute({ version: '1.0.0', endpoints, plugins, texts, languages }));
      await scope.register(i18nRoutes({ texts, languages, enabled: true }));
      await scope.register(authRoutes({ identity: nothing }));
      const authenticate = () => identity();
      await scope.register(
        apiRoutes({ registry: nothing, identity: { authenticate }, tables: nothing, maxUploadBytes: 1000 }),
      );
      scope.get('/outside', async () => 'not documented');
    },
  });
  return { app, state, texts };
}

const read = async (app: FastifyInstance, url = '/api.json') => (await app.inject(url)).json<OpenApiDocument>();

t.test('the document is valid and holds every endpoint of the host', async (t) => {
  const { app } = openHost();
  const answer = await app.inject('/api.json');
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  const document = answer.json<OpenApiDocument>();
  checkOpenApi(t, document);
  for (const [path, verb, isOpen] of [
    ['/api/v1/auth/login', 'post', true],
    ['/api/v1/auth/me', 'get', false],
    ['/api/v1/plugins', 'get', false],
    ['/api/v1/plugins/dynamic', 'get', true],
    ['/api/v1/plugins/{id}/install', 'post', false],
    ['/api/v1/plugins/{id}', 'get', false],
    ['/api/v1/i18n/runtime/messages', 'get', true],
  ] as const) {
    const operation = document.paths[path]?.[verb];
    t.ok(operation, `${verb} ${path}`);
    t.equal(operation?.security.length === 0, isOpen, path);
    t.not(operation?.summary, `${verb.toUpperCase()} ${path}`, 'has a sentence');
  }
  t.notOk(Object.keys(document.paths).some((path) => !path.startsWith('/api/')));
  t.match(
    document.paths['/api/v1/plugins']?.get?.parameters.map(({ name }) => name),
    ['pageNum', 'pageSize'],
  );
  const upload = document.paths['/api/v1/plugins/dynamic/package']?.post?.requestBody;
  t.same(Object.keys(upload?.content ?? {}), ['multipart/form-data']);
});

t.test('routes of plugins come and go with them, and nothing is made twice in between (F015, F117)', async (t) => {
  const { app, state, texts } = openHost();
  const etag = (await app.inject('/api.json')).headers.etag as string;
  t.equal((await app.inject({ url: '/api.json', headers: { 'if-none-match': etag } })).statusCode, 304);
  t.equal(state.reads, 1);
  state.plugins = [{ pluginId: 'p', routeExecution: true, routes: [route('GET', '/a')] }];
  texts.forget();
  const changed = await app.inject({ url: '/api.json', headers: { 'if-none-match': etag } });
  t.equal(changed.statusCode, 200);
  t.ok('/x/p/a' in changed.json<OpenApiDocument>().paths);
  state.plugins = [];
  texts.forget();
  t.notOk('/x/p/a' in (await read(app)).paths);
});

t.test('the document is there in every language of the host', async (t) => {
  const { app } = openHost();
  const summary = (document: OpenApiDocument) => document.paths['/api/v1/plugins/{id}/enable']?.put?.summary;
  t.equal(summary(await read(app)), 'Enable a plugin');
  t.equal(summary(await read(app, '/api.json?lang=zh-CN')), '启用插件');
  const answer = await app.inject({ url: '/api.json', headers: { 'accept-language': 'zh-CN,zh;q=0.9' } });
  t.equal(summary(answer.json()), '启用插件');
  t.equal(answer.headers['content-language'], 'zh-CN');
  t.equal(answer.headers.vary, 'Accept-Language');
  t.equal(summary(await read(app, '/api.json?lang=xx')), 'Enable a plugin');
});
