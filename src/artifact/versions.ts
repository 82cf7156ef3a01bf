/** Versions of plugins and ranges of them (`spec/artifact.md` §4.1). Not semver: no build metadata, and pre-releases are equal. */
import { trim } from './text.js';

const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?$/;
const TERM = /^(>=|<=|>|<|=)?(v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/;

const HOLDS: Readonly<Record<string, (order: number) => boolean>> = {
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
  '=': (order) => order === 0,
};

export function isVersion(text: string): boolean {
  return VERSION.test(trim(text));
}

/** Below 0, 0 or above 0 as `left` is lower, equal or higher; `undefined` where one of the two is no version. */
export function compareVersions(left: string, right: string): number | undefined {
  const [first, second] = [numbersOf(left), numbersOf(right)];
  if (first === undefined || second === undefined) return undefined;
  const orders = first.map((number, index) => compareDigits(number, second[index]!));
  return orders.find((order) => order !== 0) ?? 0;
}

/** Whether the text is a range such as `>=0.1.0 <1.0.0`: terms that all must hold, no operator meaning equality. */
export function isRange(text: string): boolean {
  const terms = termsOf(text);
  return terms.length > 0 && terms.every((term) => TERM.test(term));
}

/** Whether a version lies in a range; never in one that is invalid. */
export function satisfies(version: string, range: string): boolean {
  return isRange(range) && termsOf(range).every((term) => holds(version, term));
}

function holds(version: string, term: string): boolean {
  const [, operator = '=', bound] = TERM.exec(term)!;
  const order = compareVersions(version, bound!);
  return order !== undefined && HOLDS[operator]!(order);
}

function termsOf(range: string): readonly string[] {
  return range.split(/\p{White_Space}+/u).filter((term) => term !== '');
}

/** Major, minor and patch without leading zeros; as text, because the format does not bound them. */
function numbersOf(version: string): readonly string[] | undefined {
  return VERSION.exec(trim(version))
    ?.slice(1)
    .map((digits) => digits.replace(/^0+/, ''));
}

function compareDigits(left: string, right: string): number {
  if (left === right) return 0;
  if (left.length !== right.length) return left.length < right.length ? -1 : 1;
  return left < right ? -1 : 1;
}
