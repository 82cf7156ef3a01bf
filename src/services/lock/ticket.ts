/**
 * Tickets of locks: what a holder shows to renew or release. They look like the reference's, but the `holder` in them is a
 * signature over all the rest, so that none can be made up or changed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { trimGo } from '../../protocol/text.js';
import { businessFailure } from '../failures.js';
import type { ServiceReply } from '../service.js';

/** Whom and what a ticket is for. */
export interface TicketBinding {
  readonly pluginId: string;
  readonly tenantId: number;
  readonly resourceRef: string;
}

export interface Ticket extends TicketBinding {
  /** Fencing token of the holder. */
  readonly lockId: number;
  readonly leaseMillis: number;
}

const MAX_TICKET_CHARACTERS = 4096;

/** Base64url of JSON, without padding (`spec/host-services.md` §8). */
export function sealTicket(ticket: Ticket, lockName: string, key: Uint8Array): string {
  const { lockId, tenantId, pluginId, resourceRef, leaseMillis } = ticket;
  const tenant = tenantId === 0 ? {} : { tenantId };
  const holder = sign(ticket, key);
  const json = JSON.stringify({ lockId, lockName, ...tenant, pluginId, resourceRef, holder, leaseMillis });
  return Buffer.from(json).toString('base64url');
}

/** The ticket in a text, checked in the reference's order and then for its signature; or why it is none. */
export function openTicket(text: string, binding: TicketBinding, key: Uint8Array): Ticket | ServiceReply {
  const given = trimGo(text);
  if (given === '') return businessFailure('PLUGIN_LOCK_TICKET_REQUIRED', 'Lock ticket is required');
  if (given.length > MAX_TICKET_CHARACTERS || !/^[\w-]+$/.test(given) || given.length % 4 === 1)
    return businessFailure('HOST_LOCK_TICKET_PARSE_FAILED', 'Failed to parse lock ticket');
  const members = readMembers(Buffer.from(given, 'base64url').toString());
  if (members === undefined)
    return businessFailure('HOST_LOCK_TICKET_UNMARSHAL_FAILED', 'Failed to unmarshal lock ticket');
  const { holder, ...ticket } = members;
  const { lockId, pluginId, tenantId, resourceRef, leaseMillis } = ticket;
  if (lockId <= 0 || pluginId === '' || resourceRef === '' || holder === '' || leaseMillis <= 0) return invalid();
  if (pluginId !== binding.pluginId)
    return businessFailure('HOST_LOCK_TICKET_PLUGIN_MISMATCH', 'Lock ticket does not belong to the current plugin');
  if (tenantId !== binding.tenantId)
    return businessFailure('HOST_LOCK_TICKET_TENANT_MISMATCH', 'Lock ticket does not belong to the current tenant');
  if (resourceRef !== binding.resourceRef)
    return businessFailure('HOST_LOCK_TICKET_RESOURCE_MISMATCH', 'Lock ticket does not belong to the lock resource');
  return isSigned(ticket, holder, key) ? ticket : invalid();
}

function invalid(): ServiceReply {
  return businessFailure('HOST_LOCK_TICKET_INVALID', 'Lock ticket is invalid');
}

/** Absent members are zero; undefined for what is no object, or has a member of another type. */
function readMembers(json: string): (Ticket & { readonly holder: string }) | undefined {
  const parsed = parse(json);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const given = parsed as Record<string, unknown>;
  const whole = (name: string) => given[name] ?? 0;
  const text = (name: string) => given[name] ?? '';
  const [lockId, tenantId, leaseMillis] = [whole('lockId'), whole('tenantId'), whole('leaseMillis')];
  const [pluginId, resourceRef, holder] = [text('pluginId'), text('resourceRef'), text('holder')];
  if (!isWhole(lockId) || !isWhole(tenantId) || !isWhole(leaseMillis)) return undefined;
  if (typeof pluginId !== 'string' || typeof resourceRef !== 'string' || typeof holder !== 'string') return undefined;
  return { lockId, pluginId, tenantId, resourceRef, leaseMillis, holder };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // no JSON, which the caller tells like any other wrong shape
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function sign({ lockId, pluginId, tenantId, resourceRef, leaseMillis }: Ticket, key: Uint8Array): string {
  const signed = JSON.stringify([lockId, pluginId, tenantId, resourceRef, leaseMillis]);
  return createHmac('sha256', key).update(signed).digest('base64url');
}

function isSigned(ticket: Ticket, holder: string, key: Uint8Array): boolean {
  const [expected, given] = [Buffer.from(sign(ticket, key)), Buffer.from(holder)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}
