import { existsSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SandpoolError } from '../../src/protocol/errors.js';
import type { RegistryChange } from '../../src/registry/registry.js';
import { artifactOf, filesOf, newHouse, openHouse, putByHand, SCOPED, standingOf } from './house.js';
import { fakePorts } from './ports.js';

/** A prepared release that nobody asks anything. */
const IDLE = { run: () => Promise.reject(new Error('nobody calls it')), publish: () => {}, discard: () => {} };

t.test('C16 F001: an uploaded artifact is listed at once, neither installed nor enabled', async (t) => {
  const { registry, dir, rows } = await newHouse(t);
  const { record } = await registry.upload(
    artifactOf('demo', 'v0.1.0', { manifest: { name: 'Demo', description: 'A demo' } }),
  );
  t.match(record, {
    plugin: {
      pluginId: 'demo',
      name: 'Demo',
      version: 'v0.1.0',
      remark: 'A demo',
      installed: 0,
      status: 0,
      generation: 1,
    },
    effectiveVersion: '',
    discoveredVersion: 'v0.1.0',
    runtimeState: 'normal',
  });
  t.same(registry.list(), [record]);
  t.same(filesOf(dir), ['plugins/demo.wasm']);
  t.match(rows('sys_plugin_release'), [{ plugin_id: 'demo', release_version: 'v0.1.0', status: 'uninstalled' }]);
});

t.test('F002 C05 C20: what is no valid artifact is refused and leaves nothing', async (t) => {
  const { registry, dir, rows } = await newHouse(t);
  const refused = [
    [Buffer.alloc(0), 'SBX_UPLOAD_REFUSED', /cannot be empty/],
    [Buffer.from('no wasm'), 'SBX_ARTIFACT_INVALID', /./],
    [
      artifactOf('demo', 'v0.1.0', { metadata: { abiVersion: 'v2' } }),
      'SBX_ARTIFACT_INVALID',
      /Dynamic plugin ABI version is not supported/,
    ],
    [
      artifactOf('demo', 'v0.1.0', { manifest: { supportsMultiTenant: undefined } }),
      'SBX_ARTIFACT_INVALID',
      /supports_multi_tenant is required/,
    ],
    [artifactOf('Demo'), 'PLUGIN_ID_INVALID', /kebab-case/],
  ] as const;
  for (const [bytes, code, message] of refused) await t.rejects(registry.upload(bytes), { code, message });
  t.same(registry.list(), []);
  t.same(rows('sys_plugin'), []);
  t.same(filesOf(dir), []);
});

t.test(
  'C40 F006: install archives the bytes and lets nothing serve; enable lets it serve; disable takes it out',
  async (t) => {
    const { registry, fake, dir, rows } = await newHouse(t);
    const bytes = artifactOf('demo');
    const { checksum } = (await registry.upload(bytes)).record.plugin;
    const path = `releases/demo/v0.1.0/${checksum}/demo.wasm`;

    t.match((await registry.install('demo')).plugin, {
      installed: 1,
      status: 0,
      generation: 2,
      currentState: 'installed',
    });
    t.match(rows('sys_plugin_release'), [{ id: 1, status: 'installed', package_path: path, checksum }]);
    t.same(filesOf(dir), ['plugins/demo.wasm', path]);
    t.same(fake.calls, []);
    t.match(registry.find('demo'), { installed: true, enabled: false, releaseId: 1 });

    t.match((await registry.enable('demo')).plugin, {
      installed: 1,
      status: 1,
      generation: 3,
      currentState: 'enabled',
    });
    t.match(rows('sys_plugin_release'), [{ id: 1, status: 'active' }]);
    t.match(fake.loaded.get('demo'), { checksum, generation: 3, packagePath: path });
    t.same(await registry.readArtifact(fake.loaded.get('demo')!), Buffer.from(bytes));
    t.match(registry.find('demo'), { enabled: true, generation: 3, runtimeState: 'normal' });

    t.match((await registry.disable('demo')).plugin, {
      installed: 1,
      status: 0,
      generation: 4,
      currentState: 'installed',
    });
    t.equal(fake.loaded.size, 0);
    t.match(registry.find('demo'), { installed: true, enabled: false });
    t.same(fake.calls, ['activate demo v0.1.0', 'deactivate demo']);
  },
);

t.test('C36: what is there already is done again without a change', async (t) => {
  const { registry, fake, rows } = await newHouse(t);
  const bytes = artifactOf('demo');
  await registry.upload(bytes);
  await registry.install('demo');
  await registry.enable('demo');
  const before = rows('sys_plugin');
  await registry.upload(bytes);
  await registry.install('demo');
  await registry.enable('demo');
  t.same(rows('sys_plugin'), before);
  t.same(fake.calls, ['activate demo v0.1.0']);
  await registry.disable('demo');
  const disabled = rows('sys_plugin');
  await registry.disable('demo');
  t.same(rows('sys_plugin'), disabled);
});

t.test('after a restart the same releases serve, read from the archive and not from the staged file', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  for (const id of ['demo', 'other']) {
    await first.registry.upload(artifactOf(id));
    await first.registry.install(id);
  }
  await first.registry.enable('demo');
  const checksum = first.registry.show('demo').plugin.checksum;
  const rows = first.rows('sys_plugin');
  rmSync(join(first.stagingDir, 'demo.wasm'));

  const second = openHouse(t, dir);
  t.same(await second.registry.reload(), { failed: [], problems: [] });
  t.same(second.rows('sys_plugin'), rows);
  t.same([...second.fake.loaded.keys()], ['demo']);
  t.match(second.registry.find('demo'), { enabled: true, checksum, runtimeState: 'normal' });
  t.match(second.registry.find('other'), { installed: true, enabled: false });
});

t.test('F016: staging another file does not change what is served', async (t) => {
  const house = await newHouse(t);
  const { registry, stagingDir, fake } = house;
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  const before = registry.find('demo')!;
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0', { routes: [{ path: '/changed' }] }));
  await registry.sync();
  t.match(registry.find('demo'), { checksum: before.checksum, generation: before.generation, runtimeState: 'normal' });
  t.equal(registry.find('demo')?.artifact, before.artifact);
  t.equal(fake.loaded.get('demo')?.checksum, before.checksum);
});

t.test('C19 C72: a higher version waits; the effective one stays and is known to need an upgrade', async (t) => {
  const { registry, rows, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  const { checksum } = registry.find('demo')!;
  const { record } = await registry.upload(artifactOf('demo', 'v0.2.0'));
  t.match(record, {
    plugin: { version: 'v0.1.0', checksum, installed: 1, status: 1, generation: 3 },
    runtimeState: 'pending_upgrade',
    upgradeAvailable: true,
    effectiveVersion: 'v0.1.0',
    discoveredVersion: 'v0.2.0',
  });
  t.match(registry.find('demo'), { checksum, runtimeState: 'pending_upgrade' });
  t.match(rows('sys_plugin_release'), [{ status: 'active' }, { release_version: 'v0.2.0', status: 'prepared' }]);
  await registry.install('demo');
  t.equal(registry.find('demo')?.checksum, checksum, 'install does not upgrade');
  t.match((await registry.disable('demo')).plugin, { status: 0, version: 'v0.1.0' });
  t.match((await registry.enable('demo')).plugin, { status: 1, version: 'v0.1.0' });
  t.equal(fake.loaded.get('demo')?.checksum, checksum);
});

t.test('C37: installing the same version with other bytes refreshes it under the same release', async (t) => {
  const { registry, stagingDir, fake, rows, dir } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0', { routes: [{ path: '/changed' }] }));
  const { plugin } = await registry.install('demo');
  t.match(plugin, { status: 1, releaseId: 1, generation: 4, currentState: 'enabled' });
  t.equal(registry.find('demo')?.artifact.routes[0]?.path, '/changed');
  t.equal(fake.loaded.get('demo')?.checksum, plugin.checksum);
  const path = `releases/demo/v0.1.0/${plugin.checksum}/demo.wasm`;
  t.match(rows('sys_plugin_release'), [{ id: 1, package_path: path, status: 'active' }]);
  t.same(filesOf(dir), ['plugins/demo.wasm', path], 'the archived file before is gone');
});

t.test('C115: when a refresh does not load, the old bytes keep serving', async (t) => {
  const house = await newHouse(t);
  const { registry, stagingDir, fake } = house;
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  const before = await standingOf(house, 'demo');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0', { routes: [{ path: '/changed' }] }));
  fake.failure = new SandpoolError('SBX_MODULE_INVALID', { reason: 'broken' });
  await t.rejects(registry.install('demo'), { code: 'SBX_MODULE_INVALID' });
  t.same(await standingOf(house, 'demo'), before);
  t.match(registry.show('demo').diagnosis, { action: 'refreshed', errorCode: 'SBX_MODULE_INVALID' });
});

t.test('an enable that the engine refuses leaves the flags and says why; the next one may succeed', async (t) => {
  const { registry, fake, rows } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  fake.failure = new SandpoolError('SBX_MODULE_INVALID', { reason: 'bad magic' });
  await t.rejects(registry.enable('demo'), { code: 'SBX_MODULE_INVALID' });
  t.match(rows('sys_plugin'), [
    { installed: 1, status: 0, generation: 2, current_state: 'failed', desired_state: 'installed' },
  ]);
  t.match(registry.show('demo'), {
    runtimeState: 'upgrade_failed',
    diagnosis: {
      action: 'enabled',
      errorCode: 'SBX_MODULE_INVALID',
      message: 'the WebAssembly module cannot be compiled: bad magic',
    },
  });
  fake.failure = undefined;
  t.match(await registry.enable('demo'), { runtimeState: 'normal', plugin: { status: 1, currentState: 'enabled' } });
  t.equal(registry.show('demo').diagnosis, undefined);
});

t.test('an engine failure that has no code becomes one that has', async (t) => {
  const { registry, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  fake.failure = new Error('boom');
  await t.rejects(registry.enable('demo'), { code: 'SBX_INTERNAL', message: 'internal error: boom' });
});

t.test('when the transaction fails, the engine goes back to what the registry says', async (t) => {
  const house = await newHouse(t);
  const { registry, database, fake } = house;
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  await registry.install('demo');
  database.exec(`CREATE TRIGGER full BEFORE UPDATE ON sys_plugin BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  await t.rejects(registry.enable('demo'), { code: 'SBX_STORE_FAILED', message: 'the store failed: disk full' });
  t.equal(fake.loaded.size, 0);
  t.match(registry.find('demo'), { enabled: false, generation: 2 });

  database.exec('DROP TRIGGER full');
  await registry.enable('demo');
  const before = fake.loaded.get('demo');
  database.exec(`CREATE TRIGGER full BEFORE UPDATE ON sys_plugin BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  const authorization = { services: [{ service: 'storage', paths: ['a/'] }] };
  await t.rejects(registry.enable('demo', { authorization }), { code: 'SBX_STORE_FAILED' });
  t.same(fake.loaded.get('demo')?.grant, before?.grant);
});

for (const bytes of [0, 100]) {
  t.test(`an archive cut to ${bytes} bytes fails its plugin with a reason and no other`, async (t) => {
    const dir = t.testdir({});
    const first = openHouse(t, dir);
    await first.registry.reload();
    for (const id of ['bystander', 'demo']) {
      await first.registry.upload(artifactOf(id));
      await first.registry.install(id);
      await first.registry.enable(id);
    }
    const before = await standingOf(first, 'bystander');
    const { packagePath } = first.registry.find('demo')!;
    truncateSync(join(dir, packagePath), bytes);

    const second = openHouse(t, dir);
    const { failed } = await second.registry.reload();
    t.match(failed, [
      { pluginId: 'demo', action: 'load', errorCode: 'SBX_ARCHIVE_BROKEN', message: /do not have checksum/ },
    ]);
    t.equal(failed.length, 1);
    t.equal(second.registry.find('demo'), undefined, 'a plugin without an artifact has no routes');
    t.match(second.registry.show('demo'), {
      runtimeState: 'upgrade_failed',
      diagnosis: { errorCode: 'SBX_ARCHIVE_BROKEN' },
    });
    t.same(await standingOf(second, 'bystander'), before);

    t.match(
      (await second.registry.install('demo')).plugin,
      { status: 1, currentState: 'enabled' },
      'C39: install repairs it',
    );
    t.equal(second.fake.loaded.get('demo')?.packagePath, packagePath);
    t.match(second.registry.find('demo'), { enabled: true, runtimeState: 'normal' });
    t.same(await standingOf(second, 'bystander'), before);
  });
}

t.test('a damaged archive is repaired by enable from the very same bytes, and from no others', async (t) => {
  const { registry, dir, stagingDir, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  truncateSync(join(dir, registry.find('demo')!.packagePath), 0);
  const staged = join(stagingDir, 'demo.wasm');
  writeFileSync(staged, artifactOf('demo', 'v0.1.0', { routes: [{ path: '/changed' }] }));
  await t.rejects(registry.enable('demo'), { code: 'PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED' });
  t.equal(fake.loaded.size, 0);
  writeFileSync(staged, artifactOf('demo'));
  t.match((await registry.enable('demo')).plugin, { status: 1 });
  t.equal(fake.loaded.size, 1);
});

t.test('a plugin that the engine does not load at the start is reported, and no other waits for it', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  for (const id of ['demo', 'other']) {
    await first.registry.upload(artifactOf(id));
    await first.registry.install(id);
    await first.registry.enable(id);
  }
  const rows = first.rows('sys_plugin');
  const loaded: string[] = [];
  const engine = {
    deactivate: () => {},
    async prepare({ pluginId }: { pluginId: string }) {
      if (pluginId === 'demo') throw new SandpoolError('SBX_MODULE_INVALID', { reason: 'bad' });
      return { ...IDLE, publish: () => void loaded.push(pluginId) };
    },
  };
  const second = openHouse(t, dir, { engine });
  t.match((await second.registry.reload()).failed, [{ pluginId: 'demo', errorCode: 'SBX_MODULE_INVALID' }]);
  t.same(loaded, ['other']);
  t.match(second.registry.find('demo'), { enabled: true, runtimeState: 'upgrade_failed' });
  t.match(second.registry.find('other'), { enabled: true, runtimeState: 'normal' });
  t.same(second.rows('sys_plugin'), rows, 'a failure of this process is not written down');
});

t.test('markers of a process that died are settled at the start', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  await first.registry.upload(artifactOf('demo'));
  await first.registry.install('demo');
  await first.registry.enable('demo');
  first.database.exec(`UPDATE sys_plugin SET current_state = 'reconciling', desired_state = 'uninstalled'`);
  const second = openHouse(t, dir);
  await second.registry.reload();
  t.match(second.rows('sys_plugin'), [
    { current_state: 'enabled', desired_state: 'enabled', release_id: 1, status: 1 },
  ]);
  t.match(second.registry.find('demo'), { runtimeState: 'normal' });
});

t.test(
  'C25: an installation of which no bytes are left is given up by an upload, others are not touched',
  async (t) => {
    const house = await newHouse(t);
    const { registry, dir, stagingDir, fake } = house;
    for (const id of ['bystander', 'demo']) {
      await registry.upload(artifactOf(id));
      await registry.install(id);
      await registry.enable(id);
    }
    const before = await standingOf(house, 'bystander');
    unlinkSync(join(dir, registry.find('demo')!.packagePath));
    unlinkSync(join(stagingDir, 'demo.wasm'));
    t.match((await registry.upload(artifactOf('demo'))).record.plugin, { installed: 0, status: 0, generation: 4 });
    t.same([...fake.loaded.keys()], ['bystander']);
    t.match((await registry.install('demo')).plugin, { installed: 1, generation: 5 });
    t.same(await standingOf(house, 'bystander'), before);
  },
);

t.test('C01 C02: a file that is put there by hand is discovered, and forgotten when it goes', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  writeFileSync(join(stagingDir, 'any-name.wasm'), artifactOf('demo'));
  t.same(await registry.sync(), { total: 1, problems: [] });
  t.match(registry.list(), [{ plugin: { pluginId: 'demo', installed: 0, status: 0 }, runtimeState: 'normal' }]);
  t.match(registry.find('demo'), { installed: false, enabled: false });
  unlinkSync(join(stagingDir, 'any-name.wasm'));
  t.same(await registry.sync(), { total: 0, problems: [] });
  t.same(registry.list(), []);
  t.equal(registry.find('demo'), undefined);
  t.throws(() => registry.show('demo'), { code: 'PLUGIN_NOT_FOUND' });
});

t.test('C03: of two files with one id neither is discovered, and the report names the id', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  writeFileSync(join(stagingDir, 'a.wasm'), artifactOf('demo'));
  writeFileSync(join(stagingDir, 'b.wasm'), artifactOf('demo', 'v0.2.0'));
  writeFileSync(join(stagingDir, 'c.wasm'), artifactOf('other'));
  t.same(await registry.sync(), {
    total: 1,
    problems: [{ file: 'a.wasm, b.wasm', reason: 'several artifacts have the plugin id demo' }],
  });
  t.same(
    registry.list().map(({ plugin }) => plugin.pluginId),
    ['other'],
  );
});

t.test('one file that is no artifact is reported and hides no other', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  writeFileSync(join(stagingDir, 'broken.wasm'), 'broken');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo'));
  const { total, problems } = await registry.sync();
  t.equal(total, 1);
  t.match(problems, [{ file: 'broken.wasm' }]);
  await registry.upload(artifactOf('other'));
  t.same(
    registry.list().map(({ plugin }) => plugin.pluginId),
    ['demo', 'other'],
  );
});

t.test('C18 C24: an installed plugin takes only a higher version, and stays as it is', async (t) => {
  const house = await newHouse(t);
  const { registry, stagingDir } = house;
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  const before = await standingOf(house, 'demo');
  const other = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/other' }] });
  for (const overwrite of [false, true]) {
    await t.rejects(registry.upload(other, { overwrite }), {
      code: 'SBX_UPLOAD_REFUSED',
      message: /installed dynamic plugins can only upload a higher version/,
    });
  }
  unlinkSync(join(stagingDir, 'demo.wasm'));
  await t.rejects(registry.upload(other), { code: 'SBX_UPLOAD_REFUSED' });
  t.same(await standingOf(house, 'demo'), before);
  await registry.upload(artifactOf('demo'));
  t.same(await standingOf(house, 'demo'), before, 'the very bytes in effect only go back to their place');
  t.ok(existsSync(join(stagingDir, 'demo.wasm')));
});

t.test('C38: a lower staged version is not installed', async (t) => {
  const house = await newHouse(t);
  const { registry } = house;
  await registry.upload(artifactOf('demo', 'v0.2.0'));
  await registry.install('demo');
  putByHand(house, 'demo.wasm', artifactOf('demo', 'v0.1.0'));
  await t.rejects(registry.install('demo'), { code: 'PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED' });
  t.match(registry.show('demo'), {
    effectiveVersion: 'v0.2.0',
    runtimeState: 'abnormal',
    abnormalReason: 'discovered_version_lower_than_effective',
  });
});

t.test('another spelling of the same version takes over, and the release before is kept', async (t) => {
  const { registry, stagingDir, rows } = await newHouse(t);
  await registry.upload(artifactOf('demo', 'v0.1.0-rc.1'));
  await registry.install('demo');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0'));
  const { plugin } = await registry.install('demo');
  t.match(plugin, { version: 'v0.1.0', generation: 3 });
  t.match(rows('sys_plugin_release'), [
    { release_version: 'v0.1.0-rc.1', status: 'installed' },
    { release_version: 'v0.1.0', status: 'installed', id: plugin.releaseId },
  ]);
  t.match(registry.find('demo'), { version: 'v0.1.0', releaseId: plugin.releaseId });
});

t.test('F003 F004 C76: what an administrator confirms is what the engine gets', async (t) => {
  const { registry, fake } = await newHouse(t);
  const { record: pending } = await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  t.match(pending, {
    authorizationStatus: 'pending',
    authorizationRequired: true,
    pendingServices: [{ service: 'storage' }],
  });
  t.same(registry.find('demo')?.grant.services, []);

  t.match(await registry.install('demo'), { authorizationStatus: 'pending' });
  await registry.enable('demo');
  t.same(
    fake.loaded.get('demo')?.grant.services.map(({ service }) => service),
    ['runtime'],
  );

  const authorization = { services: [{ service: 'storage', paths: ['a/'] }] };
  const confirmed = await registry.enable('demo', { authorization });
  t.match(confirmed, { authorizationStatus: 'confirmed', pendingServices: [], plugin: { generation: 3 } });
  t.match(fake.loaded.get('demo')?.grant.services, [{ service: 'runtime' }, { service: 'storage', paths: ['a/'] }]);
  t.match(registry.find('demo')?.grant, fake.loaded.get('demo')?.grant);
  t.match(await registry.install('demo'), { authorizationStatus: 'confirmed' }, 'no payload leaves it');
});

t.test('a confirmed authorization survives a restart', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  await first.registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  await first.registry.install('demo', {
    authorization: { services: [{ service: 'storage', paths: ['b/'], methods: ['get'] }] },
  });
  const second = openHouse(t, dir);
  await second.registry.reload();
  t.match(second.registry.show('demo'), { authorizationStatus: 'confirmed' });
  t.match(second.registry.find('demo')?.grant.services[1], { service: 'storage', paths: ['b/'], methods: ['get'] });
});

t.test('a decision about something undeclared installs nothing', async (t) => {
  const { registry, dir } = await newHouse(t);
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  const authorization = { services: [{ service: 'network', resourceRefs: ['https://example.com'] }] };
  await t.rejects(registry.install('demo', { authorization }), { code: 'SBX_GRANT_DECISION_INVALID' });
  t.match(registry.show('demo').plugin, { installed: 0 });
  t.same(filesOf(dir), ['plugins/demo.wasm']);
});

t.test('C26: a host that grants unreviewed confirms everything', async (t) => {
  const { registry } = await newHouse(t, { grantUnreviewed: true });
  await registry.upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  t.equal(registry.show('demo').authorizationStatus, 'pending');
  const record = await registry.install('demo');
  t.equal(record.authorizationStatus, 'confirmed');
  t.match(record.authorization.authorized, [{ service: 'runtime' }, { service: 'storage', paths: ['a/', 'b/'] }]);
});

t.test('C78 C79: a refresh keeps a grant for the same request and drops it for another', async (t) => {
  const house = await newHouse(t);
  const { registry } = house;
  const build = (path: string, hostServices: readonly unknown[]) =>
    artifactOf('demo', 'v0.1.0', { routes: [{ path }], hostServices });
  await registry.upload(build('/one', SCOPED));
  await registry.install('demo', { authorization: { services: [{ service: 'storage', paths: ['a/'] }] } });
  putByHand(house, 'demo.wasm', build('/two', SCOPED));
  t.match(await registry.install('demo'), { authorizationStatus: 'confirmed' });
  t.match(registry.find('demo')?.grant.services, [{ service: 'runtime' }, { service: 'storage', paths: ['a/'] }]);
  putByHand(house, 'demo.wasm', build('/three', SCOPED.slice(0, 1)));
  t.match(await registry.install('demo'), { authorizationStatus: 'pending' });
  t.same(registry.find('demo')?.grant.services, []);
});

t.test('an install on a waiting version confirms that version and not the effective one', async (t) => {
  const { registry, rows } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.upload(artifactOf('demo', 'v0.2.0', { hostServices: SCOPED }));
  await registry.install('demo', { authorization: { services: [{ service: 'storage', paths: ['a/'] }] } });
  t.same(registry.find('demo')?.grant.services, []);
  const [, waiting] = rows('sys_plugin_release');
  t.match(JSON.parse(String(waiting?.manifest_snapshot)), { hostServiceAuthConfirmed: true });
});

t.test('what an artifact carries and this version does not carry out is said, once it is installed', async (t) => {
  const { registry, rows } = await newHouse(t);
  const bytes = artifactOf('demo', 'v0.1.0', {
    manifest: {
      menus: [{ key: 'plugin:demo:main', name: 'Main', type: 'M', path: '/main' }],
    },
    routes: [{ path: '/a', access: 'login', permission: 'demo:a:view' }],
    installSql: { '001-demo.sql': 'CREATE TABLE plugin_demo_a (id INT)', '002-demo.sql': 'SELECT 1' },
  });
  t.same((await registry.upload(bytes)).record.notExecuted, []);
  t.same((await registry.install('demo')).notExecuted, [
    { part: 'installSql', count: 2, executed: 0 },
    { part: 'menus', count: 1, executed: 0 },
    { part: 'routePermissions', count: 1, executed: 0 },
  ]);
  t.same(rows('sys_plugin_migration'), []);
  await registry.upload(artifactOf('plain'));
  t.same((await registry.install('plain')).notExecuted, []);
});

t.test('C33 C34 C35: the install mode is chosen once, and only where the plugin allows it', async (t) => {
  const { registry } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.upload(
    artifactOf('platform', 'v0.1.0', { manifest: { scopeNature: 'platform_only', supportsMultiTenant: false } }),
  );
  await t.rejects(registry.install('demo', { installMode: 'bad' }), { code: 'PLUGIN_INSTALL_MODE_INVALID' });
  await t.rejects(registry.install('platform', { installMode: 'tenant_scoped' }), {
    code: 'PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH',
    message:
      'plugin platform cannot be installed as tenant_scoped: its manifest says scope_nature platform_only, ' +
      'supports_multi_tenant false',
  });
  t.equal((await registry.install('demo', { installMode: 'global' })).plugin.installMode, 'global');
  await registry.sync();
  t.equal((await registry.enable('demo')).plugin.installMode, 'global');
  t.equal((await registry.install('platform')).plugin.installMode, 'global');
});

t.test('a plugin that was installed for tenants becomes none for everybody by another release', async (t) => {
  const { registry, rows, stagingDir } = await newHouse(t);
  const platform = { scopeNature: 'platform_only', supportsMultiTenant: false, defaultInstallMode: 'global' };
  const refused = {
    code: 'PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH',
    details: {
      pluginId: 'demo',
      scopeNature: 'platform_only',
      supportsMultiTenant: false,
      installMode: 'tenant_scoped',
    },
  };
  await registry.upload(artifactOf('demo'));
  await registry.install('demo', { installMode: 'tenant_scoped' });
  await registry.setProvisioningPolicy('demo', { autoEnableForNewTenants: true });
  await registry.upload(artifactOf('demo', 'v0.2.0', { manifest: platform }));
  await t.rejects(registry.upgrade('demo', { confirmed: true }), refused);
  t.match(registry.show('demo'), { runtimeState: 'pending_upgrade' }, 'it goes on waiting');
  writeFileSync(join(stagingDir, 'demo.wasm'), artifactOf('demo', 'v0.1.0', { manifest: platform }));
  await t.rejects(registry.install('demo'), refused);
  t.match(rows('sys_plugin'), [{ install_mode: 'tenant_scoped', auto_enable_for_new_tenants: 1 }]);

  await registry.uninstall('demo');
  t.match(rows('sys_plugin'), [{ scope_nature: 'platform_only', install_mode: 'global' }], 'as the next file says');
  await registry.install('demo');
  t.match(rows('sys_plugin'), [{ install_mode: 'global', auto_enable_for_new_tenants: 0 }]);
  t.same(registry.inconsistencies(), []);
});

t.test('a rollback does not lead from tenants to everybody either', async (t) => {
  const { registry } = await newHouse(t);
  const platform = { scopeNature: 'platform_only', supportsMultiTenant: false, defaultInstallMode: 'global' };
  await registry.upload(artifactOf('demo', 'v0.1.0', { manifest: platform }));
  await registry.install('demo');
  await registry.upload(artifactOf('demo', 'v0.2.0'));
  await registry.upgrade('demo', { confirmed: true });
  t.match(registry.find('demo'), { installMode: 'global' }, 'the mode of the installation stays');
  await registry.rollback('demo', { confirmed: true });
  t.match(registry.find('demo'), { version: 'v0.1.0', installMode: 'global' });
});

t.test('a release whose row is gone is told as such, and another installation repairs it', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  await first.registry.upload(artifactOf('demo'));
  await first.registry.install('demo');
  await first.registry.upload(artifactOf('demo', 'v0.2.0'));
  first.database.exec(`UPDATE sys_plugin_release SET manifest_snapshot = ' ' WHERE release_version = 'v0.1.0'`);
  const second = openHouse(t, dir);
  await second.registry.reload();
  t.throws(() => second.registry.previewUpgrade('demo'), { code: 'PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_MISSING' });

  second.database.exec(`DELETE FROM sys_plugin_release WHERE release_version = 'v0.1.0'`);
  const third = openHouse(t, dir);
  const missing = { code: 'PLUGIN_RELEASE_NOT_FOUND', details: { pluginId: 'demo', version: 'v0.1.0' } };
  t.match(await third.registry.reload(), { failed: [{ pluginId: 'demo', errorCode: 'PLUGIN_RELEASE_NOT_FOUND' }] });
  t.throws(() => third.registry.previewUpgrade('demo'), missing);
  await t.rejects(third.registry.enable('demo'), { code: 'PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED' });
  putByHand(third, 'demo.wasm', artifactOf('demo'));
  t.match((await third.registry.install('demo')).plugin, {
    installed: 1,
    version: 'v0.1.0',
    currentState: 'installed',
  });
  t.match(await third.registry.enable('demo'), { runtimeState: 'normal' });
});

t.test('two uploads of one id at the same time: one is stored whole, the other refused', async (t) => {
  const { registry, stagingDir, dir } = await newHouse(t);
  const files = [artifactOf('demo', 'v0.1.0'), artifactOf('demo', 'v0.2.0')] as const;
  const outcomes = await Promise.allSettled(files.map((bytes) => registry.upload(bytes)));
  t.same(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const won = outcomes.findIndex(({ status }) => status === 'fulfilled');
  t.match(outcomes[1 - won], { reason: { code: 'SBX_UPLOAD_REFUSED', message: /already exists/ } });
  t.equal(registry.show('demo').plugin.version, ['v0.1.0', 'v0.2.0'][won]);
  t.same(filesOf(dir), ['plugins/demo.wasm']);
  t.same(readFileSync(join(stagingDir, 'demo.wasm')), Buffer.from(files[won]!));
});

t.test('opposite actions at the same time end in the state of the last one', async (t) => {
  const { registry, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await Promise.all([
    registry.enable('demo'),
    registry.disable('demo'),
    registry.enable('demo'),
    registry.disable('demo'),
  ]);
  t.match(registry.show('demo').plugin, { status: 0, generation: 6 });
  t.equal(fake.loaded.size, 0);
});

t.test('a slow enable of one plugin does not hold up another', async (t) => {
  let finish = () => {};
  const slow = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const engine = {
    deactivate: () => {},
    prepare: ({ pluginId }: { pluginId: string }) => (pluginId === 'slow' ? slow : Promise.resolve()).then(() => IDLE),
  };
  const { registry } = await newHouse(t, { engine });
  for (const id of ['quick', 'slow']) {
    await registry.upload(artifactOf(id));
    await registry.install(id);
  }
  const enabling = registry.enable('slow');
  t.match((await registry.enable('quick')).plugin, { status: 1 });
  t.match(registry.show('slow').plugin, { status: 0 }, 'not answered before it is loaded');
  finish();
  t.match((await enabling).plugin, { status: 1 });
});

t.test('when an upload cannot be written down, the file before is back', async (t) => {
  const { registry, database, stagingDir, dir } = await newHouse(t);
  const before = artifactOf('demo');
  await registry.upload(before);
  database.exec(`CREATE TRIGGER full BEFORE UPDATE ON sys_plugin BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
  await t.rejects(registry.upload(artifactOf('demo', 'v0.2.0'), { overwrite: true }), { code: 'SBX_STORE_FAILED' });
  t.same(readFileSync(join(stagingDir, 'demo.wasm')), Buffer.from(before));
  t.same(filesOf(dir), ['plugins/demo.wasm']);
  t.match(registry.show('demo').plugin, { version: 'v0.1.0' });
});

t.test('a second host on the same data that decides on old rows loses', async (t) => {
  const dir = t.testdir({});
  const first = openHouse(t, dir);
  await first.registry.reload();
  await first.registry.upload(artifactOf('demo'));
  await first.registry.install('demo');
  const second = openHouse(t, dir);
  await second.registry.reload();
  await first.registry.enable('demo');
  await t.rejects(second.registry.enable('demo'), {
    code: 'SBX_STORE_FAILED',
    message: /was changed by somebody else/,
  });
  t.match(first.rows('sys_plugin'), [{ status: 1, generation: 3 }]);
});

t.test(
  'F015: every change of a plugin is told by its name, once, and shows where the plugin stands then',
  async (t) => {
    const { sql, governance, storage, failures } = fakePorts();
    const house = await newHouse(t, { sql, governance, storage, allowForceUninstall: true });
    const { registry, dir, stagingDir } = house;
    const heard: (readonly [reason: string, version: string, enabled: boolean | undefined])[] = [];
    registry.subscribe(({ reason, view }) => heard.push([reason, view?.installed ? view.version : '', view?.enabled]));
    const told = async (doing: Promise<unknown>, ...expected: (typeof heard)[number][]) => {
      await doing.catch(() => {});
      t.same(heard.splice(0), expected);
    };
    const parts = { hostServices: SCOPED, installSql: { '001-a.sql': 'x' } };
    const rebuilt = artifactOf('demo', 'v0.1.0', { ...parts, manifest: { description: 'rebuilt' } });
    const paths = (...paths: string[]) => ({ authorization: { services: [{ service: 'storage', paths }] } });
    const lose = (file: string) => rmSync(join(dir, file), { recursive: true });

    await told(registry.upload(artifactOf('demo', 'v0.1.0', parts)), ['dynamic_package_uploaded', '', false]);
    await told(registry.install('demo'), ['plugin_installed', 'v0.1.0', false]);
    await told(registry.enable('demo', paths('a/', 'b/')), ['plugin_enabled', 'v0.1.0', true]);
    await told(registry.enable('demo', paths('a/')), ['plugin_authorized', 'v0.1.0', true]);
    await told(registry.disable('demo'), ['plugin_disabled', 'v0.1.0', false]);
    await told(registry.enable('demo'), ['plugin_enabled', 'v0.1.0', true]);
    writeFileSync(join(stagingDir, 'demo.wasm'), rebuilt);
    await told(registry.install('demo'), ['plugin_refreshed', 'v0.1.0', true]);
    await told(registry.upload(artifactOf('demo', 'v0.2.0', parts)), ['dynamic_package_uploaded', 'v0.1.0', true]);
    failures.set('upgrade demo', new Error('of the SQL'));
    await told(registry.upgrade('demo', { confirmed: true }), ['runtime_upgrade_failed', 'v0.1.0', true]);
    failures.clear();
    await told(registry.upgrade('demo', { confirmed: true }), ['plugin_upgraded', 'v0.2.0', true]);
    await told(registry.rollback('demo', { confirmed: true }), ['plugin_rolled_back', 'v0.1.0', true]);
    await told(registry.uninstall('demo'), ['plugin_uninstalled', '', false]);

    await told(registry.install('demo'), ['plugin_installed', 'v0.1.0', false]);
    for (const file of ['releases', 'plugins/demo.wasm']) lose(file);
    await told(registry.uninstall('demo', { force: true }), ['plugin_orphan_uninstalled', '', undefined]);
    await registry.upload(artifactOf('demo'));
    await registry.install('demo');
    heard.length = 0;
    for (const file of ['releases', 'plugins/demo.wasm']) lose(file);
    await told(registry.sync(), ['runtime_artifact_missing', '', undefined]);
  },
);

t.test('changes are told once they are durable and visible; a listener that fails breaks nothing', async (t) => {
  const { registry, rows, warnings } = await newHouse(t);
  const heard: [string, string, boolean | undefined][] = [];
  registry.subscribe(() => {
    throw new Error('my own trouble');
  });
  const end = registry.subscribe(({ pluginId, reason, view }: RegistryChange) => {
    heard.push([pluginId, reason, view?.enabled]);
    t.equal(rows('sys_plugin')[0]?.generation, view?.generation);
    t.equal(registry.find(pluginId), view);
  });
  await registry.upload(artifactOf('demo'));
  await registry.install('demo');
  await registry.enable('demo');
  end();
  await registry.disable('demo');
  t.same(heard, [
    ['demo', 'dynamic_package_uploaded', false],
    ['demo', 'plugin_installed', false],
    ['demo', 'plugin_enabled', true],
  ]);
  t.match(warnings, ['a listener failed after dynamic_package_uploaded']);
});

t.test('an unknown plugin is not found, whatever is asked of it', async (t) => {
  const { registry } = await newHouse(t);
  for (const act of [registry.install, registry.enable, registry.disable]) {
    await t.rejects(act('nobody'), { code: 'PLUGIN_NOT_FOUND', message: 'plugin nobody does not exist' });
  }
  t.equal(registry.find('nobody'), undefined);
});

t.test('a discovered plugin is not enabled before it is installed', async (t) => {
  const { registry, fake } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  await t.rejects(registry.enable('demo'), { code: 'PLUGIN_NOT_INSTALLED' });
  await t.rejects(registry.disable('demo'), { code: 'PLUGIN_NOT_INSTALLED' });
  t.same(fake.calls, []);
});

t.test('a plugin whose file is gone before it is installed cannot be', async (t) => {
  const { registry, stagingDir } = await newHouse(t);
  await registry.upload(artifactOf('demo'));
  unlinkSync(join(stagingDir, 'demo.wasm'));
  await t.rejects(registry.install('demo'), {
    code: 'PLUGIN_DYNAMIC_ARTIFACT_MISSING',
    message: 'plugin demo cannot install: there is no file demo.wasm',
  });
});
