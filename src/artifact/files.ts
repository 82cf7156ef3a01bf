/** Files and texts that an artifact carries: assets, languages, SQL and manifest resources (`spec/artifact.md` §2.3–§2.6). */
import { type Decoder, list, notNull, object, text } from './decode.js';
import { invalid, isObject, type JsonValue, parseJson } from './json.js';
import { normalizeAssetPath, normalizeResourcePath } from './paths.js';
import { compareBytes, firstDuplicate, isBlank, trim } from './text.js';

export interface AssetFile {
  readonly path: string;
  readonly content: Uint8Array;
  /** Full header value; may be empty. */
  readonly contentType: string;
}

export interface ManifestResource {
  /** Begins with `manifest/`. */
  readonly path: string;
  readonly content: Uint8Array;
}

export interface SqlAsset {
  readonly key: string;
  readonly content: string;
}

export interface LanguageAsset {
  readonly locale: string;
  /** JSON text of an object. */
  readonly content: string;
}

const SQL_KEY = /^\d{3}-[a-z0-9-]+\.sql$/;

const items = <T extends object>(shape: Parameters<typeof object<T>>[0]): Decoder<readonly T[]> =>
  list(notNull(object<T>(shape)));

interface RawFile {
  readonly path: string;
  readonly contentBase64: string;
  readonly contentType: string;
}

const decodeFiles = items<RawFile>({
  path: ['path', text],
  contentBase64: ['contentBase64', text],
  contentType: ['contentType', text],
});
const decodeLocales = items<LanguageAsset>({ locale: ['locale', text], content: ['content', text] });
const decodeKeys = items<SqlAsset>({ key: ['key', text], content: ['content', text] });

/** Reads section `lina.plugin.frontend.assets`. @throws SBX_ARTIFACT_INVALID */
export const decodeFrontendAssets: Decoder<readonly AssetFile[]> = (value, at) =>
  decodeFiles(value, at).map((file) => {
    const result = normalizeAssetPath(file.path);
    if ('problem' in result) throw invalid(`frontend asset ${result.problem}: ${file.path}`);
    return {
      path: result.path,
      content: decodeContent(file.contentBase64, `frontend asset ${file.path}`),
      contentType: trim(file.contentType),
    };
  });

/** Reads section `lina.plugin.manifest.resources`. @throws SBX_ARTIFACT_INVALID */
export const decodeManifestResources: Decoder<readonly ManifestResource[]> = (value, at) => {
  const files = decodeFiles(value, at).map((file) => {
    const result = normalizeResourcePath(file.path);
    if ('problem' in result) throw invalid(`manifest resource ${result.problem}: ${file.path}`);
    return { path: result.path, content: decodeContent(trim(file.contentBase64), `manifest resource ${file.path}`) };
  });
  const twice = firstDuplicate(files.map(({ path }) => path));
  if (twice !== undefined) throw invalid(`manifest resource path is duplicated: ${twice}`);
  return files;
};

/** Reads one of the two sections of language texts, whose name is `at`. @throws SBX_ARTIFACT_INVALID */
export const decodeLanguages: Decoder<readonly LanguageAsset[]> = (value, at) =>
  decodeLocales(value, at).map(({ locale, content }) => {
    if (isBlank(locale) || isBlank(content)) throw invalid(`${at} item is missing locale or content`);
    checkTexts(content, `${at} locale ${trim(locale)}`);
    return { locale: trim(locale), content: trim(content) };
  });

/** Reads one of the three sections of SQL, whose name is `at`; the order is that of execution. @throws SBX_ARTIFACT_INVALID */
export const decodeSql: Decoder<readonly SqlAsset[]> = (value, at) =>
  decodeKeys(value, at).map((raw) => {
    const asset = { key: trim(raw.key), content: trim(raw.content) };
    if (asset.key === '' || asset.content === '') throw invalid(`${at} item is missing key or content: ${asset.key}`);
    if (/[/\\]/.test(asset.key)) throw invalid(`${at} key ${asset.key} cannot contain path separators`);
    if (!SQL_KEY.test(asset.key)) throw invalid(`${at} key ${asset.key} does not match the naming rule 001-name.sql`);
    return asset;
  });

/** Nested texts as flat keys with dots. Keys are taken in sorted order, so a literal `a.b` wins over `b` nested in `a`. */
export function flattenTexts(content: string): ReadonlyMap<string, string> {
  const flat = new Map<string, string>();
  const visit = (value: JsonValue | undefined, key: string): void => {
    if (typeof value === 'string') flat.set(key, value);
    if (!isObject(value)) return;
    for (const name of [...value.keys()].sort(compareBytes))
      visit(value.get(name), key === '' ? name : `${key}.${name}`);
  };
  visit(parseJson(content), '');
  return flat;
}

/** Standard base64 with padding; line breaks inside are skipped, anything else is an error. */
function decodeContent(base64: string, at: string): Uint8Array {
  const packed = base64.includes('\n') || base64.includes('\r') ? base64.replace(/[\r\n]/g, '') : base64;
  const padding = packed.endsWith('==') ? 2 : packed.endsWith('=') ? 1 : 0;
  const foreign = /[^A-Za-z0-9+/]/.exec(packed)?.index ?? packed.length;
  if (packed.length % 4 !== 0 || foreign < packed.length - padding)
    throw invalid(`${at} content is not standard base64`);
  const content = Buffer.from(packed, 'base64');
  if (content.length === 0) throw invalid(`${at} content cannot be empty`);
  return content;
}

function checkTexts(content: string, at: string): void {
  const root = parseTexts(content, at);
  if (root !== null && !isObject(root)) throw invalid(`${at} content must be a JSON object`);
  const pending: JsonValue[] = [root];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (isObject(value)) for (const item of value.values()) pending.push(item);
    else if (typeof value !== 'string' && value !== root) throw invalid(`${at} values must be strings or objects`);
  }
}

function parseTexts(content: string, at: string): JsonValue {
  try {
    return parseJson(content);
  } catch (cause) {
    throw invalid(`${at} content is not JSON`, cause);
  }
}
