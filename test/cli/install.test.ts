import { join } from 'node:path';
import t from 'tap';
import { playHost, Raw, sandpool } from './command-line.js';

const detail = {
  id: 'acme-demo',
  name: 'Demo',
  version: '0.1.0',
  type: 'dynamic',
  runtimeState: 'normal',
  installed: 1,
  enabled: 0,
  authorizationStatus: 'pending',
  requestedHostServices: [
    { service: 'runtime', methods: ['log.write'] },
    { service: 'storage', methods: ['get', 'put'], paths: ['a/'] },
    { owner: 'acme-other', service: 'crm', version: 'v1', methods: ['find'], resources: [{ ref: 'customers' }] },
  ],
};
const answers = {
  'POST /plugins/dynamic/package': { id: 'acme-demo', name: 'Demo', version: '0.1.0', installed: 0, enabled: 0 },
  'POST /plugins/acme-demo/install': { id: 'acme-demo', installed: 1, enabled: 0 },
  'PUT /plugins/acme-demo/enable': { id: 'acme-demo', enabled: 1 },
  'PUT /plugins/acme-demo/disable': { id: 'acme-demo', enabled: 0 },
  'GET /plugins/acme-demo': detail,
};
const cwd = t.testdir({
  'demo.wasm': 'module',
  'decision.json': '{"authorization":{"services":[{"service":"storage","paths":["a/"]}]}}',
  'list.json': '{"services":[]}',
  'wrong.json': '{"service":[]}',
});
const granted = (body: string | undefined) => (body ? JSON.parse(body).authorization : undefined);

t.test('an artifact file is uploaded, installed and enabled in one go', async (t) => {
  const { url, received } = await playHost(t, {
    ...answers,
    'GET /plugins/acme-demo': { ...detail, enabled: 1, authorizationStatus: 'confirmed' },
  });
  const ran = await sandpool(['install', 'demo.wasm', '--enable', '--grant', 'all', '--url', url], { cwd });
  t.same(ran, { code: 0, stdout: 'acme-demo 0.1.0 is enabled\n', stderr: '' });
  t.same(
    received.map(({ request }) => request),
    [
      'POST /plugins/dynamic/package',
      'GET /plugins/acme-demo',
      'POST /plugins/acme-demo/install',
      'PUT /plugins/acme-demo/enable',
      'GET /plugins/acme-demo',
    ],
  );
  const services = [
    { service: 'runtime', methods: ['log.write'] },
    { service: 'storage', methods: ['get', 'put'], paths: ['a/'] },
    { owner: 'acme-other', service: 'crm', version: 'v1', methods: ['find'], resourceRefs: ['customers'] },
  ];
  t.same(granted(received[2]?.body), { services });
  t.same(granted(received[3]?.body), { services }, 'enabling carries the same grant');
});

t.test('mock data and the mode of the installation are asked for, and for the installation only', async (t) => {
  const { url, received } = await playHost(t, answers);
  await sandpool(['install', 'acme-demo', '--mock-data', '--mode', 'tenant_scoped', '--enable', '--url', url], { cwd });
  t.same(JSON.parse(received[0]?.body ?? ''), { installMockData: true, installMode: 'tenant_scoped' });
  t.same(JSON.parse(received[1]?.body ?? ''), {});
  await sandpool(['install', 'acme-demo', '--url', url], { cwd });
  t.same(JSON.parse(received[3]?.body ?? ''), {}, 'without them the host chooses');
});

t.test('without a grant the host services that wait for one are listed', async (t) => {
  const { url, received } = await playHost(t, answers);
  const { code, stdout } = await sandpool(['install', 'acme-demo', '--url', url], { cwd });
  t.equal(code, 0);
  t.equal(
    stdout,
    `acme-demo 0.1.0 is installed, not enabled
host services that nobody has granted yet:
  storage            get, put  a/
  acme-other/crm@v1  find      customers
`,
  );
  t.same(received[0]?.request, 'POST /plugins/acme-demo/install');
  t.equal(granted(received[0]?.body), undefined);
});

t.test('a grant is nothing, or what a file says', async (t) => {
  const { url, received } = await playHost(t, answers);
  for (const grant of ['none', 'decision.json', 'list.json'])
    await sandpool(['enable', 'acme-demo', '--grant', grant, '--url', url], { cwd });
  const bodies = received.filter(({ request }) => request.startsWith('PUT')).map(({ body }) => granted(body));
  t.same(bodies, [{ services: [] }, { services: [{ service: 'storage', paths: ['a/'] }] }, { services: [] }]);
});

t.test('a grant that cannot be read stops before the host is asked', async (t) => {
  const { url, received } = await playHost(t, answers);
  for (const [grant, reason] of [
    ['absent.json', 'there is no such file or directory'],
    ['demo.wasm', 'JSON'],
    ['wrong.json', 'it has no list `services`'],
  ] as const) {
    const { code, stderr } = await sandpool(['install', 'acme-demo', '--grant', grant, '--url', url], { cwd });
    t.equal(code, 1, grant);
    t.match(stderr, `SBX_FILE_UNREADABLE: cannot read ${grant}: `);
    t.match(stderr, reason);
  }
  t.same(received, []);
});

t.test('a failure of the host is the failure of the command', async (t) => {
  const error = {
    code: 55,
    message: 'BeforeInstall vetoed',
    data: null,
    errorCode: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
    messageParams: { pluginId: 'acme-demo' },
  };
  const { url, received } = await playHost(t, { ...answers, 'POST /plugins/acme-demo/install': new Raw(200, error) });
  const ran = await sandpool(['install', 'acme-demo', '--enable', '--url', url, '--json'], { cwd });
  t.equal(ran.code, 1);
  t.same(JSON.parse(ran.stdout), {
    error: {
      code: 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED',
      message: 'BeforeInstall vetoed',
      details: { pluginId: 'acme-demo' },
    },
  });
  t.equal(ran.stderr, 'PLUGIN_LIFECYCLE_PRECONDITION_VETOED: BeforeInstall vetoed\n');
  t.equal(received.length, 1, 'nothing is enabled');
});

t.test('upload says what comes next, and shows no progress in a pipe', async (t) => {
  const { url } = await playHost(t, answers);
  t.same(await sandpool(['upload', join(cwd, 'demo.wasm'), '--url', url]), {
    code: 0,
    stdout: 'acme-demo 0.1.0 is uploaded (not installed; sandpool install acme-demo)\n',
    stderr: '',
  });
});

t.test('disable says where the plugin stands', async (t) => {
  const { url, received } = await playHost(t, {
    ...answers,
    'GET /plugins/acme-demo': { ...detail, authorizationStatus: 'confirmed', runtimeState: 'pending_upgrade' },
  });
  const { stdout } = await sandpool(['disable', 'acme-demo', '--url', url], { cwd });
  t.equal(stdout, 'acme-demo 0.1.0 is installed, pending_upgrade\n');
  t.equal(received[0]?.request, 'PUT /plugins/acme-demo/disable');
});
