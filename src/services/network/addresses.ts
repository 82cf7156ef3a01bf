/** Which IP addresses a plugin may be connected to. */
import ip from 'ipaddr.js';

type Address = ip.IPv4 | ip.IPv6;
type Range = readonly [Address, number];

export interface AddressRules {
  /** Ranges such as `10.0.0.0/8`, which are allowed although they are not public; also single addresses. */
  readonly allowedAddresses: readonly string[];
  /** Ranges that nothing allows. */
  readonly deniedAddresses: readonly string[];
}

/** `literal`: the grant writes this address out; `loopback`: it writes `localhost` out. */
export type Naming = 'literal' | 'loopback' | undefined;

/** Whether an address may be connected to, given what the grant names of it. What is no address, may not. */
export type AddressTest = (address: string, naming: Naming) => boolean;

/**
 * Compiles the rules. Allowed are public addresses, those of an allowed range, and those that a grant names. Everything else that
 * the registries reserve is refused: private, loopback, link-local, multicast, metadata services, and the ranges that lead to
 * IPv4 addresses (6to4, NAT64, Teredo), of which an allowed range lets pass only what the IPv4 address deserves.
 * @throws Error when a rule is no range
 */
export function compileAddressRules({ allowedAddresses, deniedAddresses }: AddressRules): AddressTest {
  const allowed = allowedAddresses.map(parseRange);
  const denied = deniedAddresses.map(parseRange);
  const isAllowed = (address: Address): boolean => {
    const carried = carriedAddress(address);
    if (isPublic(address)) return true;
    return within(address, allowed) && (carried === undefined || isAllowed(carried));
  };
  const isDenied = (address: Address): boolean => {
    const carried = carriedAddress(address);
    return within(address, denied) || (carried !== undefined && within(carried, denied));
  };
  return (text, naming) => {
    const address = parseAddress(text);
    if (address === undefined || isDenied(address)) return false;
    if (naming === 'literal' || (naming === 'loopback' && address.range() === 'loopback')) return true;
    return isAllowed(address);
  };
}

/** A mapped address (`::ffff:127.0.0.1`) is the IPv4 address that the kernel connects to. */
function parseAddress(text: string): Address | undefined {
  // The library takes the long retired `::127.0.0.1` for a mapped address.
  if (!ip.isValid(text) || /^::\d+\./.test(text)) return undefined;
  return ip.process(text);
}

function parseRange(text: string): Range {
  if (text.includes('/')) return ip.parseCIDR(text);
  const address = ip.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function within(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
}

/** The only part of IPv6 that is given to the public. */
const GLOBAL_UNICAST = ip.parseCIDR('2000::/3') as [ip.IPv6, number];
/** A cloud's metadata and name service on an address that looks public. */
const METADATA: readonly Range[] = [parseRange('168.63.129.16')];

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  if (address.kind() === 'ipv6') return (address as ip.IPv6).match(GLOBAL_UNICAST);
  return !within(address, METADATA);
}

/** The IPv4 address within an IPv6 one that leads to it: NAT64 in its last bits, 6to4 behind its prefix, Teredo inverted. */
function carriedAddress(address: Address): ip.IPv4 | undefined {
  const range = address.range();
  if (address.kind() === 'ipv4') return undefined;
  const bytes = address.toByteArray();
  if (range === 'rfc6052' || range === 'rfc6145') return new ip.IPv4(bytes.slice(12));
  if (range === '6to4') return new ip.IPv4(bytes.slice(2, 6));
  if (range === 'teredo') return new ip.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff));
  return undefined;
}
