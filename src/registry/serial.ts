/** Runs a task when those before it under the same key have ended, well or badly. */
export type Serial = <Result>(key: string, task: () => Promise<Result>) => Promise<Result>;

export function createSerial(): Serial {
  const last = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(task, task);
    last.set(key, mine);
    const forget = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(forget, forget);
    return mine;
  };
}
