import t from 'tap';
import { type RuntimeFacts, runtimeStandingOf } from '../../src/registry/runtime-state.js';

const NORMAL: RuntimeFacts = {
  installed: true,
  currentState: 'enabled',
  effectiveVersion: 'v0.1.0',
  discoveredVersion: 'v0.1.0',
};

const PENDING = { discoveredVersion: 'v0.2.0' };

// biome-ignore format: a table
const TABLE: readonly (readonly [string, Partial<RuntimeFacts>, object])[] = [
  ['1 not installed',        { installed: false, ...PENDING },                         { runtimeState: 'normal', upgradeAvailable: false }],
  ['1 no version',           { discoveredVersion: '' },                                { runtimeState: 'normal', upgradeAvailable: false }],
  ['2 upgrade under way',    { currentState: 'upgrade_running', ...PENDING },          { runtimeState: 'upgrade_running', upgradeAvailable: false }],
  ['2 reconciling',          { currentState: 'reconciling' },                          { runtimeState: 'upgrade_running', upgradeAvailable: false }],
  ['3 failed',               { currentState: 'failed', ...PENDING },                   { runtimeState: 'upgrade_failed', upgradeAvailable: false }],
  ['4 the other release failed', { discoveredStatus: 'failed', ...PENDING },           { runtimeState: 'upgrade_failed', upgradeAvailable: false }],
  ['5 no version to compare', { discoveredVersion: 'latest' },                         { runtimeState: 'abnormal', upgradeAvailable: false, abnormalReason: 'version_compare_failed' }],
  ['6 higher is staged',     { discoveredStatus: 'prepared', ...PENDING },             { runtimeState: 'pending_upgrade', upgradeAvailable: true }],
  ['7 lower is staged',      { discoveredVersion: 'v0.0.9' },                          { runtimeState: 'abnormal', upgradeAvailable: false, abnormalReason: 'discovered_version_lower_than_effective' }],
  ['8 equal',                {},                                                       { runtimeState: 'normal', upgradeAvailable: false }],
  ['8 equal but for a pre-release', { discoveredVersion: '0.1.0-rc.1' },               { runtimeState: 'normal', upgradeAvailable: false }],
];

for (const [name, facts, expected] of TABLE) {
  t.test(`§1.3 ${name}`, async (t) => {
    t.strictSame(runtimeStandingOf({ ...NORMAL, ...facts }), expected);
  });
}
