/** `sandpool inspect`: what is in an artifact, whether a host accepts it, and how it can be run. */
import { readFile } from 'node:fs/promises';
import { unreadable } from '../protocol/unreadable.js';
import type { Context, ExitCode } from './command.js';
import { formatInspection } from './inspect-text.js';
import { inspectArtifact } from './inspection.js';

export { formatInspection } from './inspect-text.js';
export { inspectArtifact } from './inspection.js';

/** Prints the description. Ends with 1 where an upload would be refused, with the code on stderr. */
export async function run({ args: [file = ''], answer, note }: Context): Promise<ExitCode> {
  const description = await inspectArtifact(await readBytes(file));
  answer(description, formatInspection(description));
  for (const { code, message } of description.problems) note(`${code}: ${message}`);
  return description.problems.length === 0 ? 0 : 1;
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}
