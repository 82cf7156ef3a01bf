/** Who did what to which plugin, from where to where, and how it ended. Only ever appended to; the database refuses the rest. */
import type { ErrorCode } from '../protocol/errors.js';
import { SandpoolError } from '../protocol/errors.js';
import type { Database } from '../store/sqlite.js';
import type { PluginRow } from './tables.js';

export type AuditAction =
  | 'upload'
  | 'install'
  | 'enable'
  | 'disable'
  | 'upgrade'
  | 'rollback'
  | 'uninstall'
  | 'policy'
  | 'job-run'
  | 'job-pause'
  | 'job-resume'
  | 'lose'
  | 'recover'
  /** A system parameter; of no plugin. */
  | 'config';

/** Where a plugin stood. */
export interface AuditStanding {
  readonly version: string;
  /** `uninstalled`, `installed`, `enabled` or what else the registry says. */
  readonly state: string;
  readonly generation: number;
}

/** `unchanged`: asked for and already so. `refused`: not allowed, nothing changed. `failed`: tried, and everything is as before. */
export type AuditResult = 'done' | 'unchanged' | 'refused' | 'failed';

export interface AuditDraft {
  /** Empty where the artifact of an upload could not be read. */
  readonly pluginId: string;
  readonly action: AuditAction;
  readonly by: string;
  readonly from?: AuditStanding | undefined;
  readonly to?: AuditStanding | undefined;
  readonly result: AuditResult;
  readonly errorCode?: string | undefined;
  readonly message?: string | undefined;
}

export interface AuditEntry extends AuditDraft {
  /** Grows with every entry, whatever the clock says. */
  readonly id: number;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface AuditQuery {
  readonly pluginId?: string | undefined;
  /** Most entries to give; 100 when absent, 1000 at most. */
  readonly limit?: number | undefined;
  /** Only entries with a smaller id. */
  readonly before?: number | undefined;
}

export interface AuditLog {
  /** To be called inside the transaction of what it tells. */
  append(draft: AuditDraft, at: number): void;
  /** Newest first. */
  read(query: AuditQuery): readonly AuditEntry[];
}

const MAX_ENTRIES = 1000;
const MAX_MESSAGE_CHARACTERS = 2000;

/** The log over the table that the registry's migrations make. */
export function createAuditLog(database: Database): AuditLog {
  const insert = database.prepare(
    `INSERT INTO sandpool_audit (at, plugin_id, action, operator, from_standing, to_standing, result, error_code, message)
     VALUES (@at, @pluginId, @action, @by, @from, @to, @result, @errorCode, @message)`,
  );
  const select = database.prepare<[object], AuditRow>(
    `SELECT id, at, plugin_id AS pluginId, action, operator AS "by", from_standing AS "from", to_standing AS "to", result,
            error_code AS errorCode, message
     FROM sandpool_audit
     WHERE (@pluginId IS NULL OR plugin_id = @pluginId) AND (@before IS NULL OR id < @before)
     ORDER BY id DESC LIMIT @limit`,
  );
  return {
    append(draft, at) {
      insert.run({
        at,
        pluginId: draft.pluginId,
        action: draft.action,
        by: draft.by,
        from: draft.from ? JSON.stringify(draft.from) : '',
        to: draft.to ? JSON.stringify(draft.to) : '',
        result: draft.result,
        errorCode: draft.errorCode ?? '',
        message: (draft.message ?? '').slice(0, MAX_MESSAGE_CHARACTERS),
      });
    },
    read({ pluginId = null, before = null, limit = 100 }) {
      const bounded = Math.max(1, Math.min(limit, MAX_ENTRIES));
      return select.all({ pluginId, before, limit: bounded }).map(entryOf);
    },
  };
}

/** How an operation that threw ended. */
export function auditFailure(thrown: unknown): Pick<AuditDraft, 'result' | 'errorCode' | 'message'> {
  const errorCode: ErrorCode = thrown instanceof SandpoolError ? thrown.code : 'SBX_INTERNAL';
  const isRefused =
    thrown instanceof SandpoolError && (thrown.status === 409 || thrown.status === 404 || thrown.status === 400);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { result: isRefused && !errorCode.endsWith('_FAILED') ? 'refused' : 'failed', errorCode, message };
}

export function auditStanding(
  plugin: Pick<PluginRow, 'version' | 'currentState' | 'generation' | 'installed' | 'status'> | undefined,
): AuditStanding | undefined {
  if (plugin === undefined) return undefined;
  const { version, currentState, generation, installed, status } = plugin;
  // A marker says that an operation runs; where the plugin stood before it, the flags still say.
  const isMarked = currentState === 'reconciling' || currentState === 'upgrade_running';
  const stable = installed ? (status ? 'enabled' : 'installed') : 'uninstalled';
  return { version, state: isMarked ? stable : currentState, generation };
}

type AuditRow = Omit<AuditEntry, 'from' | 'to'> & { readonly from: string; readonly to: string };

function entryOf({ from, to, errorCode, message, ...row }: AuditRow): AuditEntry {
  return {
    ...row,
    ...(from !== '' && { from: JSON.parse(from) as AuditStanding }),
    ...(to !== '' && { to: JSON.parse(to) as AuditStanding }),
    ...(errorCode !== '' && { errorCode }),
    ...(message !== '' && { message }),
  };
}
