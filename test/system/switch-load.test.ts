/** Releases that take turns under load: every answer is whole, and of one of them. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { buildArtifact } from '../artifact/build.js';

import { answeringGuest } from './answering-guest.js';
import { startTestHost } from './host.js';

t.setTimeout(600_000);

const CONNECTIONS = 64;
const CYCLES = 10 * Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);

t.test(
  '20 upgrades and rollbacks under load fail no request, and each answer is of one release (F012, F123)',
  async (t) => {
    const host = await startTestHost(t, { PLUGIN_SERVE_PENDING: 'true' });
    const answers = { 'v0.1.0': 'first '.repeat(500), 'v0.2.0': 'second '.repeat(700) };
    const artifacts = Object.entries(answers).map(async ([version, answer]) =>
      buildArtifact({
        manifest: { id: 'demo', version },
        module: await answeringGuest(answer),
        routes: [{ path: '/which' }],
      }),
    );
    const [first, second] = await Promise.all(artifacts);
    await host.registry.upload(first!);
    await host.registry.install('demo');
    await host.registry.enable('demo');

    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    t.teardown(() => agent.destroy());
    const seen = new Map<string, number>();
    const wrong: string[] = [];
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        const { status, body } = await ask(`${host.url}/x/demo/which`, agent);
        const version = Object.entries(answers).find(([, answer]) => answer === body)?.[0];
        if (status !== 200 || version === undefined) wrong.push(`${status} ${body.slice(0, 100)}`);
        else seen.set(version, (seen.get(version) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: CONNECTIONS }, client);
    try {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await host.registry.upload(second!);
        t.equal((await host.registry.upgrade('demo', { confirmed: true })).effectiveVersion, 'v0.2.0');
        t.equal(
          (await ask(`${host.url}/x/demo/which`, agent)).body,
          answers['v0.2.0'],
          'whoever asks after the switch',
        );
        t.equal((await host.registry.rollback('demo', { confirmed: true })).effectiveVersion, 'v0.1.0');
        t.equal((await ask(`${host.url}/x/demo/which`, agent)).body, answers['v0.1.0']);
      }
    } finally {
      isOver = true;
      await Promise.all(clients);
    }
    t.same(wrong, []);
    t.same([...seen.keys()].sort(), ['v0.1.0', 'v0.2.0'], 'both have answered');
  },
);

function ask(url: string, agent: http.Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      })
      .on('error', reject);
  });
}
