import { SandpoolError } from '../../protocol/errors.js';

/** What cannot be translated; `location` is a byte of the statement. The executor adds file and line. */
export function unsupportedSql(reason: string, location: number | undefined, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_SQL_UNSUPPORTED', { reason, location: location ?? 0 }, cause ? { cause } : {});
}

/** What PostgreSQL would refuse too. */
export function invalidSql(reason: string, location: number | undefined, cause?: unknown): SandpoolError {
  return new SandpoolError('SBX_SQL_INVALID', { reason, location: location ?? 0 }, cause ? { cause } : {});
}
