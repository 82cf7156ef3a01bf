/** Artifacts for tests: a valid dynamic plugin `demo`, of which a test changes what it is about. */
import { appendCustomSection, EMPTY_MODULE } from '../../src/artifact/sections.js';

export interface ArtifactParts {
  /** Laid over the default manifest; `undefined` removes a key. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Laid over `{runtimeKind: 'wasm', abiVersion: 'v1'}`. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Path → text or bytes. */
  readonly frontendAssets?: Readonly<Record<string, string | Uint8Array>>;
  /** Locale → nested texts. */
  readonly i18n?: Readonly<Record<string, object>>;
  readonly apidocI18n?: Readonly<Record<string, object>>;
  /** Key, e.g. `001-init.sql` → statements. */
  readonly installSql?: Readonly<Record<string, string>>;
  readonly uninstallSql?: Readonly<Record<string, string>>;
  readonly mockSql?: Readonly<Record<string, string>>;
  /** Path that begins with `manifest/` → text or bytes. */
  readonly manifestResources?: Readonly<Record<string, string | Uint8Array>>;
  readonly hooks?: readonly unknown[];
  readonly lifecycle?: readonly unknown[];
  readonly resources?: readonly unknown[];
  /** Each is laid over `{method: 'GET', access: 'public', requestType: 'DemoReq'}`. */
  readonly routes?: readonly Readonly<Record<string, unknown>>[];
  /** Laid over an executable bridge; `null` leaves the section out. */
  readonly bridge?: Readonly<Record<string, unknown>> | null;
  readonly hostServices?: readonly unknown[];
  /** The module; without it the artifact has no code. */
  readonly module?: Uint8Array;
  /** Sections by name, put last as they are: they win over those above. */
  readonly sections?: Readonly<Record<string, string | Uint8Array>>;
  /** Names of sections to leave out. */
  readonly without?: readonly string[];
}

/** A valid artifact: dynamic plugin `demo` v0.1.0 with an executable bridge, tenant aware, no routes. */
export function buildArtifact(parts: ArtifactParts = {}): Uint8Array {
  const sections: readonly (readonly [string, unknown])[] = [
    ['lina.plugin.manifest', { ...MANIFEST, ...parts.manifest }],
    ['lina.plugin.dynamic', { runtimeKind: 'wasm', abiVersion: 'v1', ...parts.metadata }],
    ['lina.plugin.frontend.assets', files(parts.frontendAssets)],
    ['lina.plugin.i18n.assets', texts(parts.i18n)],
    ['lina.plugin.apidoc.i18n.assets', texts(parts.apidocI18n)],
    ['lina.plugin.install.sql', statements(parts.installSql)],
    ['lina.plugin.uninstall.sql', statements(parts.uninstallSql)],
    ['lina.plugin.mock.sql', statements(parts.mockSql)],
    ['lina.plugin.manifest.resources', files(parts.manifestResources)],
    ['lina.plugin.backend.hooks', parts.hooks],
    ['lina.plugin.backend.lifecycle', parts.lifecycle],
    ['lina.plugin.backend.resources', parts.resources],
    ['lina.plugin.backend.routes', parts.routes?.map((route) => ({ ...ROUTE, ...route }))],
    ['lina.plugin.backend.bridge', parts.bridge === null ? undefined : { ...BRIDGE, ...parts.bridge }],
    ['lina.plugin.backend.host-services', parts.hostServices],
  ];
  const kept = sections.filter(([name, value]) => value !== undefined && !parts.without?.includes(name));
  const built = kept.reduce(
    (module, [name, value]) => appendCustomSection(module, name, JSON.stringify(value)),
    parts.module ?? EMPTY_MODULE,
  );
  return Object.entries(parts.sections ?? {}).reduce(
    (module, [name, payload]) => appendCustomSection(module, name, payload),
    built,
  );
}

const MANIFEST = {
  id: 'demo',
  name: 'Demo',
  version: 'v0.1.0',
  type: 'dynamic',
  scopeNature: 'tenant_aware',
  supportsMultiTenant: true,
  defaultInstallMode: 'tenant_scoped',
};

const ROUTE = { method: 'GET', access: 'public', requestType: 'DemoReq' };

const BRIDGE = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: 'lina_dynamic_route_alloc',
  executeExport: 'lina_dynamic_route_execute',
};

function files(byPath: Readonly<Record<string, string | Uint8Array>> = {}): readonly object[] | undefined {
  const items = Object.entries(byPath).map(([path, content]) => ({
    path,
    contentBase64: Buffer.from(content).toString('base64'),
  }));
  return items.length > 0 ? items : undefined;
}

function texts(byLocale: Readonly<Record<string, object>> = {}): readonly object[] | undefined {
  const items = Object.entries(byLocale).map(([locale, content]) => ({ locale, content: JSON.stringify(content) }));
  return items.length > 0 ? items : undefined;
}

function statements(byKey: Readonly<Record<string, string>> = {}): readonly object[] | undefined {
  const items = Object.entries(byKey).map(([key, content]) => ({ key, content }));
  return items.length > 0 ? items : undefined;
}
