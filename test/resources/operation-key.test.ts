import t from 'tap';
import { operationKey, pathParts } from '../../src/resources/operation-key.js';

t.test('operations have structural keys that translators can write down', async (t) => {
  const cases = [
    [
      'GET',
      '/x/linapro-demo-dynamic/api/v1/backend-summary',
      'plugins.linapro_demo_dynamic.paths.get.api.v1.backend_summary',
    ],
    ['POST', '/x/a-b/notes/{id}', 'plugins.a_b.paths.post.notes.id'],
    ['GET', '/x/p', 'plugins.p.paths.get.root'],
    ['GET', '/x/p/', 'plugins.p.paths.get.root'],
    ['PUT', '/api/v1/plugins/{id}/enable', 'core.paths.api.v1.plugins.id.enable.put'],
    ['GET', '/', 'core.paths.root.get'],
    ['GET', '/x', 'core.paths.x.get'],
  ] as const;
  for (const [method, path, key] of cases) t.equal(operationKey(method, path), key, path);
});

t.test('segments keep letters, digits and underscores', async (t) => {
  t.same(pathParts('//a.b//{user-id}/中文/ /x_y'), ['a_b', 'user_id', 'empty', 'x_y']);
});
