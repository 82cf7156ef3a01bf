/** What goes wrong with objects, in codes of the table. */
import { SandpoolError } from '../protocol/errors.js';

/** What the file system says of a name that it cannot hold, or of a link where it must not follow one. */
const NAME_ERRORS = ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EILSEQ', 'EINVAL', 'ERR_INVALID_ARG_VALUE'];

/** The same operation, every failure of which has a code. */
export function named<Given extends unknown[], Result>(
  operation: (...given: Given) => Result,
): (...given: Given) => Result {
  return (...given) => {
    try {
      return operation(...given);
    } catch (thrown) {
      throw nameFailure(thrown);
    }
  };
}

/** PLUGIN_STORAGE_PATH_INVALID for a name that cannot be, PLUGIN_STORAGE_PROVIDER_UNAVAILABLE for the rest, with its cause. */
export function nameFailure(cause: unknown): SandpoolError {
  if (cause instanceof SandpoolError) return cause;
  const isName = NAME_ERRORS.includes((cause as NodeJS.ErrnoException).code ?? '');
  return new SandpoolError(
    isName ? 'PLUGIN_STORAGE_PATH_INVALID' : 'PLUGIN_STORAGE_PROVIDER_UNAVAILABLE',
    {},
    { cause },
  );
}

export function limitExceeded(limit: number): SandpoolError {
  return new SandpoolError('CAPABILITY_LIMIT_EXCEEDED', { limit });
}

export function sessionRefused(reason: string): SandpoolError {
  return new SandpoolError('SBX_UPLOAD_SESSION', { reason });
}
