/** Why a host cannot listen, as a failure with a code. */
import { reasonOf, SandpoolError } from '../protocol/errors.js';

/** SBX_PORT_IN_USE, or SBX_LISTEN_FAILED for an address that is not here and a port that is not permitted. */
export function listenFailure(cause: unknown, { host, port }: { host: string; port: number }): SandpoolError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new SandpoolError('SBX_PORT_IN_USE', { host, port }, { cause });
  return new SandpoolError('SBX_LISTEN_FAILED', { host, port, reason: REASONS[code] ?? reasonOf(cause) }, { cause });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'not permitted; ports below 1024 need more rights on most systems',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'no address is known for that name',
};
