/** What a plugin says of itself, in `plugin.yaml` or in section `lina.plugin.manifest` (`spec/artifact.md` §2.1, §4). */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { type Decoder, flag, list, object, optional, text } from './decode.js';
import {
  checkDependencyKeys,
  decodeDependencies,
  type PluginDependencies,
  type RawDependencies,
} from './dependencies.js';
import { decodeHostServices, type RawHostService } from './host-services.js';
import { invalid, isObject, type JsonObject, type JsonValue } from './json.js';
import { decodeMenus, type MenuDeclaration, type RawMenu } from './menus.js';
import { decodePublicAssets, type PublicAssetDeclaration } from './public-assets.js';

export type { PluginDependencies, PluginDependency } from './dependencies.js';
export type { MenuDeclaration } from './menus.js';
export type { PublicAssetDeclaration } from './public-assets.js';

export interface Manifest {
  readonly id: string;
  readonly name: string;
  /** As written, with its leading `v`. */
  readonly version: string;
  readonly type: 'source' | 'dynamic';
  readonly distribution: 'managed' | 'builtin';
  readonly scopeNature: 'platform_only' | 'tenant_aware';
  readonly supportsMultiTenant: boolean;
  readonly defaultInstallMode: 'global' | 'tenant_scoped';
  readonly description: string;
  readonly dependencies: PluginDependencies;
  readonly menus: readonly MenuDeclaration[];
  readonly publicAssets: readonly PublicAssetDeclaration[];
}

/** A manifest as a file says it: nothing trimmed, nothing checked. */
export interface RawManifest {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly distribution: string;
  readonly scopeNature: string;
  readonly supportsMultiTenant: boolean | undefined;
  readonly defaultInstallMode: string;
  readonly description: string;
  readonly dependencies: RawDependencies;
  readonly menus: readonly (RawMenu | null)[];
  readonly publicAssets: readonly PublicAssetDeclaration[];
}

/** `plugin.yaml`: the manifest and what an artifact carries elsewhere or not at all. */
export interface PluginYaml {
  readonly manifest: RawManifest;
  readonly hostServices: readonly (RawHostService | null)[];
  readonly author: string;
  readonly homepage: string;
  readonly license: string;
  readonly i18n: {
    readonly enabled: boolean;
    readonly default: string;
    readonly locales: readonly { readonly locale: string; readonly nativeName: string }[];
  };
}

/** Reads section `lina.plugin.manifest`. */
export const decodeManifest: Decoder<RawManifest> = (value, at) => {
  checkDependencyKeys(value ?? null);
  return decodeEmbedded(value, at);
};

/** Reads `plugin.yaml`. @throws SBX_ARTIFACT_INVALID with the line of a syntax error or the path of a wrong type. */
export function parsePluginYaml(source: string): PluginYaml {
  const value = parseYaml(source, 'plugin.yaml');
  if (!isObject(value)) throw invalid('plugin.yaml must be a mapping');
  checkDependencyKeys(value);
  return { manifest: decodeYaml(value, 'plugin.yaml'), ...decodeYamlOnly(value, 'plugin.yaml') };
}

/**
 * Reads one YAML 1.2 document as the values that JSON has. Numbers and booleans keep their text, so `version: 1.10` is not `1.1`;
 * anchors and merge keys work.
 * @throws SBX_ARTIFACT_INVALID with `file` and the line.
 */
export function parseYaml(source: string, file: string): JsonValue {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`${file} line ${lines.linePos(error.pos[0]).line}: ${error.message}`, error);
  const lineOf = (node: Node): number => lines.linePos(node.range?.[0] ?? 0).line;
  return convert(document, (node, why) => invalid(`${file} line ${lineOf(node)}: ${why}`));
}

/** Above this, a document is a bomb of aliases and no manifest. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 200;

const common = {
  id: ['id', text],
  name: ['name', text],
  version: ['version', text],
  type: ['type', text],
  distribution: ['distribution', text],
  description: ['description', text],
  dependencies: ['dependencies', decodeDependencies],
  menus: ['menus', decodeMenus],
  publicAssets: ['public_assets', decodePublicAssets],
} as const;

const decodeEmbedded = object<RawManifest>({
  ...common,
  scopeNature: ['scopeNature', text],
  supportsMultiTenant: ['supportsMultiTenant', optional(flag)],
  defaultInstallMode: ['defaultInstallMode', text],
});

const decodeYaml = object<RawManifest>({
  ...common,
  scopeNature: ['scope_nature', text],
  supportsMultiTenant: ['supports_multi_tenant', optional(flag)],
  defaultInstallMode: ['default_install_mode', text],
});

const decodeYamlOnly = object<Omit<PluginYaml, 'manifest'>>({
  hostServices: ['hostServices', decodeHostServices],
  author: ['author', text],
  homepage: ['homepage', text],
  license: ['license', text],
  i18n: [
    'i18n',
    object({
      enabled: ['enabled', flag],
      default: ['default', text],
      locales: ['locales', list(object({ locale: ['locale', text], nativeName: ['nativeName', text] }))],
    }),
  ],
});

function convert(document: Document, refuse: (node: Node, why: string) => Error): JsonValue {
  let nodes = 0;

  const visit = (node: unknown, depth: number): JsonValue => {
    if (!isAlias(node) && !isMap(node) && !isSeq(node) && !isScalar(node)) return null;
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) throw refuse(node, 'the document is too large or too deep');
    if (isMap(node)) return visitMap(node, depth);
    if (isSeq(node)) return node.items.map((item) => visit(item, depth + 1));
    if (isScalar(node)) return scalar(node);
    const target = node.resolve(document);
    if (target === undefined) throw refuse(node, 'the alias has no anchor');
    return visit(target, depth + 1);
  };

  /** Merged keys come first, so that the map's own keys win over them. */
  const visitMap = (map: YAMLMap, depth: number): JsonObject => {
    const pairs = map.items.map((pair) => [keyOf(pair, map), visit(pair.value, depth + 1)] as const);
    const merged = pairs.flatMap(([key, value]) => (key === '<<' && isObject(value) ? [...value] : []));
    return new Map([...merged, ...pairs.filter(([key]) => key !== '<<')]);
  };

  const keyOf = (pair: Pair, map: YAMLMap): string => {
    if (!isScalar(pair.key)) throw refuse(map, 'keys must be plain words');
    return typeof pair.key.value === 'string' ? pair.key.value : String(pair.key.source);
  };

  return visit(document.contents, 0);
}

function scalar(node: { value?: unknown; source?: string | undefined }): JsonValue {
  const { value } = node;
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' && !isYamlWord(node)) return value;
  return { literal: node.source ?? String(value), loose: true };
}

/** `yes`, `no`, `on`, `off`: text in YAML 1.2, but a boolean field may hold them, as in the reference. */
function isYamlWord(node: { type?: unknown; source?: string | undefined }): boolean {
  return node.type === 'PLAIN' && /^(?:yes|no|on|off)$/i.test(node.source ?? '');
}
