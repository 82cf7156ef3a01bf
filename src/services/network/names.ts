/** Names resolved once and pinned: what is checked is what is connected to, and a name cannot change its mind in between. */

/** All addresses of a host name. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

export interface NamesOptions {
  readonly lookup: Lookup;
  /** How long the addresses of a name stand, in ms. */
  readonly pinMs: number;
  /** Ms of any clock that never goes back. */
  readonly now: () => number;
}

const MAX_PINNED = 256;

interface Pin {
  readonly addresses: readonly string[];
  readonly until: number;
}

/**
 * The addresses of host names, for one plugin: whoever asks for the same name while it is looked up gets the same answer. One
 * look-up at a time, because the system's resolver works in the few threads that all plugins share.
 */
export function createNames({ lookup, pinMs, now }: NamesOptions): Lookup {
  const pins = new Map<string, Pin>();
  const underWay = new Map<string, Promise<readonly string[]>>();
  let last: Promise<unknown> = Promise.resolve();

  return (hostname) => {
    const pin = pins.get(hostname);
    if (pin !== undefined && now() < pin.until) return Promise.resolve(pin.addresses);
    const known = underWay.get(hostname);
    if (known) return known;
    const looking = last.then(() => look(hostname)).finally(() => underWay.delete(hostname));
    underWay.set(hostname, looking);
    last = looking.catch(() => {});
    return looking;
  };

  async function look(hostname: string): Promise<readonly string[]> {
    const addresses = [...new Set(await lookup(hostname))].sort();
    pins.delete(hostname);
    if (pins.size >= MAX_PINNED) pins.delete(pins.keys().next().value as string);
    if (addresses.length > 0) pins.set(hostname, { addresses, until: now() + pinMs });
    return addresses;
  }
}
