import type { ModuleShape } from './module.js';

/** What changes in bodies; the passes fill it in. Functions and globals are indices of the rewritten module. */
export interface BodyPlan {
  readonly shape: ModuleShape;
  /** By how much functions with a body move up. */
  readonly functionShift: number;
  /** Code that counts down and asks for more when fuel is used up: in front of tail calls, and around loops (see `fuel.ts`). */
  readonly fuel?: {
    readonly burnOnce: Uint8Array;
    readonly refuelIfEmpty: Uint8Array;
    readonly burnAndLeave: Uint8Array;
  };
  /** The functions that pay fuel for long memory instructions where pages are not marked. */
  readonly charged?: { fill(): number; copy(): number };
  readonly memory?: {
    readonly baseBytes: number;
    readonly maxBytes: number;
    readonly sizeGlobal: number;
    /** The functions that stand for memory instructions, made on demand. */
    grow(): number;
    fill(): number;
    copy(): number;
    init(segment: number): number;
    /** The global that is 1 once a passive segment was dropped; undefined for an active one. */
    droppedGlobal(segment: number): number | undefined;
  };
}
