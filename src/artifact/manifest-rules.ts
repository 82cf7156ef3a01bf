/** What a manifest may say (`spec/artifact.md` §4), and how it is written into an artifact. */
import { checkOwners, normalizeDependencies } from './dependencies.js';
import type { HostServiceDeclaration } from './host-services.js';
import { invalid } from './json.js';
import type { Manifest, RawManifest } from './manifest.js';
import { encodeMenus, normalizeMenus } from './menus.js';
import { checkPluginId } from './plugin-id.js';
import { normalizePublicAssets, type PublicAssetDeclaration } from './public-assets.js';
import { lower, trim } from './text.js';
import { isVersion } from './versions.js';

/** Rules that depend on where the manifest stands. */
export interface ManifestContext {
  /** Services whose owners must be among the dependencies. */
  readonly hostServices?: readonly HostServiceDeclaration[];
  /** An artifact may only be `dynamic`. */
  readonly onlyDynamic?: boolean;
}

/**
 * The manifest in normal form, checked in the order of an upload (`spec/artifact.md` §6 steps 5 and 10).
 * @throws SBX_ARTIFACT_INVALID with the text of the first rule that fails. @throws PLUGIN_ID_INVALID
 */
export function normalizeManifest(raw: RawManifest, context: ManifestContext = {}): Manifest {
  return normalize(raw, context, (rule) => rule());
}

/**
 * The manifest as far as it can be understood: what breaks a rule has its default. An artifact parses before it is checked, so
 * that an operator can be shown what is in a file that is refused.
 */
export function understandManifest(raw: RawManifest): Manifest {
  return normalize(raw, {}, (rule, fallback) => {
    try {
      return rule();
    } catch {
      return fallback;
    }
  });
}

/** The manifest in the shape of section `lina.plugin.manifest`, keys in the order that is written (`spec/artifact.md` §2.1). */
export function encodeManifest(raw: RawManifest, manifest: Manifest): object {
  const { framework, plugins } = manifest.dependencies;
  const dependencies = {
    framework,
    plugins: plugins.length > 0 ? plugins.map(({ id, version }) => ({ id, version: version || undefined })) : undefined,
  };
  return {
    id: manifest.id,
    name: manifest.name,
    version: manifest.version,
    type: manifest.type,
    scopeNature: manifest.scopeNature,
    supportsMultiTenant: manifest.supportsMultiTenant,
    defaultInstallMode: manifest.defaultInstallMode,
    description: manifest.description || undefined,
    dependencies: framework || plugins.length > 0 ? dependencies : undefined,
    menus: raw.menus.length > 0 ? encodeMenus(raw.menus) : undefined,
    public_assets: raw.publicAssets.length > 0 ? raw.publicAssets.map(encodePublicAsset) : undefined,
  };
}

/** Runs a rule, or stands in for its result. */
type Apply = <T>(rule: () => T, fallback: T) => T;

function normalize(raw: RawManifest, { hostServices = [], onlyDynamic }: ManifestContext, apply: Apply): Manifest {
  const type = apply(() => normalizeType(raw.type, onlyDynamic ?? false), 'dynamic');
  const tenancy = normalizeTenancy(raw, apply);
  const [id, name, version] = [trim(raw.id), trim(raw.name), trim(raw.version)];
  apply(() => checkIdentity(id, name, version), undefined);
  const menus = apply(() => normalizeMenus(raw.menus, id), []);
  const distribution = apply(() => normalizeDistribution(raw.distribution, type), 'managed');
  const dependencies = apply(() => normalizeDependencies(raw.dependencies, id), { plugins: [] });
  apply(() => checkOwners(hostServices, dependencies), undefined);
  const publicAssets = apply(() => normalizePublicAssets(raw.publicAssets), []);
  const description = trim(raw.description);
  return { id, name, version, type, distribution, ...tenancy, description, dependencies, menus, publicAssets };
}

function normalizeType(declared: string, onlyDynamic: boolean): 'source' | 'dynamic' {
  const type = oneOf(declared, 'source', ['source', 'dynamic'], 'plugin type');
  if (onlyDynamic && type !== 'dynamic') throw invalid('plugin type must be dynamic');
  return type;
}

function normalizeDistribution(declared: string, type: string): 'managed' | 'builtin' {
  const distribution = oneOf(declared, 'managed', ['managed', 'builtin'], 'plugin distribution');
  if (distribution === 'builtin' && type === 'dynamic') throw invalid('dynamic plugin distribution cannot be builtin');
  return distribution;
}

type Tenancy = Pick<Manifest, 'scopeNature' | 'supportsMultiTenant' | 'defaultInstallMode'>;

function normalizeTenancy(raw: RawManifest, apply: Apply): Tenancy {
  const scopeNature = apply<Tenancy['scopeNature']>(
    () => oneOf(raw.scopeNature, 'tenant_aware', ['platform_only', 'tenant_aware'], 'scope_nature'),
    'tenant_aware',
  );
  const supportsMultiTenant = raw.supportsMultiTenant ?? false;
  apply(() => {
    if (raw.supportsMultiTenant === undefined) throw invalid('supports_multi_tenant is required');
    if (supportsMultiTenant && scopeNature === 'platform_only') {
      throw invalid('supports_multi_tenant cannot be true when scope_nature is platform_only');
    }
  }, undefined);
  const chosen = apply<Tenancy['defaultInstallMode']>(
    () => oneOf(raw.defaultInstallMode, 'tenant_scoped', ['global', 'tenant_scoped'], 'default_install_mode'),
    'tenant_scoped',
  );
  const forced = scopeNature === 'platform_only' || !supportsMultiTenant;
  return { scopeNature, supportsMultiTenant, defaultInstallMode: forced ? 'global' : chosen };
}

function checkIdentity(id: string, name: string, version: string): void {
  if (id === '') throw invalid('plugin manifest is missing id');
  checkPluginId(id);
  if (name === '') throw invalid('plugin manifest is missing name');
  if (version === '') throw invalid('plugin manifest is missing version');
  if (!isVersion(version)) throw invalid(`plugin version ${version} is invalid: it must be like v1.2.3 or 1.2.3-rc.1`);
}

function oneOf<T extends string>(declared: string, fallback: T, allowed: readonly T[], field: string): T {
  const value = lower(declared);
  const found = value === '' ? fallback : allowed.find((choice) => choice === value);
  if (found === undefined) throw invalid(`${field} only supports ${allowed.join('/')}: ${declared}`);
  return found;
}

function encodePublicAsset({ source, mount, index }: PublicAssetDeclaration): object {
  return { source: trim(source), mount: trim(mount) || undefined, index: trim(index) || undefined };
}
