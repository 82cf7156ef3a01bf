/** An artifact: standard WebAssembly module plus `lina.plugin.*` custom sections (`spec/artifact.md`). */
import { createHash } from 'node:crypto';
import { textAt } from '../protocol/text.js';
import { type BridgeContract, decodeBridge, normalizeBridge } from './bridge.js';
import type { Decoder } from './decode.js';
import {
  type AssetFile,
  decodeFrontendAssets,
  decodeLanguages,
  decodeManifestResources,
  decodeSql,
  flattenTexts,
  type LanguageAsset,
  type ManifestResource,
  type SqlAsset,
} from './files.js';
import { decodeHooks, type HookContract, normalizeHooks } from './hooks.js';
import { decodeHostServices, type HostServiceDeclaration, normalizeHostServices } from './host-services.js';
import { invalid, type JsonValue, parseJson } from './json.js';
import { decodeLifecycle, type LifecycleContract, normalizeLifecycle } from './lifecycle.js';
import { decodeManifest, type Manifest, type RawManifest } from './manifest.js';
import { normalizeManifest, understandManifest } from './manifest-rules.js';
import { type ArtifactMetadata, type ContentCounts, decodeMetadata, normalizeMetadata } from './metadata.js';
import { checkPublicFiles } from './public-assets.js';
import { decodeRoutes, normalizeRoutes, type RouteContract } from './routes.js';
import { customSections } from './sections.js';
import { decodeTableResources, normalizeTableResources, type TableResource } from './table-resources.js';
import { isBlank, trim } from './text.js';

export type { BridgeContract } from './bridge.js';
export type { AssetFile, LanguageAsset, ManifestResource, SqlAsset } from './files.js';
export type { HookContract } from './hooks.js';
export type { ArtifactMetadata } from './metadata.js';
export type { TableResource } from './table-resources.js';

/** A parsed artifact. Its manifest holds for sure once {@link validateRelease} has passed. */
export interface Artifact {
  /** Lowercase hex SHA-256 of the whole file. */
  readonly checksum: string;
  readonly sizeBytes: number;
  readonly manifest: Manifest;
  /** The manifest as the file says it. */
  readonly rawManifest: RawManifest;
  readonly metadata: ArtifactMetadata;
  readonly frontendAssets: readonly AssetFile[];
  readonly i18n: readonly LanguageAsset[];
  readonly apidocI18n: readonly LanguageAsset[];
  /** In order of execution, as the other SQL is. */
  readonly installSql: readonly SqlAsset[];
  readonly uninstallSql: readonly SqlAsset[];
  readonly mockSql: readonly SqlAsset[];
  readonly manifestResources: readonly ManifestResource[];
  readonly hooks: readonly HookContract[];
  readonly lifecycle: readonly LifecycleContract[];
  readonly resources: readonly TableResource[];
  readonly routes: readonly RouteContract[];
  /** Absent where the artifact has no such section: it cannot be executed. */
  readonly bridge?: BridgeContract;
  readonly hostServices: readonly HostServiceDeclaration[];
}

/** Names of the sections, in the order in which they are written. */
export const SECTION = {
  manifest: 'lina.plugin.manifest',
  metadata: 'lina.plugin.dynamic',
  frontendAssets: 'lina.plugin.frontend.assets',
  i18n: 'lina.plugin.i18n.assets',
  apidocI18n: 'lina.plugin.apidoc.i18n.assets',
  installSql: 'lina.plugin.install.sql',
  uninstallSql: 'lina.plugin.uninstall.sql',
  mockSql: 'lina.plugin.mock.sql',
  manifestResources: 'lina.plugin.manifest.resources',
  hooks: 'lina.plugin.backend.hooks',
  lifecycle: 'lina.plugin.backend.lifecycle',
  resources: 'lina.plugin.backend.resources',
  routes: 'lina.plugin.backend.routes',
  bridge: 'lina.plugin.backend.bridge',
  hostServices: 'lina.plugin.backend.host-services',
} as const;

/**
 * Parses an artifact: container, every section, counts (`spec/artifact.md` §6 "Parse order"). Code is not looked at.
 * What an upload asks of the manifest beyond this is for {@link validateRelease}.
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails.
 */
export function parseArtifact(bytes: Uint8Array): Artifact {
  const sections = customSections(bytes);
  for (const name of [SECTION.manifest, SECTION.metadata]) {
    if (!sections.has(name)) throw invalid(`Dynamic plugin artifact is missing custom section ${name}`);
  }
  const rawManifest = read(sections, SECTION.manifest, decodeManifest);
  checkIdentity(rawManifest);
  const rawMetadata = read(sections, SECTION.metadata, decodeMetadata);
  const contents = readContents(sections, trim(rawManifest.id));
  return {
    checksum: checksumOf(bytes),
    sizeBytes: bytes.length,
    manifest: understandManifest(rawManifest),
    rawManifest,
    metadata: normalizeMetadata(rawMetadata, countContents(contents)),
    ...contents,
  };
}

/**
 * Checks a parsed artifact as an upload does (`spec/artifact.md` §6 steps 5 and 10): the whole manifest, the published files and
 * the names of API texts.
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails. @throws PLUGIN_ID_INVALID
 */
export function validateRelease(artifact: Artifact): void {
  const { hostServices, frontendAssets } = artifact;
  const manifest = normalizeManifest(artifact.rawManifest, { hostServices, onlyDynamic: true });
  checkPublicFiles(
    manifest.publicAssets,
    frontendAssets.map(({ path }) => path),
  );
  for (const language of artifact.apidocI18n) checkApidocKeys(language, manifest.id);
}

/** Lowercase hex SHA-256 of a file. */
export function checksumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export type ArtifactContents = Omit<Artifact, 'checksum' | 'sizeBytes' | 'manifest' | 'rawManifest' | 'metadata'>;

export function countContents(contents: ArtifactContents): ContentCounts {
  const { installSql, uninstallSql, mockSql } = contents;
  return {
    frontendAssetCount: contents.frontendAssets.length,
    i18nAssetCount: contents.i18n.length,
    apiDocI18nAssetCount: contents.apidocI18n.length,
    sqlAssetCount: installSql.length + uninstallSql.length + mockSql.length,
    mockSqlAssetCount: mockSql.length,
    manifestResourceCount: contents.manifestResources.length,
    routeCount: contents.routes.length,
  };
}

type Sections = ReadonlyMap<string, Uint8Array>;

/** Sections 3 to 15; written in their order, because the first failure wins. */
function readContents(sections: Sections, pluginId: string): ArtifactContents {
  const contents = {
    frontendAssets: read(sections, SECTION.frontendAssets, decodeFrontendAssets),
    i18n: read(sections, SECTION.i18n, decodeLanguages),
    apidocI18n: read(sections, SECTION.apidocI18n, decodeLanguages),
    installSql: read(sections, SECTION.installSql, decodeSql),
    uninstallSql: read(sections, SECTION.uninstallSql, decodeSql),
    mockSql: read(sections, SECTION.mockSql, decodeSql),
    manifestResources: read(sections, SECTION.manifestResources, decodeManifestResources),
    hooks: normalizeHooks(read(sections, SECTION.hooks, decodeHooks)),
    lifecycle: normalizeLifecycle(read(sections, SECTION.lifecycle, decodeLifecycle)),
    resources: normalizeTableResources(read(sections, SECTION.resources, decodeTableResources), pluginId),
    routes: normalizeRoutes(read(sections, SECTION.routes, decodeRoutes), pluginId),
    ...(sections.has(SECTION.bridge) && { bridge: normalizeBridge(read(sections, SECTION.bridge, decodeBridge)) }),
  };
  const hostServices = normalizeHostServices(read(sections, SECTION.hostServices, decodeHostServices), pluginId);
  return { ...contents, hostServices };
}

/** A section that is absent or `null` is decoded as absent. */
function read<T>(sections: Sections, name: string, decode: Decoder<T>): T {
  const payload = sections.get(name);
  return decode(payload && parseSection(payload, name), name);
}

function parseSection(payload: Uint8Array, name: string): JsonValue {
  try {
    return parseJson(textAt(payload, 0, payload.length));
  } catch (cause) {
    const required = name === SECTION.manifest || name === SECTION.metadata;
    const why = required ? 'custom sections support JSON encoding only' : (cause as Error).message;
    throw invalid(`Failed to parse ${name}: ${why}`, cause);
  }
}

function checkIdentity({ id, name, version, type }: RawManifest): void {
  const missing = Object.entries({ id, name, version, type }).filter(([, value]) => isBlank(value));
  if (missing.length === 0) return;
  const names = missing.map(([field]) => field).join(', ');
  throw invalid(`Dynamic plugin manifest is missing required fields: ${names}`);
}

/** API texts may only name the plugin's own things (`spec/governance.md` §6.4). */
function checkApidocKeys({ locale, content }: LanguageAsset, pluginId: string): void {
  const prefix = `plugins.${pluginId.replaceAll('-', '_')}.`;
  for (const key of flattenTexts(content).keys()) {
    if (key.startsWith(prefix) && !key.includes('.internal.model.entity.')) continue;
    throw invalid(`${SECTION.apidocI18n} locale ${locale}: key ${key} must begin with ${prefix}`);
  }
}
