/** Reading response bodies that a stranger sends. */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { NetworkFailure } from './exchange.js';

export interface BodyLimits {
  /** Of what comes out, unpacked. */
  readonly maxBytes: number;
  readonly isGzip: boolean;
}

/**
 * Reads a body to its end. Of one that is too large, packed or not, no more is unpacked than the limit and a piece.
 * @throws NetworkFailure 3 beyond the limit; whatever the stream or the unpacking fails with
 */
export async function readBody(body: Readable, { maxBytes, isGzip }: BodyLimits): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let total = 0;
  for await (const piece of isGzip ? unpacked(body) : (body as AsyncIterable<Buffer>)) {
    total += piece.length;
    if (total > maxBytes) throw new NetworkFailure(3, `network response body exceeds ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, total);
}

/** What is in a packed body; nothing is in an empty one, as for Go. Whoever stops early ends both streams. */
async function* unpacked(body: Readable): AsyncIterable<Buffer> {
  let packedBytes = 0;
  async function* counted(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const piece of pieces) {
      packedBytes += piece.length;
      yield piece;
    }
  }
  try {
    // The loop sees the failure of either stream.
    yield* pipeline(body, counted, createGunzip(), () => {}) as AsyncIterable<Buffer>;
  } catch (thrown) {
    if (packedBytes > 0 || (thrown as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw thrown;
  }
}
