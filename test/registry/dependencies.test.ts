import t from 'tap';
import {
  type CheckOptions,
  checkDependencies,
  type PluginFacts,
  requireDependencies,
  requireNoDependents,
} from '../../src/registry/dependencies.js';

type Needs = Readonly<Record<string, string>>;

function plugin(pluginId: string, needs: Needs = {}, more: Partial<PluginFacts> = {}): PluginFacts {
  const plugins = Object.entries(needs).map(([id, version]) => ({ id, version }));
  return {
    pluginId,
    name: pluginId.toUpperCase(),
    version: 'v1.0.0',
    installed: true,
    enabled: true,
    dependencies: { plugins },
    services: [],
    ...more,
  };
}

const INSTALL = { forward: 'install', reverse: 'upgrade' } as const;
const ENABLE = { forward: 'enable', reverse: 'disable' } as const;
const DISCOVERED = { installed: false, enabled: false };

function check(target: PluginFacts, others: readonly PluginFacts[], options: CheckOptions = INSTALL, framework = '') {
  const { pluginId, version, dependencies = { plugins: [] } } = target;
  const all = new Map([target, ...others].map((facts) => [facts.pluginId, facts]));
  const needs = { ...dependencies, ...(framework && { framework: { version: framework } }) };
  return checkDependencies({ pluginId, version, dependencies: needs }, all, options);
}

// biome-ignore format: a table
const FORWARD: readonly (readonly [string, needs: Needs, others: readonly PluginFacts[], CheckOptions, blockers: readonly string[]])[] = [
  ['nothing needed',                        {},                      [],                                               ENABLE,  []],
  ['not there (C28)',                       { b: '' },               [],                                               INSTALL, ['dependency_missing']],
  ['discovered but not installed (C28)',    { b: '' },               [plugin('b', {}, DISCOVERED)],                    INSTALL, ['dependency_missing']],
  ['installed in range',                    { b: '>=1.0.0 <2.0.0' }, [plugin('b')],                                    INSTALL, []],
  ['installed out of range',                { b: '>=2.0.0' },        [plugin('b')],                                    INSTALL, ['dependency_version_unsatisfied']],
  ['disabled, to install (C30)',            { b: '' },               [plugin('b', {}, { enabled: false })],            INSTALL, []],
  ['disabled, to enable (C30)',             { b: '' },               [plugin('b', {}, { enabled: false })],            ENABLE,  ['dependency_not_enabled']],
  ['missing two steps away',                { b: '' },               [plugin('b', { c: '' })],                         INSTALL, ['dependency_missing']],
  ['missing below what is missing',         { b: '' },               [plugin('b', { c: '' }, DISCOVERED)],             INSTALL, ['dependency_missing']],
  ['a ring of two (C29)',                   { b: '' },               [plugin('b', { a: '' })],                         INSTALL, ['dependency_cycle']],
  ['a ring of two, none installed (C29)',   { b: '' },               [plugin('b', { a: '' }, DISCOVERED)],             INSTALL, ['dependency_missing', 'dependency_cycle']],
  ['a ring of three',                       { b: '' },               [plugin('b', { c: '' }), plugin('c', { a: '' })], INSTALL, ['dependency_cycle']],
  ['two that are missing',                  { c: '', b: '' },        [],                                               INSTALL, ['dependency_missing', 'dependency_missing']],
];

for (const [name, needs, others, options, expected] of FORWARD) {
  t.test(`${options.forward}, a dependency ${name}: ${expected.join(', ') || 'allowed'}`, async (t) => {
    const found = check(plugin('a', needs), others, options);
    t.same(
      found.blockers.map(({ code }) => code),
      expected,
    );
  });
}

t.test('C29: a ring is told with the whole way around it', async (t) => {
  const found = check(plugin('a', { b: '' }), [plugin('b', { c: '' }), plugin('c', { a: '' })]);
  t.same(found.cycle, ['a', 'b', 'c', 'a']);
  t.throws(() => requireDependencies(found), {
    code: 'PLUGIN_DEPENDENCY_BLOCKED',
    details: { pluginId: 'a', chain: 'a>b>c>a', blockers: 'dependency_cycle|c|a||v1.0.0|a>b>c>a' },
  });
});

t.test('what is needed is listed in order of ids, with the way to what is needed indirectly', async (t) => {
  const found = check(plugin('a', { c: '>=1.0.0', b: '' }), [plugin('b', { d: '' }), plugin('c'), plugin('d')], ENABLE);
  t.match(found.dependencies, [
    { ownerId: 'a', dependencyId: 'b', dependencyName: 'B', status: 'satisfied' },
    { ownerId: 'b', dependencyId: 'd', status: 'satisfied', chain: ['a', 'b', 'd'] },
    { ownerId: 'a', dependencyId: 'c', requiredVersion: '>=1.0.0', currentVersion: 'v1.0.0', discovered: true },
  ]);
  t.notOk('chain' in found.dependencies[0]!);
  t.notOk('cycle' in found);
});

t.test('C15 C27: a release for another framework is blocked', async (t) => {
  t.match(check(plugin('a'), [], INSTALL), { framework: { status: 'not_declared', currentVersion: 'v0.5.0' } });
  t.match(check(plugin('a'), [], INSTALL, '>=0.1.0 <1.0.0'), { framework: { status: 'satisfied' }, blockers: [] });
  const blocked = check(plugin('a'), [], INSTALL, '>=1.0.0');
  t.match(blocked, { framework: { status: 'unsatisfied' }, blockers: [{ code: 'framework_version_unsatisfied' }] });
  t.throws(() => requireDependencies(blocked), {
    code: 'PLUGIN_DEPENDENCY_BLOCKED',
    details: { requiredVersion: '>=1.0.0', currentVersion: 'v0.5.0' },
  });
});

const UNREADABLE = { dependencies: undefined };
const NOT_ON_A = { plugins: [] };
const ON_A = { plugins: [{ id: 'a', version: '' }] };

// biome-ignore format: a table
const REVERSE: readonly (readonly [string, other: PluginFacts, CheckOptions['reverse'], blockers: readonly string[]])[] = [
  ['one that needs nothing',               plugin('b'),                                                'uninstall', []],
  ['an enabled one (C43)',                 plugin('b', { a: '' }),                                     'uninstall', ['reverse_dependency']],
  ['a disabled one (C43)',                 plugin('b', { a: '' }, { enabled: false }),                 'uninstall', ['reverse_dependency']],
  ['one that is only discovered',          plugin('b', { a: '' }, DISCOVERED),                         'uninstall', []],
  ['an enabled one (C42)',                 plugin('b', { a: '' }),                                     'disable',   ['reverse_enabled_dependency']],
  ['a disabled one (C42)',                 plugin('b', { a: '' }, { enabled: false }),                 'disable',   []],
  ['one whose range it stays in',          plugin('b', { a: '>=1.0.0' }),                              'upgrade',   []],
  ['one whose range it leaves (C69)',      plugin('b', { a: '<1.0.0' }),                               'upgrade',   ['reverse_dependency_version']],
  ['one that cannot be read',              plugin('b', {}, UNREADABLE),                                'uninstall', ['dependency_snapshot_unknown']],
  ['one that cannot be read, its file may', plugin('b', {}, { ...UNREADABLE, discoveredDependencies: ON_A }),     'uninstall', ['dependency_snapshot_unknown']],
  ['one that cannot be read, its file not', plugin('b', {}, { ...UNREADABLE, discoveredDependencies: NOT_ON_A }), 'uninstall', []],
];

for (const [name, other, reverse, expected] of REVERSE) {
  t.test(`${reverse} with a dependent, ${name}: ${expected.join(', ') || 'allowed'}`, async (t) => {
    const found = check(plugin('a'), [other], { forward: 'install', reverse });
    t.same(
      found.reverseBlockers.map(({ code }) => code),
      expected,
    );
    t.same(found.blockers, [], 'they never leak into what the plugin itself lacks');
  });
}

t.test('C42: who is needed by others is told by whom, and for which of its services', async (t) => {
  const service = {
    owner: 'a',
    service: 'ai',
    version: 'v1',
    methods: ['text.generate'],
    paths: [],
    tables: [],
    keys: [],
    resources: [],
  };
  const others = [plugin('c', { a: '' }), plugin('b', { a: '>=1.0.0' }, { services: [service] })];
  const found = check(plugin('a'), others, ENABLE);
  t.match(found.reverseDependents, [
    { pluginId: 'b', requiredVersion: '>=1.0.0', ownerHostServices: [{ owner: 'a', service: 'ai', version: 'v1' }] },
    { pluginId: 'c' },
  ]);
  t.throws(() => requireNoDependents(found, 'disable'), {
    code: 'PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED',
    details: { pluginId: 'a', dependents: 'b,c', ownerHostServices: 'a/ai/v1' },
  });
  t.throws(
    () => requireNoDependents(check(plugin('a'), others, { forward: 'install', reverse: 'uninstall' }), 'uninstall'),
    {
      code: 'PLUGIN_REVERSE_DEPENDENCY_BLOCKED',
    },
  );
});
