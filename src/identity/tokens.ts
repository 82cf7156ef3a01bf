/** Access tokens: JWTs of the host, signed with HMAC-SHA256 (`spec/bridge.md` §4.4, rows 3 and 4). */
import { createSigner, createVerifier } from 'fast-jwt';
import { SandpoolError } from '../protocol/errors.js';

/** Programs that people log in with. */
export const CLIENT_TYPES = ['web', 'mobile', 'desktop', 'cli'] as const;
export type ClientType = (typeof CLIENT_TYPES)[number];

/** What a token says, besides `iat` and `exp`. */
export interface Claims {
  readonly tokenId: string;
  readonly tokenType: 'access';
  readonly clientType: ClientType;
  readonly tenantId: number;
  readonly userId: number;
  readonly username: string;
  readonly status: number;
  readonly actingUserId: number;
  readonly actingAsTenant: boolean;
  readonly isImpersonation: boolean;
}

/** What a refresh token says, besides `iat` and `exp`. */
export interface RefreshClaims {
  /** Of the session. */
  readonly tokenId: string;
  readonly tokenType: 'refresh';
  /** Of this refresh: the session knows the next one only. */
  readonly refreshId: string;
  readonly clientType: ClientType;
  readonly tenantId: number;
  readonly userId: number;
}

export interface Tokens {
  /** Both times in seconds since the epoch. */
  signRefresh(claims: RefreshClaims, issuedAt: number, expiresAt: number): string;
  /** @throws SBX_TOKEN_INVALID, for access tokens too */
  verifyRefresh(token: string): RefreshClaims;
  /** Both times in seconds since the epoch. */
  sign(claims: Claims, issuedAt: number, expiresAt: number): string;
  /**
   * The claims of a good token; the same object for the same token while it is remembered.
   * @throws SBX_TOKEN_INVALID
   */
  verify(token: string): Claims;
}

/** Most tokens whose signature is remembered as good. */
const REMEMBERED_TOKENS = 10_000;

export function createTokens(secret: string, now: () => number): Tokens {
  const sign = createSigner({ algorithm: 'HS256', key: secret });
  // The algorithm is ours, never the token's. Times are checked below, against the clock of this host.
  const readSigned = createVerifier<string>({
    key: secret,
    algorithms: ['HS256'],
    cache: REMEMBERED_TOKENS,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  });
  return {
    sign: (claims, issuedAt, expiresAt) => sign({ ...claims, iat: issuedAt, exp: expiresAt }),
    signRefresh: (claims, issuedAt, expiresAt) => sign({ ...claims, iat: issuedAt, exp: expiresAt }),
    verifyRefresh(token) {
      const payload = signedPayload(readSigned, token);
      if (!isInTime(payload, now()) || !isRefresh(payload)) throw new SandpoolError('SBX_TOKEN_INVALID');
      return payload;
    },
    verify(token) {
      const payload = signedPayload(readSigned, token);
      if (!isInTime(payload, now()) || !isAccess(payload)) throw new SandpoolError('SBX_TOKEN_INVALID');
      return payload;
    },
  };
}

type Payload = Readonly<Record<string, unknown>>;

function signedPayload(read: (token: string) => unknown, token: string): Payload {
  try {
    return read(token) as Payload;
  } catch (cause) {
    throw new SandpoolError('SBX_TOKEN_INVALID', {}, { cause });
  }
}

/** Registered times count if present; `iat` forbids nothing, or a clock that steps back would end fresh logins. */
function isInTime({ exp, nbf }: Payload, nowMs: number): boolean {
  const isBeforeEnd = exp === undefined || (typeof exp === 'number' && nowMs < exp * 1000);
  const isAfterStart = nbf === undefined || (typeof nbf === 'number' && nowMs >= nbf * 1000);
  return isBeforeEnd && isAfterStart;
}

function isAccess(payload: Payload): payload is Payload & Claims {
  if (payload.tokenType !== 'access' || !isClientType(payload.clientType)) return false;
  const texts = [payload.tokenId, payload.username];
  const numbers = [payload.tenantId, payload.userId, payload.status, payload.actingUserId];
  const flags = [payload.actingAsTenant, payload.isImpersonation];
  return (
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => Number.isSafeInteger(number)) &&
    flags.every((flag) => typeof flag === 'boolean')
  );
}

function isRefresh(payload: Payload): payload is Payload & RefreshClaims {
  return (
    payload.tokenType === 'refresh' &&
    isClientType(payload.clientType) &&
    [payload.tokenId, payload.refreshId].every((text) => typeof text === 'string') &&
    [payload.tenantId, payload.userId].every((number) => Number.isSafeInteger(number))
  );
}

function isClientType(value: unknown): value is ClientType {
  return CLIENT_TYPES.some((type) => type === value);
}
