/** What an operator finds in the log when something of a plugin goes wrong. */
import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import t from 'tap';
import { watGuest } from '../guest-modules.js';
import { serveRawCalls } from '../raw-calls.js';
import { startTestHost } from './host.js';

t.test('a denial, a trap and a timeout each leave one line with plugin, request and reason (F129)', async (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const settings = { SANDBOX_PLUGINS_INFINITE_LOOP_DEADLINE_MS: '200', SANDBOX_SLOW_HOST_CALL_MS: '0' };
  const host = await startTestHost(t, settings, t.testdir(), log);
  /** The lines since the last time; those of a sandbox thread come by themselves. */
  const written = async (): Promise<readonly unknown[]> => {
    while (lines.length === 0) await setTimeout(5);
    return lines.splice(0).map((line) => JSON.parse(line));
  };

  const { asNobody } = await serveRawCalls(host, {
    hostServices: [{ service: 'storage', methods: ['get'], resources: { paths: ['open/'] } }],
  });
  lines.splice(0);
  t.equal((await asNobody('storage', 'get', { resourceRef: 'closed/key' })).status, 1);
  const denied = 'plugin demo is not authorized for host service storage.get resource=closed/key table=';
  t.match(await written(), [
    {
      level: 40,
      plugin: 'demo',
      msg: `host call denied: storage.get closed/key in demo:POST:/public: ${denied}`,
    },
  ]);
  t.equal((await asNobody('runtime', 'state.get')).status, 1);
  const [{ msg }] = (await written()) as [{ msg: string }];
  t.match(msg, /^host call denied: runtime\.state\.get in demo:POST:\/public: plugin demo lacks capability /);
  const allowed = await asNobody('storage', 'get', { resourceRef: 'open/none' });
  t.not(allowed.status, 1, 'and what is allowed leaves none');
  t.same(lines, []);

  for (const [guest, code, reason] of [
    ['trap', 'SBX_TRAP', /unreachable/],
    ['infinite-loop', 'SBX_DEADLINE', /200 ms/],
  ] as const) {
    await host.serve(guest, { module: await watGuest(guest), routes: [{ path: '/a/{n}' }] });
    lines.splice(0);
    t.equal((await host.fetch(`/x/${guest}/a/7`)).headers.get('x-sandpool-error'), code);
    const requestId = `${guest}:GET:/a/7`;
    t.match(await written(), [{ level: 40, code, pluginId: guest, requestId, route: '/a/{n}', msg: reason }]);
    t.same(lines, [], 'one line');
  }
});
