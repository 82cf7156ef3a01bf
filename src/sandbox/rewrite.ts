import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Rewrite, RewriteEnd } from '../protocol/messages.js';
import { limitMemory } from '../rewrite/memory-limit.js';
import { rewriteModule } from '../rewrite/rewrite.js';

/**
 * Makes a module fit to be run: its memory has a maximum and its loops look at the deadline. A module with instructions that
 * the rewriter does not know gets the maximum alone, and the end says why.
 */
export function rewrite({ rewrite: bytes, maxPages }: Rewrite): RewriteEnd {
  try {
    return withFuel(bytes, maxPages);
  } catch (thrown) {
    const error =
      thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_MODULE_INVALID', { reason: reasonOf(thrown) });
    return { error: error.toData(), bytes: new Uint8Array(0), hasFuel: false, reasons: [] };
  }
}

function withFuel(bytes: Uint8Array, maxPages: number): RewriteEnd {
  try {
    const rewritten = rewriteModule(bytes, { maxPages, dirtyPages: false, fuel: true });
    return { bytes: rewritten.bytes, hasFuel: true, reasons: [] };
  } catch (thrown) {
    if (!(thrown instanceof SandpoolError) || thrown.code !== 'SBX_MODULE_UNSUPPORTED') throw thrown;
    return { bytes: limitMemory(bytes, maxPages), hasFuel: false, reasons: [thrown.message] };
  }
}
