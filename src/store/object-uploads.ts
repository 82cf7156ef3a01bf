/**
 * Uploads in chunks. What was received lies in a file, what is known of the upload in the ledger: any thread of any process goes
 * on with it, and a thread that is killed while it writes loses its own chunk and nothing else. A power cut loses uploads under
 * way, because only the whole is synced.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { limitExceeded, named, sessionRefused } from './object-failures.js';
import { findFile, writeAt } from './object-files.js';
import type { ObjectLedger, ObjectScope, Upload } from './object-ledger.js';
import { type Place, requirePlain, type StoredObject } from './object-placement.js';
import { partsIn, rootOf } from './object-places.js';
import type { ObjectLimits, Quota } from './object-quota.js';

export interface UploadKey extends ObjectScope {
  readonly id: string;
  readonly path: string;
}

/** Everything but `begin` throws SBX_UPLOAD_SESSION for what is no upload of this plugin, tenant and path. */
export interface Uploads {
  /**
   * @returns the id of the upload
   * @throws CAPABILITY_LIMIT_EXCEEDED when too many are under way
   */
  begin(scope: ObjectScope, path: string, options: { contentType: string; overwrite: boolean; until: number }): string;
  /**
   * Takes what follows on the bytes received so far.
   * @returns the offset of the next chunk
   * @throws SBX_UPLOAD_SESSION for another offset, CAPABILITY_LIMIT_EXCEEDED
   */
  write(key: UploadKey, offset: number | bigint, body: Uint8Array, until: number): number;
  /**
   * Makes an object of what was received.
   * @throws SBX_UPLOAD_SESSION for another size, PLUGIN_STORAGE_OBJECT_EXISTS, CAPABILITY_LIMIT_EXCEEDED
   */
  commit(
    key: UploadKey,
    size: number | bigint,
    until: number,
  ): StoredObject & { readonly contentType: string; readonly head: Uint8Array };
  abort(key: UploadKey, until: number): void;
  /** Forgets uploads by their ids, and their bytes. */
  forget(ids: readonly string[], until: number): void;
}

export interface UploadsParts {
  readonly directory: string;
  readonly ledger: ObjectLedger;
  readonly quota: Quota;
  readonly limits: Pick<ObjectLimits, 'maxUploads' | 'uploadTtlMs'>;
  readonly now: () => number;
  readonly place: Place;
}

/** A thread is killed soon after its deadline; until then it may write. */
const CLAIM_GRACE_MS = 1000;
const HEAD_BYTES = 512;

export function createUploads(parts: UploadsParts): Uploads {
  const { directory, ledger, quota, limits, now, place } = parts;
  const fileOf = (id: string): string => join(partsIn(directory), id);

  const forget = (ids: readonly string[], until: number): void => {
    if (ids.length === 0) return;
    ledger.exclusive(until, () => {
      for (const id of ids) ledger.removeUpload(id);
    });
    for (const id of ids) rmSync(fileOf(id), { force: true });
  };
  /** Keeps everybody else off an upload, then works on it; whatever comes of it, the upload is free again. */
  const claimed = <Result>(
    key: UploadKey,
    { bytes, until, check }: { bytes: number; until: number; check: (upload: Upload) => void },
    work: (upload: Upload) => { readonly received: number; readonly result: Result },
  ): Result => {
    const upload = ledger.exclusive(until, () => {
      const open = requireOpen(ledger.findUpload(key.id), key, now());
      check(open);
      ledger.claim(key.id, bytes, until + CLAIM_GRACE_MS);
      return open;
    });
    let { received } = upload;
    try {
      const worked = work(upload);
      received = worked.received;
      return worked.result;
    } finally {
      ledger.exclusive(until, () => ledger.settle(key.id, received, now() + limits.uploadTtlMs));
    }
  };

  return {
    begin: named((scope, path, { contentType, overwrite, until }) => {
      requirePlain(findFile(rootOf(directory, scope), path));
      forget(ledger.expiredUploads(now()), until);
      const id = randomBytes(16).toString('hex');
      const expiresAt = now() + limits.uploadTtlMs;
      ledger.exclusive(until, () => {
        if (ledger.uploadCount(scope.pluginId) >= limits.maxUploads) throw limitExceeded(limits.maxUploads);
        const { pluginId, tenantId } = scope;
        const upload = { id, pluginId, tenantId, path, contentType, overwrite, expiresAt };
        ledger.addUpload({ ...upload, received: 0, claimedUntil: 0 });
      });
      return id;
    }),

    write: named((key, offset, body, until) => {
      quota.checkTruly(key, { bytes: body.length, entries: 0 });
      const check = ({ received }: Upload): void => {
        if (BigInt(offset) !== BigInt(received)) {
          throw sessionRefused(`storage upload session chunk offset mismatch: got ${offset} want ${received}`);
        }
        quota.checkObject(received + body.length);
        quota.check(key, { bytes: body.length, entries: 0 });
      };
      return claimed(key, { bytes: body.length, until, check }, (upload) => {
        writeAt(fileOf(key.id), body, upload.received);
        const received = upload.received + body.length;
        return { received, result: received };
      });
    }),

    commit: named((key, size, until) => {
      const check = ({ received }: Upload): void => {
        if (BigInt(size) === BigInt(received)) return;
        throw sessionRefused(`storage upload session size mismatch: got ${size} want ${received}`);
      };
      return claimed(key, { bytes: 0, until, check }, ({ received, overwrite, contentType }) => {
        const part = fileOf(key.id);
        const whenPlaced = () => ledger.removeUpload(key.id);
        try {
          const { updatedAtNs, head } = complete(part, received);
          place({ scope: key, path: key.path, part, bytes: received, counted: received, overwrite, until, whenPlaced });
          return { received, result: { path: key.path, bytes: received, updatedAtNs, contentType, head } };
        } catch (thrown) {
          forget([key.id], until);
          throw thrown;
        }
      });
    }),

    abort: named((key, until) => {
      requireOpen(ledger.findUpload(key.id), key, now());
      forget([key.id], until);
    }),

    forget: named(forget),
  };
}

/** The upload, when the key opens it. Whose it is, is told only to its own tenant. */
function requireOpen(upload: Upload | undefined, { pluginId, tenantId, path }: UploadKey, now: number): Upload {
  if (upload === undefined || upload.expiresAt <= now) throw sessionRefused('storage upload session not found');
  if (upload.pluginId !== pluginId) throw sessionRefused('storage upload session plugin mismatch');
  if (upload.tenantId !== tenantId) throw sessionRefused('storage upload session not found');
  if (upload.path !== path) throw sessionRefused('storage upload session path mismatch');
  if (upload.claimedUntil > now) throw sessionRefused('storage upload session is in use');
  return upload;
}

/** What was received and not more, synced. */
function complete(part: string, bytes: number): { updatedAtNs: bigint; head: Uint8Array } {
  const descriptor = openSync(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const { size } = fstatSync(descriptor);
    if (size < bytes) throw sessionRefused('storage upload session not found');
    // A killed thread may have written more than it could tell of.
    if (size > bytes) ftruncateSync(descriptor, bytes);
    fsyncSync(descriptor);
    const { mtimeNs } = fstatSync(descriptor, { bigint: true });
    return { updatedAtNs: mtimeNs, head: headOf(descriptor, Math.min(bytes, HEAD_BYTES)) };
  } finally {
    closeSync(descriptor);
  }
}

function headOf(descriptor: number, bytes: number): Uint8Array {
  const head = Buffer.alloc(bytes);
  return head.subarray(0, readSync(descriptor, head, 0, bytes, 0));
}
