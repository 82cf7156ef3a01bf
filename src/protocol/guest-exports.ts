/** Exports with which a module can take part in its snapshots. Other hosts never look at them. */

/** `() -> ()`; runs once after `_initialize`, before the snapshot is taken. Host calls are refused in it. */
export const WARM_UP_EXPORT = 'sandpool_warm_up';

/**
 * `(seed: i64) -> ()`, or without the parameter; runs before every request of an instance that was reset, so that what the
 * snapshot froze differs from request to request.
 */
export const RESEED_EXPORT = 'sandpool_reseed';
