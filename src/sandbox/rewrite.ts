import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Rewrite, RewriteEnd } from '../protocol/messages.js';
import { limitMemory } from '../rewrite/memory-limit.js';
import { type RewriteOptions, rewriteModule } from '../rewrite/rewrite.js';

/**
 * Makes a module fit to be run: its memory has a maximum, its loops look at the deadline, and its instances can be reset. What
 * a module does not allow is left out, and the end says why.
 */
export function rewrite({ rewrite: bytes, maxPages, isResettable }: Rewrite): RewriteEnd {
  const reasons: string[] = [];
  try {
    for (const dirtyPages of isResettable ? [true, false] : [false]) {
      const rewritten = attempt(bytes, { maxPages, dirtyPages, fuel: true }, reasons);
      if (rewritten) return { ...rewritten, isResettable: dirtyPages, reasons };
    }
    return { bytes: limitMemory(bytes, maxPages), isResettable: false, reasons };
  } catch (thrown) {
    const error =
      thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_MODULE_INVALID', { reason: reasonOf(thrown) });
    return { error: error.toData(), bytes: new Uint8Array(0), isResettable: false, reasons };
  }
}

function attempt(bytes: Uint8Array, options: RewriteOptions, reasons: string[]) {
  try {
    return rewriteModule(bytes, options);
  } catch (thrown) {
    if (!(thrown instanceof SandpoolError) || thrown.code !== 'SBX_MODULE_UNSUPPORTED') throw thrown;
    const what = options.dirtyPages ? 'instances cannot be reset' : 'loops cannot be stopped from inside';
    reasons.push(`${what}: ${thrown.message}`);
    return undefined;
  }
}
