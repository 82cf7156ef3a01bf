/**
 * What plugins need of one another and of the host (`spec/governance.md` §2.11). Pure: one snapshot of all plugins in, one check
 * out, ids in order. All declared dependencies are hard, and nothing is ever installed for them.
 */
import type { PluginDependencies } from '../artifact/dependencies.js';
import type { HostServiceDeclaration } from '../artifact/host-services.js';
import { satisfies } from '../artifact/versions.js';
import { SandpoolError } from '../protocol/errors.js';

/** Version of the framework that artifacts ask for; that of the reference host, whose behaviour this one has. */
export const FRAMEWORK_VERSION = 'v0.5.0';

/** A plugin as others depend on it. */
export interface PluginFacts {
  readonly pluginId: string;
  readonly name: string;
  /** Effective when installed, else discovered. */
  readonly version: string;
  readonly installed: boolean;
  readonly enabled: boolean;
  /** Of the effective release when installed; absent when its snapshot cannot be read. */
  readonly dependencies?: PluginDependencies | undefined;
  /** Of the staged file. */
  readonly discoveredDependencies?: PluginDependencies | undefined;
  /** What the plugin asks of others. */
  readonly services: readonly HostServiceDeclaration[];
}

export type Plugins = ReadonlyMap<string, PluginFacts>;

/** The release that is to be installed, enabled or upgraded to. */
export interface Candidate {
  readonly pluginId: string;
  readonly version: string;
  readonly dependencies: PluginDependencies;
}

export type DependencyStatus = 'satisfied' | 'missing' | 'version_unsatisfied' | 'not_enabled';

export type BlockerCode =
  | 'framework_version_unsatisfied'
  | 'dependency_missing'
  | 'dependency_version_unsatisfied'
  | 'dependency_not_enabled'
  | 'dependency_cycle'
  | 'dependency_snapshot_unknown'
  | 'reverse_dependency'
  | 'reverse_enabled_dependency'
  | 'reverse_dependency_version';

export interface Blocker {
  readonly code: BlockerCode;
  readonly pluginId: string;
  readonly dependencyId: string;
  readonly requiredVersion: string;
  readonly currentVersion: string;
  readonly chain?: readonly string[];
  readonly detail: string;
}

export interface DependencyItem {
  /** The plugin that declares it. */
  readonly ownerId: string;
  readonly dependencyId: string;
  readonly dependencyName: string;
  readonly requiredVersion: string;
  readonly currentVersion: string;
  readonly installed: boolean;
  readonly enabled: boolean;
  readonly discovered: boolean;
  readonly status: DependencyStatus;
  /** From the target to the dependency, where it is not a direct one. */
  readonly chain?: readonly string[];
}

export interface OwnerHostService {
  readonly owner: string;
  readonly service: string;
  readonly version: string;
  readonly methods: readonly string[];
}

export interface ReverseDependent {
  readonly pluginId: string;
  readonly name: string;
  readonly version: string;
  readonly requiredVersion: string;
  readonly enabled: boolean;
  /** Services of the target that the dependent uses. */
  readonly ownerHostServices?: readonly OwnerHostService[];
}

export interface DependencyCheck {
  readonly targetId: string;
  readonly framework: {
    readonly requiredVersion: string;
    readonly currentVersion: string;
    readonly status: 'not_declared' | 'satisfied' | 'unsatisfied';
  };
  readonly dependencies: readonly DependencyItem[];
  readonly blockers: readonly Blocker[];
  readonly cycle?: readonly string[];
  readonly reverseDependents: readonly ReverseDependent[];
  readonly reverseBlockers: readonly Blocker[];
}

export type ForwardAxis = 'install' | 'enable';
export type ReverseAxis = 'disable' | 'uninstall' | 'upgrade';

export interface CheckOptions {
  readonly forward: ForwardAxis;
  readonly reverse: ReverseAxis;
  readonly frameworkVersion?: string;
}

/** Checks a release against all plugins, in both directions. */
export function checkDependencies(candidate: Candidate, plugins: Plugins, options: CheckOptions): DependencyCheck {
  const { dependencies, blockers, cycle } = walk(candidate, plugins, options.forward);
  const framework = frameworkOf(candidate, options.frameworkVersion ?? FRAMEWORK_VERSION);
  const refused = framework.status === 'unsatisfied' ? [frameworkBlocker(candidate, framework)] : [];
  const reverse = checkReverse(candidate, plugins, options.reverse);
  return {
    targetId: candidate.pluginId,
    framework,
    dependencies,
    blockers: [...refused, ...blockers],
    ...(cycle && { cycle }),
    ...reverse,
  };
}

/** @throws PLUGIN_DEPENDENCY_BLOCKED */
export function requireDependencies(check: DependencyCheck): void {
  const [first] = check.blockers;
  if (first === undefined) return;
  throw new SandpoolError('PLUGIN_DEPENDENCY_BLOCKED', {
    pluginId: check.targetId,
    dependencyId: first.dependencyId,
    requiredVersion: first.requiredVersion,
    currentVersion: first.currentVersion,
    chain: (first.chain ?? []).join('>'),
    blockers: blockerText(check.blockers),
  });
}

/** @throws PLUGIN_REVERSE_DEPENDENCY_BLOCKED, PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED when others forbid it. */
export function requireNoDependents(check: DependencyCheck, axis: ReverseAxis): void {
  const [first] = check.reverseBlockers;
  if (first === undefined) return;
  const blocked = new Set(check.reverseBlockers.map(({ pluginId }) => pluginId));
  const dependents = check.reverseDependents.filter(({ pluginId }) => blocked.has(pluginId));
  const services = dependents.flatMap(({ ownerHostServices = [] }) => ownerHostServices);
  const code = axis === 'disable' ? 'PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED' : 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED';
  throw new SandpoolError(code, {
    pluginId: check.targetId,
    dependents: [...blocked].join(','),
    dependencyId: check.targetId,
    requiredVersion: first.requiredVersion,
    currentVersion: first.currentVersion,
    ownerHostServices: services.map(({ owner, service, version }) => `${owner}/${service}/${version}`).join(','),
    blockers: blockerText(check.reverseBlockers),
  });
}

/** `code|plugin|dep|required|current|a>b>c`, joined by `;`. */
export function blockerText(blockers: readonly Blocker[]): string {
  return blockers
    .map(({ code, pluginId, dependencyId, requiredVersion, currentVersion, chain = [] }) =>
      [code, pluginId, dependencyId, requiredVersion, currentVersion, chain.join('>')].join('|'),
    )
    .join(';');
}

type Framework = DependencyCheck['framework'];

function frameworkOf({ dependencies }: Candidate, currentVersion: string): Framework {
  const requiredVersion = dependencies.framework?.version ?? '';
  if (requiredVersion === '') return { requiredVersion, currentVersion, status: 'not_declared' };
  const status = satisfies(currentVersion, requiredVersion) ? 'satisfied' : 'unsatisfied';
  return { requiredVersion, currentVersion, status };
}

function frameworkBlocker({ pluginId }: Candidate, { requiredVersion, currentVersion }: Framework): Blocker {
  return {
    code: 'framework_version_unsatisfied',
    pluginId,
    dependencyId: 'framework',
    requiredVersion,
    currentVersion,
    detail: `${pluginId} needs framework ${requiredVersion}, this host is ${currentVersion}`,
  };
}

// ---- what the target needs -------------------------------------------------------------------------------------------------

interface Walked {
  readonly dependencies: readonly DependencyItem[];
  readonly blockers: readonly Blocker[];
  readonly cycle?: readonly string[];
}

/** Goes through satisfied edges only: below an unsatisfied one nothing is known. */
function walk(candidate: Candidate, plugins: Plugins, axis: ForwardAxis): Walked {
  const items: DependencyItem[] = [];
  const blockers: Blocker[] = [];
  const done = new Set<string>();
  let cycle: readonly string[] | undefined;

  const visit = (ownerId: string, declared: PluginDependencies, path: readonly string[]): void => {
    for (const { id, version } of sorted(declared.plugins)) {
      const chain = [...path, id];
      if (path.includes(id)) {
        if (cycle === undefined) {
          cycle = chain.slice(chain.indexOf(id));
          blockers.push(blocker('dependency_cycle', ownerId, id, version, plugins.get(id)?.version ?? '', cycle));
        }
        continue;
      }
      const found = plugins.get(id);
      const item = itemOf(ownerId, id, version, found, axis, chain);
      items.push(item);
      const code = BLOCKER_OF[item.status];
      // A cycle is told as such, also where its plugins are not installed yet.
      if (code !== undefined) blockers.push(blocker(code, ownerId, id, version, item.currentVersion, chain));
      const next = found?.dependencies ?? (found?.installed ? undefined : found?.discoveredDependencies);
      const leadsBack = next?.plugins.some((dependency) => chain.includes(dependency.id));
      if ((code === undefined || leadsBack) && next !== undefined && !done.has(id)) {
        if (code === undefined) done.add(id);
        visit(id, code === undefined ? next : onlyTo(next, chain), chain);
      }
    }
  };
  visit(candidate.pluginId, candidate.dependencies, [candidate.pluginId]);
  return { dependencies: items, blockers, ...(cycle && { cycle }) };
}

const BLOCKER_OF: Readonly<Record<DependencyStatus, BlockerCode | undefined>> = {
  satisfied: undefined,
  missing: 'dependency_missing',
  version_unsatisfied: 'dependency_version_unsatisfied',
  not_enabled: 'dependency_not_enabled',
};

function onlyTo({ plugins }: PluginDependencies, chain: readonly string[]): PluginDependencies {
  return { plugins: plugins.filter(({ id }) => chain.includes(id)) };
}

function itemOf(
  ownerId: string,
  dependencyId: string,
  requiredVersion: string,
  found: PluginFacts | undefined,
  axis: ForwardAxis,
  chain: readonly string[],
): DependencyItem {
  return {
    ownerId,
    dependencyId,
    dependencyName: found?.name ?? '',
    requiredVersion,
    currentVersion: found?.version ?? '',
    installed: found?.installed ?? false,
    enabled: found?.enabled ?? false,
    discovered: found !== undefined,
    status: statusOf(found, requiredVersion, axis),
    ...(chain.length > 2 && { chain }),
  };
}

function statusOf(found: PluginFacts | undefined, range: string, axis: ForwardAxis): DependencyStatus {
  if (!found?.installed) return 'missing';
  if (range !== '' && !satisfies(found.version, range)) return 'version_unsatisfied';
  return axis === 'enable' && !found.enabled ? 'not_enabled' : 'satisfied';
}

const SENTENCES: Readonly<Record<BlockerCode, string>> = {
  framework_version_unsatisfied: 'the host is of another version',
  dependency_missing: 'it is not installed',
  dependency_version_unsatisfied: 'it is installed in another version',
  dependency_not_enabled: 'it is not enabled',
  dependency_cycle: 'the plugins need each other',
  dependency_snapshot_unknown: 'what the installed plugin needs cannot be read',
  reverse_dependency: 'an installed plugin needs it',
  reverse_enabled_dependency: 'an enabled plugin needs it',
  reverse_dependency_version: 'an installed plugin needs another version of it',
};

function blocker(
  code: BlockerCode,
  pluginId: string,
  dependencyId: string,
  requiredVersion: string,
  currentVersion: string,
  chain?: readonly string[],
): Blocker {
  const detail = `${pluginId} needs ${dependencyId}${requiredVersion && ` ${requiredVersion}`}: ${SENTENCES[code]}`;
  return { code, pluginId, dependencyId, requiredVersion, currentVersion, ...(chain && { chain }), detail };
}

// ---- who needs the target --------------------------------------------------------------------------------------------------

type Reverse = Pick<DependencyCheck, 'reverseDependents' | 'reverseBlockers'>;

function checkReverse(candidate: Candidate, plugins: Plugins, axis: ReverseAxis): Reverse {
  const reverseDependents: ReverseDependent[] = [];
  const reverseBlockers: Blocker[] = [];
  const others = [...plugins.values()].filter(
    ({ pluginId, installed }) => installed && pluginId !== candidate.pluginId,
  );
  for (const plugin of others.sort((left, right) => (left.pluginId < right.pluginId ? -1 : 1))) {
    const edge = edgeTo(candidate.pluginId, plugin);
    if (edge === undefined) continue;
    const { range, isKnown } = edge;
    reverseDependents.push(dependentOf(candidate.pluginId, plugin, range));
    const code = isKnown ? reverseCode(candidate, plugin, range, axis) : unknownCode(plugin, axis);
    if (code !== undefined)
      reverseBlockers.push(blocker(code, plugin.pluginId, candidate.pluginId, range, candidate.version));
  }
  return { reverseDependents, reverseBlockers };
}

/** How an installed plugin depends on the target; one that cannot be read may, unless its staged file says otherwise. */
function edgeTo(targetId: string, plugin: PluginFacts): { range: string; isKnown: boolean } | undefined {
  const known = plugin.dependencies?.plugins.find(({ id }) => id === targetId);
  if (plugin.dependencies !== undefined) return known && { range: known.version, isKnown: true };
  if (plugin.discoveredDependencies === undefined) return { range: '', isKnown: false };
  const discovered = plugin.discoveredDependencies.plugins.find(({ id }) => id === targetId);
  return discovered && { range: discovered.version, isKnown: false };
}

function reverseCode(
  candidate: Candidate,
  plugin: PluginFacts,
  range: string,
  axis: ReverseAxis,
): BlockerCode | undefined {
  if (axis === 'uninstall') return 'reverse_dependency';
  if (axis === 'disable') return plugin.enabled ? 'reverse_enabled_dependency' : undefined;
  return range === '' || satisfies(candidate.version, range) ? undefined : 'reverse_dependency_version';
}

function unknownCode(plugin: PluginFacts, axis: ReverseAxis): BlockerCode | undefined {
  return axis === 'disable' && !plugin.enabled ? undefined : 'dependency_snapshot_unknown';
}

function dependentOf(targetId: string, plugin: PluginFacts, requiredVersion: string): ReverseDependent {
  const { pluginId, name, version, enabled, services } = plugin;
  const used = services.filter(({ owner }) => owner === targetId);
  const ownerHostServices = used.map((service) => ({
    owner: service.owner,
    service: service.service,
    version: service.version,
    methods: service.methods,
  }));
  return { pluginId, name, version, requiredVersion, enabled, ...(used.length > 0 && { ownerHostServices }) };
}

function sorted<Item extends { readonly id: string }>(items: readonly Item[]): readonly Item[] {
  return [...items].sort((left, right) => (left.id < right.id ? -1 : 1));
}
