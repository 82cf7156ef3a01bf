/** Hooks that the host runs on its own events; the guest is never called for them (`spec/artifact.md` §2.7). */
import { type Decoder, entries, integer, list, notNull, object, text } from './decode.js';
import { invalid } from './json.js';
import { isBlank } from './text.js';

export interface HookContract {
  readonly event: string;
  readonly action: 'insert' | 'sleep' | 'error';
  readonly mode: 'blocking' | 'async';
  readonly table: string;
  /** Column → value. */
  readonly fields: Readonly<Record<string, string>>;
  /** 0 means 3000 ms. */
  readonly timeoutMs: number;
  readonly sleepMs: number;
  readonly errorMessage: string;
}

export const HOOK_EVENTS: readonly string[] = [
  'auth.login.succeeded',
  'auth.login.failed',
  'auth.logout.succeeded',
  'plugin.installed',
  'plugin.enabled',
  'plugin.disabled',
  'plugin.uninstalled',
  'plugin.upgraded',
  'system.started',
];

/** A hook as a file says it. */
export interface RawHook extends Omit<HookContract, 'action' | 'mode' | 'fields'> {
  readonly action: string;
  readonly mode: string;
  readonly fields: readonly (readonly [string, string])[];
}

/** Reads section `lina.plugin.backend.hooks`. */
export const decodeHooks: Decoder<readonly RawHook[]> = list(
  notNull(
    object<RawHook>({
      event: ['event', text],
      action: ['action', text],
      mode: ['mode', text],
      table: ['table', text],
      fields: ['fields', entries(text)],
      timeoutMs: ['timeoutMs', integer],
      sleepMs: ['sleepMs', integer],
      errorMessage: ['errorMessage', text],
    }),
  ),
);

/** Hooks with their defaults. Event, action and mode are compared exactly. @throws SBX_ARTIFACT_INVALID */
export function normalizeHooks(declared: readonly RawHook[]): readonly HookContract[] {
  return declared.map(normalizeHook);
}

/** Hooks in the shape of their section, keys in the order that is written. */
export function encodeHooks(hooks: readonly HookContract[]): readonly object[] {
  return hooks.map((hook) => ({
    event: hook.event,
    action: hook.action,
    mode: hook.mode,
    table: hook.table || undefined,
    fields: Object.keys(hook.fields).length > 0 ? new Map(Object.entries(hook.fields)) : undefined,
    timeoutMs: hook.timeoutMs || undefined,
    sleepMs: hook.sleepMs || undefined,
    errorMessage: hook.errorMessage || undefined,
  }));
}

/** Names of tables and columns in hooks and table resources. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

function normalizeHook(raw: RawHook): HookContract {
  if (!HOOK_EVENTS.includes(raw.event)) throw invalid(`hook event is unsupported: ${raw.event}`);
  const at = `hook ${raw.event}`;
  const action = raw.action || 'insert';
  const mode = raw.mode || 'blocking';
  if (action !== 'insert' && action !== 'sleep' && action !== 'error') {
    throw invalid(`${at} action is unsupported: ${action}`);
  }
  if (mode !== 'blocking' && mode !== 'async') throw invalid(`${at} mode is unsupported: ${mode}`);
  if (raw.timeoutMs < 0) throw invalid(`${at} timeoutMs cannot be negative`);
  if (action === 'insert') checkInsert(raw, at);
  if (action === 'sleep' && raw.sleepMs <= 0) throw invalid(`${at} sleepMs must be greater than 0`);
  if (action === 'error' && isBlank(raw.errorMessage)) throw invalid(`${at} errorMessage cannot be empty`);
  return { ...raw, action, mode, fields: Object.fromEntries(raw.fields) };
}

function checkInsert(raw: RawHook, at: string): void {
  if (raw.table === '' || raw.fields.length === 0) throw invalid(`${at} action insert requires table and fields`);
  const names = [raw.table, ...raw.fields.map(([column]) => column)];
  const wrong = names.find((name) => !isIdentifier(name));
  if (wrong !== undefined) throw invalid(`${at} identifier is invalid: ${wrong}`);
}
