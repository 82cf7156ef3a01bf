import t from 'tap';
import type { Artifact } from '../../src/artifact/artifact.js';
import { type Config, defaults } from '../../src/config/schema.js';
import { releaseOf } from '../../src/main/releases.js';
import type { Registry } from '../../src/registry/registry.js';
import { route, view } from '../http/fakes.js';

const artifact = Buffer.from('bytes');
const registry = { readArtifact: async () => artifact } as unknown as Registry;
const routes = [route('GET', '/notes/{id}'), route('POST', '/notes')];

function engineRelease(sandbox: object = {}, routeExecution = true) {
  const plugin = view('acme-notes', routes, { routeExecution });
  const manifestResources = [{ path: 'manifest/a/b.txt', content: artifact }];
  const whole = { ...plugin.artifact, manifest: { id: 'acme-notes' }, manifestResources } as unknown as Artifact;
  const config = { ...defaults, sandbox: { ...defaults.sandbox, plugins: { 'acme-notes': sandbox } } };
  return releaseOf({ ...plugin, artifact: whole }, registry, config as unknown as Config);
}

t.test('the engine is told what a release is, and reads its bytes from the archive', async (t) => {
  const release = engineRelease();
  t.match(release, { pluginId: 'acme-notes', version: 'v1.0.0', checksum: 'c0ffee', generation: 1 });
  t.same([...release.manifestResources.keys()], ['a/b.txt']);
  t.equal(await release.readArtifact(), artifact);
});

t.test('every route of a release is rehearsed, and what an operator declares warms it up', async (t) => {
  t.match(engineRelease().rehearsals(), [{ route: { routePath: '/notes/{id}' } }, { route: { routePath: '/notes' } }]);
  t.equal(engineRelease().warmUp, undefined);
  const { warmUp } = engineRelease({ warmUp: ['POST /notes'] });
  t.match(warmUp?.(), [{ route: { method: 'POST', routePath: '/notes' } }]);
});

t.test('a release whose bridge runs no routes is loaded without one', async (t) => {
  t.ok(engineRelease().bridge);
  t.equal(engineRelease({}, false).bridge, undefined);
});
