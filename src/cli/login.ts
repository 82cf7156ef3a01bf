/** `sandpool login`: exchanges a password for a token and stores it. */

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { readEnvironment } from '../config/load.js';
import { SandpoolError } from '../protocol/errors.js';
import { connect } from './client.js';
import type { Context, ExitCode } from './command.js';
import { storeToken } from './credentials.js';

interface Options {
  readonly url?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const { url, username = 'admin' } = context.options;
  const host = await connect({ ...(url !== undefined && { url }) });
  const password = await readPassword(context, `Password of ${username} at ${host.url}: `);
  const { accessToken } = await host.request<{ accessToken: string }>({
    method: 'POST',
    path: '/auth/login',
    json: { username, password },
  });
  const file = await storeToken(readEnvironment().userDir, host.url, { username, token: accessToken });
  context.answer({ url: host.url, username, file }, `${username} is logged in at ${host.url}; the token is in ${file}`);
  return 0;
}

async function readPassword({ stdin, stderr, options }: Context<Options>, question: string): Promise<string> {
  const asks = stdin.isTTY && !options.passwordStdin;
  const password = asks ? await ask(stdin, stderr, question) : (await text(stdin)).replace(/\r?\n$/, '');
  if (password === '')
    throw new SandpoolError('SBX_USAGE', { reason: 'the password is empty; without a terminal it is read from stdin' });
  return password;
}

async function ask(stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream, question: string): Promise<string> {
  // readline echoes what is typed to its output; this one says nothing.
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silence, terminal: true });
  // Without this, Ctrl-C and Ctrl-D would leave the question open for ever.
  const end = new AbortController();
  for (const event of ['SIGINT', 'close']) lines.once(event, () => end.abort());
  stderr.write(question);
  try {
    return await lines.question('', { signal: end.signal });
  } catch (error) {
    throw new SandpoolError('SBX_USAGE', { reason: 'no password was given' }, { cause: error });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
