/** Releases that take turns under load: every answer is whole, and of one of them. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { encodePayload } from '../../src/protocol/payloads.js';
import { buildArtifact } from '../artifact/build.js';
import { serveRawCalls } from '../raw-calls.js';
import { answeringGuest } from './answering-guest.js';
import { startTestHost, type TestHost } from './host.js';

t.setTimeout(600_000);

const CONNECTIONS = 64;
const ANSWERS = { 'v0.1.0': 'first '.repeat(500), 'v0.2.0': 'second '.repeat(700) };
const CYCLES = 20 * Number(process.env.SANDPOOL_TEST_EFFORT ?? 1);

t.test(
  '20 upgrades and 20 rollbacks under load fail no request, and each answer is of one release (F012, F123)',
  async (t) => {
    const host = await startTestHost(t, { PLUGIN_SERVE_PENDING: 'true' });
    const [first, second] = await releases();
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
        const version = Object.entries(ANSWERS).find(([, answer]) => answer === body)?.[0];
        if (status !== 200 || version === undefined) wrong.push(`${status} ${body.slice(0, 100)}`);
        else seen.set(version, (seen.get(version) ?? 0) + 1);
      }
    };
    const seenBySomebody = async (version: string): Promise<void> => {
      while (!seen.has(version) && wrong.length === 0) await new Promise(setImmediate);
    };
    const clients = Array.from({ length: CONNECTIONS }, client);
    try {
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await host.registry.upload(second!);
        t.equal((await host.registry.upgrade('demo', { confirmed: true })).effectiveVersion, 'v0.2.0');
        t.equal(
          (await ask(`${host.url}/x/demo/which`, agent)).body,
          ANSWERS['v0.2.0'],
          'whoever asks after the switch',
        );
        await seenBySomebody('v0.2.0');
        t.equal((await host.registry.rollback('demo', { confirmed: true })).effectiveVersion, 'v0.1.0');
        t.equal((await ask(`${host.url}/x/demo/which`, agent)).body, ANSWERS['v0.1.0']);
        await seenBySomebody('v0.1.0');
      }
    } finally {
      isOver = true;
      await Promise.all(clients);
    }
    t.same(wrong, []);
    t.same([...seen.keys()].sort(), ['v0.1.0', 'v0.2.0'], 'both have answered');
  },
);

t.test(
  'with no setting, what waits for its upgrade answers 409, and no switch fails a request of anybody (F012, F123)',
  async (t) => {
    const host = await startTestHost(t);
    const [first, second] = await releases();
    await host.registry.upload(first!);
    await host.registry.install('demo');
    await host.registry.enable('demo');

    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    t.teardown(() => agent.destroy());
    const wrong: string[] = [];
    let [waits, uploads, refusals, isOver] = [false, 0, 0, false];
    const client = async (): Promise<void> => {
      while (!isOver) {
        const [mayBeRefused, uploadsBefore] = [waits, uploads];
        const { status, body } = await ask(`${host.url}/x/demo/which`, agent);
        if (status === 200 && Object.values(ANSWERS).includes(body)) continue;
        if (status === 409 && (mayBeRefused || uploads !== uploadsBefore)) refusals += 1;
        else wrong.push(`${status} ${body.slice(0, 100)}`);
      }
    };
    await host.serve('neighbour', { module: await answeringGuest('neighbour'), routes: [{ path: '/which' }] });
    const neighbour = askNeighbour(host, agent, () => isOver);
    const clients = Array.from({ length: CONNECTIONS }, client);
    try {
      for (let cycle = 0; cycle < CYCLES / 4; cycle++) {
        uploads += 1;
        waits = true;
        await host.registry.upload(second!);
        t.equal((await ask(`${host.url}/x/demo/which`, agent)).status, 409);
        while (refusals === 0 && wrong.length === 0) await new Promise(setImmediate);
        await host.registry.upgrade('demo', { confirmed: true });
        waits = false;
        t.equal((await ask(`${host.url}/x/demo/which`, agent)).body, ANSWERS['v0.2.0']);
        await host.registry.rollback('demo', { confirmed: true });
        t.equal((await ask(`${host.url}/x/demo/which`, agent)).body, ANSWERS['v0.1.0']);
      }
    } finally {
      isOver = true;
      await Promise.all(clients);
    }
    t.same(wrong, []);
    t.same(await neighbour, [], 'another plugin notices nothing');
    t.ok(refusals > 0);
  },
);

t.test('a request that runs ends on the release that it began on, whatever is switched meanwhile (F012)', async (t) => {
  let end: () => void = () => {};
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const server = http.createServer((_request, response) => {
    end = () => void response.end('late');
    begin();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const resourceRef = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const host = await startTestHost(t, {
    NETWORK_ALLOWED_ADDRESSES: '["127.0.0.0/8"]',
    NETWORK_TIMEOUT_MS: '300000',
    SANDBOX_DEADLINE_MS: '300000',
  });
  const manifest = { id: 'demo', name: 'demo', version: 'v0.1.0' };
  const hostServices = [{ service: 'network', methods: ['request'], resources: [{ url: 'http://127.0.0.1/' }] }];
  const { asNobody } = await serveRawCalls(host, { manifest, hostServices });
  const payload = encodePayload('HostServiceNetworkRequest', { method: 'GET' });
  const running = asNobody('network', 'request', { resourceRef, payload });
  await begun;

  const module = await answeringGuest('second');
  await host.registry.upload(
    buildArtifact({ manifest: { ...manifest, version: 'v0.2.0' }, module, routes: [{ path: '/which' }] }),
  );
  await host.registry.upgrade('demo', { confirmed: true });
  t.equal((await host.fetch('/x/demo/which')).text, 'second', 'the new release serves already');
  end();
  const { status, bytes } = await running;
  t.equal(status, 0);
  t.match(Buffer.from(bytes).toString('latin1'), 'late');
});

/** Asks a plugin that nobody touches, until it is over. */
async function askNeighbour(host: TestHost, agent: http.Agent, isOver: () => boolean): Promise<readonly string[]> {
  const wrong: string[] = [];
  while (!isOver()) {
    const { status, body } = await ask(`${host.url}/x/neighbour/which`, agent);
    if (status !== 200 || body !== 'neighbour') wrong.push(`${status} ${body.slice(0, 100)}`);
  }
  return wrong;
}

function releases(): Promise<readonly Uint8Array[]> {
  const artifacts = Object.entries(ANSWERS).map(async ([version, answer]) =>
    buildArtifact({
      manifest: { id: 'demo', version },
      module: await answeringGuest(answer),
      routes: [{ path: '/which' }],
    }),
  );
  return Promise.all(artifacts);
}

function ask(url: string, agent: http.Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      })
      .on('error', reject);
  });
}
