import t from 'tap';
import { artifactOf } from '../../registry/house.js';
import { type Answer, openControlPlane } from '../control-plane.js';

t.test('who did what to which plugin, from where to where, is read newest first, in pages', async (t) => {
  const { upload, ask, app } = await openControlPlane(t);
  const read = async (query = '', as = 'admin') => {
    const answer = await app.inject({ url: `/api/v1/audit${query}`, headers: { authorization: `Bearer ${as}` } });
    return { ...answer.json<Answer>(), status: answer.statusCode };
  };
  await upload(artifactOf('demo'));
  await ask('POST', '/demo/install', {}, 'plugin:install');
  await ask('PUT', '/demo/enable');
  await ask('POST', '/demo/upgrade', { confirmed: true });
  const { data } = await read('?pluginId=demo&limit=3');
  t.match(data, {
    list: [
      { action: 'upgrade', by: 'ada', result: 'refused', errorCode: 'PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE' },
      { action: 'enable', by: 'ada', result: 'done', from: { state: 'installed' }, to: { state: 'enabled' } },
      { action: 'install', by: 'ada', result: 'done', to: { version: 'v0.1.0', state: 'installed' } },
    ],
  });
  t.match((await read(`?pluginId=demo&limit=3&before=${data?.next}`)).data, {
    list: [{ action: 'upload', by: 'ada' }],
  });
  t.match((await read('?limit=100')).data, { list: { length: 7 }, next: undefined }, 'of all plugins');
  for (const query of ['?limit=0', '?limit=1001', '?before=x', '?before=0', `?pluginId=${'a'.repeat(65)}`]) {
    t.match(await read(query), { status: 200, code: 51, errorCode: 'SBX_BODY_INVALID' }, query);
  }
  t.match(await read('', 'plugin:install'), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' });
});
