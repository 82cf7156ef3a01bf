import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Rewrite, RewriteEnd } from '../protocol/messages.js';
import { limitMemory } from '../rewrite/memory-limit.js';
import { rehearsalModule } from '../rewrite/rehearsal.js';
import { type RewriteOptions, rewriteModule } from '../rewrite/rewrite.js';

// Together about as much code as a first release has.
const REHEARSAL_FUNCTIONS = 60;
const REHEARSAL_ROUNDS = 20;
const REHEARSAL_PAGES = 16;

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

/** Rewrites the rehearsal module until the engine has compiled the rewriter. */
export function rehearse(): RewriteEnd {
  const bytes = rehearsalModule(REHEARSAL_FUNCTIONS);
  let end = rewrite({ rewrite: bytes, maxPages: REHEARSAL_PAGES, isResettable: true });
  for (let round = 1; round < REHEARSAL_ROUNDS; round++)
    end = rewrite({ rewrite: bytes, maxPages: REHEARSAL_PAGES, isResettable: true });
  return { ...end, bytes: new Uint8Array(0) };
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
