/** The clients of the services in both guest libraries, against the bytes of the reference. */
import t from 'tap';
import { failedResponse } from '../../src/protocol/host-call.js';
import { encodePayload } from '../../src/protocol/payloads.js';
import { assemblyScriptGuest, goGuestWithLibrary } from '../guest-modules.js';
import { bodyOf, type HostReply, hex, requestOf, startGuest } from './guest.js';
import { CLIENTS, CLIENTS_OF_GO, json, jsonPayload, OBJECT, OBJECT_SEEN, replying } from './service-cases.js';

// The first Go guest on a machine compiles Go’s library.
t.setTimeout(3_600_000);

const PATHS = ['config/a.yaml', 'config/b/c.yaml'];

const BIG = '0a0f7265706f7274732f6269672e62696e';
const UPLOAD_ID = '12203031323334353637383961626364656630313233343536373839616263646566';

/** A host that takes pieces. */
function uploads(): (call: { readonly method: string; readonly payload: Uint8Array }) => HostReply | undefined {
  const sizes = ['0806', '080b'];
  return ({ method }) => {
    if (method === 'put.init') return replying(UPLOAD_ID.replace('12', '0a'));
    if (method === 'put.chunk') return replying(sizes.shift() ?? '080b');
    return method === 'put.commit' ? replying(OBJECT) : undefined;
  };
}

// [request type, call, broken reply, sentence]
const BROKEN: [string, string, string, string][] = [
  ['StorageReq', 'get', '1205', 'failed to decode storage get response object'],
  ['StorageReq', 'stat', '12020a05', 'failed to decode storage object path'],
  ['StorageReq', 'list', '0a020a05', 'failed to decode storage object path'],
  ['NetworkReq', 'get', '1a05', 'failed to decode network response body'],
  ['DataReq', 'get', '080112017b', 'record is not JSON: unexpected end'],
  ['DataReq', 'list', '0a017b', 'record is not JSON: unexpected end'],
  ['DataReq', 'list', '0a05', 'failed to decode data list response record'],
  ['DataReq', 'create', '1205', 'failed to decode data mutation response keyJson'],
  ['DataReq', 'transaction', '0a0212ff', 'failed to decode data mutation response keyJson'],
  ['CacheReq', 'get', '12021205', 'failed to decode cache value string'],
  ['CacheReq', 'expire', '1205', 'failed to decode cache expire response expireAt'],
  ['LockReq', 'acquire', '1205', 'failed to decode lock acquire response ticket'],
  ['NotificationsReq', 'send', '08ff', 'failed to decode notifications send response messageId'],
];

const go = await goGuestWithLibrary('services');
const GUESTS = [
  { language: 'AssemblyScript', module: await assemblyScriptGuest('services'), skip: false },
  { language: 'Go', module: go ?? new Uint8Array(0), skip: go === undefined && 'Go >= 1.24 is not installed' },
] as const;

for (const { language, module, skip } of GUESTS) {
  const isGo = language === 'Go';

  t.test(`The clients in ${language}`, { skip }, async (t) => {
    let current: HostReply | undefined;
    const guest = startGuest(module, () => current);

    for (const [service, cases] of Object.entries(isGo ? CLIENTS_OF_GO : CLIENTS)) {
      const requestType = `${service.charAt(0).toUpperCase()}${service.slice(1)}Req`;
      for (const [call, target, method, payload, reply, answer, body = ''] of cases) {
        t.test(
          `${service}: ${call} sends the bytes of the reference and gives ${JSON.stringify(answer)}`,
          async (t) => {
            current = reply;
            guest.calls.length = 0;
            t.same(
              JSON.parse(bodyOf(guest.ask(requestOf(requestType, { call, path: PATHS, prefix: 'config' }, body)))),
              answer,
            );
            const [resourceRef, table] = service === 'data' ? ['', target] : [target, ''];
            t.match(guest.calls, [{ service, method, resourceRef, table, owner: '', version: '' }]);
            t.equal(guest.calls.length, 1);
            t.equal(hex(guest.calls[0]?.payload ?? Buffer.from('none')), payload);
          },
        );
      }

      t.test(`${service}: a refusal is an error with its status and sentence`, async (t) => {
        current = failedResponse(3, { message: 'not like this' });
        for (const [call] of cases) {
          const answer = bodyOf(guest.ask(requestOf(requestType, { call })));
          t.same(JSON.parse(answer), { status: 3, message: 'not like this' }, call);
        }
      });
    }

    t.test('storage: a page goes on where the last one ended', async (t) => {
      current = json({ objects: [] });
      guest.calls.length = 0;
      guest.ask(requestOf('StorageReq', { call: 'listPage', cursor: 'reports/a.json' }));
      t.equal(hex(guest.calls[0]!.payload), jsonPayload({ prefix: 'reports/', cursor: 'reports/a.json', limit: 1 }));
    });

    t.test('storage: a file is stored piece by piece with the bytes of the reference', async (t) => {
      const guest = startGuest(module, uploads());
      t.same(JSON.parse(bodyOf(guest.ask(requestOf('StorageReq', { call: 'upload' })))), OBJECT_SEEN);
      t.same(
        guest.calls.map(({ method, payload }) => [method, hex(payload)]),
        [
          ['put.init', `${BIG}12186170706c69636174696f6e2f6f637465742d73747265616d1801`],
          ['put.chunk', `${BIG}${UPLOAD_ID}220668656c6c6f20`],
          ['put.chunk', `${BIG}${UPLOAD_ID}18062205776f726c64`],
          ['put.commit', `${BIG}${UPLOAD_ID}180b`],
        ],
      );
      for (const { resourceRef } of guest.calls) t.equal(resourceRef, 'reports/big.bin');
    });

    t.test('storage: a file of many pieces takes the memory of one', { skip: isGo && 'Go collects' }, async (t) => {
      const guest = startGuest(module, uploads());
      t.same(JSON.parse(bodyOf(guest.ask(requestOf('StorageReq', { call: 'upload long' })))), OBJECT_SEEN);
      t.equal(guest.calls.length, 130);
      t.ok(guest.memory.buffer.byteLength < 1 << 20, `${guest.memory.buffer.byteLength} bytes`);
    });

    t.test('storage: a file that is given up is forgotten by the host', async (t) => {
      const guest = startGuest(module, uploads());
      t.equal(bodyOf(guest.ask(requestOf('StorageReq', { call: 'abort' }))), 'true');
      t.same(
        guest.calls.map(({ method, payload }) => [method, hex(payload)]),
        [
          ['put.init', `${BIG}12186170706c69636174696f6e2f6f637465742d73747265616d1801`],
          ['put.abort', `${BIG}${UPLOAD_ID}`],
        ],
      );
    });

    t.test('storage: a body of more than 1 MiB is sent in pieces, and given up when one is refused', async (t) => {
      const body = 'x'.repeat(2 * 1024 * 1024 + 5);
      const taken: number[] = [];
      let sum = 0;
      const whole = startGuest(module, ({ method, payload }) => {
        if (method === 'put.init') return replying('0a0175');
        if (method === 'put.commit') return replying(OBJECT);
        taken.push(payload.length);
        sum = Math.min(sum + 1024 * 1024, body.length);
        return { payload: encodePayload('HostServiceStoragePutChunkResponse', { nextOffset: sum }) };
      });
      t.same(JSON.parse(bodyOf(whole.ask(requestOf('StorageReq', { call: 'put' }, body)))), OBJECT_SEEN);
      t.same(
        whole.calls.map(({ method }) => method),
        ['put.init', 'put.chunk', 'put.chunk', 'put.chunk', 'put.commit'],
      );
      t.ok(taken[0]! > 1024 * 1024 && taken[2]! < 100);

      const refused = startGuest(module, ({ method }) => {
        if (method === 'put.init') return replying('0a0175');
        return method === 'put.chunk' ? failedResponse(3, { message: 'too much' }) : undefined;
      });
      t.match(bodyOf(refused.ask(requestOf('StorageReq', { call: 'put' }, body))), 'too much');
      t.same(
        refused.calls.map(({ method }) => method),
        ['put.init', 'put.chunk', 'put.abort'],
      );
    });

    t.test(
      'jobs: the host is told of every job of the plugin, with the bytes of the reference, and each has its handler',
      async (t) => {
        const guest = startGuest(module);
        t.equal(bodyOf(guest.ask(requestOf('RegisterJobsReq'))), '{"registered":2}');
        t.same(
          guest.calls.map(({ service, method, payload }) => [service, method, hex(payload)]),
          [
            [
              'jobs',
              'jobs.register',
              '0a09686561727462656174121844796e616d696320506c7567696e204865617274626561741a2052756e7320612064796e616d696320706c7567696e206865617274626561742e220e23202a2f3130202a202a202a202a2a0d417369612f5368616e676861693208616c6c5f6e6f64653a0973696e676c65746f6e4001481e520f4a6f624865617274626561745265715a0e2f6a6f622d686561727462656174',
            ],
            [
              'jobs',
              'jobs.register',
              hex(
                encodePayload('HostServiceJobsRegisterRequest', {
                  name: 'nightly',
                  pattern: '0 3 * * *',
                  requestType: 'NightlyReq',
                }),
              ),
            ],
          ],
        );
        t.equal(bodyOf(guest.ask(requestOf('JobHeartbeatReq'))), '"beat"');
        t.equal(bodyOf(guest.ask(requestOf('NightlyReq'))), '"night"');

        const refusing = startGuest(module, () => failedResponse(1, { message: 'no' }));
        t.match(refusing.ask(requestOf('RegisterJobsReq')), {
          statusCode: 500,
          failure: { message: 'job heartbeat: no' },
        });
      },
    );

    for (const [requestType, call, payload, message] of BROKEN) {
      t.test(`A reply of ${call} that cannot be read is an error, not a trap: ${message}`, async (t) => {
        current = replying(payload);
        const body = bodyOf(guest.ask(requestOf(requestType, { call })));
        const { status, message: told } = JSON.parse(body);
        t.equal(status, 4);
        // What is no JSON, each language says in its own words.
        if (!isGo || !/JSON|^failed to decode storage stat/.test(message)) t.equal(told, message);
      });
    }
  });
}
