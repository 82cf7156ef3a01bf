/** An artifact: standard WebAssembly module plus `lina.plugin.*` custom sections (`spec/artifact.md`). */
import type { HostServiceDeclaration } from './host-services.js';
import type { LifecycleContract } from './lifecycle.js';
import type { Manifest } from './manifest.js';
import type { RouteContract } from './routes.js';

export interface AssetFile {
  readonly path: string;
  readonly content: Uint8Array;
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

export interface HookContract {
  readonly event: string;
  readonly action: 'insert' | 'sleep' | 'error';
  readonly mode: 'blocking' | 'async';
  readonly table: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly sleepMs: number;
  readonly errorMessage: string;
}

export interface TableResource {
  readonly key: string;
  readonly type: 'table-list';
  readonly table: string;
  readonly fields: readonly { readonly name: string; readonly column: string }[];
  readonly filters: readonly { readonly param: string; readonly column: string; readonly operator: string }[];
  readonly orderBy: { readonly column: string; readonly direction: 'asc' | 'desc' };
  readonly operations: readonly string[];
  readonly keyField: string;
  readonly writableFields: readonly string[];
  readonly permission: string;
  readonly access: 'request' | 'system' | 'both';
  readonly dataScope?: { readonly userColumn: string; readonly deptColumn: string };
}

export interface BridgeContract {
  readonly abiVersion: 'v1';
  readonly runtimeKind: 'wasm';
  readonly routeExecution: boolean;
  readonly requestCodec: string;
  readonly responseCodec: string;
  readonly allocExport: string;
  readonly executeExport: string;
}

export interface ArtifactMetadata {
  readonly runtimeKind: 'wasm';
  readonly abiVersion: 'v1';
  readonly frontendAssetCount: number;
  readonly i18nAssetCount: number;
  readonly apiDocI18nAssetCount: number;
  readonly sqlAssetCount: number;
  readonly mockSqlAssetCount: number;
  readonly manifestResourceCount: number;
  readonly routeCount: number;
}

/** A parsed and validated artifact. */
export interface Artifact {
  /** Lowercase hex SHA-256 of the whole file. */
  readonly checksum: string;
  readonly sizeBytes: number;
  readonly manifest: Manifest;
  readonly metadata: ArtifactMetadata;
  readonly frontendAssets: readonly AssetFile[];
  readonly i18n: readonly LanguageAsset[];
  readonly apidocI18n: readonly LanguageAsset[];
  readonly installSql: readonly SqlAsset[];
  readonly uninstallSql: readonly SqlAsset[];
  readonly mockSql: readonly SqlAsset[];
  readonly manifestResources: readonly ManifestResource[];
  readonly hooks: readonly HookContract[];
  readonly lifecycle: readonly LifecycleContract[];
  readonly resources: readonly TableResource[];
  readonly routes: readonly RouteContract[];
  readonly bridge?: BridgeContract;
  readonly hostServices: readonly HostServiceDeclaration[];
}

/**
 * Parses and validates an artifact as at upload time, up to and including the counts (`spec/artifact.md` §6 "Parse order").
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails.
 */
export declare function parseArtifact(bytes: Uint8Array): Artifact;
