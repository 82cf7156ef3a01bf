/** What is told of a host call: its names, sizes and time, never what was in it. */
import { type HostCallRequest, hostCallResponseBytes } from '../protocol/host-call.js';
import type { HostCallTrace } from '../protocol/messages.js';
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

/** The query of a URL may hold keys. */
function resourceOf({ service, resourceRef, table }: HostCallRequest): string {
  const resource = resourceRef || table;
  const told = service === 'network' ? resource.replace(/[?#].*$/s, '') : resource;
  return told.slice(0, MAX_RESOURCE);
}
