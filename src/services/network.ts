/** Outbound HTTP, limited to granted URLs (`spec/host-services.md` §5). */
import { compileUrlAccess, type UrlAccess } from '../grants/network-urls.js';
import type { HostCallRequest } from '../protocol/host-call.js';
import { decodePayload, encodePayload, type Payload } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { type IncomingResponse, type Network, NetworkFailure, type OutgoingRequest } from './network/exchange.js';
import { defineService, failure, type HostCallContext, reply, type ServiceReply } from './service.js';

/** Headers that frame the message or belong to the connection. */
const FORBIDDEN_HEADERS = new Set([
  'connection',
  'content-length',
  'host',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Headers that speak of the connection too; the host has its own, and the server misses nothing without the guest's. */
const SILENT_HEADERS = new Set(['expect', 'keep-alive']);
const MAX_HEADER_BYTES = 1 << 20;

export const network = defineService({
  name: 'network',
  placement: 'host',
  methods: ({ network: client }) => {
    const accesses = new WeakMap<object, (url: string) => UrlAccess>();
    const accessOf = ({ grant }: HostCallContext): ((url: string) => UrlAccess) => {
      if (grant === undefined) return () => 'refused';
      const known = accesses.get(grant) ?? compileUrlAccess(grant);
      accesses.set(grant, known);
      return known;
    };
    return {
      request: (call, context) =>
        client === undefined
          ? failure(4, 'network host service is not scoped')
          : request(client, call, context, accessOf(context)),
    };
  },
});

async function request(
  client: Network,
  call: HostCallRequest,
  context: HostCallContext,
  accessOf: (url: string) => UrlAccess,
): Promise<ServiceReply> {
  const wanted = decodePayload('HostServiceNetworkRequest', call.payload);
  try {
    const onAbandoned = (listener: () => void) => context.onAbandoned?.(listener);
    const outgoing = requestOf(call.resourceRef, wanted);
    return reply(encodeResponse(await client.send(outgoing, { pluginId: context.pluginId, onAbandoned, accessOf })));
  } catch (thrown) {
    if (thrown instanceof NetworkFailure) return failure(thrown.status, thrown.message);
    throw thrown;
  }
}

/** @throws NetworkFailure 3 for what HTTP or the host does not allow */
function requestOf(target: string, { method, headers, body }: Payload<'HostServiceNetworkRequest'>): OutgoingRequest {
  const verb = trimGo(method).toUpperCase() || 'GET';
  if (!isToken(verb)) throw new NetworkFailure(3, 'network request method is invalid');
  // A tunnel would lead anywhere, past the grant.
  if (verb === 'CONNECT') throw new NetworkFailure(3, 'network request method CONNECT is not allowed');
  if (!URL.canParse(trimGo(target))) throw new NetworkFailure(3, 'network request URL is invalid');
  return { method: verb, url: new URL(trimGo(target)), headers: headersOf(headers), body };
}

function headersOf(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  let total = 0;
  for (const [key, text] of Object.entries(given)) {
    const name = trimGo(key).toLowerCase();
    if (FORBIDDEN_HEADERS.has(name)) throw new NetworkFailure(3, `network request header ${name} is not allowed`);
    if (!isToken(name)) throw new NetworkFailure(3, 'network request header name is invalid');
    // Go sends the bytes of the text as they are.
    const value = Buffer.from(trimGo(text)).toString('latin1');
    if (!isHeaderValue(value)) throw new NetworkFailure(3, `network request header ${name} is invalid`);
    total += name.length + value.length + 4;
    if (total > MAX_HEADER_BYTES)
      throw new NetworkFailure(3, `network request headers exceed ${MAX_HEADER_BYTES} bytes`);
    if (!SILENT_HEADERS.has(name)) headers[name] = value;
  }
  return headers;
}

function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text);
}

/** No control characters but the tab: a line break would begin another header, or another request. */
function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

function encodeResponse({ statusCode, headers, body }: IncomingResponse): Uint8Array {
  const contentType = headers['Content-Type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  return encodePayload('HostServiceNetworkResponse', { statusCode, headers, body, contentType });
}
