import t from 'tap';
import { createHostConfig } from '../../src/resources/host-config.js';

const read = createHostConfig({
  config: {
    workspace: { basePath: '/admin' },
    i18n: { enabled: true, locales: ['en-US', 'zh-CN'], note: null },
    monitor: { interval: '1m' },
    auth: { secret: 'do-not-tell', accessTokenTtlSeconds: 900 },
    keys: { private: { pem: 'x' } },
    pages: { greeting: 'a<b' },
  },
  defaults: { workspace: { basePath: '/', title: 'Host' }, auth: { secret: 'default' } },
  isSecret: (path) => path === 'auth.secret' || path === 'keys.private',
});

const CASES: readonly (readonly [key: string, text: string | undefined])[] = [
  ['workspace.basePath', '"/admin"'],
  ['workspace.title', '"Host"'],
  ['i18n.enabled', 'true'],
  ['i18n.locales', '["en-US","zh-CN"]'],
  ['auth.accessTokenTtlSeconds', '900'],
  ['monitor', '{"interval":"1m"}'],
  ['pages.greeting', '"a\\u003cb"'],
  ['i18n.note', undefined],
  ['i18n.locales.0', undefined],
  ['i18n.locales.length', undefined],
  ['workspace.nope', undefined],
  ['workspace.basePath.length', undefined],
  ['constructor', undefined],
  ['workspace.__proto__', undefined],
  ['', undefined],
  ['workspace.', undefined],
  ['.workspace', undefined],
];

for (const [key, text] of CASES) {
  t.test(`F038 the host value at "${key}" is ${text ?? 'not there'}`, async (t) => {
    t.equal(read(key), text);
  });
}

t.test('a secret is never shown, neither by its key nor within its section', async (t) => {
  t.equal(read('auth.secret'), undefined);
  t.equal(read('auth'), '{"accessTokenTtlSeconds":900}');
  t.equal(read('keys.private.pem'), undefined);
  t.equal(read('keys'), '{}');
});
