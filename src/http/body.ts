/** Receives request bodies whole, up to a limit, whatever the verb and the content type. */
import type { IncomingMessage } from 'node:http';
import type { SandpoolError } from '../protocol/errors.js';

/** The client went away before its request was complete; there is nobody to answer. */
export class ClientGone extends Error {}

/** Whether a body is announced. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (length !== undefined && length !== '0') || request.headers['transfer-encoding'] !== undefined;
}

/** Told once: the body, or why there is none. */
export type OnBody = (body: Buffer | undefined, error?: unknown) => void;

/**
 * Gives the whole body to `onBody`. What exceeds the limit is read and dropped, so that the client can finish sending and read the
 * answer; the server's request timeout bounds that.
 * The error is what `overflow` makes, as soon as the body is known to be larger than `maxBytes`, or ClientGone.
 */
export function receiveBody(
  request: IncomingMessage,
  maxBytes: number,
  overflow: () => SandpoolError,
  onBody: OnBody,
): void {
  let room = maxBytes;
  let chunks: Buffer[] = [];
  let isTold = false;
  const tell: OnBody = (body, error) => {
    if (isTold) return;
    isTold = true;
    onBody(body, error);
  };
  const refuse = (): void => {
    room = -1;
    chunks = [];
    tell(undefined, overflow());
  };
  request.on('data', (chunk: Buffer) => {
    if (room < 0) return;
    room -= chunk.length;
    if (room < 0) refuse();
    else chunks.push(chunk);
  });
  request.on('end', () => tell(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
  // Node reports a client that leaves early as an error, and only to those who listen.
  request.on('error', (cause) => tell(undefined, new ClientGone('the client went away', { cause })));
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) refuse();
}
