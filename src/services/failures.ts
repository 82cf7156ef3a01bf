/** Business failures that several services share (`spec/host-services.md` §2.3). All have status 3. */
import type { ServiceReply } from './service.js';

export function capabilityDenied(): ServiceReply {
  return { status: 3, error: { errorCode: 'CAPABILITY_DENIED', message: 'Capability access is denied' } };
}

/** Who acts is not known: a hook, a callback, a job or a public route. */
export function currentUserRequired(): ServiceReply {
  return { status: 3, error: { errorCode: 'CAPABILITY_CURRENT_USER_REQUIRED', message: 'Current user is required' } };
}

/** A failure with a code of its own; `message` is the template that the guest fills from the params. */
export function businessFailure(
  errorCode: string,
  message: string,
  messageParams: Readonly<Record<string, unknown>> = {},
): ServiceReply {
  return { status: 3, error: { errorCode, messageParams, message } };
}

/** The fallback is the template as it stands; the guest fills it from the params. */
export function limitExceeded(limit: number): ServiceReply {
  const message = 'Capability request exceeds limit {limit}';
  return { status: 3, error: { errorCode: 'CAPABILITY_LIMIT_EXCEEDED', messageParams: { limit }, message } };
}
