/** Online sessions: who is logged in with which token, in memory and in `sys_online_session`. */
import { LRUCache } from 'lru-cache';
import type { SandpoolError } from '../protocol/errors.js';
import type { Database } from '../store/sqlite.js';
import { stored } from './tables.js';
import type { ClientType } from './tokens.js';

export interface NewSession {
  readonly tokenId: string;
  readonly tenantId: number;
  readonly userId: number;
  readonly username: string;
  readonly clientType: ClientType;
  readonly ip: string;
  /** Of the only refresh token that is good. */
  readonly refreshId: string;
}

export interface Session {
  readonly tokenId: string;
  readonly tenantId: number;
  readonly userId: number;
  lastActiveAt: number;
}

export interface SessionOptions {
  readonly database: Database;
  /** A session ends when it has not been used for longer. */
  readonly ttlSeconds: number;
  /** Longest time that a use stays unwritten; what is lost with the process counts as idle time. */
  readonly writeBehindSeconds: number;
  readonly now: () => number;
  /** Hears why uses could not be written; they are kept and written later. */
  readonly onWriteFailed: (error: SandpoolError) => void;
  /** Hears of sessions that have ended before their time. */
  readonly onEnded: () => void;
}

export interface Sessions {
  start(session: NewSession): void;
  /** The session, used now; undefined when it does not exist or has timed out. */
  use(tokenId: string): Session | undefined;
  /** Has another refresh token be the good one. @returns whether `from` was, until now */
  renew(tokenId: string, from: string, to: string): boolean;
  clientTypeOf(tokenId: string): ClientType | undefined;
  end(tokenId: string): void;
  endOf(userId: number): void;
  endOfTenant(tenantId: number): void;
  /** Writes what is unwritten and reads every session anew when it is used next: another process may have ended it. */
  forget(): void;
  /** Writes what is unwritten. */
  close(): void;
}

/** Most sessions in memory; others are read from the table again when they are used. */
const KEPT_SESSIONS = 20_000;
/** Shortest time between two removals of dead sessions. */
const SWEEP_MS = 60_000;

export function openSessions(options: SessionOptions): Sessions {
  const { database, now } = options;
  const ttlMs = options.ttlSeconds * 1000;
  const statements = prepare(database);
  const kept = new LRUCache<string, Session>({ max: KEPT_SESSIONS });
  const unwritten = new Map<string, Session>();
  let timer: NodeJS.Timeout | undefined;
  let nextSweepAt = 0;

  const writeUses = database.transaction(() => {
    for (const { tokenId, lastActiveAt } of unwritten.values()) statements.touch.run(lastActiveAt, tokenId);
  });

  const flush = (): void => {
    if (unwritten.size === 0) return;
    stored(() => writeUses.immediate());
    unwritten.clear();
  };

  const writeLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      try {
        flush();
      } catch (thrown) {
        options.onWriteFailed(thrown as SandpoolError);
        writeLater();
      }
    }, options.writeBehindSeconds * 1000).unref();
  };

  const markUsed = (session: Session): void => {
    session.lastActiveAt = now();
    unwritten.set(session.tokenId, session);
    writeLater();
  };

  const find = (tokenId: string): Session | undefined => {
    const known = kept.get(tokenId) ?? unwritten.get(tokenId);
    const session = known ?? (stored(() => statements.find.get(tokenId)) as Session | undefined);
    if (session !== undefined && !kept.has(tokenId)) kept.set(tokenId, session);
    return session;
  };

  const forget = (tokenId: string): void => {
    kept.delete(tokenId);
    unwritten.delete(tokenId);
  };

  const remove = (tokenId: string): void => {
    forget(tokenId);
    stored(() => statements.end.run(tokenId));
  };

  const endAll = (tokenIds: readonly string[]): void => {
    for (const tokenId of tokenIds) forget(tokenId);
    options.onEnded();
  };

  const sweep = (): void => {
    if (now() < nextSweepAt) return;
    nextSweepAt = now() + SWEEP_MS;
    flush();
    statements.sweep.run(now() - ttlMs);
  };

  return {
    start(session) {
      stored(() => {
        sweep();
        statements.start.run({ ...session, at: now() });
      });
    },
    use(tokenId) {
      const session = find(tokenId);
      if (session === undefined) return undefined;
      if (now() - session.lastActiveAt <= ttlMs) {
        markUsed(session);
        return session;
      }
      remove(tokenId);
      return undefined;
    },
    renew: (tokenId, from, to) => stored(() => statements.renew.run({ tokenId, from, to }).changes) === 1,
    clientTypeOf: (tokenId) => stored(() => statements.clientTypeOf.get(tokenId)) as ClientType | undefined,
    end(tokenId) {
      remove(tokenId);
      options.onEnded();
    },
    endOf: (userId) => endAll(stored(() => statements.endOf.all(userId)) as string[]),
    endOfTenant: (tenantId) => endAll(stored(() => statements.endOfTenant.all(tenantId)) as string[]),
    forget() {
      try {
        flush();
      } catch (thrown) {
        // What is lost counts as idle time; an ended session must not live on because of it.
        options.onWriteFailed(thrown as SandpoolError);
        unwritten.clear();
      }
      kept.clear();
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
      flush();
    },
  };
}

function prepare(database: Database) {
  return {
    start: database.prepare(
      `INSERT INTO sys_online_session
         (token_id, tenant_id, user_id, username, client_type, ip, login_at, last_active_at, refresh_id)
       VALUES (@tokenId, @tenantId, @userId, @username, @clientType, @ip, @at, @at, @refreshId)`,
    ),
    find: database.prepare(
      `SELECT token_id AS tokenId, tenant_id AS tenantId, user_id AS userId, last_active_at AS lastActiveAt
       FROM sys_online_session WHERE token_id = ?`,
    ),
    touch: database.prepare('UPDATE sys_online_session SET last_active_at = max(last_active_at, ?) WHERE token_id = ?'),
    renew: database.prepare(
      'UPDATE sys_online_session SET refresh_id = @to WHERE token_id = @tokenId AND refresh_id = @from',
    ),
    clientTypeOf: database.prepare('SELECT client_type FROM sys_online_session WHERE token_id = ?').pluck(),
    endOfTenant: database.prepare('DELETE FROM sys_online_session WHERE tenant_id = ? RETURNING token_id').pluck(),
    end: database.prepare('DELETE FROM sys_online_session WHERE token_id = ?'),
    endOf: database.prepare('DELETE FROM sys_online_session WHERE user_id = ? RETURNING token_id').pluck(),
    sweep: database.prepare('DELETE FROM sys_online_session WHERE last_active_at < ?'),
  };
}
