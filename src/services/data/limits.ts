/** What one call of `data` may ask for; README names these numbers. */

/** Largest payload of a request, in bytes. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Largest payload of a reply, in bytes. */
export const MAX_REPLY_BYTES = 16 * 1024 * 1024;
/** What one call may read from rows that are larger than `SMALL_ROW_BYTES`, in bytes. */
export const MAX_READ_BYTES = 8 * 1024 * 1024;
/** Of rows up to this size, as many as a page has are never too much. */
export const SMALL_ROW_BYTES = 64 * 1024;
/** Most rows of a page, and most keys of `batch_get`. */
export const MAX_ROWS = 100;
export const DEFAULT_ROWS = 10;
/** Most filters, and most orders, of a plan. */
export const MAX_TERMS = 64;
/** Most values of all filters of a plan. */
export const MAX_VALUES = 1000;
/** Most operations of a transaction. */
export const MAX_OPERATIONS = 1000;
