const ORIGIN_MS = performance.timeOrigin;

/** ms since the epoch, finer than Date.now(), and comparable between threads. */
export function wallClock(): number {
  return ORIGIN_MS + performance.now();
}
