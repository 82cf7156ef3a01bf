import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { goJson } from '../protocol/host-call.js';
import { valueAt } from './dotted-key.js';

export interface PluginConfigSources {
  /** Section `plugin.<id>` of the host's static configuration; an empty one hides the other sources too. */
  readonly section: (pluginId: string) => unknown;
  /** Holds `plugins/<id>/config.yaml`. */
  readonly configRoot: string;
  /** Holds `<id>/manifest/config/config.yaml`. */
  readonly developmentDir?: string;
  /** A file of the effective release's `manifest/` folder, by path relative to it. */
  readonly manifestFile: (pluginId: string, path: string) => Uint8Array | undefined;
  /** @throws when the text is no YAML */
  readonly parseYaml: (text: string) => unknown;
}

export interface PluginConfig {
  /**
   * JSON text of the value at a dotted key.
   * @throws SBX_PLUGIN_CONFIG_INVALID when the source that counts cannot be read or parsed
   */
  readonly get: (pluginId: string, key: string) => string | undefined;
  /** Reads the sources of a plugin again at the next question; of all plugins without an id. */
  readonly forget: (pluginId?: string) => void;
}

/**
 * Answers `plugins.config.get` (`spec/artifact.md` §7.1). The first source that exists counts as a whole: host section,
 * production file, development file, file in the artifact. It is read once and kept until it is forgotten.
 */
export function createPluginConfig(sources: PluginConfigSources): PluginConfig {
  const parsed = new Map<string, unknown>();
  const configOf = (pluginId: string): unknown => {
    if (!parsed.has(pluginId)) parsed.set(pluginId, loadConfig(sources, pluginId));
    return parsed.get(pluginId);
  };
  return {
    get: (pluginId, key) => {
      const value = valueAt(configOf(pluginId), key);
      return value === undefined ? undefined : goJson(value);
    },
    forget: (pluginId) => {
      if (pluginId === undefined) parsed.clear();
      else parsed.delete(pluginId);
    },
  };
}

function loadConfig(sources: PluginConfigSources, pluginId: string): unknown {
  const section = sources.section(pluginId);
  if (section !== undefined) return section;
  const { configRoot, developmentDir, manifestFile, parseYaml } = sources;
  const production = join(configRoot, 'plugins', pluginId, 'config.yaml');
  const development = developmentDir && join(developmentDir, pluginId, 'manifest/config/config.yaml');
  for (const path of [production, development]) {
    const text = path && readIfExists(pluginId, path);
    if (text !== undefined && path) return parse(pluginId, path, text, parseYaml);
  }
  const embedded = manifestFile(pluginId, 'config/config.yaml');
  if (embedded === undefined || embedded.length === 0) return undefined;
  return parse(pluginId, 'manifest/config/config.yaml', Buffer.from(embedded).toString('utf8'), parseYaml);
}

function readIfExists(pluginId: string, path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unusable(pluginId, path, cause);
  }
}

function parse(pluginId: string, path: string, text: string, parseYaml: (text: string) => unknown): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw unusable(pluginId, path, cause);
  }
}

function unusable(pluginId: string, path: string, cause: unknown): SandpoolError {
  return new SandpoolError('SBX_PLUGIN_CONFIG_INVALID', { pluginId, path, reason: reasonOf(cause) }, { cause });
}
