import t from 'tap';
import { isAssetTarget, readAssetTarget } from '../../src/http/asset-target.js';

t.test('targets of the namespace are told from all others', async (t) => {
  for (const url of [
    '/x-assets',
    '/x-assets/',
    '/x-assets?a',
    '//x-assets/p',
    '/x-assets/p/v/a',
    'http://h/x-assets/p',
  ]) {
    t.equal(isAssetTarget(url), true, url);
  }
  for (const url of ['/', '', '*', '/x', '/x/x-assets', '/x-assetsx', '/X-ASSETS/p', '/x-asset', '/api/x-assets/p']) {
    t.equal(isAssetTarget(url), false, url);
  }
});

t.test('a target is a plugin, a version and a path, decoded once', async (t) => {
  const cases = [
    ['/x-assets/p/v0.1.0/a.js', 'p', 'v0.1.0', 'a.js'],
    ['/x-assets/p/v0.1.0/a.js?t=%2f..', 'p', 'v0.1.0', 'a.js'],
    ['/x-assets/p/v0.1.0', 'p', 'v0.1.0', ''],
    ['/x-assets/p/v0.1.0/', 'p', 'v0.1.0', ''],
    ['/x-assets/p/v0.1.0/sub/', 'p', 'v0.1.0', 'sub/'],
    ['/x-assets/%70/v0%2E1.0/b%20c.js', 'p', 'v0.1.0', 'b c.js'],
    ['/x-assets/p/v1/%E4%B8%AD.html', 'p', 'v1', '中.html'],
    ['/x-assets/p/v1/%252e%252e/a', 'p', 'v1', '%2e%2e/a'],
    ['http://host:9120/x-assets/p/v1/a.js', 'p', 'v1', 'a.js'],
    ['/x-assets/p/v1/[id].js', 'p', 'v1', '[id].js'],
  ] as const;
  for (const [url, pluginId, version, path] of cases) t.same(readAssetTarget(url), { pluginId, version, path }, url);
});

t.test('what can name no asset is none', async (t) => {
  for (const url of [
    '/x-assets',
    '/x-assets/',
    '/x-assets/p',
    '/x-assets/p/',
    '/x-assets//v1/a.js',
    '/x-assets/p//a.js',
    '//x-assets/p/v1/a.js',
    '/x-assets/p/v1/a%2Fb.js',
    '/x-assets/p%2fv1/a.js',
    '/x-assets/p/v1/a%5Cb.js',
    '/x-assets/p/v1/a\\b.js',
    '/x-assets/p/v1/a%00.js',
    '/x-assets/p/v1/a%0a.js',
    '/x-assets/p/v1/a%7f.js',
    '/x-assets/p/v1/%c0%ae%c0%ae/a.js',
    '/x-assets/p/v1/%ff',
    '/x-assets/p/v1/%zz',
    '/x-assets/p/v1/%',
    '/x-assets/p/v1/a#b',
    '/x-assets/p/v1/\u00e9.js',
    `/x-assets/p/v1/${'a'.repeat(2048)}`,
  ]) {
    t.equal(readAssetTarget(url), undefined, url.slice(0, 60));
  }
});
