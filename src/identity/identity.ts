/** Who is calling: logins, access tokens, online sessions, users and roles, all in the host's database. */
import type { Identity } from '../protocol/envelope.js';
import { SandpoolError } from '../protocol/errors.js';
import { trimGo } from '../protocol/text.js';
import { migrate } from '../store/migrations.js';
import type { Database } from '../store/sqlite.js';
import type { StateStore } from '../store/state.js';
import type { OwnersShown } from './access.js';
import { type Accounts, openAccounts } from './accounts.js';
import { BUILTIN_MENUS } from './builtin-menus.js';
import { countFailedLogins, DEFAULT_FAILED_LOGIN_LIMITS, type FailedLoginLimits } from './failed-logins.js';
import { createLogins, type Logins } from './logins.js';
import { type Menus, openMenus } from './menus.js';
import { checkPasswordSize, createPasswords, type HashCost, type Passwords, randomPassword } from './passwords.js';
import { createPluginMenus, type PluginMenus } from './plugin-menus.js';
import { openRoles, type Roles } from './roles.js';
import { openSessions, type Sessions } from './sessions.js';
import { MIGRATIONS } from './tables.js';
import { openTenants, type TenantCallbacks, type TenantPlugin, type Tenants } from './tenants.js';
import { type Claims, createTokens, type Tokens } from './tokens.js';
import { openUsers, type Users } from './users.js';

export interface IdentityOptions {
  /** Closed by whoever opened it, after {@link IdentityRoom.close}. */
  readonly database: Database;
  readonly secret: string;
  readonly accessTokenTtlSeconds: number;
  /** Idle time after which a session ends. */
  readonly sessionTtlSeconds: number;
  /** ms since the epoch. */
  readonly now?: () => number;
  readonly failedLogins?: Partial<FailedLoginLimits>;
  readonly hashCost?: HashCost;
  /** Longest time that the last use of a session stays unwritten; 30 s unless told. */
  readonly writeBehindSeconds?: number;
  /** Hears why the last uses of sessions could not be written; they are kept and written later. */
  readonly onWriteFailed?: (error: SandpoolError) => void;
  /** What several processes on one database do together; one alone needs none of it. */
  readonly peers?: IdentityPeers | undefined;
  /** Asked for every menu of a plugin; without it all plugins are there. */
  readonly showsPlugin?: OwnersShown;
  /** What must be known of tenants' plugins; without it no tenant has a plugin of its own. */
  readonly tenancy?: TenancyParts;
  /** Hears what an operator should see of the menus of a plugin. */
  readonly onMenuWarning?: (pluginId: string, warning: string) => void;
}

/** Asked when it is needed: what answers may be opened after this room. */
export interface TenancyParts {
  readonly state: () => Pick<StateStore, 'get' | 'set' | 'delete'>;
  readonly plugins: () => readonly TenantPlugin[];
  readonly callbacks?: TenantCallbacks;
}

export interface IdentityPeers {
  /** Has every other process {@link IdentityRoom.forget}; resolves when all have. */
  spread(): Promise<void>;
  /** Counts failed logins over all processes. */
  attempt(username: string, ip: string): Promise<() => Promise<void>>;
}

export type { LoggedIn, Login } from './logins.js';

export interface IdentityRoom extends Pick<Accounts, Administration>, Logins {
  /**
   * Makes the super-admin `admin` on the first start.
   * @returns the password that was made up; undefined when one was given, or the user existed
   * @throws SBX_ACCOUNT_INVALID when the given password is too long
   */
  ensureAdmin(password?: string): Promise<string | undefined>;
  /**
   * Who sent this `Authorization` header (`spec/bridge.md` §4.4, rows 1 to 6).
   * @throws SBX_TOKEN_MISSING, SBX_TOKEN_SHAPE, SBX_TOKEN_INVALID, SBX_SESSION_EXPIRED in this order; SBX_STORE_FAILED
   */
  authenticate(authorization: string | undefined): Identity;
  logout(tokenId: string): void;
  endSessionsOf(userId: number): void;
  /** Resolves when every process sees what was changed up to now. @throws what `peers.spread` throws */
  settled(): Promise<void>;
  /** Remembers nothing of users and sessions: another process has changed them. */
  forget(): void;
  /** What users may do is read anew with their next request: a plugin has come, changed or gone. */
  forgetAccess(): void;
  readonly menus: Pick<Menus, 'list' | 'heldBy'>;
  readonly users: Users;
  readonly roles: Roles;
  readonly tenants: Tenants;
  /** Menus of plugins, for the registry. */
  readonly pluginMenus: PluginMenus;
  /** Writes the last uses of sessions. */
  close(): void;
}

type Administration =
  | 'createUser'
  | 'createRole'
  | 'setRolePermissions'
  | 'setUserRoles'
  | 'setUserStatus'
  | 'setPassword';

const DEFAULT_WRITE_BEHIND_SECONDS = 30;

/** Opens the room and brings its tables up to date. */
export function createIdentity(options: IdentityOptions): IdentityRoom {
  const { database, secret, now = Date.now } = options;
  migrate(database, 'identity', MIGRATIONS);
  const tokens = createTokens(secret, now);
  const passwords = createPasswords(options.hashCost);
  const spreading = createSpreading(options.peers);
  const sessions = openSessions({
    database,
    ttlSeconds: options.sessionTtlSeconds,
    writeBehindSeconds: options.writeBehindSeconds ?? DEFAULT_WRITE_BEHIND_SECONDS,
    now,
    onWriteFailed: options.onWriteFailed ?? (() => {}),
    onEnded: spreading.begin,
  });
  const accounts = openAccounts({
    database,
    passwords,
    now,
    onLockedOut: sessions.endOf,
    onChanged: spreading.begin,
    showsPlugin: options.showsPlugin ?? (() => true),
  });
  const menus = openMenus(database, now, BUILTIN_MENUS);
  const tenants = openTenants({
    database,
    accounts,
    now,
    onLockedOut: sessions.endOf,
    onSuspended: sessions.endOfTenant,
    state: () => options.tenancy?.state(),
    plugins: () => options.tenancy?.plugins() ?? [],
    callbacks: () => options.tenancy?.callbacks,
  });
  const users = openUsers({ database, accounts, now, onLockedOut: sessions.endOf });
  const { accessTokenTtlSeconds, sessionTtlSeconds } = options;
  const times = { accessTokenTtlSeconds, sessionTtlSeconds, now };
  const { attempt } =
    options.peers ?? countFailedLogins({ ...DEFAULT_FAILED_LOGIN_LIMITS, ...options.failedLogins }, now);
  return {
    ensureAdmin: (password) => ensureAdmin(accounts, passwords, password),
    ...createLogins({ ...times, tokens, passwords, sessions, accounts, tenancy: tenants, attempt }),
    users,
    roles: openRoles({ database, accounts, now }),
    tenants,
    authenticate: createAuthenticate(tokens, sessions, accounts),
    logout: sessions.end,
    endSessionsOf: sessions.endOf,
    settled: spreading.settled,
    forget() {
      sessions.forget();
      accounts.forget();
    },
    forgetAccess: accounts.forget,
    menus,
    pluginMenus: createPluginMenus(menus, options.onMenuWarning ?? (() => {})),
    createUser: accounts.createUser,
    createRole: accounts.createRole,
    setRolePermissions: accounts.setRolePermissions,
    setUserRoles: accounts.setUserRoles,
    setUserStatus: accounts.setUserStatus,
    setPassword: accounts.setPassword,
    close: sessions.close,
  };
}

/** Tells the other processes of changes, at once for each; whoever needs to know waits for all. */
function createSpreading(peers: IdentityPeers | undefined) {
  let latest = Promise.resolve();
  return {
    begin(): void {
      if (peers === undefined) return;
      const mine = peers.spread();
      latest = Promise.allSettled([latest, mine]).then(() => mine);
      // It is told to those who wait for it; a process that could not be reached is dealt with elsewhere.
      latest.catch(() => {});
    },
    settled: () => latest,
  };
}

async function ensureAdmin(accounts: Accounts, passwords: Passwords, given = ''): Promise<string | undefined> {
  if (accounts.findUser(ADMIN) !== undefined) return undefined;
  checkPasswordSize(given);
  const password = given === '' ? randomPassword() : given;
  const passwordHash = await passwords.hash(password);
  const id = accounts.addUser({ username: ADMIN, passwordHash, status: 1, tenantId: 0, isSuperAdmin: true });
  // Another host may have made the user meanwhile: then this password opens nothing.
  return id !== undefined && given === '' ? password : undefined;
}

const ADMIN = 'admin';

const SCHEME = 'Bearer ';

function createAuthenticate(tokens: Tokens, sessions: Sessions, accounts: Accounts): IdentityRoom['authenticate'] {
  // By claims, which are one object per token while the token is remembered.
  const known = new WeakMap<Claims, { readonly identity: Identity; readonly version: number }>();

  const identify = (claims: Claims): Identity => {
    const remembered = known.get(claims);
    const version = accounts.version();
    if (remembered?.version === version) return remembered.identity;
    const access = accounts.accessOf(claims.userId, claims.tenantId);
    if (access === undefined) throw new SandpoolError('SBX_SESSION_EXPIRED');
    const { tokenId, userId, username, status, tenantId, actingUserId, actingAsTenant, isImpersonation } = claims;
    const who = { tokenId, userId, username, status, tenantId, actingUserId, actingAsTenant, isImpersonation };
    const identity = { ...who, ...access };
    known.set(claims, { identity, version });
    return identity;
  };

  return (authorization) => {
    const claims = tokens.verify(bearerToken(authorization));
    const session = sessions.use(claims.tokenId);
    if (session?.tenantId !== claims.tenantId || session.userId !== claims.userId) {
      throw new SandpoolError('SBX_SESSION_EXPIRED');
    }
    return identify(claims);
  };
}

/** The scheme is compared as it is written: `bearer` is another one. */
function bearerToken(authorization = ''): string {
  if (trimGo(authorization) === '') throw new SandpoolError('SBX_TOKEN_MISSING');
  const token = authorization.startsWith(SCHEME) ? trimGo(authorization.slice(SCHEME.length)) : '';
  if (token === '') throw new SandpoolError('SBX_TOKEN_SHAPE');
  return token;
}
