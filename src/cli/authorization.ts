/** The `--grant` option: which of the declared host services an administrator grants (spec/governance.md §2.10). */
import { readFile } from 'node:fs/promises';
import { SandpoolError } from '../protocol/errors.js';
import { unreadable } from '../protocol/unreadable.js';
import type { Host } from './client.js';
import { type HostService, pluginDetail } from './plugin-view.js';

/** The body of install and enable; without `authorization` the grant stays as it is. */
export interface AuthorizationBody {
  readonly authorization?: { readonly services: readonly unknown[] };
}

/**
 * Makes the body for a choice: `all` grants what the plugin requests, `none` only what has no targets, a file says it itself.
 * @throws SBX_FILE_UNREADABLE when the file cannot be read or is no JSON object with `services`.
 */
export async function authorizationBody(
  grant: string | undefined,
  host: Host,
  id: string,
  requested: (host: Host, id: string) => Promise<readonly HostService[]> = requestedNow,
): Promise<AuthorizationBody> {
  if (grant === undefined) return {};
  if (grant === 'none') return { authorization: { services: [] } };
  if (grant === 'all') return { authorization: { services: (await requested(host, id)).map(everything) } };
  return { authorization: await decisionIn(grant) };
}

async function requestedNow(host: Host, id: string): Promise<readonly HostService[]> {
  const { requestedHostServices = [] } = await pluginDetail(host, id);
  return requestedHostServices;
}

function everything({ owner, service, version, methods, paths, keys, tables, resources }: HostService) {
  return { owner, service, version, methods, paths, keys, tables, resourceRefs: resources?.map(({ ref }) => ref) };
}

async function decisionIn(file: string): Promise<{ services: unknown[] }> {
  try {
    const parsed = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const { services } = (parsed.authorization ?? parsed) as { services?: unknown };
    if (Array.isArray(services)) return { services };
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new SandpoolError('SBX_FILE_UNREADABLE', { file, reason: 'it has no list `services`' });
}
