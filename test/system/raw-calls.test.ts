/** Host calls byte for byte, from a guest in a worker to the services of a whole host and back. */
import t from 'tap';
import { serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';

const HOST_SERVICES = [
  { service: 'runtime', methods: ['info.uuid', 'state.get', 'state.set', 'state.get_many'] },
  { service: 'bizctx', methods: ['current.get'] },
  { service: 'plugins', methods: ['config.get'] },
  { service: 'hostconfig', methods: ['get'], resources: { keys: ['workspace.basePath'] } },
];

t.test('29.2 29.7 calls of a guest are answered with the bytes of the specification', async (t) => {
  const host = await startTestHost(t);
  const { asAdmin, asNobody } = await serveRawCalls(host, {
    hostServices: HOST_SERVICES,
    manifestResources: { 'manifest/config/config.yaml': 'server: { port: 9120 }\n' },
  });

  t.equal((await asAdmin('runtime', 'state.set', { payload: '0a016b120176' })).response, '');
  t.equal((await asNobody('runtime', 'state.get', { payload: '0a016b' })).payload, '0a01761001');
  const many = await asAdmin('runtime', 'state.get_many', { json: { keys: ['k', 'missing'] } });
  t.same(many.json(), { values: { k: 'v' }, missingKeys: ['missing'] });

  const key = { resourceRef: 'workspace.basePath', payload: '0a12776f726b73706163652e6261736550617468' };
  t.equal((await asAdmin('hostconfig', 'get', key)).payload, '0a08222f61646d696e221001');

  const port = await asAdmin('plugins', 'config.get', { payload: '0a0b7365727665722e706f7274' });
  t.equal(port.payload, '0a04393132301001', 'a nested value of the file that the artifact carries');

  t.match((await asAdmin('bizctx', 'current.get')).json(), { UserID: 1, Username: 'admin' });
  t.match((await asNobody('bizctx', 'current.get')).json(), { UserID: 0 });

  const denied = await asAdmin('runtime', 'info.node');
  t.match(denied, { status: 1, error: { errorCode: 'HOST_CALL_CAPABILITY_DENIED' } });
  t.match((await asAdmin('runtime', 'info.unknown')).error, { errorCode: 'HOST_CALL_NOT_FOUND' });
});
