/** A whole host on a free port, for tests of the system. */
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { loadConfig } from '../../src/config/load.js';
import type { JobClock } from '../../src/jobs/jobs.js';
import { type Host, startHost } from '../../src/main.js';
import { type ArtifactParts, buildArtifact } from '../artifact/build.js';

export const ADMIN_PASSWORD = 'only-for-tests-1';

export interface TestHost extends Host {
  /** Uploads, installs and enables an artifact, granting all that it declares. */
  serve(id: string, parts: ArtifactParts): Promise<void>;
  fetch(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; text: string }>;
  /** An `Authorization` header of the administrator. */
  authorization(): Promise<{ authorization: string }>;
}

interface Scope {
  testdir(): string;
  teardown(end: () => Promise<void>): void;
}

/** @param settings environment variables without their prefix, such as `{ POOL_MAX_THREADS: '1' }` */
export async function startTestHost(
  t: Scope,
  settings: Record<string, string> = {},
  directory = t.testdir(),
  log: Logger = pino({ level: 'silent' }),
  jobClock?: JobClock,
): Promise<TestHost> {
  const { config } = loadConfig({
    env: Object.fromEntries(
      Object.entries({
        SERVER_PORT: '0',
        DATA_DIR: join(directory, 'data'),
        PLUGIN_DYNAMIC_STORAGE_PATH: join(directory, 'staged'),
        SERVER_SHUTDOWN_GRACE_MS: '1000',
        // A busy machine may hold up every thread for a while: who tests a bound sets it.
        POOL_QUEUE_TIMEOUT_MS: '600000',
        SANDBOX_DEADLINE_MS: '600000',
        NETWORK_TIMEOUT_MS: '600000',
        ...settings,
      }).map(([name, value]) => [`SANDPOOL_${name}`, value]),
    ),
  });
  const host = await startHost({ config, adminPassword: ADMIN_PASSWORD, log, ...(jobClock && { jobClock }) });
  t.teardown(() => host.close());

  const request: TestHost['fetch'] = async (path, init) => {
    const response = await fetch(`${host.url}${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    ...host,
    fetch: request,
    async serve(id, parts) {
      await host.registry.upload(buildArtifact({ ...parts, manifest: { id, name: id, ...parts.manifest } }));
      await host.registry.install(id, { grantUnreviewed: true });
      await host.registry.enable(id, { grantUnreviewed: true });
    },
    async authorization() {
      const { text } = await request('/api/v1/auth/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username: 'admin', password: ADMIN_PASSWORD }),
      });
      const { data } = JSON.parse(text) as { data: { accessToken: string } };
      return { authorization: `Bearer ${data.accessToken}` };
    },
  };
}
