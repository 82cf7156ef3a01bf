import t from 'tap';
import { isPluginTarget, readTarget, splitPluginPath, textOfEscaped } from '../../src/http/target.js';

t.test('a target is read as Go reads it: decoded whole, without trailing slashes', async (t) => {
  const cases: [url: string, path: string, rawQuery: string][] = [
    ['/x/p/a', '/x/p/a', ''],
    ['/x/p/a//', '/x/p/a', ''],
    ['/x/', '/x', ''],
    ['/', '/', ''],
    ['//', '/', ''],
    ['/x/p//a', '/x/p//a', ''],
    ['/x/p%2Fa%2f', '/x/p/a', ''],
    ['/x/p/%E4%B8%AD', '/x/p/中', ''],
    ['/x/p/%ff', '/x/p/\ufffd', ''],
    ['/x/p/\xe4\xb8\xad', '/x/p/中', ''],
    ['/x/p/a+b%2Bc', '/x/p/a+b+c', ''],
    ['/x/p/a%3Fb?c=%zz?d', '/x/p/a?b', 'c=%zz?d'],
    ['/x/p/a?', '/x/p/a', ''],
    ['/x/p/a#b', '/x/p/a#b', ''],
    ['/x/p/../a', '/x/p/../a', ''],
  ];
  for (const [url, path, rawQuery] of cases) {
    t.same(readTarget(url), { path, rawQuery, scheme: '', host: '' }, url);
  }
});

t.test('an absolute target names its host and scheme', async (t) => {
  t.same(readTarget('HTTP://user@other:99/x/p/a?b=1'), {
    path: '/x/p/a',
    rawQuery: 'b=1',
    scheme: 'http',
    host: 'other:99',
  });
  t.equal(readTarget('http://other').path, '/');
});

t.test('a broken escape in the path is refused', async (t) => {
  for (const url of ['/x/p/%zz', '/x/p/%', '/x/p/%4', '*', 'nonsense']) {
    t.throws(() => readTarget(url), { code: 'SBX_PATH_INVALID', message: '400 Bad Request' }, url);
  }
});

t.test('the undecoded path decides whether a target belongs to the plugins', async (t) => {
  for (const url of ['/x', '/x/', '/x?a', '/x/p/a', '//x/p', '/x//', 'http://h/x/p', 'http://h/x']) {
    t.equal(isPluginTarget(url), true, url);
  }
  for (const url of ['/', '', '/X/p', '/xy', '/x-assets/p', '/%78/p', '/x%2Fp', '/api/x/', '*', 'http://h/y/x/']) {
    t.equal(isPluginTarget(url), false, url);
  }
});

t.test('a plugin path is split into plugin and rest (R10, R11)', async (t) => {
  const cases: [path: string, pluginId: string, internalPath: string][] = [
    ['/x/p/a/b', 'p', '/a/b'],
    ['/x/p', 'p', '/'],
    ['/x/p//a', 'p', '//a'],
    ['/x/ p /a ', 'p', '/a'],
  ];
  for (const [path, pluginId, internalPath] of cases) {
    t.same(splitPluginPath(path), { publicPath: path.trim(), pluginId, internalPath }, path);
  }
  for (const path of ['/x//a', '/x/ ', '/x/ /a']) {
    t.throws(() => splitPluginPath(path), { code: 'SBX_PLUGIN_ID_MISSING', status: 400 }, path);
  }
  for (const path of ['/x', '/', '//x/p/a', '/X/p']) {
    t.throws(() => splitPluginPath(path), { code: 'SBX_ROUTE_NOT_FOUND', status: 404 }, path);
  }
});

t.test('escapes are bytes of UTF-8 in either case', async (t) => {
  t.equal(textOfEscaped('%e4%B8%aD%00%7e'), '中\0~');
});
