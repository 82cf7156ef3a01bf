/** The guest library against the services themselves: what its clients ask is answered in a worker, within the grant. */
import t from 'tap';
import { assemblyScriptGuest } from '../guest-modules.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(600_000);

/** What the guest makes of a call, which it chooses by name. */
const caller = (host: TestHost, id: string) => async (call: string) => {
  const { text } = await host.fetch(`/x/${id}/call?call=${encodeURIComponent(call)}`, {
    headers: await host.authorization(),
  });
  return JSON.parse(text) as unknown;
};

const routes = (requestType: string) => [{ path: '/call', access: 'login', requestType }];

t.test('F058 the facade of runtime asks the host, for what it is granted and nothing else', async (t) => {
  const host = await startTestHost(t);
  const module = await assemblyScriptGuest('probe');
  const methods = ['state.get', 'state.set', 'state.delete', 'info.uuid', 'info.now', 'info.node'];
  const parts = { module, routes: routes('ClientReq') };
  await host.serve('demo', { ...parts, hostServices: [{ service: 'runtime', methods }] });
  await host.serve('other', { ...parts, hostServices: [{ service: 'runtime', methods: ['info.uuid'] }] });
  const call = caller(host, 'demo');
  t.equal(await call('state.get'), null);
  t.equal(await call('state.set'), true);
  t.equal(await call('state.get'), ' v ');
  t.equal(await call('state.delete'), true);
  t.equal(await call('state.get'), null);
  t.match(await call('uuid'), /^[0-9a-z]{32}$/);

  const elsewhere = caller(host, 'other');
  t.match(await elsewhere('uuid'), /^[0-9a-z]{32}$/);
  t.match(await elsewhere('state.get'), {
    status: 1,
    message: 'plugin other is not authorized for host service runtime.state.get resource= table=',
  });
});

const TABLE = 'plugin_demo_dynamic_record';
const ROWS = `
CREATE TABLE ${TABLE} (id VARCHAR(64) PRIMARY KEY, tenant_id INT NOT NULL DEFAULT 0, title VARCHAR(128) NOT NULL);
INSERT INTO ${TABLE} (id, title) VALUES ('a', 'adv-1'), ('b', 'adv-2'), ('c', 'adv-3'), ('d', 'other')
ON CONFLICT DO NOTHING;`;

t.test('F060 a query of the facade of records is filtered, ordered and cut by the host', async (t) => {
  const host = await startTestHost(t);
  const methods = ['list', 'get', 'create', 'update', 'delete'];
  await host.serve('demo-dynamic', {
    module: await assemblyScriptGuest('services'),
    routes: routes('DataReq'),
    installSql: { '001-records.sql': ROWS },
    hostServices: [{ service: 'data', methods, resources: { tables: [TABLE] } }],
  });
  const call = caller(host, 'demo-dynamic');
  const [b, a] = [
    { id: 'b', title: 'adv-2' },
    { id: 'a', title: 'adv-1' },
  ];
  t.same(await call('list'), [b, a, 2], 'equal, like and in; the last id first');
  t.match(await call('list all'), [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }, 4]);
  t.equal(await call('count'), 4);
  t.match(await call('first'), { id: 'a' });
  t.match(await call('update'), [1]);
  t.match(await call('get'), { title: 'new' });
  t.match(await call('transaction'), { status: 1, message: / is not authorized for host service data\.transaction / });
  t.match(await call('delete'), [1]);
  t.equal(await call('get'), null);
});
