/** Lifecycle callbacks of a release: what the guest is told, and what its answer means (`spec/bridge.md` §6). */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Artifact } from '../artifact/artifact.js';
import type { LifecycleContract, LifecycleOperation } from '../artifact/lifecycle.js';
import type { RequestEnvelope, ResponseEnvelope } from '../protocol/envelope.js';
import { reasonOf, SandpoolError } from '../protocol/errors.js';
import { textAt } from '../protocol/text.js';
import { type Authorization, isAuthorizationRequired } from './authorization.js';
import type { Turn } from './core.js';
import type { HookEvent } from './hooks.js';
import type { CallbackEnd, PreparedRelease } from './ports.js';
import { releaseIdentityOf } from './snapshot.js';

/** What a guest is told beside who it is; what is absent, is left out. */
export interface LifecycleFacts {
  readonly fromVersion?: string;
  readonly toVersion?: string;
  readonly tenantId?: number;
  readonly purgeStorageData?: boolean;
  readonly fromManifest?: object;
  readonly toManifest?: object;
}

export type Verdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      /** A key of a text, or the guest's own words. */
      readonly reason: string;
      /** What happened, for the log. */
      readonly detail: string;
    };

const DEFAULT_TIMEOUT_MS = 5000;

export function hasCallback({ lifecycle }: Artifact, operations: readonly LifecycleOperation[]): boolean {
  return lifecycle.some(({ operation }) => operations.some((wanted) => wanted === operation));
}

/** Runs the callback of an operation; a release without one allows everything. Never rejects. */
export async function askGuest(
  artifact: Artifact,
  prepared: PreparedRelease | undefined,
  operation: LifecycleOperation,
  facts: LifecycleFacts,
): Promise<Verdict> {
  const contract = artifact.lifecycle.find((declared) => declared.operation === operation);
  if (contract === undefined) return { allowed: true };
  const { id: pluginId } = artifact.manifest;
  const failed = `plugin.${pluginId}.lifecycle.${operation}.failed`;
  if (prepared === undefined || artifact.bridge?.routeExecution !== true) {
    return { allowed: false, reason: failed, detail: 'the release cannot be executed' };
  }
  const envelope = envelopeOf(pluginId, operation, contract, facts);
  const end = await prepared.run({ envelope, deadlineMs: contract.timeoutMs || DEFAULT_TIMEOUT_MS });
  return judge(end, failed, `plugin.${pluginId}.lifecycle.${operation}.vetoed`);
}

/** @throws PLUGIN_LIFECYCLE_PRECONDITION_VETOED when a guest, or its failure, forbids the operation. */
export function requireAllowed(verdict: Verdict, pluginId: string, operation: LifecycleOperation): void {
  if (verdict.allowed) return;
  const facts = { operation, pluginId, reasons: verdict.reason };
  throw new SandpoolError('PLUGIN_LIFECYCLE_PRECONDITION_VETOED', facts, { cause: new Error(verdict.detail) });
}

/** Tells a guest what has happened. It can change nothing any more, so its failure is only logged. */
export async function tellGuest(
  log: { warn(facts: object, message: string): void },
  artifact: Artifact,
  prepared: PreparedRelease | undefined,
  operation: LifecycleOperation,
  facts: LifecycleFacts,
): Promise<void> {
  const verdict = await askGuest(artifact, prepared, operation, facts);
  if (verdict.allowed) return;
  const { reason, detail } = verdict;
  log.warn({ pluginId: artifact.manifest.id, operation, reason }, `${operation} failed: ${detail}`);
}

/** Has the hooks carried out that a release declares for what has happened to its own plugin. */
export async function tellHooks(
  { hooks, catalog, pluginId }: Pick<Turn, 'hooks' | 'catalog' | 'pluginId'>,
  event: HookEvent,
  artifact: Artifact,
): Promise<void> {
  const { name, version } = artifact.manifest;
  // Its tables may be others than a moment ago.
  hooks?.forget(pluginId);
  const status = catalog.get(pluginId)?.rows.plugin.status ?? 0;
  await hooks?.dispatch(event, [{ pluginId, artifact }], { pluginId, name, version, status });
}

/** The manifest as a guest is shown it, every key present. */
export function manifestFactsOf(artifact: Artifact, authorization: Authorization): object {
  const { manifest, installSql, uninstallSql, mockSql, hooks, resources } = artifact;
  return {
    ...releaseIdentityOf(artifact),
    installSqlCount: installSql.length,
    uninstallSqlCount: uninstallSql.length,
    mockSqlCount: mockSql.length,
    menuCount: manifest.menus.length,
    backendHookCount: hooks.length,
    resourceSpecCount: resources.length,
    hostServiceAuthRequired: isAuthorizationRequired(authorization),
  };
}

function envelopeOf(
  pluginId: string,
  operation: LifecycleOperation,
  { internalPath, requestType }: LifecycleContract,
  facts: LifecycleFacts,
): RequestEnvelope {
  const method = 'POST';
  return {
    pluginId,
    route: { method, publicPath: internalPath, internalPath, routePath: internalPath, requestType },
    request: {
      method,
      publicPath: internalPath,
      internalPath,
      rawPath: internalPath,
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(bodyOf(pluginId, operation, facts))),
    },
    requestId: randomUUID(),
  };
}

/** Keys in the order of the reference; zero values are left out. */
function bodyOf(pluginId: string, operation: LifecycleOperation, facts: LifecycleFacts): object {
  return {
    pluginId,
    operation,
    fromVersion: facts.fromVersion || undefined,
    toVersion: facts.toVersion || undefined,
    tenantId: facts.tenantId || undefined,
    purgeStorageData: facts.purgeStorageData || undefined,
    fromManifest: facts.fromManifest,
    toManifest: facts.toManifest,
  };
}

/** The first rule that matches counts (`spec/bridge.md` §6.2). */
function judge(end: CallbackEnd, failed: string, vetoed: string): Verdict {
  const fail = (detail: string): Verdict => ({ allowed: false, reason: failed, detail });
  if (!end.ok) return fail(reasonOf(end.error));
  const { statusCode, failure, body } = end.response;
  if (failure !== undefined) return fail(failure.message);
  const text = textOf(end.response);
  if (statusCode >= 400) return fail(text || STATUS_CODES[statusCode] || `status ${statusCode}`);
  if (body.length === 0) return { allowed: true };
  const answer = parse(text);
  if (answer === undefined) return fail('the answer is no JSON object');
  if (answer?.ok === true) return { allowed: true };
  const reason = typeof answer?.reason === 'string' ? answer.reason.trim() : '';
  return { allowed: false, reason: reason || vetoed, detail: 'the guest refused' };
}

function textOf({ body }: ResponseEnvelope): string {
  return textAt(body, 0, body.length).trim();
}

/** @returns undefined where the text is no JSON object; `null` is one that says nothing. */
function parse(text: string): { readonly ok?: unknown; readonly reason?: unknown } | null | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
