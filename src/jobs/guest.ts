/** What is asked of a guest: which jobs it has, and to do one of them (`spec/bridge.md` §7.1 and §7.3). */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { RequestEnvelope, ResponseEnvelope } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { textAt, trimGo } from '../protocol/text.js';

/** One run of a guest. */
export interface GuestCall {
  readonly pluginId: string;
  readonly executionSource: 'jobs' | 'jobs.discovery';
  readonly tenantId: 0;
  readonly envelope: RequestEnvelope;
  readonly deadlineMs?: number;
}

export type GuestEnd =
  | { readonly ok: true; readonly response: ResponseEnvelope }
  | { readonly ok: false; readonly error: SandpoolError };

/** Runs the release of a plugin that serves. Never rejects. */
export type CallGuest = (call: GuestCall) => Promise<GuestEnd>;

/** On nobody's behalf, for the platform. */
export function callOf(
  pluginId: string,
  executionSource: GuestCall['executionSource'],
  path: string,
  requestType: string,
): GuestCall {
  const route = { internalPath: path, routePath: path, requestType };
  return { pluginId, executionSource, tenantId: 0, envelope: { pluginId, route, requestId: randomUUID() } };
}

/** Why a guest has not done what it was asked for; undefined when it has. */
export function failureOf(
  end: GuestEnd,
  code: 'SBX_JOB_FAILED' | 'SBX_JOB_DISCOVERY_FAILED',
  what: string,
): SandpoolError | undefined {
  if (!end.ok) return end.error;
  const { statusCode, failure, body } = end.response;
  if (failure !== undefined) return new SandpoolError(code, { reason: failure.message || failure.code });
  if (statusCode < 400) return undefined;
  const text = trimGo(textAt(body, 0, body.length)) || STATUS_CODES[statusCode] || `status ${statusCode}`;
  return new SandpoolError(code, { reason: `${what}: ${text}` });
}
