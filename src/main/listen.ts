/** Where the host listens, and the address at which it answers. */
import { listenFailure } from '../cluster/listen-failure.js';
import type { Config } from '../config/schema.js';
import type { App } from './http.js';

/** @throws SBX_PORT_IN_USE, SBX_LISTEN_FAILED */
export async function listen(app: Pick<App, 'listen'>, { server: { host, port } }: Config): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw listenFailure(cause, { host, port });
  }
}

/** Address at which a host with this configuration answers on this port. */
export function urlOf({ server }: Config, port: number): string {
  return `http://${urlHost(server.host)}:${port}`;
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
