/** How often a password may be guessed: counted per user and network, and per network, within a window. */
import { isIPv4, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { SandpoolError } from '../protocol/errors.js';

export interface FailedLoginLimits {
  /** Most failures of one username from one network within the window. */
  readonly perUser: number;
  /** Most failures from one network within the window, whoever was tried. */
  readonly perNetwork: number;
  /** The window opens with the first failure. */
  readonly windowSeconds: number;
  /** Most counts that are kept of either kind; the ones unused for longest are forgotten first. */
  readonly maxCounts: number;
}

export const DEFAULT_FAILED_LOGIN_LIMITS: FailedLoginLimits = {
  perUser: 10,
  perNetwork: 100,
  windowSeconds: 900,
  maxCounts: 10_000,
};

export interface FailedLogins {
  /**
   * Counts an attempt as failed before it is looked at, so that attempts at the same time do not slip through.
   * @returns what takes the attempt back once it has succeeded
   * @throws SBX_LOGIN_RATE with `retryAfterSeconds`
   */
  attempt(username: string, ip: string): () => void;
}

interface Count {
  failures: number;
  readonly endsAt: number;
}

export function countFailedLogins(limits: FailedLoginLimits, now: () => number): FailedLogins {
  const windowMs = limits.windowSeconds * 1000;
  const perUser = new LRUCache<string, Count>({ max: limits.maxCounts });
  const perNetwork = new LRUCache<string, Count>({ max: limits.maxCounts });

  const countOf = (counts: LRUCache<string, Count>, key: string): Count => {
    const known = counts.get(key);
    const left = (known?.endsAt ?? 0) - now();
    // More than a window is left after a clock was set back, which must keep nobody out.
    if (known !== undefined && left > 0 && left <= windowMs) return known;
    const fresh = { failures: 0, endsAt: now() + windowMs };
    counts.set(key, fresh);
    return fresh;
  };

  return {
    attempt(username, ip) {
      const network = networkOf(ip);
      const ofNetwork = countOf(perNetwork, network);
      refuseAbove(limits.perNetwork, ofNetwork, now());
      const userKey = `${network} ${username.slice(0, MAX_KEY_CHARACTERS)}`;
      const ofUser = countOf(perUser, userKey);
      refuseAbove(limits.perUser, ofUser, now());
      ofNetwork.failures += 1;
      ofUser.failures += 1;
      return () => {
        ofNetwork.failures -= 1;
        perUser.delete(userKey);
      };
    },
  };
}

const MAX_KEY_CHARACTERS = 64;

function refuseAbove(most: number, count: Count, now: number): void {
  if (count.failures < most) return;
  throw new SandpoolError('SBX_LOGIN_RATE', { retryAfterSeconds: Math.ceil((count.endsAt - now) / 1000) });
}

/** An IPv4 address itself; of an IPv6 address the first 64 bits, for a client usually owns all addresses behind them. */
export function networkOf(ip: string): string {
  const mapped = ip.replace(/^::ffff:/i, '');
  if (isIPv4(mapped)) return mapped;
  const address = ip.split('%', 1)[0] as string;
  if (!isIPv6(address)) return ip;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ? tail.split(':') : [])];
  const first = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/64`;
}
