/** A host with the sample plugin and an echo guest, in several isolations. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scaffold } from '../../src/cli/new.js';
import { packDirectory } from '../../src/cli/pack.js';
import { loadConfig } from '../../src/config/load.js';
import { startHost } from '../../src/main.js';
import { buildArtifact } from '../../test/artifact/build.js';
import { assemblyScriptGuest, goGuest } from '../../test/guest-modules.js';

const directory = await mkdtemp(join(tmpdir(), 'sandpool-bench-'));
const settings = join(directory, 'sandpool.yaml');
await writeFile(
  settings,
  'sandbox: { plugins: { bench-warm: { isolation: warm }, bench-fresh: { isolation: fresh }, bench-echo-fresh: { isolation: fresh }, bench-go-fresh: { isolation: fresh } } }\n',
);
const { config } = loadConfig({
  file: settings,
  env: {
    SANDPOOL_SERVER_PORT: '0',
    SANDPOOL_DATA_DIR: join(directory, 'data'),
    SANDPOOL_PLUGIN_DYNAMIC_STORAGE_PATH: join(directory, 'staged'),
    SANDPOOL_LOG_LEVEL: 'error',
  },
});
const host = await startHost({ config, adminPassword: 'bench-only-password' });
for (const id of ['sandpool-notes', 'bench-fresh', 'bench-warm']) {
  const plugin = join(directory, id);
  await scaffold(id, { language: 'assemblyscript', directory: plugin });
  await serve(id, (await packDirectory(plugin)).bytes);
}
const echo = await assemblyScriptGuest('echo');
const go = await goGuest('echo');
const guests = { 'bench-echo': echo, 'bench-echo-fresh': echo, ...(go && { 'bench-go': go, 'bench-go-fresh': go }) };
for (const [id, module] of Object.entries(guests)) {
  const routes = [{ method: 'POST', path: '/echo', requestType: 'EchoReq' }];
  await serve(
    id,
    buildArtifact({
      manifest: { id, name: id },
      routes,
      hostServices: [{ service: 'runtime', methods: ['info.uuid'] }],
      module,
    }),
  );
}
process.send?.({ url: host.url, hasGo: go !== undefined });
process.on('SIGTERM', async () => {
  await host.close();
  await rm(directory, { recursive: true });
  process.exit(0);
});

async function serve(id: string, artifact: Uint8Array): Promise<void> {
  await host.registry.upload(artifact);
  await host.registry.install(id, { grantUnreviewed: true });
  await host.registry.enable(id, { grantUnreviewed: true });
}
