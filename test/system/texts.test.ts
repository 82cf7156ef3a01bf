/** Texts and documentation of a whole host, as plugins come and go. */
import t from 'tap';
import { checkOpenApi, type OpenApiDocument } from '../resources/openapi-rules.js';
import { startTestHost } from './host.js';

const SPOKEN = {
  routes: [{ path: '/hello', summary: 'Say hello', tags: ['Greeting'] }],
  i18n: {
    'zh-Hans': { plugin: { demo: { name: '演示' } }, 'menu.demo.title': '菜单' },
    en: { plugin: { demo: { name: 'Demo plugin' } } },
  },
  apidocI18n: {
    'zh-CN': { plugins: { demo: { paths: { get: { hello: { meta: { summary: '问好', tags: '问候' } } } } } } },
  },
};

t.test('texts and documentation follow the state of the plugin (F015, F117, F133, F134)', async (t) => {
  const host = await startTestHost(t);
  const messages = async (lang: string) => {
    const { text } = await host.fetch(`/api/v1/i18n/runtime/messages?lang=${lang}`);
    const { error, ...ofPlugins } = JSON.parse(text).data.messages;
    t.ok(error.plugin.not.found, 'the failures of the host');
    return ofPlugins;
  };
  const document = async (lang: string) =>
    JSON.parse((await host.fetch(`/api.json?lang=${lang}`)).text) as OpenApiDocument;

  t.same(await messages('zh-CN'), {});
  await host.serve('demo', SPOKEN);
  t.same(await messages('zh-CN'), { plugin: { demo: { name: '演示' } }, menu: { demo: { title: '菜单' } } });
  t.same(await messages('en-US'), { plugin: { demo: { name: 'Demo plugin' } } });
  const chinese = await document('zh-CN');
  checkOpenApi(t, chinese);
  t.match(chinese.paths['/x/demo/hello']?.get, { summary: '问好', tags: ['问候'] });
  t.match((await document('en-US')).paths['/x/demo/hello']?.get, { summary: 'Say hello', tags: ['Greeting'] });

  await host.registry.disable('demo');
  t.same(await messages('zh-CN'), { plugin: { demo: { name: '演示' } } }, 'name and description stay');
  t.notOk('/x/demo/hello' in (await document('zh-CN')).paths);
  await host.registry.enable('demo');
  t.ok('/x/demo/hello' in (await document('zh-CN')).paths);
});

t.test('plugins are listed and shown by the name that the reader knows', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', SPOKEN);
  const headers = { ...(await host.authorization()), 'accept-language': 'zh-CN' };
  const ask = async (path: string) => JSON.parse((await host.fetch(`/api/v1/plugins${path}`, { headers })).text).data;
  t.equal((await ask('')).list[0].name, '演示');
  t.equal((await ask('/demo')).name, '演示');
  t.equal((await ask('/demo?lang=en-US')).name, 'Demo plugin');
  await host.registry.disable('demo');
  t.equal((await ask('/demo')).name, '演示', 'disabled as well');
});

t.test('without translation everybody reads the default language', async (t) => {
  const host = await startTestHost(t, { I18N_ENABLED: 'false' });
  await host.serve('demo', SPOKEN);
  const { data } = JSON.parse((await host.fetch('/api/v1/i18n/runtime/messages?lang=zh-CN')).text);
  t.equal(data.locale, 'en-US');
  const { headers } = await host.fetch('/x/demo/hello', { headers: { 'accept-language': 'zh-CN' } });
  t.equal(headers.get('content-language'), 'en-US');
});

t.test('failures are said in the language of the request', async (t) => {
  const host = await startTestHost(t);
  const headers = await host.authorization();
  const messageOf = async (path: string, language: string) => {
    const { text } = await host.fetch(`/api/v1${path}`, { headers: { ...headers, 'accept-language': language } });
    return (JSON.parse(text) as { message: string }).message;
  };
  t.equal(await messageOf('/plugins/nope', 'zh-CN,zh;q=0.9'), '插件 nope 不存在');
  t.equal(await messageOf('/plugins/nope', 'en-US'), 'plugin nope does not exist');
  t.equal(await messageOf('/plugins/nope', 'fr'), 'plugin nope does not exist');
  t.equal(await messageOf('/plugins/nope?lang=zh-CN', 'en-US'), '插件 nope 不存在');
  t.equal(await messageOf('/nothing', 'zh-CN'), '/api/v1/nothing 不存在');
});
