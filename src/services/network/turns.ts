/** A bound on how much of something is under way at once. */
export interface Turns {
  /** Does the work when it is its turn. @throws the signal's reason when that comes first */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** First come, first served; whoever gives up while waiting leaves the queue. */
export function createTurns(limit: number): Turns {
  const waiting = new Set<() => void>();
  let underWay = 0;

  return {
    async run(signal, work) {
      signal.throwIfAborted();
      if (underWay >= limit) await turn(signal);
      else underWay += 1;
      try {
        return await work();
      } finally {
        end();
      }
    },
  };

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        waiting.delete(begin);
        reject(signal.reason);
      };
      waiting.add(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** The place goes to the next, who is then under way. */
  function end(): void {
    const [next] = waiting;
    if (next === undefined) underWay -= 1;
    else {
      waiting.delete(next);
      next();
    }
  }
}
