/** How sessions begin and go on: logins, refreshed tokens, changed passwords, other tenants. */
import { randomUUID } from 'node:crypto';
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Accounts, User } from './accounts.js';
import type { Passwords } from './passwords.js';
import type { Sessions } from './sessions.js';
import type { ClientType, Tokens } from './tokens.js';

export interface Login {
  readonly username: string;
  readonly password: string;
  /** `web` unless told. */
  readonly clientType?: ClientType;
  readonly ip: string;
}

export interface LoggedIn {
  readonly accessToken: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
  /** Good for one refresh. */
  readonly refreshToken: string;
  readonly refreshExpiresAt: number;
  readonly user: {
    readonly id: number;
    readonly username: string;
    /** The tenant in force. */
    readonly tenantId: number;
    readonly isSuperAdmin: boolean;
  };
}

export interface Logins {
  /**
   * A token for whoever knows the password. Unknown and disabled users are refused like wrong passwords, and as slowly.
   * @throws SBX_CREDENTIALS_INVALID, SBX_LOGIN_RATE, TENANT_SUSPENDED
   */
  login(login: Login): Promise<LoggedIn>;
  /**
   * New tokens for the same session. A refresh token that has been used before ends the session: somebody else has it too.
   * @throws SBX_TOKEN_INVALID, SBX_SESSION_EXPIRED
   */
  refresh(refreshToken: string): LoggedIn;
  /**
   * Ends all sessions of the user, this one too.
   * @throws SBX_CREDENTIALS_INVALID when the old password is wrong, SBX_LOGIN_RATE, SBX_ACCOUNT_INVALID
   */
  changePassword(caller: Identity, change: PasswordChange): Promise<void>;
  /**
   * A session in another tenant instead of this one. Super-admins of the platform may enter every tenant, and act for it there.
   * @throws TENANT_FORBIDDEN, TENANT_SUSPENDED
   */
  switchTenant(caller: Identity, tenantId: number, client: { readonly ip: string }): LoggedIn;
}

export interface PasswordChange {
  readonly oldPassword: string;
  readonly newPassword: string;
  readonly ip: string;
}

export interface LoginParts {
  readonly accessTokenTtlSeconds: number;
  readonly sessionTtlSeconds: number;
  readonly now: () => number;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly accounts: Accounts;
  readonly tenancy: Tenancy;
  /** Counts an attempt; the function takes it back. */
  readonly attempt: (username: string, ip: string) => (() => void) | Promise<() => Promise<void>>;
}

/** What a login must know of tenants. */
export interface Tenancy {
  readonly isSuspended: (tenantId: number) => boolean;
  readonly exists: (tenantId: number) => boolean;
  readonly isMember: (userId: number, tenantId: number) => boolean;
}

export function createLogins(parts: LoginParts): Logins {
  const { now, tokens, passwords, sessions, accounts, tenancy, attempt } = parts;

  const tokensFor = (user: User, session: Ticket): LoggedIn => {
    const { id: userId, username, status, isSuperAdmin } = user;
    const { tokenId, refreshId, tenantId, clientType } = session;
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + parts.accessTokenTtlSeconds;
    // The session itself ends when nobody uses it; the token only has to last as long as that may take.
    const refreshExpiresAt = expiresAt + parts.sessionTtlSeconds;
    const claims = { tokenId, tokenType: 'access', clientType, tenantId, userId, username, status } as const;
    const ticket = { tokenId, tokenType: 'refresh', refreshId, clientType, tenantId, userId } as const;
    return {
      accessToken: tokens.sign({ ...claims, ...actingOf(user, tenantId) }, issuedAt, expiresAt),
      expiresAt: expiresAt * 1000,
      refreshToken: tokens.signRefresh(ticket, issuedAt, refreshExpiresAt),
      refreshExpiresAt: refreshExpiresAt * 1000,
      user: { id: userId, username, tenantId, isSuperAdmin },
    };
  };

  const begin = (user: User, tenantId: number, clientType: ClientType, ip: string): LoggedIn => {
    if (tenancy.isSuspended(tenantId)) throw new SandpoolError('TENANT_SUSPENDED', { tenantId });
    const ticket = { tokenId: randomUUID(), refreshId: randomUUID(), tenantId, clientType };
    sessions.start({ ...ticket, userId: user.id, username: user.username, ip });
    return tokensFor(user, ticket);
  };

  /** @throws SBX_CREDENTIALS_INVALID unless this is the password of a user who may log in */
  const prove = async (username: string, password: string, ip: string): Promise<User> => {
    const takeBack = await attempt(username, ip);
    const passwordHash = accounts.findUser(username)?.passwordHash;
    const isRight = await passwords.matches(passwordHash, password);
    // Looked up again: the user may have been disabled, or the password changed, while it was compared.
    const user = accounts.findUser(username);
    if (!isRight || user === undefined || user.status !== 1 || user.passwordHash !== passwordHash) {
      throw new SandpoolError('SBX_CREDENTIALS_INVALID');
    }
    await takeBack();
    return user;
  };

  return {
    async login({ username, password, clientType = 'web', ip }) {
      const user = await prove(username, password, ip);
      return begin(user, user.tenantId, clientType, ip);
    },
    refresh(refreshToken) {
      const { tokenId, refreshId, tenantId, userId, clientType } = tokens.verifyRefresh(refreshToken);
      const session = sessions.use(tokenId);
      const user = accounts.userById(userId);
      const isSame = session?.tenantId === tenantId && session.userId === userId;
      if (!isSame || user === undefined || accounts.accessOf(userId, tenantId) === undefined) {
        throw new SandpoolError('SBX_SESSION_EXPIRED');
      }
      const next = randomUUID();
      if (!sessions.renew(tokenId, refreshId, next)) {
        sessions.end(tokenId);
        throw new SandpoolError('SBX_TOKEN_INVALID');
      }
      return tokensFor(user, { tokenId, refreshId: next, tenantId, clientType });
    },
    async changePassword({ userId, username }, { oldPassword, newPassword, ip }) {
      const user = await prove(username, oldPassword, ip);
      if (user.id !== userId) throw new SandpoolError('SBX_CREDENTIALS_INVALID');
      await accounts.setPassword(userId, newPassword);
    },
    switchTenant({ userId, tokenId }, tenantId, { ip }) {
      const user = accounts.userById(userId);
      if (user === undefined || !mayEnter(tenancy, user, tenantId)) {
        throw new SandpoolError('TENANT_FORBIDDEN', { tenantId });
      }
      const entered = begin(user, tenantId, sessions.clientTypeOf(tokenId) ?? 'web', ip);
      sessions.end(tokenId);
      return entered;
    },
  };
}

interface Ticket {
  readonly tokenId: string;
  readonly refreshId: string;
  readonly tenantId: number;
  readonly clientType: ClientType;
}

function mayEnter(tenancy: Tenancy, user: User, tenantId: number): boolean {
  if (tenantId === user.tenantId) return true;
  if (user.tenantId === 0) return user.isSuperAdmin && tenancy.exists(tenantId);
  return tenancy.isMember(user.id, tenantId);
}

/** Somebody of the platform is never at home in a tenant. */
function actingOf(user: User, tenantId: number) {
  const isActing = user.tenantId === 0 && tenantId !== 0;
  return { actingUserId: isActing ? user.id : 0, actingAsTenant: isActing, isImpersonation: isActing };
}
