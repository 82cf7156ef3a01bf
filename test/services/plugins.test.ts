import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { createPluginConfig } from '../../src/resources/plugin-config.js';
import { createTestHost, hex } from './host.js';

function open(t: Test) {
  const config = createPluginConfig({
    section: () => undefined,
    configRoot: t.testdir({}),
    manifestFile: (pluginId) => (pluginId === 'demo' ? Buffer.from('monitor: {interval: 45s}\nflag: true') : undefined),
    parseYaml: parse,
  });
  return createTestHost(t, { environment: { pluginConfig: config.get } });
}

const key = (name: string) => Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)]);

t.test('29.7 #95 a value of the own configuration is JSON text', async (t) => {
  const host = open(t);
  const asked = await host.ask('plugins', 'config.get', { payload: hex('0a106d6f6e69746f722e696e74657276616c') });
  t.equal(asked.payload, '0a0522343573221001');
  t.equal((await host.ask('plugins', 'config.get', { payload: key('flag') })).payload, '0a04747275651001');
});

t.test('a missing value is success without payload', async (t) => {
  const asked = await open(t).ask('plugins', 'config.get', { payload: key('monitor.nope') });
  t.equal(asked.status, 0);
  t.equal(asked.response, '');
});

for (const name of ['', '.', ' ', '.monitor', 'monitor.']) {
  t.test(`29.7 #96 the key "${name}" is status 4`, async (t) => {
    const asked = await open(t).ask('plugins', 'config.get', { payload: key(name) });
    t.equal(asked.status, 4);
    t.equal(asked.error?.errorCode, 'HOST_CALL_INTERNAL_ERROR');
  });
}

for (const method of ['config.set', 'config.string', 'plugins.enabled.check']) {
  t.test(`29.7 #97 #98 F056 ${method} is unknown`, async (t) => {
    const asked = await open(t).ask('plugins', method);
    t.equal(asked.status, 2);
    t.equal(asked.error?.fallback, `unsupported host service method: plugins.${method}`);
  });
}

t.test('plugins.config.get takes no resource', async (t) => {
  t.equal((await open(t).ask('plugins', 'config.get', { resourceRef: 'flag', payload: key('flag') })).status, 1);
});
