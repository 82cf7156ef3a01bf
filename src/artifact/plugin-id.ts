/** Names of plugins (`spec/artifact.md` §4). */
import { SandpoolError } from '../protocol/errors.js';

const PLUGIN_ID = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_LENGTH = 64;

/** Why a text is no plugin id, or `undefined` when it is one. */
export function pluginIdProblem(id: string): string | undefined {
  if (id.length > MAX_LENGTH) return `its length is above ${MAX_LENGTH} characters`;
  return PLUGIN_ID.test(id)
    ? undefined
    : 'it must be kebab-case: lower-case letters and digits, joined by single hyphens';
}

/** @throws PLUGIN_ID_INVALID */
export function checkPluginId(pluginId: string): void {
  const reason = pluginIdProblem(pluginId);
  if (reason !== undefined) throw new SandpoolError('PLUGIN_ID_INVALID', { pluginId, reason });
}
