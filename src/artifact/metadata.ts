/** What an artifact says of its own contents (`spec/artifact.md` §2.2). */
import { type Decoder, integer, object, text } from './decode.js';
import { invalid } from './json.js';
import { lower } from './text.js';

export interface ArtifactMetadata {
  readonly runtimeKind: 'wasm';
  readonly abiVersion: 'v1';
  readonly frontendAssetCount: number;
  readonly i18nAssetCount: number;
  readonly apiDocI18nAssetCount: number;
  /** Install, uninstall and mock together. */
  readonly sqlAssetCount: number;
  readonly mockSqlAssetCount: number;
  readonly manifestResourceCount: number;
  readonly routeCount: number;
}

export type ContentCounts = Omit<ArtifactMetadata, 'runtimeKind' | 'abiVersion'>;

export interface RawMetadata extends ContentCounts {
  readonly runtimeKind: string;
  readonly abiVersion: string;
}

/** Families in the order in which they are checked. */
const FAMILIES: readonly (readonly [keyof ContentCounts, string])[] = [
  ['sqlAssetCount', 'SQL asset'],
  ['mockSqlAssetCount', 'mock SQL asset'],
  ['frontendAssetCount', 'frontend asset'],
  ['i18nAssetCount', 'i18n asset'],
  ['apiDocI18nAssetCount', 'apidoc i18n asset'],
  ['manifestResourceCount', 'manifest resource'],
  ['routeCount', 'route'],
];

/** Reads section `lina.plugin.dynamic`. */
export const decodeMetadata: Decoder<RawMetadata> = object<RawMetadata>({
  runtimeKind: ['runtimeKind', text],
  abiVersion: ['abiVersion', text],
  frontendAssetCount: ['frontendAssetCount', integer],
  i18nAssetCount: ['i18nAssetCount', integer],
  apiDocI18nAssetCount: ['apiDocI18nAssetCount', integer],
  sqlAssetCount: ['sqlAssetCount', integer],
  mockSqlAssetCount: ['mockSqlAssetCount', integer],
  manifestResourceCount: ['manifestResourceCount', integer],
  routeCount: ['routeCount', integer],
});

/** Checks kind, ABI version and every count above 0 against what the artifact holds. @throws SBX_ARTIFACT_INVALID */
export function normalizeMetadata(raw: RawMetadata, actual: ContentCounts): ArtifactMetadata {
  const [runtimeKind, abiVersion] = [lower(raw.runtimeKind) || 'wasm', lower(raw.abiVersion)];
  if (runtimeKind !== 'wasm') throw invalid(`Dynamic plugin runtime kind must be wasm: ${runtimeKind}`);
  if (abiVersion === '') throw invalid('Dynamic plugin is missing ABI version');
  if (abiVersion !== 'v1') throw invalid(`Dynamic plugin ABI version is not supported: ${abiVersion}`);
  for (const [field, family] of FAMILIES) {
    if (raw[field] <= 0 || raw[field] === actual[field]) continue;
    throw invalid(`Dynamic plugin ${family} count does not match: metadata=${raw[field]} actual=${actual[field]}`);
  }
  return { runtimeKind, abiVersion, ...actual };
}

/** The metadata in the shape of its section, keys in the order that is written. */
export function encodeMetadata(counts: ContentCounts): object {
  return {
    runtimeKind: 'wasm',
    abiVersion: 'v1',
    frontendAssetCount: counts.frontendAssetCount || undefined,
    i18nAssetCount: counts.i18nAssetCount || undefined,
    apiDocI18nAssetCount: counts.apiDocI18nAssetCount || undefined,
    sqlAssetCount: counts.sqlAssetCount || undefined,
    mockSqlAssetCount: counts.mockSqlAssetCount || undefined,
    manifestResourceCount: counts.manifestResourceCount || undefined,
    routeCount: counts.routeCount || undefined,
  };
}
