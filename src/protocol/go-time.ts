/** Latest time that RFC 3339 can write: the end of the year 9999. */
export const MAX_TIME_MS = 253_402_300_799_999;

/** A time as Go's RFC3339Nano writes it in UTC: no zeros at the end of the fraction, and no fraction when there is none. */
export function goTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}
