/** The state that an operator sees, derived from what is stored and what is discovered (`spec/governance.md` §1.3). */
import { compareVersions } from '../artifact/versions.js';
import type { HostState, ReleaseStatus } from './tables.js';

export type RuntimeState = 'normal' | 'pending_upgrade' | 'abnormal' | 'upgrade_running' | 'upgrade_failed';
export type AbnormalReason = 'discovered_version_lower_than_effective' | 'version_compare_failed';

export type UpgradePhase =
  | 'release'
  | 'before_upgrade'
  | 'upgrade_callback'
  | 'sql'
  | 'governance'
  | 'release_switch'
  | 'cache_invalidation';

export interface RuntimeStanding {
  readonly runtimeState: RuntimeState;
  readonly upgradeAvailable: boolean;
  readonly abnormalReason?: AbnormalReason;
}

export interface RuntimeFacts {
  readonly installed: boolean;
  readonly currentState: HostState;
  readonly effectiveVersion: string;
  readonly discoveredVersion: string;
  /** Status of the release row of the discovered version. */
  readonly discoveredStatus?: ReleaseStatus | undefined;
}

export function runtimeStandingOf(facts: RuntimeFacts): RuntimeStanding {
  const { installed, currentState, effectiveVersion, discoveredVersion } = facts;
  if (!installed || effectiveVersion === '' || discoveredVersion === '') return standing('normal');
  if (currentState === 'upgrade_running' || currentState === 'reconciling') return standing('upgrade_running');
  if (currentState === 'failed' || facts.discoveredStatus === 'failed') return standing('upgrade_failed');
  const order = compareVersions(effectiveVersion, discoveredVersion);
  if (order === undefined) return { ...standing('abnormal'), abnormalReason: 'version_compare_failed' };
  if (order < 0) return { ...standing('pending_upgrade'), upgradeAvailable: true };
  if (order > 0) return { ...standing('abnormal'), abnormalReason: 'discovered_version_lower_than_effective' };
  return standing('normal');
}

const PHASES: readonly (readonly [part: RegExp, phase: UpgradePhase])[] = [
  [/before[-_]upgrade/, 'before_upgrade'],
  [/upgrade[-_]callback/, 'upgrade_callback'],
  [/governance/, 'governance'],
  [/cache/, 'cache_invalidation'],
  [/release[-_]switch/, 'release_switch'],
  [/^upgrade[-_]step[-_]|source[-_]sql|[-_]sql/, 'sql'],
];

/** The phase that a key of the ledger speaks of; the first part that occurs in it counts. */
export function upgradePhaseOf(migrationKey: string): UpgradePhase {
  return PHASES.find(([part]) => part.test(migrationKey))?.[1] ?? 'release';
}

/** The key under which a failed phase is written. */
export function phaseKey(phase: UpgradePhase): string {
  return `upgrade-phase-${phase}`;
}

function standing(runtimeState: RuntimeState): RuntimeStanding {
  return { runtimeState, upgradeAvailable: false };
}
