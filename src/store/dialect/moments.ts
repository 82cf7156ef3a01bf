/**
 * Points in time and spans, as texts. Stored is PostgreSQL's own output in UTC without an offset, `2026-05-01 09:00:00.25`:
 * it sorts as text, is compared as text, and is what `data` answers once its fraction is cut (`spec/host-services.md` §6.6).
 */

/** Fields of a moment; `micros` are those within the day. */
interface Moment {
  readonly days: number;
  readonly micros: number;
}

export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: number;
}

const DAY_MICROS = 86_400_000_000;
const SECOND_MICROS = 1_000_000;

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const ZONE = /\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)$/i;

/**
 * A timestamp in its stored form; undefined when it is none. An offset is applied `withZone` and ignored without, as in
 * PostgreSQL. `precision` is the number of fractional digits that are kept.
 */
export function toTimestamp(text: string, withZone: boolean, precision = 6): string | undefined {
  const moment = readMoment(text.trim(), withZone);
  return moment && writeTimestamp(rounded(moment, precision));
}

export function toDate(text: string): string | undefined {
  const moment = readMoment(text.trim(), false);
  return moment && writeDate(moment.days);
}

export function toTime(text: string, precision = 6): string | undefined {
  const clock = readClock(text.trim().replace(ZONE, ''));
  if (clock !== undefined) return writeClock(rounded({ days: 0, micros: clock }, precision).micros);
  const moment = readMoment(text.trim(), false);
  return moment && writeClock(rounded(moment, precision).micros);
}

/** Adds `factor` times an interval; undefined when the text is no timestamp. */
export function addInterval(text: string, interval: Interval, factor = 1): string | undefined {
  const moment = readMoment(text, false);
  if (moment === undefined) return undefined;
  const { year, month, day } = civil(moment.days);
  const months = year * 12 + (month - 1) + Math.trunc(interval.months * factor);
  const first = daysFromCivil(Math.floor(months / 12), (((months % 12) + 12) % 12) + 1, 1);
  const moved = first + Math.min(day, lengthOfMonth(first)) - 1;
  const wholeDays = Math.trunc(interval.days * factor);
  const rest = (interval.days * factor - wholeDays) * DAY_MICROS;
  return writeTimestamp(
    normal(moved + wholeDays, moment.micros + Math.round(interval.micros * factor) + Math.round(rest)),
  );
}

/** Days between two dates. */
export function daysBetween(later: string, earlier: string): number | undefined {
  const [a, b] = [readMoment(later, false), readMoment(earlier, false)];
  return a && b && a.days - b.days;
}

const TRUNCATIONS: Readonly<Record<string, (moment: Moment) => Moment>> = {
  second: ({ days, micros }) => ({ days, micros: micros - (micros % SECOND_MICROS) }),
  minute: ({ days, micros }) => ({ days, micros: micros - (micros % (60 * SECOND_MICROS)) }),
  hour: ({ days, micros }) => ({ days, micros: micros - (micros % (3600 * SECOND_MICROS)) }),
  day: ({ days }) => ({ days, micros: 0 }),
  week: ({ days }) => ({ days: days - ((((days + 3) % 7) + 7) % 7), micros: 0 }),
  month: ({ days }) => startOf(days, ({ year, month }) => [year, month]),
  quarter: ({ days }) => startOf(days, ({ year, month }) => [year, month - ((month - 1) % 3)]),
  year: ({ days }) => startOf(days, ({ year }) => [year, 1]),
};

export const TRUNCATION_FIELDS: readonly string[] = Object.keys(TRUNCATIONS);

/** `date_trunc`; undefined when the text is no timestamp. */
export function truncate(field: string, text: string): string | undefined {
  const moment = readMoment(text, false);
  return moment && writeTimestamp(TRUNCATIONS[field]!(moment));
}

const EXTRACTIONS: Readonly<Record<string, (moment: Moment) => number>> = {
  year: ({ days }) => civil(days).year,
  month: ({ days }) => civil(days).month,
  quarter: ({ days }) => Math.ceil(civil(days).month / 3),
  day: ({ days }) => civil(days).day,
  hour: ({ micros }) => Math.floor(micros / (3600 * SECOND_MICROS)),
  minute: ({ micros }) => Math.floor(micros / (60 * SECOND_MICROS)) % 60,
  second: ({ micros }) => (micros % (60 * SECOND_MICROS)) / SECOND_MICROS,
  milliseconds: ({ micros }) => (micros % (60 * SECOND_MICROS)) / 1000,
  dow: ({ days }) => (((days + 4) % 7) + 7) % 7,
  isodow: ({ days }) => ((((days + 3) % 7) + 7) % 7) + 1,
  doy: ({ days }) => days - daysFromCivil(civil(days).year, 1, 1) + 1,
  epoch: ({ days, micros }) => days * 86_400 + micros / SECOND_MICROS,
};

export const EXTRACTION_FIELDS: readonly string[] = Object.keys(EXTRACTIONS);

/** `extract(field from …)`; undefined when the text is no timestamp. */
export function extract(field: string, text: string): number | undefined {
  const clock = readClock(text);
  const moment = clock === undefined ? readMoment(text, false) : { days: 0, micros: clock };
  return moment && EXTRACTIONS[field]!(moment);
}

/** `to_timestamp(seconds)` */
export function fromEpoch(seconds: number): string | undefined {
  return writeTimestamp(normal(0, Math.round(seconds * SECOND_MICROS)));
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const pad = (value: number, length = 2) => String(value).padStart(length, '0');
const hour12 = (hour: number) => pad(hour % 12 || 12);

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micro: number;
  readonly weekday: number;
}

/** Patterns of `to_char`, longest first. */
const PATTERNS: readonly (readonly [string, (parts: Parts) => string])[] = [
  ['HH24', ({ hour }) => pad(hour)],
  ['HH12', ({ hour }) => hour12(hour)],
  ['YYYY', ({ year }) => pad(year, 4)],
  ['Month', ({ month }) => MONTHS[month - 1]!.padEnd(9)],
  ['Mon', ({ month }) => MONTHS[month - 1]!.slice(0, 3)],
  ['Dy', ({ weekday }) => DAYS[weekday]!.slice(0, 3)],
  ['YY', ({ year }) => pad(year % 100)],
  ['MM', ({ month }) => pad(month)],
  ['DD', ({ day }) => pad(day)],
  ['HH', ({ hour }) => hour12(hour)],
  ['MI', ({ minute }) => pad(minute)],
  ['SS', ({ second }) => pad(second)],
  ['MS', ({ micro }) => pad(Math.floor(micro / 1000), 3)],
  ['US', ({ micro }) => pad(micro, 6)],
  ['AM', ({ hour }) => (hour < 12 ? 'AM' : 'PM')],
  ['PM', ({ hour }) => (hour < 12 ? 'AM' : 'PM')],
];

/** The pieces of a `to_char` format; undefined when one is not among the patterns that are known. */
export function readFormat(format: string): readonly (string | ((parts: Parts) => string))[] | undefined {
  const pieces: (string | ((parts: Parts) => string))[] = [];
  for (let rest = format; rest !== ''; ) {
    const quoted = /^"([^"]*)"/.exec(rest);
    const pattern = PATTERNS.find(([name]) => rest.startsWith(name));
    if (quoted) pieces.push(quoted[1]!);
    else if (pattern) pieces.push(pattern[1]);
    else if (/^[^A-Za-z"\\]/u.test(rest)) pieces.push(Array.from(rest)[0]!);
    else return undefined;
    rest = rest.slice(quoted?.[0].length ?? pattern?.[0].length ?? Array.from(rest)[0]!.length);
  }
  return pieces;
}

/** `to_char` of a moment with a format that `readFormat` knows. */
export function formatMoment(text: string, format: string): string | undefined {
  const moment = readMoment(text, false);
  if (moment === undefined) return undefined;
  const { days, micros } = moment;
  const seconds = Math.floor(micros / SECOND_MICROS);
  const parts = {
    ...civil(days),
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    micro: micros % SECOND_MICROS,
    weekday: EXTRACTIONS.dow!(moment),
  };
  return readFormat(format)
    ?.map((piece) => (typeof piece === 'string' ? piece : piece(parts)))
    .join('');
}

// ---- intervals -------------------------------------------------------------------------------------------------------------

/** Unit → months, days and microseconds of one. */
const UNITS: readonly (readonly [RegExp, Interval])[] = [
  [/^(?:y|yrs?|years?)$/, { months: 12, days: 0, micros: 0 }],
  [/^(?:mons?|months?)$/, { months: 1, days: 0, micros: 0 }],
  [/^(?:w|weeks?)$/, { months: 0, days: 7, micros: 0 }],
  [/^(?:d|days?)$/, { months: 0, days: 1, micros: 0 }],
  [/^(?:h|hrs?|hours?)$/, { months: 0, days: 0, micros: 3600 * SECOND_MICROS }],
  [/^(?:m|mins?|minutes?)$/, { months: 0, days: 0, micros: 60 * SECOND_MICROS }],
  [/^(?:s|secs?|seconds?)$/, { months: 0, days: 0, micros: SECOND_MICROS }],
  [/^(?:ms|msecs?|milliseconds?)$/, { months: 0, days: 0, micros: 1000 }],
];

/** Reads `1 day 02:00`, `-3 months`, `2 hours ago`; a bare number counts `unit`. Undefined when it is none of these. */
export function readInterval(text: string, unit = 'second'): Interval | undefined {
  const ago = /\s+ago$/.test(text.trim());
  const words = text
    .trim()
    .toLowerCase()
    .replace(/\s+ago$/, '')
    .replace(/(\d)\s*([a-z])/g, '$1 $2')
    .split(/\s+/);
  const total = { months: 0, days: 0, micros: 0 };
  for (let at = 0; at < words.length; ) {
    const clock = /^([+-]?)(\d+:\d{2}(?::\d{2}(?:\.\d+)?)?)$/.exec(words[at]!);
    if (clock) {
      total.micros += (clock[1] === '-' ? -1 : 1) * (readClock(clock[2]!) ?? Number.NaN);
      at += 1;
      continue;
    }
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(words[at]!)) return undefined;
    const one = UNITS.find(([names]) => names.test(words[at + 1] ?? unit))?.[1];
    if (one === undefined) return undefined;
    add(total, one, Number(words[at]));
    at += 2;
  }
  if (Number.isNaN(total.micros)) return undefined;
  const sign = ago ? -1 : 1;
  return { months: sign * total.months, days: sign * total.days, micros: sign * total.micros };
}

/** Fractions of months become days of thirty, fractions of days become time, as in PostgreSQL. */
function add(total: { months: number; days: number; micros: number }, one: Interval, count: number): void {
  const months = one.months * count;
  total.months += Math.trunc(months);
  const days = one.days * count + (months - Math.trunc(months)) * 30;
  total.days += Math.trunc(days);
  total.micros += one.micros * count + (days - Math.trunc(days)) * DAY_MICROS;
}

// ---- reading and writing ---------------------------------------------------------------------------------------------------

function readMoment(text: string, withZone: boolean): Moment | undefined {
  if (/^epoch$/i.test(text)) return { days: 0, micros: 0 };
  const [day, ...rest] = text.split(/[T\s]+/i);
  const date = DATE.exec(day ?? '');
  if (!date) return undefined;
  const days = readDays(Number(date[1]), Number(date[2]), Number(date[3]));
  if (days === undefined) return undefined;
  const time = rest.join(' ');
  const zone = time === '' ? null : ZONE.exec(time);
  const micros = time === '' ? 0 : readClock(zone ? time.slice(0, zone.index) : time);
  if (micros === undefined) return undefined;
  return normal(days, micros - (zone && withZone ? readOffset(zone[1]!) : 0));
}

function readDays(year: number, month: number, day: number): number | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined;
  const first = daysFromCivil(year, month, 1);
  return day <= lengthOfMonth(first) ? first + day - 1 : undefined;
}

/** 24:00:00 is the end of a day. */
function readClock(text: string): number | undefined {
  const clock = CLOCK.exec(text);
  if (!clock) return undefined;
  const [hours, minutes, seconds] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
  if (hours > 24 || minutes > 59 || seconds > 60) return undefined;
  const micros = Math.round(Number(`0.${clock[4] ?? 0}`) * SECOND_MICROS);
  const total = ((hours * 60 + minutes) * 60 + seconds) * SECOND_MICROS + micros;
  return total <= DAY_MICROS ? total : undefined;
}

function readOffset(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone)!;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60 * SECOND_MICROS;
}

function normal(days: number, micros: number): Moment {
  const more = Math.floor(micros / DAY_MICROS);
  return { days: days + more, micros: micros - more * DAY_MICROS };
}

function rounded({ days, micros }: Moment, precision: number): Moment {
  const unit = 10 ** (6 - precision);
  return normal(days, Math.round(micros / unit) * unit);
}

/** Undefined beyond the years that sort as text. */
function writeTimestamp({ days, micros }: Moment): string | undefined {
  const date = writeDate(days);
  return date && `${date} ${writeClock(micros)}`;
}

function writeDate(days: number): string | undefined {
  const { year, month, day } = civil(days);
  return year >= 1 && year <= 9999 ? `${pad(year, 4)}-${pad(month)}-${pad(day)}` : undefined;
}

function writeClock(micros: number): string {
  const seconds = Math.floor(micros / SECOND_MICROS);
  const fraction = pad(micros % SECOND_MICROS, 6).replace(/0+$/, '');
  const clock = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return fraction === '' ? clock : `${clock}.${fraction}`;
}

function daysFromCivil(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / 86_400_000);
}

function civil(days: number): { year: number; month: number; day: number } {
  const date = new Date(days * 86_400_000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

function lengthOfMonth(first: number): number {
  const { year, month } = civil(first);
  return daysFromCivil(month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1, 1) - first;
}

function startOf(days: number, pick: (date: { year: number; month: number }) => readonly [number, number]): Moment {
  const [year, month] = pick(civil(days));
  return { days: daysFromCivil(year, month, 1), micros: 0 };
}
