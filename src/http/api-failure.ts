/** Failures in the envelope of the core API (`spec/governance.md` §2.1). */
import { ERRORS, type ErrorCode, type Facts, fillSentence, reasonOf, SandpoolError } from '../protocol/errors.js';
import { errorKey } from '../resources/host-errors.js';

export interface ApiFailure {
  /** 50 internal, 51 malformed request, 53 invalid parameter, 55 invalid operation, 61 not authorized, 64 unknown, 65 not found. */
  readonly code: number;
  readonly message: string;
  readonly data: null;
  readonly errorCode: ErrorCode;
  readonly messageKey: string;
  readonly messageParams?: Facts;
}

/** The sentence of a key in the language of a request, if there is one. */
export type Say = (messageKey: string) => string | undefined;

/** What a client of the core API reads; details leave the process only when the failure is not the host's. */
export function apiFailure(error: SandpoolError, say: Say = () => undefined): ApiFailure {
  const messageKey = errorKey(error.code);
  const failure = {
    code: numberOf(error),
    message: messageOf(error, say(messageKey)),
    data: null,
    errorCode: error.code,
    messageKey,
  };
  const isTold = error.blame !== 'host' && Object.keys(error.details).length > 0;
  return isTold ? { ...failure, messageParams: error.details } : failure;
}

/** What was said more exactly than the table says it, is not said anew. */
function messageOf({ code, message, details }: SandpoolError, sentence: string | undefined): string {
  const isOfTable = message === fillSentence(ERRORS[code].sentence, details);
  return isOfTable && sentence !== undefined ? fillSentence(sentence, details) : message;
}

/** HTTP status: the failure's own where access, load or the host is the matter; 200 for business failures, as on the reference host. */
export function apiStatus(error: SandpoolError): number {
  const { status } = error;
  const isReal = status === 401 || status === 403 || status === 429 || status >= 500 || error.code === 'SBX_NOT_FOUND';
  return isReal ? status : 200;
}

function numberOf(error: SandpoolError): number {
  const { status } = ERRORS[error.code];
  if (error.code === 'SBX_BODY_INVALID') return 51;
  if (status === 400 || status === 413) return 53;
  if (status === 409) return 55;
  if (status === 401 || status === 403) return 61;
  if (status === 404) return 65;
  return status >= 500 ? 50 : 64;
}

/** Any thrown value as an error of the table: a framework's refusal of a request becomes SBX_BODY_INVALID. */
export function asSandpoolError(thrown: unknown): SandpoolError {
  if (thrown instanceof SandpoolError) return thrown;
  const statusCode = thrown instanceof Error ? Number((thrown as { statusCode?: unknown }).statusCode) : Number.NaN;
  const isRefusal = statusCode >= 400 && statusCode < 500;
  if (statusCode === 413) return new SandpoolError('SBX_BODY_TOO_LARGE', {}, { cause: thrown });
  const code = isRefusal ? 'SBX_BODY_INVALID' : 'SBX_INTERNAL';
  return new SandpoolError(code, { reason: reasonOf(thrown) }, { cause: thrown });
}
