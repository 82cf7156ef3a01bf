/** Public assets of a whole host, over sockets. */
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { startTestHost } from './host.js';

const PUBLISHED = {
  manifest: { public_assets: [{ source: 'frontend/pages', mount: '/', index: 'index.html' }] },
  frontendAssets: {
    'frontend/pages/index.html': '<!doctype html><title>demo</title>',
    'frontend/pages/digits.bin': '0123456789',
    'frontend/pages/mount.js': 'export const version = 1;\n'.repeat(40),
  },
};

const BASE = '/x-assets/demo/v0.1.0';

t.test('assets come and go with their plugin (C87, F006, F007, F081, F082, F094)', async (t) => {
  const host = await startTestHost(t);
  const status = async () => (await host.fetch(`${BASE}/digits.bin`)).status;
  t.equal(await status(), 404, 'unknown');
  await host.serve('demo', PUBLISHED);
  t.equal(await status(), 200, 'enabled');
  await host.registry.disable('demo');
  t.equal(await status(), 404, 'disabled');
  await host.registry.enable('demo');
  t.equal(await status(), 200, 'enabled again');
  t.equal((await host.fetch('/x-assets/demo/v0.1.1/digits.bin')).status, 404);
  const { headers } = await host.fetch(`${BASE}/`);
  t.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable');
  t.match((await host.fetch('/metrics')).text, /sandpool_/);
});

t.test('an operator can have browsers ask every time, and turn compression off', async (t) => {
  const host = await startTestHost(t, { ASSETS_MAX_AGE_SECONDS: '0', ASSETS_CACHE_MIB: '0' });
  await host.serve('demo', PUBLISHED);
  const { headers } = await host.fetch(`${BASE}/mount.js`, { headers: { 'accept-encoding': 'br' } });
  t.equal(headers.get('cache-control'), 'public, no-cache');
  t.equal(headers.get('content-encoding'), null);
});

t.test('a version that was refreshed with other bytes is no longer promised for a year (F014, F093)', async (t) => {
  const directory = t.testdir({});
  const host = await startTestHost(t, {}, directory);
  await host.serve('demo', PUBLISHED);
  const before = await host.fetch(`${BASE}/digits.bin`);
  t.equal(before.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  const refreshed = {
    ...PUBLISHED,
    frontendAssets: { ...PUBLISHED.frontendAssets, 'frontend/pages/digits.bin': 'new' },
  };
  writeFileSync(join(directory, 'staged', 'demo.wasm'), buildArtifact(refreshed));
  await host.registry.install('demo');
  const after = await host.fetch(`${BASE}/digits.bin`);
  t.equal(after.text, 'new');
  t.not(after.headers.get('etag'), before.headers.get('etag'));
  t.equal(after.headers.get('cache-control'), 'public, no-cache');
});

t.test('several requests on one connection are each answered whole', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', PUBLISHED);
  const etag = (await host.fetch(`${BASE}/digits.bin`)).headers.get('etag');
  const answers = await pipeline(new URL(host.url), [
    `GET ${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=2-4\r\n`,
    `HEAD ${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\n`,
    `GET ${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\nIf-None-Match: ${etag}\r\n`,
    `GET ${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=99-\r\n`,
    `GET ${BASE}/none HTTP/1.1\r\nHost: h\r\n`,
    `POST ${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n`,
    `GET http://h${BASE}/digits.bin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n`,
  ]);
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  t.same(statuses, ['206', '200', '304', '416', '404', '404', '200']);
  t.match(answers, /Content-Range: bytes 2-4\/10\r\n.*?\r\n\r\n234HTTP/s);
  t.match(answers, /\r\n\r\n0123456789$/);
});

t.test('a client that leaves in the middle harms nobody', async (t) => {
  const host = await startTestHost(t);
  await host.serve('demo', {
    ...PUBLISHED,
    frontendAssets: { 'frontend/pages/big.txt': 'line of text\n'.repeat(400_000) },
  });
  const { port } = new URL(host.url);
  await new Promise<void>((resolve) => {
    const request = http.get({ port, path: `${BASE}/big.txt`, headers: { 'accept-encoding': 'br' } }, (answer) => {
      answer.destroy();
      resolve();
    });
    request.on('error', () => resolve());
  });
  t.equal((await host.fetch(`${BASE}/big.txt`)).status, 200);
});

/** A POST has three bytes of body; the others have none. */
function pipeline({ hostname, port }: URL, requests: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', reject);
    socket.write(requests.map((request) => `${request}\r\n${request.startsWith('POST') ? 'abc' : ''}`).join(''));
  });
}
