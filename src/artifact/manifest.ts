/** What a plugin says of itself (`spec/artifact.md` §2.1, §4). */

export interface MenuDeclaration {
  readonly key: string;
  readonly parentKey: string;
  readonly name: string;
  readonly path: string;
  readonly component: string;
  readonly perms: string;
  readonly icon: string;
  readonly type: 'D' | 'M' | 'B';
  readonly sort: number;
  readonly visible: 0 | 1;
  readonly status: 0 | 1;
  readonly isFrame: 0 | 1;
  readonly isCache: 0 | 1;
  /** JSON object text; empty when none. */
  readonly queryParam: string;
  readonly remark: string;
}

export interface PublicAssetDeclaration {
  readonly source: string;
  /** Empty for the version root. */
  readonly mount: string;
  readonly index: string;
}

export interface PluginDependencies {
  readonly framework?: { readonly version: string };
  readonly plugins: readonly { readonly id: string; readonly version: string }[];
}

export interface Manifest {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly type: 'source' | 'dynamic';
  readonly distribution: 'managed' | 'builtin';
  readonly scopeNature: 'platform_only' | 'tenant_aware';
  /** Absent when the artifact does not say; upload then refuses it. */
  readonly supportsMultiTenant?: boolean;
  readonly defaultInstallMode: 'global' | 'tenant_scoped';
  readonly description: string;
  readonly dependencies: PluginDependencies;
  readonly menus: readonly MenuDeclaration[];
  readonly publicAssets: readonly PublicAssetDeclaration[];
}
