/** What is told of a host call: its names, sizes and time, never what was in it. */
import { type HostCallRequest, hostCallResponseBytes } from '../protocol/host-call.js';
import type { HostCallTrace } from '../protocol/messages.js';
import { trimGo } from '../protocol/text.js';
import type { HostCallAnswer, OpenedCall } from '../services/answer.js';

/** Longest resource that is told, in characters: a guest makes them as long as it likes. */
const MAX_RESOURCE = 256;

export interface EndedCall {
  readonly pluginId: string;
  readonly opened: OpenedCall;
  readonly requestBytes: number;
  /** Undefined when the deadline came first. */
  readonly answered: HostCallAnswer | undefined;
  readonly ms: number;
}

/** A call that names no method of the catalogue is told without names. */
export function traceOf({ pluginId, opened, requestBytes, answered, ms }: EndedCall): HostCallTrace {
  const { service = '', method = '' } = answered ?? opened.method ?? {};
  return {
    pluginId,
    service,
    method,
    resource: opened.call === undefined ? '' : resourceOf(opened.call),
    status: answered?.status ?? null,
    requestBytes,
    replyBytes: answered === undefined ? 0 : hostCallResponseBytes(answered),
    ms,
  };
}

/** What the log says of a call that was denied: which, for whose request, and why. */
export function denialText(call: HostCallRequest, denied: HostCallAnswer, requestId: string): string {
  const { owner, service, method } = call;
  const name = `${owner === '' ? '' : `${owner}/`}${service}.${method}`.slice(0, MAX_RESOURCE);
  const { fallback } = JSON.parse(Buffer.from(denied.payload).toString()) as { fallback: string };
  // It quotes what the guest has asked for.
  const reason = withoutQuery(service, fallback).slice(0, MAX_REASON);
  const words = ['host call denied:', name, resourceOf(call), 'in', requestId.slice(0, MAX_REASON)];
  return `${words.filter((word) => word !== '').join(' ')}: ${reason}`;
}

const MAX_REASON = 1024;

function resourceOf({ service, resourceRef, table }: HostCallRequest): string {
  return withoutQuery(service, resourceRef || table).slice(0, MAX_RESOURCE);
}

/** The query of a URL may hold keys. */
function withoutQuery(service: string, text: string): string {
  return trimGo(service).toLowerCase() === 'network' ? text.replace(/[?#].*$/s, '') : text;
}
