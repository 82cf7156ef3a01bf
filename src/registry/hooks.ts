/**
 * Hooks that releases declare (`spec/artifact.md` §2.7, `spec/governance.md` §7.3): the host carries them out at its events, the
 * guest is not called. Whatever becomes of a hook is only logged.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Artifact } from '../artifact/artifact.js';
import type { HookContract } from '../artifact/hooks.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { quoteName, quoteNames } from '../store/dialect/quote.js';
import { coerce, type SqlValue } from '../store/dialect/values.js';
import { isBusy } from '../store/patience.js';
import { type ColumnContract, readTableContract } from '../store/plugin-catalog.js';
import { joinPluginDatabase } from '../store/plugin-database.js';
import type { Database } from '../store/sqlite.js';

export type HookEvent =
  | 'auth.login.succeeded'
  | 'auth.login.failed'
  | 'auth.logout.succeeded'
  | 'plugin.installed'
  | 'plugin.enabled'
  | 'plugin.disabled'
  | 'plugin.uninstalled'
  | 'plugin.upgraded'
  | 'system.started';

/** What a field of a hook may name as `event.<key>`. */
export type HookPayload = Readonly<Record<string, string | number>>;

/** A release that hears of an event. */
export interface HookRelease {
  readonly pluginId: string;
  readonly artifact: Pick<Artifact, 'hooks'>;
}

export interface Hooks {
  /**
   * Carries out what these releases declare for an event, in their order. Resolves when those that block have ended, or after
   * 10 s: the rest goes on by itself. Rows of a tenant's event are rows of that tenant. Never rejects.
   */
  dispatch(event: HookEvent, releases: readonly HookRelease[], payload: HookPayload, tenantId?: number): Promise<void>;
  /** Lets go of a plugin's database: its file or its tables may be others from now on. */
  forget(pluginId: string): void;
  /** Ends what still runs. */
  close(): void;
}

export interface HookOptions {
  readonly dataDir: string;
  readonly log: { warn(facts: object, message: string): void };
  readonly now?: () => number;
}

const DEFAULT_TIMEOUT_MS = 3000;
/** However many hooks there are, and whatever they declare: nobody's login takes longer for them. */
const MAX_BLOCKING_MS = 10_000;
/** Pause between attempts to write into a database that somebody else is writing to, or is closing as the last one. */
const BUSY_PAUSE_MS = 20;

export function createHooks({ dataDir, log, now = Date.now }: HookOptions): Hooks {
  const rooms = createRooms(dataDir);
  const closing = new AbortController();

  const act = async (hook: HookContract, { pluginId, payload, tenantId }: Occasion, signal: AbortSignal) => {
    if (hook.action === 'error') throw new Error(hook.errorMessage);
    if (hook.action === 'sleep') return wait(hook.sleepMs, undefined, { signal });
    const write = () => insert(rooms.of(pluginId), hook, { payload, tenantId, nowMs: now() });
    while (!isDone(write)) await wait(BUSY_PAUSE_MS, undefined, { signal });
  };
  const carryOut = async (hook: HookContract, occasion: Occasion): Promise<void> => {
    const { event, action, mode } = hook;
    const timeoutMs = hook.timeoutMs || DEFAULT_TIMEOUT_MS;
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      await act(hook, occasion, AbortSignal.any([deadline, closing.signal]));
    } catch (thrown) {
      if (closing.signal.aborted) return;
      const reason = deadline.aborted ? `it took longer than ${timeoutMs} ms` : reasonOf(thrown);
      log.warn({ plugin: occasion.pluginId, event, action, mode, reason }, 'a hook failed');
    }
  };

  return {
    async dispatch(event, releases, payload, tenantId = 0) {
      const wanted = releases.flatMap(({ pluginId, artifact }) =>
        artifact.hooks.filter((hook) => hook.event === event).map((hook) => ({ pluginId, hook })),
      );
      if (wanted.length === 0) return;
      const all = (async () => {
        for (const { pluginId, hook } of wanted) {
          const carriedOut = carryOut(hook, { pluginId, payload, tenantId });
          if (hook.mode === 'blocking') await carriedOut;
        }
      })();
      const enough = new AbortController();
      const patience = wait(MAX_BLOCKING_MS, undefined, { signal: enough.signal, ref: false }).catch(() => {});
      await Promise.race([all, patience]);
      enough.abort();
    },
    forget: rooms.forget,
    close() {
      closing.abort();
      rooms.close();
    },
  };
}

interface Occasion {
  readonly pluginId: string;
  readonly payload: HookPayload;
  /** 0 for the platform. */
  readonly tenantId: number;
}

// ---- inserts -----------------------------------------------------------------------------------------------------------------

/** @returns false when somebody else has the database just now, be it to open, to read or to write. */
function isDone(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (thrown) {
    if (isBusy(thrown instanceof SandpoolError ? thrown.cause : thrown)) return false;
    throw thrown;
  }
}

function insert(room: Room | undefined, hook: HookContract, moment: Moment): void {
  const columns = room?.columnsOf(hook.table);
  if (room === undefined || columns === undefined) throw new Error(`there is no table ${hook.table}`);
  const fields = Object.entries(hook.fields).map(([name, expression]) => {
    const column = columns.get(name.toLowerCase());
    if (column === undefined) throw new Error(`table ${hook.table} has no column ${name}`);
    return { name: column.name, value: valueFor(column, expression, moment) };
  });
  if (moment.tenantId !== 0 && columns.has(TENANT_COLUMN)) {
    const at = fields.findIndex(({ name }) => name === TENANT_COLUMN);
    fields.splice(at < 0 ? fields.length : at, 1, { name: TENANT_COLUMN, value: moment.tenantId });
  }
  const names = quoteNames(fields.map(({ name }) => name));
  const sql = `INSERT INTO ${quoteName(hook.table)} (${names}) VALUES (${fields.map(() => '?').join(', ')})`;
  room.prepare(sql).run(...fields.map(({ value }) => value));
}

type Moment = Omit<Occasion, 'pluginId'> & { readonly nowMs: number };

/** Whose a row is; a plugin does not decide that about a tenant's (`spec/governance.md` §8.7). */
const TENANT_COLUMN = 'tenant_id';

/** `now`, `event.<key>`, or the text itself; what an event does not say is NULL. */
function valueFor(column: ColumnContract, expression: string, moment: Moment): SqlValue {
  const given = evaluate(expression, moment);
  if (given === null) return null;
  const value = coerce(given, { word: column.type, args: column.typeArgs });
  if (value === undefined) throw new Error(`${expression} is no value of column ${column.name}`);
  return value;
}

function evaluate(expression: string, { payload, nowMs }: Moment): string | number | null {
  if (expression === 'now') return new Date(nowMs).toISOString();
  if (!expression.startsWith('event.')) return expression;
  const key = expression.slice('event.'.length);
  return Object.hasOwn(payload, key) ? (payload[key] as string | number) : null;
}

/** A connection with what was learned over it. Statements are never freed (`store/sqlite.ts`), so that each is made once. */
interface Room {
  readonly columnsOf: (table: string) => ReadonlyMap<string, ColumnContract> | undefined;
  readonly prepare: (sql: string) => ReturnType<typeof prepareRun>;
  readonly close: () => void;
}

const prepareRun = (database: Database, sql: string) => database.prepare<SqlValue[]>(sql);

function createRooms(dataDir: string) {
  const rooms = new Map<string, Room>();
  const forget = (pluginId: string): void => {
    rooms.get(pluginId)?.close();
    rooms.delete(pluginId);
  };
  return {
    of(pluginId: string): Room | undefined {
      const known = rooms.get(pluginId);
      if (known !== undefined) return known;
      // The thread of the host never waits for a lock: it tries again.
      const database = joinPluginDatabase(dataDir, pluginId, { busyTimeoutMs: 0 });
      const room = database && createRoom(database);
      if (room !== undefined) rooms.set(pluginId, room);
      return room;
    },
    forget,
    close: () => [...rooms.keys()].forEach(forget),
  };
}

function createRoom(database: Database): Room {
  const tables = new Map<string, ReadonlyMap<string, ColumnContract> | undefined>();
  const statements = new Map<string, ReturnType<typeof prepareRun>>();
  return {
    columnsOf(name) {
      if (!tables.has(name)) {
        const contract = readTableContract(database, name);
        tables.set(name, contract && new Map(contract.columns.map((column) => [column.name.toLowerCase(), column])));
      }
      return tables.get(name);
    },
    prepare(sql) {
      const statement = statements.get(sql) ?? prepareRun(database, sql);
      statements.set(sql, statement);
      return statement;
    },
    close: () => void database.close(),
  };
}
