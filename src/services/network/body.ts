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
  // The loop sees the failure of either stream, and leaving it destroys both.
  const content = isGzip ? pipeline(body, createGunzip(), () => {}) : body;
  for await (const piece of content as AsyncIterable<Buffer>) {
    total += piece.length;
    if (total > maxBytes) throw new NetworkFailure(3, `network response body exceeds ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, total);
}
