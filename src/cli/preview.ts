/** `sandpool preview`: what an upgrade or a rollback of a plugin would change. */
import type { Differences, RollbackPreview, UpgradePreview } from '../registry/operations.js';
import { connect, type HostOptions, pluginPath } from './client.js';
import type { Context, ExitCode } from './command.js';
import { targetsOf } from './plugin-view.js';
import { columns } from './table.js';

interface Options extends HostOptions {
  readonly rollback?: boolean;
  readonly to?: string;
}

export async function run({ args: [id], options, answer }: Context<Options>): Promise<ExitCode> {
  const host = await connect(options);
  if (options.rollback || options.to !== undefined) {
    const preview = await host.request<RollbackPreview>({ path: rollbackPath(id, options.to) });
    answer(preview, rollbackText(preview));
  } else {
    const preview = await host.request<UpgradePreview>({ path: pluginPath(id, 'upgrade/preview') });
    answer(preview, upgradeText(preview));
  }
  return 0;
}

function rollbackPath(id: string | undefined, version: string | undefined): string {
  const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
  return `${pluginPath(id, 'rollback/preview')}${query}`;
}

function upgradeText(preview: UpgradePreview): string {
  const { pluginId, effectiveVersion, discoveredVersion, hostServicesDiff, dependencyCheck, riskHints } = preview;
  return lines(
    `${pluginId} ${effectiveVersion} → ${discoveredVersion}${preview.runtimeState === 'upgrade_failed' ? ', which has failed once' : ''}`,
    changesText(preview.differences),
    servicesText(hostServicesDiff),
    blockersText(dependencyCheck),
    section(
      'mind:',
      riskHints.map((hint) => riskText(hint.replace(/^.*\.risk\./, ''), preview) ?? hint),
    ),
    `sandpool upgrade ${pluginId} carries it out`,
  );
}

function rollbackText(preview: RollbackPreview): string {
  const { pluginId, fromVersion, toVersion, hostServicesDiff, dependencyCheck, sqlCompatibility, sqlLeft } = preview;
  const left = sqlLeft.length > 0 ? `: the effects of ${sqlLeft.join(', ')} stay` : '';
  const sql = `no SQL runs; tables stay as ${fromVersion} left them${left}`;
  return lines(
    `${pluginId} ${fromVersion} → ${toVersion}`,
    changesText(preview.differences),
    servicesText(hostServicesDiff),
    blockersText(dependencyCheck),
    section('mind:', sqlCompatibility === 'kept' ? [sql] : []),
    `sandpool rollback ${pluginId} --to ${toVersion} carries it out`,
  );
}

/** The reference gives the same hint for a consent that is needed and for one that was given; people are told which it is. */
function riskText(name: string, { hostServicesDiff, toManifest }: UpgradePreview): string | undefined {
  const isGranted = name === 'hostServiceAuthorizationChanged' && toManifest.hostServiceAuthConfirmed;
  if (!isGranted) return RISKS[name];
  return hostServicesDiff.authorizationChanged
    ? 'it asks for other host services, and all of them are granted'
    : 'it asks for the same host services, and what was granted stays granted';
}

const RISKS: Readonly<Record<string, string>> = {
  upgradeSqlRequiresReview: 'its install SQL runs again; a rollback does not undo it',
  mockSqlExcluded: 'its mock data is not loaded by an upgrade',
  hostServiceAuthorizationChanged: 'host services have to be granted: --grant all, none or a file',
  dependencyBlockers: 'dependencies forbid it',
  pagesInvalid:
    'it will fail: a menu leads to a page that the new version does not publish (its path names the version)',
};

function lines(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

function section(title: string, rows: readonly string[]): string {
  return rows.length === 0 ? '' : [title, ...rows.map((row) => `  ${row}`)].join('\n');
}

// ---- what changes ----------------------------------------------------------------------------------------------------------

type Part = Exclude<keyof Differences, 'fromSizeBytes' | 'toSizeBytes'>;

const PARTS: readonly (readonly [part: Part, title: string])[] = [
  ['routes', 'routes:'],
  ['permissions', 'permissions:'],
  ['menus', 'menus:'],
  ['installSql', 'install SQL:'],
  ['uninstallSql', 'uninstall SQL:'],
  ['mockSql', 'mock data:'],
  ['assets', 'assets:'],
  ['publicAssets', 'published folders:'],
  ['manifestResources', 'manifest resources:'],
  ['languages', 'languages:'],
  ['hooks', 'hooks:'],
  ['lifecycle', 'lifecycle callbacks:'],
];

/** `+` added, `-` removed, `~` changed. */
function changesText(differences: Differences): string {
  const { fromSizeBytes, toSizeBytes } = differences;
  const parts = PARTS.map(([part, title]) => {
    const { added, removed, changed } = differences[part];
    const rows = [...signed('+', added), ...signed('-', removed), ...signed('~', changed)];
    return section(title, rows);
  });
  return lines(`size: ${kib(fromSizeBytes)} → ${kib(toSizeBytes)}`, ...parts);
}

function signed(sign: string, names: readonly string[]): readonly string[] {
  return names.map((name) => `${sign} ${name}`);
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

type ServicesDiff = UpgradePreview['hostServicesDiff'];
type Change = ServicesDiff['changed'][number];

function servicesText({ added, removed, changed }: ServicesDiff): string {
  const rows = [
    ...added.map((change) => [`+ ${nameOf(change)}`, ...sideOf(change, 'to')]),
    ...removed.map((change) => [`- ${nameOf(change)}`, ...sideOf(change, 'from')]),
    ...changed.flatMap((change) => [
      [`~ ${nameOf(change)}`, ...sideOf(change, 'from')],
      ['  →', ...sideOf(change, 'to')],
    ]),
  ];
  return section('host services:', rows.length === 0 ? [] : columns(rows).split('\n'));
}

function nameOf({ owner, service, version }: Change): string {
  return owner ? `${owner}/${service}@${version}` : service;
}

function sideOf(change: Change, side: 'from' | 'to'): readonly [methods: string, targets: string] {
  const {
    methods = [],
    paths,
    keys,
    tables,
    refs,
  } = side === 'from'
    ? {
        methods: change.fromMethods,
        paths: change.fromPaths,
        keys: change.fromKeys,
        tables: change.fromTables,
        refs: change.fromResourceRefs,
      }
    : {
        methods: change.toMethods,
        paths: change.toPaths,
        keys: change.toKeys,
        tables: change.toTables,
        refs: change.toResourceRefs,
      };
  const resources = refs?.map((ref) => ({ ref }));
  const service = { service: '', methods, ...(paths && { paths }), ...(keys && { keys }), ...(tables && { tables }) };
  return [methods.join(', '), targetsOf({ ...service, ...(resources && { resources }) }).join(', ')];
}

function blockersText({ blockers, reverseBlockers }: UpgradePreview['dependencyCheck']): string {
  return section(
    'forbidden by dependencies:',
    [...blockers, ...reverseBlockers].map(({ detail }) => detail),
  );
}
