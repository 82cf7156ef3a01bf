/** One operation on one plugin: it waits for its turn, and whatever comes of it, the audit log knows. */
import { reasonOf } from '../protocol/errors.js';
import { type AuditAction, type AuditDraft, auditFailure, auditStanding } from './audit.js';
import type { Core, Turn } from './core.js';
import type { Change } from './journal.js';
import { clearMarker } from './markers.js';

export interface Operation {
  readonly pluginId: string;
  readonly action: AuditAction;
  /** `system` when absent. */
  readonly by?: string | undefined;
}

/** Runs an operation when the operations on the plugin before it have ended. */
export function inTurn<Result>(
  core: Core,
  { pluginId, action, by = 'system' }: Operation,
  operation: (turn: Turn) => Promise<Result>,
): Promise<Result> {
  return core.serial(pluginId, async () => {
    let isTold = false;
    const standing = () => auditStanding(core.journal.read(pluginId)?.plugin);
    const commit = (change: Change) => {
      const from = standing();
      const to = auditStanding(change.plugin) ?? from;
      core.journal.write({ ...change, audit: { pluginId, action, by, from, to, result: 'done' } });
      core.owed.delete(pluginId);
      isTold = true;
    };
    try {
      clearMarker(core, pluginId);
      const result = await operation({ ...core, pluginId, action, by, commit });
      if (!isTold) note(core, () => ({ pluginId, action, by, from: standing(), result: 'unchanged' }));
      return result;
    } catch (thrown) {
      note(core, () => ({ pluginId, action, by, from: standing(), ...auditFailure(thrown) }));
      throw thrown;
    }
  });
}

/** Where nothing has changed, an audit log that cannot be written is no reason to fail. */
export function note(core: Core, draft: () => AuditDraft): void {
  try {
    core.journal.note(draft());
  } catch (thrown) {
    core.log.warn({ reason: reasonOf(thrown) }, 'the audit log cannot be written');
  }
}
