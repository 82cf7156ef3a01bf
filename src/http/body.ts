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

/**
 * The whole body. What exceeds the limit is read and dropped, so that the client can finish sending and read the answer; the
 * server's request timeout bounds that.
 * @throws what `overflow` makes, as soon as the body is known to be larger than `maxBytes`
 * @throws ClientGone
 */
export function receiveBody(
  request: IncomingMessage,
  maxBytes: number,
  overflow: () => SandpoolError,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const isAnnouncedLarger = Number(request.headers['content-length'] ?? 0) > maxBytes;
    let room = isAnnouncedLarger ? -1 : maxBytes;
    let chunks: Buffer[] = [];
    if (isAnnouncedLarger) reject(overflow());
    request.on('data', (chunk: Buffer) => {
      if (room < 0) return;
      room -= chunk.length;
      if (room >= 0) {
        chunks.push(chunk);
        return;
      }
      chunks = [];
      reject(overflow());
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    // Node reports a client that leaves early as an error, and only to those who listen.
    request.on('error', (cause) => reject(new ClientGone('the client went away', { cause })));
  });
}
