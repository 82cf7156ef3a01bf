import { goJson } from '../protocol/host-call.js';
import { valueAt } from './dotted-key.js';

export interface HostConfigSources {
  /** The effective static configuration, parsed. */
  readonly config: unknown;
  /** Values of keys that the configuration does not hold. */
  readonly defaults?: unknown;
  /** Whether no plugin may read the value at a dotted path, with everything below it. */
  readonly isSecret: (path: string) => boolean;
}

/**
 * Answers `hostconfig.get` (`spec/host-services.md` §11): JSON text of the typed value at a dotted key. Secrets are cut out
 * beforehand, so that a grant of `auth` shows the section without its secret.
 */
export function createHostConfig(sources: HostConfigSources): (key: string) => string | undefined {
  const layers = [sources.config, sources.defaults].map((layer) => withoutSecrets(layer, sources.isSecret, ''));
  return (key) => {
    const value = layers.map((layer) => valueAt(layer, key)).find((found) => found !== undefined);
    return value === undefined ? undefined : goJson(value);
  };
}

function withoutSecrets(value: unknown, isSecret: (path: string) => boolean, prefix: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const open = Object.entries(value).filter(([name]) => !isSecret(prefix + name));
  return Object.fromEntries(
    open.map(([name, member]) => [name, withoutSecrets(member, isSecret, `${prefix}${name}.`)]),
  );
}
