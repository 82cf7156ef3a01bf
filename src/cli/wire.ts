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

export async function run({ args: [action, type, value], stdin, stdout, note }: Context): Promise<ExitCode> {
  if (action !== 'encode' && action !== 'decode') {
    throw new SandpoolError('SBX_USAGE', { reason: `wire ${action ?? ''}: the action is encode or decode` });
  }
  const write = async (line: string) => {
    if (!stdout.write(`${line}\n`)) await new Promise<void>((resolve) => stdout.once('drain', resolve));
  };
  stdin.setEncoding('utf8');
  return runWire({ action, type, value }, stdin as AsyncIterable<string>, write, note);
}

/**
 * Converts the one value, or every line `TYPE<TAB>HEX` or `TYPE<TAB>JSON` of the input. Blank lines are passed over. A line without
 * a tab is a value when the type was given, and otherwise the type of an empty value. An invalid line is answered with an error
 * and does not stop the rest.
 * @param input text in pieces of any length
 * @param note is told the code and sentence of a single value's error
 * @returns for one value 1 when it is invalid, else 0; for lines 0, because each of them is answered
 */
export async function runWire(
  { action, type, value }: WireArguments,
  input: AsyncIterable<string> | undefined,
  write: (line: string) => void | Promise<void>,
  note: (text: string) => void = () => {},
): Promise<ExitCode> {
  if (type !== undefined && value !== undefined) {
    const { answer, error } = answerTo(action, type, value);
    await write(JSON.stringify(answer));
    if (error !== undefined) note(`${error.code}: ${error.message}`);
    return error === undefined ? 0 : 1;
  }
  for await (const line of linesOf(input)) {
    const [lineType, lineValue] = partsOf(line, type);
    await write(JSON.stringify(answerTo(action, lineType, lineValue).answer));
  }
  return 0;
}

function partsOf(line: string, type: string | undefined): readonly [type: string, value: string] {
  const tab = line.indexOf('\t');
  if (tab >= 0) return [line.slice(0, tab), line.slice(tab + 1)];
  return type === undefined ? [line, ''] : [type, line];
}

type WireAnswer =
  | { readonly type: string; readonly json: unknown }
  | { readonly type: string; readonly hex: string }
  | { readonly type: string; readonly error: string };

function answerTo(action: WireAction, type: string, value: string): { answer: WireAnswer; error?: SandpoolError } {
  try {
    if (action === 'decode') return { answer: { type, json: decodeToJson(type, bytesOf(value)) } };
    return { answer: { type, hex: Buffer.from(encodeJson(type, jsonOf(value))).toString('hex') } };
  } catch (error) {
    if (!(error instanceof SandpoolError)) throw error;
    return { answer: { type, error: error.message }, error };
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
