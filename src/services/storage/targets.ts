/** What the paths of a storage call may be, and that they lie where its resource says (`spec/host-services.md` §4.2). */
import { cleanStoragePath } from '../../grants/storage-paths.js';
import { SandpoolError } from '../../protocol/errors.js';
import type { HostCallRequest } from '../../protocol/host-call.js';
import { trimGo } from '../../protocol/text.js';
import { wireInvalid } from '../../protocol/wire.js';

const MAX_PATH_BYTES = 512;
const MAX_PATHS = 100;

/**
 * The path of one object, clean.
 * @throws PLUGIN_STORAGE_PATH_REQUIRED, PLUGIN_STORAGE_PATH_INVALID, PLUGIN_STORAGE_PATH_TOO_LONG, SBX_WIRE_INVALID when it is not
 *   where the call's resource is
 */
export function objectPath({ resourceRef }: HostCallRequest, given: string): string {
  const path = cleanPath(given);
  if (path.endsWith('/')) throw invalid();
  requireWithin(resourceRef, path);
  return path;
}

/** The distinct paths of a batch. @throws the same, and CAPABILITY_LIMIT_EXCEEDED */
export function objectPaths(call: HostCallRequest, given: readonly string[]): readonly string[] {
  const paths = [...new Set(given.map((path) => objectPath(call, path)))];
  if (paths.length > MAX_PATHS) throw new SandpoolError('CAPABILITY_LIMIT_EXCEEDED', { limit: MAX_PATHS });
  return paths;
}

/** What is to be listed: an object, or all below. Without a slash at the end. @throws as for an object */
export function listedPath({ resourceRef }: HostCallRequest, given: string): string {
  const path = withoutSlash(cleanPath(given));
  const target = cleanStoragePath(resourceRef);
  if (target === undefined || withoutSlash(target) !== path) requireWithin(resourceRef, path);
  return path;
}

/** The path behind which a listing goes on; empty from the start. @throws PLUGIN_STORAGE_PATH_INVALID outside of what is listed */
export function cursorWithin(listed: string, given: string): string {
  if (trimGo(given) === '') return '';
  const cursor = cleanPath(given);
  if (cursor === listed || cursor.startsWith(`${listed}/`)) return cursor;
  throw invalid();
}

function cleanPath(given: string): string {
  if (trimGo(given) === '') throw new SandpoolError('PLUGIN_STORAGE_PATH_REQUIRED');
  const path = cleanStoragePath(given);
  if (path === undefined || path.includes('\0')) throw invalid();
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new SandpoolError('PLUGIN_STORAGE_PATH_TOO_LONG', { maxBytes: MAX_PATH_BYTES });
  }
  return path;
}

function requireWithin(resourceRef: string, path: string): void {
  const target = cleanStoragePath(resourceRef);
  const isWithin = target !== undefined && (target.endsWith('/') ? `${path}/`.startsWith(target) : path === target);
  if (!isWithin) throw wireInvalid(`storage request target mismatch: target=${target ?? resourceRef} request=${path}`);
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function invalid(): SandpoolError {
  return new SandpoolError('PLUGIN_STORAGE_PATH_INVALID');
}
