/** When a host process that died is started again. Pure. */

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
/** A process that lived this long did not die of how it was started. */
const HEALTHY_MS = 60_000;

/** Deaths in a row of processes that lived only briefly, this one included. */
export function deathsInARow(before: number, livedMs: number): number {
  return livedMs >= HEALTHY_MS ? 1 : before + 1;
}

/** How long to wait before the next start, doubling with each death in a row. */
export function restartDelayMs(deaths: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, deaths - 1));
}
