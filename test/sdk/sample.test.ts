import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import asc from 'assemblyscript/asc';
import t from 'tap';
import { parse } from 'yaml';
import { type Language, scaffold } from '../../src/cli/new.js';
import { decodeResponseEnvelope, type Identity, type RequestEnvelope } from '../../src/protocol/envelope.js';
import { failedResponse } from '../../src/protocol/host-call.js';
import { decodePayload } from '../../src/protocol/payloads.js';
import { eligibility } from '../../src/rewrite/eligibility.js';
import { GO_ENVIRONMENT, goVersion } from '../guest-modules.js';
import { bodyOf, type Guest, startGuest } from './guest.js';
import { memoryHost } from './memory-host.js';
import { UNSERVED } from './unserved.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

const root = t.testdir();
const hasGo = (await goVersion()) !== undefined;
if (!hasGo) t.comment('SKIP Go >= 1.24 is not installed');

/** Scaffolds the sample outside this tree and builds it with nothing but what lies in its directory. */
async function build(language: Language): Promise<Uint8Array> {
  const directory = join(root, language);
  await scaffold('acme-memo', { language, directory });
  if (language === 'go') {
    const { command, output } = parse(await readFile(join(directory, 'hack/config.yaml'), 'utf8')).wasm.build;
    await promisify(execFile)(command[0], command.slice(1), { cwd: directory, env: GO_ENVIRONMENT });
    return readFile(join(directory, output));
  }
  const { error, stderr } = await asc.main(['assembly/index.ts', '--baseDir', directory, '--outFile', 'plugin.wasm']);
  if (error) throw new Error(stderr.toString());
  return readFile(join(directory, 'plugin.wasm'));
}

for (const language of ['assemblyscript', 'go'] as const) {
  const skip = language === 'go' && !hasGo ? 'Go >= 1.24 is not installed' : false;

  t.test(`The sample plugin in ${language}`, { skip }, async (t) => {
    const module = await build(language);
    const plugin = (answer = memoryHost()) => startGuest(module, answer);

    for (const [name, bytes, status, body] of UNSERVED) {
      t.test(`answers what it cannot serve with the reason (${name})`, async (t) => {
        const response = decodeResponseEnvelope(plugin().run(Buffer.from(bytes, 'hex')));
        t.same([response.statusCode, bodyOf(response), response.failure?.message], [status, body, body]);
      });
    }

    t.test('can be set back to its first state instead of being started anew', async (t) => {
      t.same(eligibility(module), { pristine: true, fuel: true, reasons: [] });
    });

    t.test('keeps notes: list, write, read, delete', async (t) => {
      const guest = plugin();
      t.same(ask(guest, 'ListNotesReq'), [200, { items: [], total: 0 }]);
      const first = {
        id: 'id-1',
        title: 'Milk & <b>',
        text: 'two\nbottles 🥛',
        author: 'admin',
        writtenAt: 1700000000001,
      };
      t.same(ask(guest, 'CreateNoteReq', { body: { title: first.title, text: first.text }, identity: ADMIN }), [
        201,
        first,
      ]);
      t.equal(ask(guest, 'CreateNoteReq', { body: { title: 'Second' }, identity: ADMIN })[0], 201);
      t.match(ask(guest, 'ListNotesReq'), [200, { items: [{ title: 'Second', text: '' }, first], total: 2 }]);
      t.same(ask(guest, 'GetNoteReq', { id: 'id-1' }), [200, first]);
      t.same(ask(guest, 'DeleteNoteReq', { id: 'id-1', identity: ADMIN }), [204, '']);
      t.same(ask(guest, 'GetNoteReq', { id: 'id-1' }), [404, 'there is no such note']);
      t.same(ask(guest, 'DeleteNoteReq', { id: 'id-1', identity: ADMIN }), [404, 'there is no such note']);
      t.match(ask(guest, 'ListNotesReq'), [200, { total: 1 }]);
    });

    t.test('says where a new note is', async (t) => {
      const response = plugin().ask(request('CreateNoteReq', { body: { title: 't' }, identity: ADMIN }));
      t.same(response.headers, { Location: ['/x/acme-memo/notes/id-1'] });
    });

    t.test('refuses notes without a title, without a login, and too many of them', async (t) => {
      const guest = plugin();
      t.same(ask(guest, 'CreateNoteReq', { body: { text: 'x' }, identity: ADMIN }), [400, 'title is required']);
      t.same(ask(guest, 'CreateNoteReq', { identity: ADMIN }), [400, 'request body cannot be empty']);
      t.equal(ask(guest, 'CreateNoteReq', { body: { title: 'x'.repeat(201) }, identity: ADMIN })[0], 400);
      t.equal(ask(guest, 'CreateNoteReq', { body: { title: 'x' } })[0], 401);
      const small = plugin(memoryHost({ maxNotes: '1' }));
      t.equal(ask(small, 'CreateNoteReq', { body: { title: 'x' }, identity: ADMIN })[0], 201);
      t.match(ask(small, 'CreateNoteReq', { body: { title: 'x' }, identity: ADMIN }), [400, /the notebook is full/]);
    });

    t.test('shows the notes on a page without trusting them', async (t) => {
      const guest = plugin();
      ask(guest, 'CreateNoteReq', { body: { title: '<script>alert(1)</script>', text: '"&' }, identity: ADMIN });
      const page = guest.ask(request('PageReq'));
      t.equal(page.contentType, 'text/html; charset=utf-8');
      t.match(bodyOf(page), '&lt;script&gt;alert(1)&lt;/script&gt;');
      t.notMatch(bodyOf(page), '<script');
    });

    t.test('finds notes by a part of their title, and nothing without one', async (t) => {
      const guest = plugin();
      for (const title of ['Milk', 'Oat milk', 'Bread'])
        ask(guest, 'CreateNoteReq', { body: { title }, identity: ADMIN });
      const found = ask(guest, 'SearchNotesReq', { query: { title: ['ilk'] }, identity: ADMIN });
      t.match(found, [200, { total: 2, items: [{ title: 'Oat milk' }, { title: 'Milk' }] }]);
      t.same(ask(guest, 'SearchNotesReq', { identity: ADMIN }), [400, 'title is required']);
    });

    t.test('counts the notes of each author once, until one is written or deleted', async (t) => {
      const guest = plugin();
      const lists = () => guest.calls.filter(({ service, method }) => service === 'data' && method === 'list').length;
      ask(guest, 'CreateNoteReq', { body: { title: 'Milk' }, identity: ADMIN });
      t.same(ask(guest, 'AuthorsReq', { identity: ADMIN }), [200, { admin: 1 }]);
      const counted = lists();
      t.same(ask(guest, 'AuthorsReq', { identity: ADMIN }), [200, { admin: 1 }]);
      t.equal(lists(), counted);
      ask(guest, 'CreateNoteReq', { body: { title: 'Oat' }, identity: { ...ADMIN, username: 'tina' } });
      t.same(ask(guest, 'AuthorsReq', { identity: ADMIN }), [200, { admin: 1, tina: 1 }]);
    });

    t.test('keeps a file at a note, which goes with the note', async (t) => {
      const guest = plugin();
      const file = { id: 'id-1', body: { any: 'bytes' }, identity: ADMIN };
      t.same(ask(guest, 'PutAttachmentReq', file), [404, 'there is no such note']);
      ask(guest, 'CreateNoteReq', { body: { title: 'Milk' }, identity: ADMIN });
      t.same(ask(guest, 'GetAttachmentReq', { id: 'id-1' }), [404, 'there is no file at this note']);
      t.same(ask(guest, 'PutAttachmentReq', file), [200, { path: 'attachments/id-1', sizeBytes: 15 }]);
      const sent = guest.ask(request('GetAttachmentReq', { id: 'id-1' }));
      t.equal(bodyOf(sent), '{"any":"bytes"}');
      t.match(sent, { contentType: 'application/octet-stream', headers: { 'Content-Disposition': ['attachment'] } });
      ask(guest, 'DeleteNoteReq', { id: 'id-1', identity: ADMIN });
      t.equal(ask(guest, 'GetAttachmentReq', { id: 'id-1' })[0], 404);
    });

    t.test('registers a job, which writes the notes into a file', async (t) => {
      const guest = plugin();
      t.same(ask(guest, 'RegisterJobsReq'), [200, { registered: 1 }]);
      const registered = guest.calls.find(({ method }) => method === 'jobs.register');
      t.match(decodePayload('HostServiceJobsRegisterRequest', registered?.payload ?? new Uint8Array()), {
        name: 'export',
        pattern: '*/5 * * * *',
        requestType: 'ExportJobReq',
      });
      t.same(ask(guest, 'ExportReq'), [404, 'the job that writes the file has not run yet']);
      ask(guest, 'CreateNoteReq', { body: { title: 'Milk' }, identity: ADMIN });
      t.same(ask(guest, 'ExportJobReq'), [200, { notes: 1 }]);
      t.match(ask(guest, 'ExportReq'), [200, [{ title: 'Milk' }]]);
    });

    t.test('tells of its setting, its manifest resource and its host', async (t) => {
      const about = {
        plugin: 'acme-memo',
        title: 'Notebook',
        maxNotes: 100,
        notes: 0,
        adminPath: '/admin',
        node: 'node-a',
      };
      t.match(ask(plugin(), 'AboutReq'), [200, { ...about, about: { from: 'manifest/resources/about.json' } }]);
      t.match(ask(plugin(memoryHost({ title: '"Memos"', maxNotes: '3' })), 'AboutReq'), [
        200,
        { title: 'Memos', maxNotes: 3 },
      ]);
    });

    t.test('writes its first note when it is installed, once', async (t) => {
      const guest = plugin();
      t.same(ask(guest, 'AfterInstallReq', { body: { operation: 'AfterInstall' } }), [200, { ok: true }]);
      t.same(ask(guest, 'AfterInstallReq', { body: { operation: 'AfterInstall' } }), [200, { ok: true }]);
      t.match(ask(guest, 'ListNotesReq'), [200, { total: 1, items: [{ id: 'welcome', title: 'Welcome' }] }]);
    });

    t.test('installs without the grant for its manifest, and then begins empty', async (t) => {
      const host = memoryHost();
      const guest = plugin((call) => (call.service === 'manifest' ? failedResponse(1, { message: 'no' }) : host(call)));
      t.same(ask(guest, 'AfterInstallReq', { body: {} }), [200, { ok: true }]);
      t.match(ask(guest, 'ListNotesReq'), [200, { total: 0 }]);
    });

    t.test('serves every request type that it declares, and asks only for services that it declares', async (t) => {
      const read = async (file: string) => parse(await readFile(join(root, language, file), 'utf8'));
      const { routes, lifecycle } = (await read('hack/config.yaml')).wasm;
      const guest = plugin();
      for (const { requestType } of [...routes, ...lifecycle]) {
        t.notMatch(
          ask(guest, requestType, { body: { title: 't' }, identity: ADMIN })[1],
          'Dynamic bridge route not found',
          requestType,
        );
      }
      const declared = (await read('plugin.yaml')).hostServices as { service: string; methods: string[] }[];
      const allowed = new Set(
        declared.flatMap(({ service, methods }) => methods.map((method) => `${service} ${method}`)),
      );
      for (const call of guest.calls)
        t.ok(allowed.has(`${call.service} ${call.method}`), `${call.service} ${call.method}`);
    });
  });
}

const ADMIN: Partial<Identity> = { userId: 1, username: 'admin', isSuperAdmin: true };

interface Parts {
  readonly id?: string;
  readonly query?: Record<string, string[]>;
  readonly body?: object;
  readonly identity?: Partial<Identity>;
}

function request(requestType: string, { id, query = {}, body, identity }: Parts = {}): RequestEnvelope {
  const isWrite = /^(?:Create|After)/.test(requestType);
  const method = isWrite ? 'POST' : 'GET';
  return {
    pluginId: 'acme-memo',
    requestId: 'r',
    route: { method, requestType, pathParams: id === undefined ? {} : { id }, queryValues: query },
    request: { method, body: Buffer.from(body === undefined ? '' : JSON.stringify(body)) },
    ...(identity === undefined ? {} : { identity }),
  };
}

/** Status and body of an answer, JSON decoded. */
function ask(guest: Guest, requestType: string, parts?: Parts): [number, unknown] {
  const response = guest.ask(request(requestType, parts));
  const text = bodyOf(response);
  return [response.statusCode, response.contentType === 'application/json' ? JSON.parse(text) : text];
}
