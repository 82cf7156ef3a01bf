/** How much may be stored: refuses what goes beyond, after a look at the files themselves when the count may be too high. */
import type { ObjectStorage } from '../protocol/messages.js';
import { limitExceeded } from './object-failures.js';
import { weighBelow } from './object-files.js';
import type { ObjectLedger, ObjectScope, Usage } from './object-ledger.js';
import { rootOf, scopesOf } from './object-places.js';

export type ObjectLimits = ObjectStorage['limits'];

export interface Quota {
  /** @throws CAPABILITY_LIMIT_EXCEEDED with the limit in bytes */
  checkObject(bytes: number): void;
  /** @throws CAPABILITY_LIMIT_EXCEEDED with the limit that the growth would exceed, in bytes or in files */
  check(scope: ObjectScope, growth: Usage): void;
  /** The same, but counts anew before it refuses; not to be called under the lock. */
  checkTruly(scope: ObjectScope, growth: Usage): void;
}

/** A plugin at its limit has its files counted this often at most, in ms. */
const RECOUNT_EVERY_MS = 60_000;

export function createQuota(directory: string, ledger: ObjectLedger, limits: ObjectLimits, now: () => number): Quota {
  const exceeded = ({ pluginId, tenantId }: ObjectScope, growth: Usage): number | undefined => {
    const usage = ledger.usageOf(pluginId);
    if (growth.bytes > 0 && usage.bytes + growth.bytes > limits.pluginQuotaBytes) return limits.pluginQuotaBytes;
    if (growth.entries > 0 && usage.entries + growth.entries > limits.pluginQuotaFiles) return limits.pluginQuotaFiles;
    const isOverTenant =
      tenantId > 0 && growth.bytes > 0 && ledger.tenantBytes(tenantId) + growth.bytes > limits.tenantQuotaBytes;
    return isOverTenant ? limits.tenantQuotaBytes : undefined;
  };
  const check = (scope: ObjectScope, growth: Usage): void => {
    const limit = exceeded(scope, growth);
    if (limit !== undefined) throw limitExceeded(limit);
  };
  return {
    checkObject(bytes) {
      if (bytes > limits.maxObjectBytes) throw limitExceeded(limits.maxObjectBytes);
    },
    check,
    checkTruly(scope, growth) {
      const { pluginId } = scope;
      if (exceeded(scope, growth) !== undefined && now() - ledger.countedAt(pluginId) > RECOUNT_EVERY_MS) {
        for (const one of scopesOf(directory, pluginId)) finish(recount(directory, ledger, one, now()));
      }
      check(scope, growth);
    },
  };
}

/** Counts the files of a scope; yields now and then. The count stands unless the scope has changed meanwhile. */
export function* recount(
  directory: string,
  ledger: ObjectLedger,
  scope: ObjectScope,
  now: number,
): Generator<undefined, void> {
  ledger.charge(scope, 0, 0);
  const charges = ledger.chargesOf(scope);
  const usage = yield* weighBelow(rootOf(directory, scope));
  ledger.correct(scope, usage, charges, now);
}

function finish(work: Generator<undefined, void>): void {
  while (!work.next().done);
}
