import t from 'tap';
import { connect, DEFAULT_URL, pluginPath } from '../../src/cli/client.js';
import { HostRefusal } from '../../src/cli/refusal.js';
import { defaults } from '../../src/config/schema.js';
import { playHost, Raw, silentUrl } from './command-line.js';

process.env.XDG_CONFIG_HOME = t.testdir({ 'a.wasm': 'module', 'empty.wasm': '' });
const file = (name: string) => `${process.env.XDG_CONFIG_HOME}/${name}`;

t.test('the host that nobody named is the one that serves by default', async (t) => {
  t.equal(DEFAULT_URL, `http://${defaults.server.host}:${defaults.server.port}`);
});

t.test('a request carries the token and gives the data of the answer', async (t) => {
  const { url, received } = await playHost(t, { 'POST /plugins/a/install': { id: 'a' } });
  const host = await connect({ url: `${url}/`, token: 'secret' });
  t.same(await host.request({ method: 'POST', path: pluginPath('a', 'install'), json: { x: 1 } }), { id: 'a' });
  t.match(received, [
    {
      request: 'POST /plugins/a/install',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
      body: '{"x":1}',
    },
  ]);
});

t.test('a request without a token sends none', async (t) => {
  const { url, received } = await playHost(t, { 'GET /plugins/a': {} });
  await (await connect({ url })).request({ path: pluginPath('a') });
  t.notOk('authorization' in received[0]!.headers);
});

t.test('an identifier cannot leave its place in the path', async (t) => {
  t.equal(pluginPath('../users?x#y'), '/plugins/..%2Fusers%3Fx%23y');
});

t.test('what the host refuses keeps the code of the host', async (t) => {
  const coded = {
    code: 55,
    message: 'blocked',
    data: null,
    errorCode: 'PLUGIN_DEPENDENCY_BLOCKED',
    messageParams: { pluginId: 'a' },
  };
  const { url } = await playHost(t, {
    'GET /plugins/coded': new Raw(200, coded),
    'GET /plugins/plain': new Raw(200, { code: 51, message: 'no such thing', data: null }),
    'GET /plugins/login': new Raw(401, {
      code: 401,
      message: 'Missing Authorization header',
      errorCode: 'SBX_TOKEN_MISSING',
    }),
    'GET /plugins/forbidden': new Raw(403, {
      code: 0,
      message: 'Permission denied',
      errorCode: 'SBX_PERMISSION_DENIED',
    }),
    'GET /plugins/proxy': new Raw(502, '<html>Bad gateway</html>'),
    'GET /plugins/moved': new Raw(302, ''),
    'GET /plugins/other': new Raw(200, '[]'),
  });
  const host = await connect({ url });
  const cases: [name: string, code: string, message: string][] = [
    ['coded', 'PLUGIN_DEPENDENCY_BLOCKED', 'blocked'],
    ['plain', 'SBX_HOST_REFUSED', 'no such thing'],
    ['login', 'SBX_TOKEN_MISSING', 'Missing Authorization header'],
    ['forbidden', 'SBX_PERMISSION_DENIED', 'Permission denied'],
    ['proxy', 'SBX_HOST_REFUSED', 'the host refused: HTTP 502 without an answer of a Sandpool host'],
    ['moved', 'SBX_HOST_REFUSED', 'the host refused: HTTP 302 without an answer of a Sandpool host'],
    ['other', 'SBX_HOST_REFUSED', 'the host refused: HTTP 200 without an answer of a Sandpool host'],
  ];
  for (const [name, code, message] of cases)
    await t.rejects(host.request({ path: pluginPath(name) }), { code, message }, name);
  await t.rejects(
    host.request({ path: '/plugins/coded' }),
    new HostRefusal('PLUGIN_DEPENDENCY_BLOCKED', 'blocked', { pluginId: 'a' }, url),
  );
});

t.test('a host that is not there is unreachable', async (t) => {
  const host = await connect({ url: await silentUrl(t) });
  await t.rejects(host.request({ path: '/plugins' }), { code: 'SBX_HOST_UNREACHABLE', message: /ECONNREFUSED/ });
});

t.test('an upload sends the file as it is, and tells how far it is', async (t) => {
  const { url, received } = await playHost(t, { 'POST /plugins/dynamic/package': { id: 'a' } });
  const host = await connect({ url });
  const seen: [number, number][] = [];
  const progress = (sent: number, total: number) => void seen.push([sent, total]);
  t.same(await host.upload({ file: file('a.wasm'), overwrite: true, progress }), { id: 'a' });
  t.same(seen, [[6, 6]]);
  const type = String(received[0]?.headers['content-type']);
  const form = await new Response(received[0]?.body, { headers: { 'content-type': type } }).formData();
  t.equal(form.get('overwriteSupport'), '1');
  const sent = form.get('file') as File;
  t.same([sent.name, await sent.text()], ['a.wasm', 'module']);
});

t.test('an upload that the host refuses before it has read everything keeps the code of the host', async (t) => {
  const { url } = await playHost(t, {
    'POST /plugins/dynamic/package': new Raw(401, {
      code: 401,
      message: 'invalid token',
      errorCode: 'SBX_TOKEN_INVALID',
    }),
  });
  const host = await connect({ url });
  await t.rejects(host.upload({ file: file('empty.wasm'), overwrite: false }), { code: 'SBX_TOKEN_INVALID' });
});

t.test('a file that cannot be read is not sent', async (t) => {
  const host = await connect({ url: await silentUrl(t) });
  await t.rejects(host.upload({ file: file('absent.wasm'), overwrite: false }), { code: 'SBX_FILE_UNREADABLE' });
  await t.rejects(host.upload({ file: file(''), overwrite: false }), {
    code: 'SBX_FILE_UNREADABLE',
    message: /not a file/,
  });
});
