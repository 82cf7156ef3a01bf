/** Which section a file of a plugin goes to, and in which form (`spec/artifact.md` §3.2). */
import mime from 'mime-types';
import type { Artifact, AssetFile, LanguageAsset, SqlAsset } from './artifact.js';
import {
  encodeJson,
  isArray,
  isLiteral,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  toSorted,
} from './json.js';
import { parseYaml } from './manifest.js';
import { isFrontendFile, isHidden, packFailed } from './pack-tree.js';
import { compareBytes, isBlank, trim } from './text.js';

/** Contents by path from the plugin's root. */
export type PluginFiles = ReadonlyMap<string, Uint8Array>;

export type CollectedFiles = Pick<
  Artifact,
  'frontendAssets' | 'i18n' | 'apidocI18n' | 'installSql' | 'uninstallSql' | 'mockSql' | 'manifestResources'
> & { readonly warnings: readonly string[] };

/** Texts of a locale in its folder, or in one YAML file of its name; what lies in `apidoc/` is for the API's documentation. */
const TEXTS = /^manifest\/i18n\/(?:[^/]+\/[^/]+\.(?:json|ya?ml)|[^/]+\.ya?ml)$/;
const APIDOC_TEXTS = /^manifest\/i18n\/[^/]+\/apidoc\/.+\.(?:json|ya?ml)$/;

/**
 * Sorts files into their sections; `published` are the folders that `public_assets` declares, `withHidden` takes resources whose
 * names begin with `.` or `_` as well.
 * @throws SBX_PACK_FAILED with the name of the file that no host would accept.
 */
export function collectFiles(
  files: PluginFiles,
  published: readonly string[] = [],
  withHidden = false,
): CollectedFiles {
  const paths = [...files.keys()].sort(compareBytes);
  const assets = paths.filter((path) => isFrontendFile(path, published));
  const resources = paths.filter((path) => path.startsWith('manifest/') && (withHidden || !isHidden(path)));
  return {
    frontendAssets: assets.map((path) => ({
      path,
      content: contentOf(files, path),
      contentType: contentTypeOf(path),
    })) satisfies AssetFile[],
    i18n: collectTexts(files, (path) => TEXTS.test(path)),
    apidocI18n: collectTexts(files, (path) => APIDOC_TEXTS.test(path)),
    ...collectSql(files, paths),
    manifestResources: resources.map((path) => ({ path, content: contentOf(files, path) })),
  };
}

/** A text file as UTF-8. */
export function textOf(content: Uint8Array): string {
  return Buffer.from(content)
    .toString('utf8')
    .replace(/^\ufeff/, '');
}

function contentOf(files: PluginFiles, path: string): Uint8Array {
  const content = files.get(path)!;
  if (content.length === 0) throw packFailed(`${path} is empty: hosts refuse an artifact with an empty file`);
  return content;
}

/** The type that Go's table gives: with a charset for texts alone. */
function contentTypeOf(path: string): string {
  const type = mime.lookup(path) || 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

// ---- languages -------------------------------------------------------------------------------------------------------------

function collectTexts(files: PluginFiles, isWanted: (path: string) => boolean): readonly LanguageAsset[] {
  const merged = new Map<string, JsonObject>();
  // `zh-CN.yaml` sorts before `zh-CN/…`, so that the folder wins over the one file.
  for (const path of [...files.keys()].filter(isWanted).sort(compareBytes)) {
    const locale = trim(path.split('/')[2]!.replace(/\.ya?ml$/, ''));
    merged.set(locale, merge(merged.get(locale) ?? new Map(), readTexts(files, path)));
  }
  return [...merged]
    .sort(([left], [right]) => compareBytes(left, right))
    .map(([locale, texts]) => ({ locale, content: encodeJson(toSorted(texts)) }));
}

function readTexts(files: PluginFiles, path: string): JsonObject {
  const source = textOf(files.get(path)!);
  const value = isBlank(source) ? null : parseTexts(source, path);
  if (value === null) return new Map();
  if (!isObject(value)) throw packFailed(`${path} must hold an object of texts`);
  checkLeaves(value, path);
  return value;
}

function parseTexts(source: string, path: string): JsonValue {
  try {
    return path.endsWith('.json') ? parseJson(source) : asTexts(parseYaml(source, path));
  } catch (cause) {
    throw packFailed(`${path} cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** YAML knows `No` and `404` as other things than text; in a language file they are what stands there. */
function asTexts(value: JsonValue): JsonValue {
  if (isObject(value)) return new Map(Array.from(value, ([key, item]) => [key, asTexts(item)]));
  if (isArray(value)) return value.map(asTexts);
  return isLiteral(value) && value.loose ? value.literal : value;
}

function checkLeaves(texts: JsonObject, at: string): void {
  for (const [key, value] of texts) {
    if (isObject(value)) checkLeaves(value, `${at} ${key}`);
    else if (typeof value !== 'string') throw packFailed(`${at} ${key}: texts must be strings or objects`);
  }
}

function merge(base: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(base);
  for (const [key, value] of over) {
    const present = merged.get(key);
    merged.set(key, isObject(present) && isObject(value) ? merge(present, value) : value);
  }
  return merged;
}

// ---- SQL -------------------------------------------------------------------------------------------------------------------

const PHASES = [
  { phase: 'installSql', folder: /^manifest\/sql\/([^/]+\.sql)$/, legacy: 'install.sql' },
  { phase: 'uninstallSql', folder: /^manifest\/sql\/uninstall\/([^/]+\.sql)$/, legacy: 'uninstall.sql' },
  { phase: 'mockSql', folder: /^manifest\/sql\/mock-data\/([^/]+\.sql)$/, legacy: 'mock.sql' },
] as const;

type SqlPhases = Pick<Artifact, (typeof PHASES)[number]['phase']>;

function collectSql(files: PluginFiles, paths: readonly string[]): SqlPhases & { warnings: readonly string[] } {
  const legacy = paths.filter((path) => PHASES.some((phase) => path === `manifest/sql/${phase.legacy}`));
  if (legacy.length > 0) return collectLegacySql(files, paths, legacy);
  const [installSql, uninstallSql, mockSql] = PHASES.map(({ folder }) =>
    paths.filter((path) => folder.test(path)).map((path) => statements(files, path, folder.exec(path)![1]!)),
  );
  return { installSql: installSql!, uninstallSql: uninstallSql!, mockSql: mockSql!, warnings: [] };
}

/** The names of older documents: one file for each phase, beside which the numbered ones of today may not stand. */
function collectLegacySql(files: PluginFiles, paths: readonly string[], legacy: readonly string[]) {
  const numbered = paths.find((path) => !legacy.includes(path) && PHASES.some(({ folder }) => folder.test(path)));
  if (numbered !== undefined) {
    throw packFailed(`${legacy[0]} and ${numbered} do not go together: number all files, or none`);
  }
  const [installSql, uninstallSql, mockSql] = PHASES.map(({ legacy: name }) =>
    legacy.filter((path) => path === `manifest/sql/${name}`).map((path) => statements(files, path, `001-${name}`)),
  );
  const warnings = legacy.map((path) => `${path} is an old name; it is packed as 001-${path.split('/').at(-1)}`);
  return { installSql: installSql!, uninstallSql: uninstallSql!, mockSql: mockSql!, warnings };
}

function statements(files: PluginFiles, path: string, key: string): SqlAsset {
  const content = trim(textOf(files.get(path)!));
  if (content === '') throw packFailed(`${path} is empty: hosts refuse an artifact with an empty file`);
  return { key, content };
}
