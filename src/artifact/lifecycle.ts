/** Lifecycle contracts of a plugin (`spec/artifact.md` §2.8, `spec/bridge.md` §6). */
import { type Decoder, integer, list, notNull, object, text } from './decode.js';
import { invalid } from './json.js';
import { trim } from './text.js';

export interface LifecycleContract {
  readonly operation: string;
  readonly requestType: string;
  readonly internalPath: string;
  /** 0 means the host's default of 5000 ms. */
  readonly timeoutMs: number;
}

/** Every operation that a plugin may have a callback for, in the order in which contracts are written. */
export const LIFECYCLE_OPERATIONS = [
  'BeforeInstall',
  'AfterInstall',
  'BeforeUpgrade',
  'Upgrade',
  'AfterUpgrade',
  'BeforeDisable',
  'AfterDisable',
  'BeforeUninstall',
  'Uninstall',
  'AfterUninstall',
  'BeforeTenantDisable',
  'AfterTenantDisable',
  'BeforeTenantDelete',
  'AfterTenantDelete',
  'BeforeInstallModeChange',
  'AfterInstallModeChange',
] as const;

export type LifecycleOperation = (typeof LIFECYCLE_OPERATIONS)[number];

export function isLifecycleOperation(name: string): name is LifecycleOperation {
  return LIFECYCLE_OPERATIONS.some((operation) => operation === name);
}

/** Reads section `lina.plugin.backend.lifecycle`. */
export const decodeLifecycle: Decoder<readonly LifecycleContract[]> = list(
  notNull(
    object<LifecycleContract>({
      operation: ['operation', text],
      requestType: ['requestType', text],
      internalPath: ['internalPath', text],
      timeoutMs: ['timeoutMs', integer],
    }),
  ),
);

/** Contracts in normal form, in the order given. @throws SBX_ARTIFACT_INVALID */
export function normalizeLifecycle(declared: readonly LifecycleContract[]): readonly LifecycleContract[] {
  const seen = new Set<string>();
  return declared.map((raw) => {
    const contract = normalizeContract(raw);
    if (seen.has(contract.operation)) throw invalid(`lifecycle operation ${contract.operation} is duplicated`);
    seen.add(contract.operation);
    return contract;
  });
}

/** Contracts in the shape of their section, in the order of {@link LIFECYCLE_OPERATIONS}. */
export function encodeLifecycle(contracts: readonly LifecycleContract[]): readonly object[] {
  const names: readonly string[] = LIFECYCLE_OPERATIONS;
  const sorted = [...contracts].sort((left, right) => names.indexOf(left.operation) - names.indexOf(right.operation));
  return sorted.map(({ operation, requestType, internalPath, timeoutMs }) => ({
    operation,
    requestType,
    internalPath,
    timeoutMs: timeoutMs || undefined,
  }));
}

/** Where the callback of an operation lies by convention, e.g. `/__lifecycle/before-install`. */
export function lifecyclePath(operation: string): string {
  return `/__lifecycle/${operation.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`;
}

function normalizeContract(raw: LifecycleContract): LifecycleContract {
  const [operation, requestType, path] = [trim(raw.operation), trim(raw.requestType), trim(raw.internalPath)];
  if (!isLifecycleOperation(operation)) throw invalid(`lifecycle operation is unsupported: ${operation}`);
  const at = `lifecycle operation ${operation}`;
  if (requestType === '') throw invalid(`${at} requestType cannot be empty`);
  if (path === '') throw invalid(`${at} internalPath cannot be empty`);
  if (raw.timeoutMs < 0) throw invalid(`${at} timeoutMs cannot be negative`);
  const rooted = path.startsWith('/') ? path : `/${path}`;
  return { operation, requestType, internalPath: rooted.replace(/(?<=.)\/$/, ''), timeoutMs: raw.timeoutMs };
}
