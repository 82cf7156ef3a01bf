import t from 'tap';
import { startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { openControlPlane } from '../http/control-plane.js';
import { fakeHost, route, view } from '../http/fakes.js';

const HOUR_MS = 3_600_000;

t.test('requests to a plugin in quarantine get 503 with the time to come back; a bystander serves', async (t) => {
  const quarantine = { failures: 3, failurePercent: 50, withinMs: HOUR_MS, backOffMs: HOUR_MS, maxBackOffMs: HOUR_MS };
  const { engine, load } = startEngine(t, { quarantine });
  await load('demo', await watGuest('trap'));
  await load('echo', await watGuest('echo'));
  const { app } = fakeHost({ views: ['demo', 'echo'].map((id) => view(id, [route('GET', '/a')])), engine });
  for (let index = 0; index < 3; index++) t.equal((await app.inject('/x/demo/a')).statusCode, 500);

  const refused = await app.inject('/x/demo/a');
  t.equal(refused.statusCode, 503);
  t.equal(refused.headers['x-sandpool-error'], 'SBX_QUARANTINED');
  t.match(refused.headers['retry-after'], /^3(600|[0-5]\d\d)$/);
  t.match(refused.body, /plugin demo is in quarantine: it has failed too often, the last time with SBX_TRAP/);
  t.equal((await app.inject('/x/echo/a')).statusCode, 200);

  engine.liftQuarantine('demo');
  t.equal((await app.inject('/x/demo/a')).statusCode, 500);
});

/** A control plane on which `bystander` is in quarantine until somebody lets it out. */
async function openQuarantined(t: Parameters<typeof openControlPlane>[0]) {
  const quarantined = new Set(['bystander']);
  const state = { since: 0, until: 5000, failures: 20, lastCode: 'SBX_TRAP' } as const;
  const plane = await openControlPlane(t, {
    quarantine: { of: (id) => (quarantined.has(id) ? state : undefined), lift: (id) => quarantined.delete(id) },
  });
  return plane;
}

t.test('the list and the detail of a plugin show its quarantine, and nothing when there is none', async (t) => {
  const { ask } = await openQuarantined(t);
  const quarantine = {
    since: '1970-01-01T00:00:00.000Z',
    until: '1970-01-01T00:00:05.000Z',
    failures: 20,
    lastCode: 'SBX_TRAP',
  };
  t.match(await ask('GET', ''), { data: { list: [{ id: 'bystander', quarantine }] } });
  t.match(await ask('GET', '/bystander'), { data: { quarantine } });
  await ask('POST', '/bystander/release-quarantine');
  t.notHas((await ask('GET', '/bystander')).data, { quarantine: {} });
});

t.test('whoever may enable plugins lets one out of quarantine', async (t) => {
  const { ask } = await openQuarantined(t);
  const path = '/bystander/release-quarantine';
  t.match(await ask('POST', path, undefined, 'plugin:query'), { status: 403, errorCode: 'SBX_PERMISSION_DENIED' });
  t.match(await ask('POST', path, undefined, 'plugin:enable'), { code: 0, data: { id: 'bystander', released: 1 } });
  t.match(await ask('POST', path), { code: 0, data: { released: 0 } });
  t.match(await ask('POST', '/nobody/release-quarantine'), { errorCode: 'PLUGIN_NOT_FOUND' });
});
