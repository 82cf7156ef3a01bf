import { reasonOf, SandpoolError } from '../protocol/errors.js';
import type { Rewrite, RewriteEnd } from '../protocol/messages.js';
import { limitMemory } from '../rewrite/memory-limit.js';
import { rehearsalModule } from '../rewrite/rehearsal.js';
import { type RewriteOptions, rewriteModule } from '../rewrite/rewrite.js';

// Together about as much code as a first release has.
const REHEARSAL_FUNCTIONS = 60;
const REHEARSAL_ROUNDS = 20;
const REHEARSAL_PAGES = 16;

interface Rewritten extends Pick<RewriteEnd, 'layout' | 'isResettable' | 'reasons'> {
  readonly bytes: Uint8Array;
}

/**
 * Makes a module fit to be run, and compiles it: its memory has a maximum, its loops look at the deadline, and its instances can be
 * reset. What a module does not allow is left out, and the end says why.
 */
export function rewrite({ rewrite: bytes, maxPages, isResettable }: Rewrite): RewriteEnd {
  try {
    const { bytes: rewritten, ...end } = fitToRun(bytes, maxPages, isResettable);
    const startedAt = performance.now();
    const module = new WebAssembly.Module(rewritten as Uint8Array<ArrayBuffer>);
    return { ...end, module, compileMs: performance.now() - startedAt };
  } catch (thrown) {
    const error =
      thrown instanceof SandpoolError ? thrown : new SandpoolError('SBX_MODULE_INVALID', { reason: reasonOf(thrown) });
    return { error: error.toData(), compileMs: 0, isResettable: false, reasons: [] };
  }
}

/** Rewrites the rehearsal module until the engine has compiled the rewriter. */
export function rehearse(): RewriteEnd {
  const bytes = rehearsalModule(REHEARSAL_FUNCTIONS);
  for (let round = 0; round < REHEARSAL_ROUNDS; round++) fitToRun(bytes, REHEARSAL_PAGES, true);
  return { compileMs: 0, isResettable: true, reasons: [] };
}

/** What is compiled in the end. @throws SBX_MODULE_INVALID */
export function fitToRun(bytes: Uint8Array, maxPages: number, isResettable: boolean): Rewritten {
  const reasons: string[] = [];
  for (const dirtyPages of isResettable ? [true, false] : [false]) {
    const rewritten = attempt(bytes, { maxPages, dirtyPages, fuel: true }, reasons);
    if (rewritten) return { ...rewritten, isResettable: dirtyPages, reasons };
  }
  return { bytes: limitMemory(bytes, maxPages), isResettable: false, reasons };
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
