import t from 'tap';
import type { Context } from '../../src/cli/command.js';
import { run, runWire, type WireArguments } from '../../src/cli/wire.js';

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

async function answers(args: WireArguments, ...input: string[]): Promise<{ exitCode: number; lines: unknown[] }> {
  const lines: unknown[] = [];
  const exitCode = await runWire(args, pieces(...input), (line) => void lines.push(JSON.parse(line)));
  return { exitCode, lines };
}

t.test('one message is decoded', async (t) => {
  t.same(await answers({ action: 'decode', type: 'RequestEnvelope', value: '0A0170' }), {
    exitCode: 0,
    lines: [{ type: 'RequestEnvelope', json: { pluginId: 'p' } }],
  });
});

t.test('one message is encoded', async (t) => {
  t.same(await answers({ action: 'encode', type: 'RequestEnvelope', value: '{"pluginId":" p "}' }), {
    exitCode: 0,
    lines: [{ type: 'RequestEnvelope', hex: '0a0170' }],
  });
});

t.test('an empty text is an empty message', async (t) => {
  t.same(await answers({ action: 'decode', type: 'HostCallResponse', value: '' }), {
    exitCode: 0,
    lines: [{ type: 'HostCallResponse', json: { status: 0 } }],
  });
});

const INVALID: readonly (readonly [WireArguments, string])[] = [
  [{ action: 'decode', type: 'RequestEnvelope', value: '0a0570' }, 'failed to decode bridge request pluginId'],
  [{ action: 'decode', type: 'RequestEnvelope', value: '0a0' }, 'the value is not hexadecimal'],
  [{ action: 'decode', type: 'RequestEnvelope', value: 'zz' }, 'the value is not hexadecimal'],
  [{ action: 'decode', type: 'Nope', value: '' }, 'unknown wire type: Nope'],
  [{ action: 'encode', type: 'RequestEnvelope', value: '{"a":1}' }, 'RequestEnvelope has no member a'],
];

for (const [args, error] of INVALID) {
  t.test(`an invalid value ends with 1: ${error}`, async (t) => {
    t.same(await answers(args), { exitCode: 1, lines: [{ type: args.type, error }] });
  });
}

t.test('text that is no JSON is an error', async (t) => {
  const { exitCode, lines } = await answers({ action: 'encode', type: 'RequestEnvelope', value: '{' });
  t.equal(exitCode, 1);
  t.match(lines, [{ type: 'RequestEnvelope', error: /^the value is not JSON: ./ }]);
});

t.test('every line is answered, and an invalid one does not stop the rest', async (t) => {
  const { exitCode, lines } = await answers(
    { action: 'decode' },
    'RequestEnvelope\t0a0',
    '170\r\nNope\t00\n\nRequestEnvelope\tff\nHostCallStateGet',
    'Request\t\nHostCallStateGetRequest\nHostCallStateGetRequest\t0a016b',
  );
  t.equal(exitCode, 0);
  t.same(lines, [
    { type: 'RequestEnvelope', json: { pluginId: 'p' } },
    { type: 'Nope', error: 'unknown wire type: Nope' },
    { type: 'RequestEnvelope', error: 'failed to decode bridge request tag' },
    { type: 'HostCallStateGetRequest', json: { key: '' } },
    { type: 'HostCallStateGetRequest', json: { key: '' } },
    { type: 'HostCallStateGetRequest', json: { key: 'k' } },
  ]);
});

t.test('lines of JSON are encoded, whatever their texts hold', async (t) => {
  const { lines } = await answers(
    { action: 'encode' },
    `HostCallStateGetResponse\t{"value":"a\u2028b",\t"found":true}\n`,
    'HostCallStateGetResponse\t{}\n',
  );
  t.same(lines, [
    { type: 'HostCallStateGetResponse', hex: '0a0561e280a8621001' },
    { type: 'HostCallStateGetResponse', hex: '' },
  ]);
});

t.test('with a type, a line may be the value alone', async (t) => {
  const { lines } = await answers({ action: 'decode', type: 'RequestEnvelope' }, '0a0170\nHostCallResponse\t0801\n');
  t.same(lines, [
    { type: 'RequestEnvelope', json: { pluginId: 'p' } },
    { type: 'HostCallResponse', json: { status: 1 } },
  ]);
});

t.test('the code of a single invalid value is told beside the answer', async (t) => {
  const notes: string[] = [];
  const args = { action: 'decode', type: 'Nope', value: '' } as const;
  await runWire(
    args,
    undefined,
    () => {},
    (text) => notes.push(text),
  );
  t.strictSame(notes, ['SBX_WIRE_TYPE_UNKNOWN: unknown wire type: Nope']);
});

t.test('without input there is nothing to answer', async (t) => {
  t.equal(await runWire({ action: 'decode' }, undefined, () => void t.fail('nothing is written')), 0);
});

t.test('an action that is neither encode nor decode is wrong usage', async (t) => {
  const context = { args: ['show'] } as unknown as Context;
  await t.rejects(run(context), { code: 'SBX_USAGE', message: 'wire show: the action is encode or decode' });
});
