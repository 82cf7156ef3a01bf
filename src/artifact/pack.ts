/** Writes artifacts (`spec/artifact.md` §1–§3): from the files of a plugin, or from an artifact that was parsed. */
import {
  type Artifact,
  type ArtifactContents,
  countContents,
  parseArtifact,
  SECTION,
  validateRelease,
} from './artifact.js';
import { type BridgeContract, EXECUTABLE_BRIDGE, encodeBridge, normalizeBridge, SILENT_BRIDGE } from './bridge.js';
import type { AssetFile, LanguageAsset, ManifestResource } from './files.js';
import { encodeHooks, normalizeHooks } from './hooks.js';
import { encodeHostServices, normalizeHostServices } from './host-services.js';
import { hostedMenuProblems } from './hosted-menus.js';
import { encodeJson } from './json.js';
import { encodeLifecycle, normalizeLifecycle } from './lifecycle.js';
import { type Manifest, parsePluginYaml, type RawManifest } from './manifest.js';
import { encodeManifest, normalizeManifest } from './manifest-rules.js';
import { encodeMetadata } from './metadata.js';
import type { PackConfig } from './pack-config.js';
import { collectFiles, type PluginFiles, textOf } from './pack-files.js';
import { packFailed } from './pack-tree.js';
import { normalizePublicAssets } from './public-assets.js';
import { encodeRoutes, normalizeRoutes } from './routes.js';
import { EMPTY_MODULE, encodeCustomSection, readSections } from './sections.js';
import { encodeTableResources, normalizeTableResources } from './table-resources.js';
import { trim } from './text.js';

export interface PluginSource {
  /** The files that may be packed, by their path from the plugin's root; `plugin.yaml` among them. */
  readonly files: PluginFiles;
  /** What `hack/config.yaml` declares. */
  readonly config: PackConfig;
  /** The built module; without it the plugin has only resources. */
  readonly module?: Uint8Array;
  /** Whether manifest files are resources although their names begin with `.` or `_`. */
  readonly withHidden?: boolean;
}

export interface PackedPlugin {
  readonly bytes: Uint8Array;
  /** The result, parsed again and checked as an upload checks it. */
  readonly artifact: Artifact;
  /** What was mapped to another place, and what will do nothing. */
  readonly warnings: readonly string[];
}

/**
 * Packs a plugin, so that every host accepts what comes out.
 * @throws SBX_PACK_FAILED when a file cannot be packed. @throws SBX_ARTIFACT_INVALID PLUGIN_ID_INVALID with the rule of
 * `spec/artifact.md` §2–§5 that a declaration breaks.
 */
export function packPlugin({ files, config, module, withHidden }: PluginSource): PackedPlugin {
  const { manifest, rawManifest, hostServices } = readManifest(files);
  const { warnings, ...packed } = collectFiles(files, sourcesOf(manifest.publicAssets), withHidden);
  const contents: ArtifactContents = {
    ...packed,
    hooks: normalizeHooks(config.hooks),
    lifecycle: normalizeLifecycle(config.lifecycle),
    resources: normalizeTableResources(config.resources, manifest.id),
    routes: normalizeRoutes(config.routes, manifest.id),
    bridge: bridgeOf(config, module !== undefined),
    hostServices,
  };
  const bytes = encodeArtifact({ ...contents, manifest, rawManifest }, module);
  const artifact = parseArtifact(bytes);
  validateRelease(artifact);
  return {
    bytes,
    artifact,
    warnings: [...config.warnings, ...warnings, ...idleParts(contents), ...unshowable(artifact)],
  };
}

/** Menus that a host accepts at an upload and refuses once the plugin is to be enabled, as the reference does. */
function unshowable(artifact: Artifact): readonly string[] {
  return hostedMenuProblems(artifact).map((problem) => `it cannot be enabled: ${problem}`);
}

/** The folders that a `plugin.yaml` publishes. @throws SBX_ARTIFACT_INVALID */
export function publishedFolders(pluginYaml: string): readonly string[] {
  return sourcesOf(normalizePublicAssets(parsePluginYaml(pluginYaml).manifest.publicAssets));
}

function sourcesOf(publicAssets: Manifest['publicAssets']): readonly string[] {
  return publicAssets.map(({ source }) => source);
}

/** What the sections of an artifact are made of. */
export type ArtifactParts = ArtifactContents & {
  readonly manifest: Manifest;
  readonly rawManifest: RawManifest;
};

/**
 * The module with every section behind it, in the order and JSON form of the reference's builder. Sections of ours that the module
 * carries already are left out.
 */
export function encodeArtifact(parts: ArtifactParts, module: Uint8Array = EMPTY_MODULE): Uint8Array {
  const sections: readonly (readonly [string, object | readonly object[] | undefined])[] = [
    [SECTION.manifest, encodeManifest(parts.rawManifest, parts.manifest)],
    [SECTION.metadata, encodeMetadata(countContents(parts))],
    [SECTION.frontendAssets, parts.frontendAssets.map(encodeFile)],
    [SECTION.i18n, parts.i18n.map(encodeLanguage)],
    [SECTION.apidocI18n, parts.apidocI18n.map(encodeLanguage)],
    [SECTION.installSql, parts.installSql],
    [SECTION.uninstallSql, parts.uninstallSql],
    [SECTION.mockSql, parts.mockSql],
    [SECTION.manifestResources, parts.manifestResources.map(encodeFile)],
    [SECTION.hooks, encodeHooks(parts.hooks)],
    [SECTION.lifecycle, encodeLifecycle(parts.lifecycle)],
    [SECTION.resources, encodeTableResources(parts.resources)],
    [SECTION.routes, encodeRoutes(parts.routes)],
    [SECTION.bridge, parts.bridge && encodeBridge(parts.bridge)],
    [SECTION.hostServices, encodeHostServices(parts.hostServices)],
  ];
  const present = sections.filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  return Buffer.concat([
    moduleOf(module),
    ...present.map(([name, value]) => encodeCustomSection(name, encodeJson(value))),
  ]);
}

/** The code of an artifact: the module without the sections that are ours. @throws SBX_ARTIFACT_INVALID */
export function moduleOf(bytes: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [bytes.subarray(0, EMPTY_MODULE.length)];
  let start = EMPTY_MODULE.length;
  for (const { name, offset, sizeBytes } of readSections(bytes)) {
    const end = offset + sizeBytes;
    if (!name.startsWith('lina.plugin.')) kept.push(bytes.subarray(start, end));
    start = end;
  }
  return Buffer.concat(kept);
}

function readManifest(files: PluginFiles) {
  const source = files.get('plugin.yaml');
  if (source === undefined) throw packFailed('missing plugin.yaml');
  const { manifest: rawManifest, hostServices: declared } = parsePluginYaml(textOf(source));
  const hostServices = normalizeHostServices(declared, trim(rawManifest.id));
  const manifest = normalizeManifest(rawManifest, { hostServices, onlyDynamic: true });
  return { manifest, rawManifest, hostServices };
}

function bridgeOf({ bridge }: PackConfig, hasModule: boolean): BridgeContract {
  const usual = hasModule ? EXECUTABLE_BRIDGE : SILENT_BRIDGE;
  return normalizeBridge({ ...usual, ...bridge });
}

function idleParts({ bridge, routes, lifecycle }: ArtifactContents): readonly string[] {
  if (bridge?.routeExecution) return [];
  const idle = [...(routes.length > 0 ? ['routes'] : []), ...(lifecycle.length > 0 ? ['lifecycle'] : [])];
  return idle.map((part) => `the plugin has no code, so that its ${part} cannot be executed`);
}

function encodeFile(file: AssetFile | ManifestResource): object {
  const contentBase64 = Buffer.from(file.content).toString('base64');
  return {
    path: file.path,
    contentBase64,
    contentType: 'contentType' in file ? file.contentType || undefined : undefined,
  };
}

function encodeLanguage({ locale, content }: LanguageAsset): object {
  return { locale, content };
}
