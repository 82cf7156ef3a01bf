import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { Registry } from '../../src/registry/registry.js';
import { openBlobs } from '../../src/store/blobs.js';
import { artifactOf, type House, newHouse, openHouse, SCOPED } from './house.js';
import { fakePorts } from './ports.js';

t.setTimeout(600_000);

// ---- random walks ----------------------------------------------------------------------------------------------------------

/** What an operator would say of the plugin. */
interface Model {
  staged: number;
  version: number;
  installed: boolean;
  enabled: boolean;
  generation: number;
  previous: number;
  /** Versions that were in effect since the installation. */
  kept: Set<number>;
}

interface Step {
  readonly text: string;
  readonly run: (registry: Registry) => Promise<unknown>;
  /** Changes the model, or says with which code the step is refused. */
  readonly expect: (model: Model) => string | undefined;
}

const ARTIFACTS = [1, 2, 3].map((number) => artifactOf('demo', versionOf(number)));

function versionOf(number: number): string {
  return `v0.${number}.0`;
}

function change(model: Model, changes: Partial<Model>): undefined {
  Object.assign(model, changes, { generation: model.generation + 1 });
}

const known = (expect: Step['expect']): Step['expect'] => {
  return (model) => (model.generation === 0 ? 'PLUGIN_NOT_FOUND' : expect(model));
};
const installed = (expect: Step['expect']): Step['expect'] => {
  return known((model) => (model.installed ? expect(model) : 'PLUGIN_NOT_INSTALLED'));
};
const switchTo = (model: Model, version: number): undefined => {
  const kept = new Set([...model.kept, version]);
  return change(model, { previous: model.version, version, staged: version, kept });
};

const upload = (number: number): Step => ({
  text: `upload ${number}`,
  run: (registry) => registry.upload(ARTIFACTS[number - 1]!, { overwrite: true }),
  expect(model) {
    if (model.staged === number || (model.installed && model.version === number)) return undefined;
    if (model.installed && number < model.version) return 'SBX_UPLOAD_REFUSED';
    model.staged = number;
    if (!model.installed) model.version = number;
    model.generation ||= 1;
    return undefined;
  },
});
const rollback = (number: number): Step => ({
  text: `rollback ${number || ''}`,
  run: (registry) => registry.rollback('demo', { confirmed: true, ...(number && { version: versionOf(number) }) }),
  expect: known((model) => {
    const target = number || model.previous;
    const isPossible = model.installed && target !== model.version && model.kept.has(target);
    return isPossible ? switchTo(model, target) : 'PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE';
  }),
});

const STEPS: readonly Step[] = [
  ...[1, 2, 3].map(upload),
  ...[0, 1, 2].map(rollback),
  {
    text: 'install',
    run: (registry) => registry.install('demo'),
    expect: known((model) => {
      if (model.installed) return undefined;
      return change(model, { installed: true, version: model.staged, previous: 0, kept: new Set([model.staged]) });
    }),
  },
  {
    text: 'enable',
    run: (registry) => registry.enable('demo'),
    expect: installed((model) => (model.enabled ? undefined : change(model, { enabled: true }))),
  },
  {
    text: 'disable',
    run: (registry) => registry.disable('demo'),
    expect: installed((model) => (model.enabled ? change(model, { enabled: false }) : undefined)),
  },
  {
    text: 'upgrade',
    run: (registry) => registry.upgrade('demo', { confirmed: true }),
    expect: known((model) => {
      if (model.installed && model.staged > model.version) return switchTo(model, model.staged);
      return 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE';
    }),
  },
  {
    text: 'uninstall',
    run: (registry) => registry.uninstall('demo'),
    expect: known((model) => {
      if (!model.installed) return undefined;
      return change(model, { installed: false, enabled: false, previous: 0, kept: new Set() });
    }),
  },
  { text: 'sync', run: (registry) => registry.sync(), expect: followFile },
];

/** What is not installed follows its file. */
function followFile(model: Model): undefined {
  if (!model.installed) model.version = model.staged;
}

const RESTART = 'restart';

async function walk(t: Test, dir: string, steps: readonly (Step | typeof RESTART)[]): Promise<void> {
  mkdirSync(dir);
  let house = openHouse(t, dir);
  await house.registry.reload();
  const model: Model = {
    staged: 0,
    version: 0,
    installed: false,
    enabled: false,
    generation: 0,
    previous: 0,
    kept: new Set(),
  };
  for (const step of steps) {
    if (step === RESTART) {
      house.database.close();
      house = openHouse(t, dir);
      await house.registry.reload();
    } else {
      const outcome = step.run(house.registry).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof SandpoolError ? thrown.code : thrown),
      );
      const [actual, expected] = [await outcome, step.expect(model)];
      if (actual !== expected) throw new Error(`${step.text}: ${String(actual)} instead of ${expected}`);
    }
    // Every operation looks at the staged file first.
    followFile(model);
    requireSame(house, model);
  }
  house.database.close();
}

function requireSame({ registry, fake, rows }: House, model: Model): void {
  const [record] = registry.list();
  const isPending = model.installed && model.staged > model.version;
  const actual = {
    version: record?.plugin.version,
    installed: record?.plugin.installed === 1,
    enabled: record?.plugin.status === 1,
    generation: record?.plugin.generation ?? 0,
    runtimeState: record?.runtimeState,
    discovered: record?.discoveredVersion,
    loaded: fake.loaded.get('demo')?.version,
    held: fake.held.size,
    active: rows('sys_plugin_release').filter(({ status }) => status === 'active').length,
  };
  const isKnown = model.generation > 0;
  const expected = {
    version: isKnown ? versionOf(model.version) : undefined,
    installed: model.installed,
    enabled: model.enabled,
    generation: model.generation,
    runtimeState: isKnown ? (isPending ? 'pending_upgrade' : 'normal') : undefined,
    discovered: isKnown ? versionOf(model.staged) : undefined,
    loaded: model.enabled ? versionOf(model.version) : undefined,
    held: 0,
    active: model.enabled ? 1 : 0,
  };
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

t.test('whatever operators do in whatever order, the plugin is where a small model says', async (t) => {
  const base = t.testdir({});
  let walks = 0;
  const step = fc.constantFrom(...STEPS, RESTART).map((value) => value as Step | typeof RESTART);
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
    walks += 1;
    await walk(t, join(base, String(walks)), steps);
  });
  // The same walks each time: a change is judged by what it does, and not by which walks it has met.
  await fc.assert(property, { numRuns: 30, seed: 7 });
});

// ---- full disk -------------------------------------------------------------------------------------------------------------

const ALL = { authorization: { services: [{ service: 'storage', paths: ['a/'] }] } };
const parts = { hostServices: SCOPED, installSql: { '001-a.sql': 'x' }, uninstallSql: { '001-a.sql': 'x' } };
const OLD = artifactOf('demo', 'v0.1.0', parts);
const NEW = artifactOf('demo', 'v0.2.0', parts);

type Act = (registry: Registry) => Promise<unknown>;

const ACTS: Readonly<Record<string, Act>> = {
  upload: (registry) => registry.upload(OLD),
  install: (registry) => registry.install('demo', ALL),
  enable: (registry) => registry.enable('demo'),
  disable: (registry) => registry.disable('demo'),
  enableAgain: (registry) => registry.enable('demo'),
  uploadNew: (registry) => registry.upload(NEW),
  upgrade: (registry) => registry.upgrade('demo', { confirmed: true }),
  rollback: (registry) => registry.rollback('demo', { confirmed: true }),
  uninstall: (registry) => registry.uninstall('demo'),
};

/** A house whose disk is full at the write of this number, counted from when it is armed, and at all after it where that is to last. */
async function fullHouse(t: Test, isLasting: boolean) {
  let left = Number.POSITIVE_INFINITY;
  const onStep = (step: string) => {
    if (!['temporary-written', 'written', 'marking'].includes(step)) return;
    left -= 1;
    if (left === 0 || (isLasting && left < 0))
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  const dir = t.testdir({});
  const blobs = openBlobs({ archiveDir: dir, stagingDir: join(dir, 'plugins'), onStep });
  const { sql, governance, storage } = fakePorts();
  const house = openHouse(t, dir, { blobs, onStep, sql, governance, storage });
  await house.registry.reload();
  return {
    house,
    fillAt: (write: number) => {
      left = write;
    },
  };
}

function standing({ registry, fake }: House) {
  const view = registry.find('demo');
  return {
    version: view?.version,
    installed: view?.installed,
    enabled: view?.enabled,
    loaded: fake.loaded.get('demo')?.version,
    held: fake.held.size,
  };
}

const FULL = [
  ['is full at any write', false],
  ['is full from any write on', true],
] as const;

for (const [index, name] of Object.keys(ACTS).entries()) {
  for (const [what, isLasting] of FULL) testFullDisk(index, name, what, isLasting);
}

function testFullDisk(index: number, name: string, what: string, isLasting: boolean): void {
  t.test(`F013: a disk that ${what} of ${name} is told, changes nothing, and the next try succeeds`, async (t) => {
    let failures = 0;
    for (let write = 1; write < 20; write += 1) {
      const { house, fillAt } = await fullHouse(t, isLasting);
      for (const before of Object.keys(ACTS).slice(0, index)) await ACTS[before]!(house.registry);
      const before = standing(house);
      fillAt(write);
      const thrown = await ACTS[name]!(house.registry).catch((error: unknown) => error);
      fillAt(Number.POSITIVE_INFINITY);
      if (!(thrown instanceof SandpoolError)) {
        t.notOk(thrown instanceof Error, String(thrown));
        break;
      }
      failures += 1;
      t.match(
        thrown.code,
        /^(?:SBX_STORE_FAILED|PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED|PLUGIN_UNINSTALL_EXECUTION_FAILED)$/,
      );
      t.match(thrown.message, /no space left/);
      t.same(standing(house), before, `after write ${write}`);
      t.match(house.registry.find('demo')?.runtimeState ?? 'normal', /^(?:normal|pending_upgrade|upgrade_failed)$/);
      await ACTS[name]!(house.registry);
      t.match(house.registry.find('demo')?.runtimeState, name === 'uploadNew' ? 'pending_upgrade' : 'normal');
    }
    t.ok(failures > 0, 'something was written');
  });
}

t.test('what has changed nothing is done, also when the audit log cannot be written', async (t) => {
  const { registry, database, warnings } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  database.exec("CREATE TRIGGER full BEFORE INSERT ON sandpool_audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  await t.rejects(registry.enable('demo'), { code: 'PLUGIN_NOT_INSTALLED' });
  await registry.upload(artifactOf('demo'));
  t.same(warnings, ['the audit log cannot be written', 'the audit log cannot be written']);
});

t.test('a clock that is set back at every look leads to the same states, and the log keeps its order', async (t) => {
  let clock = Date.UTC(2026, 4, 1);
  const now = () => {
    clock -= 3_600_000;
    return clock;
  };
  const { sql, governance, storage, failures } = fakePorts();
  const dir = t.testdir({});
  const house = openHouse(t, dir, { now, sql, governance, storage });
  await house.registry.reload();
  const { registry } = house;
  for (const name of ['upload', 'install', 'enable', 'uploadNew']) await ACTS[name]!(registry);
  failures.set('upgrade demo', new Error('of the SQL'));
  await t.rejects(ACTS.upgrade!(registry), { code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED' });
  t.match(registry.show('demo').lastUpgradeFailure, { phase: 'sql', detail: 'of the SQL' });
  failures.clear();
  failures.set('menus demo v0.2.0', new Error('of the menus'));
  await t.rejects(ACTS.upgrade!(registry), { code: 'PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED' });
  t.match(
    registry.show('demo').lastUpgradeFailure,
    { detail: 'of the menus' },
    'the latest, and not the one dated last',
  );
  failures.clear();
  for (const name of ['upgrade', 'rollback', 'disable', 'enableAgain']) await ACTS[name]!(registry);
  t.match(registry.find('demo'), { version: 'v0.1.0', enabled: true, runtimeState: 'normal' });
  t.same(
    registry.audit({ pluginId: 'demo' }).map(({ action }) => action),
    ['enable', 'disable', 'rollback', 'upgrade', 'upgrade', 'upgrade', 'upload', 'enable', 'install', 'upload'],
  );
  house.database.close();
  const next = openHouse(t, dir, { now });
  t.same(await next.registry.reload(), { failed: [], problems: [] });
  t.match(next.registry.find('demo'), { version: 'v0.1.0', enabled: true, runtimeState: 'normal' });
});
