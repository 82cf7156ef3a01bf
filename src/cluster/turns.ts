/** Who may change which plugin: one holder at a time for each key, in order of asking. Holders are processes. */

export interface Turns<Holder> {
  /** Resolves when it is this holder's turn. */
  begin(key: string, holder: Holder): Promise<void>;
  /** Passes the turn on. */
  end(key: string, holder: Holder): void;
  /**
   * A holder is gone: it no longer waits anywhere, and its turns are frozen until each is passed on with {@link Turns.end}, for
   * what it did in them is not known.
   * @returns the keys of its turns
   */
  abandon(holder: Holder): readonly string[];
}

interface Waiting<Holder> {
  readonly holder: Holder;
  readonly grant: () => void;
}

export function createTurns<Holder>(): Turns<Holder> {
  /** The first of each list has the turn. */
  const lines = new Map<string, Waiting<Holder>[]>();

  return {
    begin(key, holder) {
      return new Promise((grant) => {
        const line = lines.get(key) ?? [];
        lines.set(key, line);
        line.push({ holder, grant });
        if (line.length === 1) grant();
      });
    },

    end(key, holder) {
      const line = lines.get(key);
      // A process that was given up on may still speak.
      if (line === undefined || line[0]?.holder !== holder) return;
      line.shift();
      if (line[0] === undefined) lines.delete(key);
      else line[0].grant();
    },

    abandon(holder) {
      const held: string[] = [];
      for (const [key, [first, ...rest]] of lines) {
        if (first === undefined) continue;
        if (first.holder === holder) held.push(key);
        lines.set(key, [first, ...rest.filter((waiting) => waiting.holder !== holder)]);
      }
      return held;
    },
  };
}
