/** Objects and failures as a guest is told of them (`spec/host-services.md` §4.1). */
import { ERRORS, SandpoolError } from '../../protocol/errors.js';
import { encodePayload, type PayloadInput } from '../../protocol/payloads.js';
import { varintSize } from '../../protocol/wire.js';
import type { OpenObject, StoredObject } from '../../store/objects.js';
import { failure, reply, type ServiceReply } from '../service.js';
import { contentTypeOf } from './content-type.js';

export interface DescribedObject {
  readonly path: string;
  readonly size: number;
  readonly contentType: string;
  readonly updatedAt: string;
  readonly visibility: 'private';
}

export function describeObject(object: StoredObject, contentType = contentTypeOf(object.path)): DescribedObject {
  const { path, bytes, updatedAtNs } = object;
  return { path, size: bytes, contentType, updatedAt: rfc3339(updatedAtNs), visibility: 'private' };
}

/** As Go's `RFC3339Nano` has it: in UTC, with as many decimals as it takes. */
export function rfc3339(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(ns % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

const BODY_TAG = 0x1a;

/** The reply of `get`, of which the body is still in its file. */
export function replyWithBody(opened: OpenObject): ServiceReply {
  const value: PayloadInput<'HostServiceStorageGetResponse'> = { found: true, object: describeObject(opened) };
  const told = encodePayload('HostServiceStorageGetResponse', value);
  if (opened.bytes === 0) {
    opened.close();
    return reply(told);
  }
  const payload = new Uint8Array(told.length + 1 + varintSize(opened.bytes));
  payload.set(told);
  let at = told.length;
  payload[at++] = BODY_TAG;
  for (let length = opened.bytes; at < payload.length; length = Math.floor(length / 128)) {
    payload[at++] = (length % 128) | (length >= 128 ? 128 : 0);
  }
  return { status: 0, payload, rest: opened };
}

/**
 * What a guest is told of an error of the store; undefined when it is none of the store's.
 * @param unavailable status when the disk fails
 */
export function refusalOf(thrown: unknown, unavailable: 3 | 4): ServiceReply | undefined {
  if (!(thrown instanceof SandpoolError)) return undefined;
  const { code, details, message } = thrown;
  if (code === 'SBX_WIRE_INVALID' || code === 'SBX_UPLOAD_SESSION') return failure(3, message);
  if (!code.startsWith('PLUGIN_STORAGE_') && code !== 'CAPABILITY_LIMIT_EXCEEDED') return undefined;
  // The template as it stands; the guest fills it from the params.
  const status = code === 'PLUGIN_STORAGE_PROVIDER_UNAVAILABLE' ? unavailable : 3;
  return { status, error: { errorCode: code, messageParams: details, message: ERRORS[code].sentence } };
}
