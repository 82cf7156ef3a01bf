/** A file that cannot be read, as a failure with a code. */
import { reasonOf, SandpoolError } from './errors.js';

export function unreadable(file: string, cause: unknown): SandpoolError {
  return new SandpoolError('SBX_FILE_UNREADABLE', { file, reason: plainReason(cause) }, { cause });
}

/** Node says `ENOENT: no such file or directory, open 'x'`; the sentence names the file already. */
function plainReason(cause: unknown): string {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return REASONS[code] ?? reasonOf(cause);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'there is no such file or directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};
