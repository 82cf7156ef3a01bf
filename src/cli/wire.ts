/**
 * `sandpool wire`: bytes ↔ JSON of every wire message, for people who debug a guest. Each answer is one line of JSON:
 * `{"type","json"}` of decoding, `{"type","hex"}` of encoding, or `{"type","error"}`.
 */
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { wireInvalid } from '../protocol/wire.js';
import { decodeToJson, encodeJson } from '../protocol/wire-types.js';
import type { Context, ExitCode } from './command.js';

export type WireAction = 'encode' | 'decode';

export interface WireArguments {
  readonly action: WireAction;
  readonly type?: string | undefined;
  /** Hex to decode, or JSON to encode; without it lines are read. An empty text is an empty message. */
  readonly value?: string | undefined;
}

export async function run({ args: [action, type, value], stdin, stdout }: Context): Promise<ExitCode> {
  if (action !== 'encode' && action !== 'decode') {
    throw new SandpoolError('SBX_USAGE', { reason: `wire ${action ?? ''}: the action is encode or decode` });
  }
  stdin.setEncoding('utf8');
  return runWire({ action, type, value }, stdin as AsyncIterable<string>, async (line) => {
    if (!stdout.write(`${line}\n`)) await new Promise<void>((resolve) => stdout.once('drain', resolve));
  });
}

/**
 * Converts the one value, or every line `TYPE<TAB>HEX` or `TYPE<TAB>JSON` of the input; without a tab the value is empty, and
 * blank lines are passed over. An invalid line is answered with an error and does not stop the rest.
 * @param input text in pieces of any length
 * @returns for one value 1 when it is invalid, else 0; for lines 0, because each of them is answered
 */
export async function runWire(
  { action, type, value }: WireArguments,
  input: AsyncIterable<string> | undefined,
  write: (line: string) => void | Promise<void>,
): Promise<ExitCode> {
  if (type !== undefined && value !== undefined) {
    const answer = convert(action, type, value);
    await write(JSON.stringify(answer));
    return 'error' in answer ? 1 : 0;
  }
  for await (const line of linesOf(input)) {
    const tab = line.indexOf('\t');
    const answer = tab < 0 ? convert(action, line, '') : convert(action, line.slice(0, tab), line.slice(tab + 1));
    await write(JSON.stringify(answer));
  }
  return 0;
}

type WireAnswer =
  | { readonly type: string; readonly json: unknown }
  | { readonly type: string; readonly hex: string }
  | { readonly type: string; readonly error: string };

function convert(action: WireAction, type: string, value: string): WireAnswer {
  try {
    if (action === 'decode') return { type, json: decodeToJson(type, bytesOf(value)) };
    return { type, hex: Buffer.from(encodeJson(type, jsonOf(value))).toString('hex') };
  } catch (error) {
    if (!(error instanceof SandpoolError)) throw error;
    return { type, error: error.message };
  }
}

function bytesOf(hex: string): Uint8Array {
  const digits = hex.trim();
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw wireInvalid('the value is not hexadecimal');
  return Buffer.from(digits, 'hex');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wireInvalid(`the value is not JSON: ${reasonOf(error)}`);
  }
}

/** Only a line feed ends a line: Node's readline would also split JSON strings at U+2028. */
async function* linesOf(pieces: AsyncIterable<string> | undefined): AsyncGenerator<string> {
  if (pieces === undefined) return;
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (line.trim() !== '') yield line.replace(/\r$/, '');
  }
  if (rest.trim() !== '') yield rest.replace(/\r$/, '');
}
