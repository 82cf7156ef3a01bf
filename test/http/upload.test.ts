import { mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import t, { type Test } from 'tap';
import { receiveUpload } from '../../src/http/upload.js';
import { buildArtifact } from '../artifact/build.js';
import { artifactOf, filesOf, SCOPED, standingOf } from '../registry/house.js';
import { type ControlPlane, FORM_TYPE, form, MAX_UPLOAD_BYTES, openControlPlane } from './control-plane.js';
import { askBystander } from './fakes.js';

const PATH = '/api/v1/plugins/dynamic/package';
const admin = { authorization: 'Bearer admin' };

/** What is there when nothing has been stored: the bystander alone. */
async function nothingStored(t: Test, plane: ControlPlane, title: string): Promise<void> {
  t.same(
    plane.registry.list().map(({ plugin }) => plugin.pluginId),
    ['bystander'],
    `${title}: nothing is listed`,
  );
  t.notOk(
    filesOf(plane.stagingDir).some((file) => file !== 'bystander.wasm'),
    `${title}: nothing is stored`,
  );
  t.equal(await askBystander(plane.app), '200 pong', title);
}

t.test('an artifact is uploaded while the host runs, and listed at once (F001)', async (t) => {
  const { upload, ask, app } = await openControlPlane(t);
  const manifest = { name: 'Demo plugin' };
  t.strictSame(await upload(artifactOf('demo', 'v0.1.0', { manifest })), {
    status: 200,
    code: 0,
    message: 'OK',
    data: {
      id: 'demo',
      name: 'Demo plugin',
      version: 'v0.1.0',
      type: 'dynamic',
      runtimeKind: 'wasm',
      runtimeAbi: 'v1',
      installed: 0,
      enabled: 0,
    },
  });
  const { data } = await ask('GET', '?id=demo');
  t.match(data, { total: 1, list: [{ id: 'demo', installed: 0, enabled: 0, version: 'v0.1.0' }] });
  t.match(await app.inject('/x/demo/hello'), { statusCode: 404, body: 'Dynamic plugin is not enabled' });
});

t.test('what is no valid artifact is refused with the reason, and nothing is stored (F002)', async (t) => {
  const plane = await openControlPlane(t);
  const whole = artifactOf('demo');
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['a text', Buffer.from('not wasm'), /wasm/i],
    ['a header without sections', Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /lina\.plugin/],
    ['a missing section', buildArtifact({ without: ['lina.plugin.dynamic'] }), /lina\.plugin\.dynamic/],
    ['another ABI', buildArtifact({ metadata: { abiVersion: 'v2' } }), /v2/],
    ['a truncated file', whole.subarray(0, whole.length - 5), /./],
    ['an asset that leaves its place', buildArtifact({ frontendAssets: { '../a.html': 'x' } }), /\.\.\/a\.html/],
  ];
  for (const [title, bytes, message] of cases) {
    const answer = await plane.upload(bytes);
    t.match(answer, { status: 200, code: 53, data: null, errorCode: 'SBX_ARTIFACT_INVALID', message }, title);
    await nothingStored(t, plane, title);
  }
});

t.test('an empty file is refused', async (t) => {
  const plane = await openControlPlane(t);
  const refused = { status: 200, errorCode: 'SBX_UPLOAD_REFUSED', message: 'dynamic plugin file cannot be empty' };
  t.match(await plane.upload(new Uint8Array()), refused);
  await nothingStored(t, plane, 'an empty file');
});

t.test('a form without a file, or no form at all, is a malformed request', async (t) => {
  const plane = await openControlPlane(t);
  const cases: readonly (readonly [string, string | undefined, Buffer | string, string])[] = [
    ['no file', FORM_TYPE, form([['overwriteSupport', '1']]), 'dynamic plugin file is required'],
    ['a file by another name', FORM_TYPE, form([['files', artifactOf('demo')]]), 'dynamic plugin file is required'],
    ['a text as file', FORM_TYPE, form([['file', 'text']]), 'dynamic plugin file is required'],
    ['a flag that is none', FORM_TYPE, form([['overwriteSupport', 'yes']]), 'overwriteSupport must be 0 or 1'],
    ['JSON', 'application/json', '{}', 'the content type must be multipart/form-data'],
    ['no boundary', 'multipart/form-data', form([]), 'Boundary'],
    ['a form that breaks off', FORM_TYPE, form([['file', artifactOf('demo')]]).subarray(0, 200), 'end'],
    [
      'two files',
      FORM_TYPE,
      form([
        ['file', artifactOf('demo')],
        ['file', artifactOf('demo')],
      ]),
      'files limit',
    ],
  ];
  for (const [title, type, payload, reason] of cases) {
    const answer = await plane.app.inject({
      method: 'POST',
      url: PATH,
      headers: { ...admin, 'content-type': type },
      payload,
    });
    t.equal(answer.statusCode, 200, title);
    t.match(answer.json(), { code: 51, data: null, errorCode: 'SBX_BODY_INVALID' }, title);
    t.ok(answer.json().message.includes(reason), `${title}: ${answer.json().message}`);
    await nothingStored(t, plane, title);
  }
});

t.test('without a content type there is no upload', async (t) => {
  const plane = await openControlPlane(t);
  const answer = await plane.app.inject({ method: 'POST', url: PATH, headers: admin });
  t.match(answer.json(), { code: 51, errorCode: 'SBX_BODY_INVALID' });
});

t.test('a file beyond the limit is refused, whether it says so or not (C22), and leaves nothing behind', async (t) => {
  const plane = await openControlPlane(t);
  const left = ownTemporaryFiles(t);
  for (const [title, bytes] of [
    ['by its length', MAX_UPLOAD_BYTES + 2 * 1024 * 1024],
    ['below the limit of the form', MAX_UPLOAD_BYTES + 1],
  ] as const) {
    t.match(
      await plane.upload(new Uint8Array(bytes)),
      {
        status: 200,
        code: 53,
        errorCode: 'UPLOAD_FILE_TOO_LARGE',
        messageParams: { maxSizeMB: 2 },
        message: 'file size cannot exceed 2MB',
      },
      title,
    );
    await nothingStored(t, plane, title);
  }
  t.same(left(), []);
});

t.test('a file of exactly the limit is read, however small other bodies must be (C21)', async (t) => {
  const { upload } = await openControlPlane(t);
  const { message } = await upload(new Uint8Array(MAX_UPLOAD_BYTES));
  t.match(message, /wasm/i, 'it is the artifact that is refused');
});

t.test('the file of a plugin that is not installed is replaced only when asked to (C17)', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.2.0'));
  t.match(await upload(artifactOf('demo', 'v0.1.0')), {
    status: 200,
    code: 55,
    errorCode: 'SBX_UPLOAD_REFUSED',
    message: 'dynamic plugin file demo.wasm already exists; enable overwrite to replace it',
  });
  t.match(await ask('GET', '/demo'), { data: { version: 'v0.2.0' } });
  t.match(await upload(artifactOf('demo', 'v0.1.0'), { overwriteSupport: '0' }), { errorCode: 'SBX_UPLOAD_REFUSED' });
  t.match(await upload(artifactOf('demo', 'v0.1.0'), { overwriteSupport: '1' }), { code: 0 });
  t.match(await ask('GET', '/demo'), { data: { version: 'v0.1.0', installed: 0 } });
});

t.test('the same bytes again change nothing', async (t) => {
  const plane = await openControlPlane(t);
  await plane.upload(artifactOf('demo'));
  const before = await standingOf(plane, 'demo');
  t.match(await plane.upload(artifactOf('demo'), { overwriteSupport: '1' }), { code: 0, data: { id: 'demo' } });
  t.same(await standingOf(plane, 'demo'), before);
});

t.test('bytes that are in effect already are a success, and other bytes of their version are not', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo');
  const before = await standingOf(plane, 'demo');
  t.match(await plane.upload(artifactOf('demo')), { code: 0, data: { installed: 1, enabled: 1 } });
  t.same(await standingOf(plane, 'demo'), before);
  const other = artifactOf('demo', 'v0.1.0', { routes: [{ path: '/other' }] });
  t.match(await plane.upload(other), { errorCode: 'SBX_UPLOAD_REFUSED' });
  t.match(await plane.upload(other, { overwriteSupport: 'maybe' }), {
    code: 51,
    message: 'the request body is invalid: overwriteSupport must be 0 or 1',
  });
});

t.test('over an installed plugin only a higher version is taken, and waits (C18, C19, F010)', async (t) => {
  const plane = await openControlPlane(t);
  await plane.serve('demo', 'v0.2.0');
  for (const version of ['v0.1.0', 'v0.2.0']) {
    const other = artifactOf('demo', version, { routes: [{ path: '/other' }] });
    t.match(await plane.upload(other, { overwriteSupport: '1' }), {
      status: 200,
      code: 55,
      errorCode: 'SBX_UPLOAD_REFUSED',
      message: /installed dynamic plugins can only upload a higher version/,
    });
  }
  t.equal((await plane.app.inject('/x/demo/hello')).statusCode, 200);
  t.match(await plane.upload(artifactOf('demo', 'v0.3.0')), { code: 0, data: { installed: 1, enabled: 1 } });
  t.match(await plane.ask('GET', '/demo'), {
    data: {
      version: 'v0.2.0',
      effectiveVersion: 'v0.2.0',
      discoveredVersion: 'v0.3.0',
      runtimeState: 'pending_upgrade',
      upgradeAvailable: true,
    },
  });
  t.match(await plane.app.inject('/x/demo/hello'), { statusCode: 409 });
  t.equal(await askBystander(plane.app), '200 pong');
});

t.test('what an upload declares is not granted by the upload', async (t) => {
  const { upload, ask } = await openControlPlane(t);
  await upload(artifactOf('demo', 'v0.1.0', { hostServices: SCOPED }));
  const { data } = await ask('GET', '/demo');
  t.match(data, { authorizationRequired: 1, authorizationStatus: 'pending' });
  t.strictSame(data?.authorizedHostServices, []);
  t.match(data?.requestedHostServices, [{ service: 'runtime' }, { service: 'storage' }]);
});

/** What is below the directory of temporary files, which is one of this test's own from now on. */
function ownTemporaryFiles(t: Test): () => string[] {
  const { TMPDIR } = process.env;
  const directory = join(t.testdirName, 'tmp');
  mkdirSync(directory);
  process.env.TMPDIR = directory;
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  return () => readdirSync(directory);
}

t.test('an upload that is cut in the middle leaves nothing behind', async (t) => {
  const plane = await openControlPlane(t);
  const left = ownTemporaryFiles(t);
  await plane.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = plane.app.server.address() as { port: number };
  const body = form([['file', new Uint8Array(1024 * 1024)]]);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer admin\r\ncontent-type: ${FORM_TYPE}\r\n` +
      `content-length: ${body.length}\r\n\r\n`,
  );
  socket.write(body.subarray(0, body.length / 2));
  await until(() => left().length === 1);
  socket.destroy();
  await until(() => left().length === 0);
  await nothingStored(t, plane, 'cut');
  t.match(await plane.upload(artifactOf('demo')), { code: 0 }, 'the next one is taken');
});

t.test('a client that leaves before its upload is looked at leaves nothing behind', async (t) => {
  t.testdir({});
  const left = ownTemporaryFiles(t);
  const parts = async function* () {
    yield await new Promise<never>(() => {});
  };
  const raw = { destroyed: true };
  const request = { headers: {}, raw, isMultipart: () => true, parts } as unknown as FastifyRequest;
  await t.rejects(receiveUpload(request, 1000), { code: 'SBX_BODY_INVALID', message: /the client went away/ });
  t.same(left(), []);
});

t.test('a disk that is full while an upload arrives is the failure of the host', async (t) => {
  const plane = await openControlPlane(t);
  const left = ownTemporaryFiles(t);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  const file = Readable.from([Buffer.from('a')]);
  const parts = async function* () {
    yield { type: 'file', fieldname: 'file', file };
    throw full;
  };
  const request = { headers: {}, raw: {}, isMultipart: () => true, parts } as unknown as FastifyRequest;
  await t.rejects(receiveUpload(request, 1000), { code: 'SBX_STORE_FAILED', details: { reason: full.message } });
  t.same(left(), []);

  process.env.TMPDIR = join(t.testdirName, 'gone');
  const answer = await plane.upload(artifactOf('demo'));
  t.match(answer, { status: 500, code: 50, data: null, errorCode: 'SBX_STORE_FAILED' });
  t.notOk(answer.messageParams, 'paths of the host stay in the host');
  await nothingStored(t, plane, 'full');
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
