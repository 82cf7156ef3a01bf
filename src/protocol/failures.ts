/** The standard failures, which host and guest build alike (`spec/bridge.md` §2.3). */
import type { ResponseEnvelope } from './envelope.js';
import { trimGo } from './text.js';
import { NO_ENTRIES } from './wire-map.js';

export type FailureStatus = 400 | 401 | 403 | 404 | 409 | 500 | 501;

const failure = (code: string, message: string) => ({ code, message });

// biome-ignore format: a table
const FAILURES: Readonly<Record<FailureStatus, ReturnType<typeof failure>>> = {
  400: failure('BAD_REQUEST',                     'Bad Request'),
  401: failure('UNAUTHORIZED',                    'Unauthorized'),
  403: failure('FORBIDDEN',                       'Forbidden'),
  404: failure('NOT_FOUND',                       'Not Found'),
  409: failure('PLUGIN_RUNTIME_UPGRADE_REQUIRED', ''),
  500: failure('INTERNAL_ERROR',                  'Internal Server Error'),
  501: failure('BRIDGE_NOT_IMPLEMENTED',          ''),
};

/** A plain-text response with the status, its code, and the message or, when that is blank, the status's default. */
export function failureResponse(status: FailureStatus, message = ''): ResponseEnvelope {
  const { code, message: preset } = FAILURES[status];
  const text = trimGo(message) || preset;
  return {
    statusCode: status,
    contentType: 'text/plain; charset=utf-8',
    headers: NO_ENTRIES,
    body: Buffer.from(text),
    failure: { code, message: text },
  };
}
