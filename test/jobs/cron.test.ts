import t from 'tap';
import { openSchedule } from '../../src/jobs/cron.js';

type Case = readonly [pattern: string, timezone: string, after: string, ...next: string[]];

// biome-ignore format: a table
const CASES: readonly Case[] = [
  ['# */10 * * * *',  'UTC', '2026-05-01T00:01:00Z', '2026-05-01T00:10:00Z', '2026-05-01T00:20:00Z'],
  ['*/15 * * * * *',  'UTC', '2026-05-01T00:00:50Z', '2026-05-01T00:01:00Z', '2026-05-01T00:01:15Z'],
  ['*/10 * * * *',    'UTC', '2026-05-01T00:01:00Z', '2026-05-01T00:10:00Z'],
  ['0 0 8 * * *',     'Asia/Shanghai', '2026-05-01T00:00:00Z', '2026-05-02T00:00:00Z'],
  ['0 0 8 ? * MON-FRI', 'UTC', '2026-05-01T09:00:00Z', '2026-05-04T08:00:00Z'],
  ['0 0 0 13 * 5',    'UTC', '2026-05-01T00:00:00Z', '2026-11-13T00:00:00Z'],
  ['0 0 0 5/10 * *',  'UTC', '2026-05-01T00:00:00Z', '2026-05-05T00:00:00Z', '2026-05-15T00:00:00Z'],
  ['@daily',          'Europe/Berlin', '2026-05-01T00:00:00Z', '2026-05-01T22:00:00Z'],
  ['@every 1h30m',    'UTC', '2026-05-01T00:10:00Z', '2026-05-01T01:30:00Z', '2026-05-01T03:00:00Z'],
];
for (const [pattern, timezone, after, ...next] of CASES) {
  t.test(`${pattern} in ${timezone} is due when its pattern says`, async (t) => {
    t.strictSame(nextOf(pattern, timezone, after, next.length), next.map(iso));
  });
}

t.test(
  'a time that the clock leaves out in spring is due at the end of the gap, and times of an interval are left out',
  async (t) => {
    const [berlin, before] = ['Europe/Berlin', '2026-03-29T00:30:00Z'];
    t.strictSame(nextOf('0 30 2 * * *', berlin, before, 2), ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
    t.strictSame(nextOf('0 */20 * * * *', berlin, before, 2), ['2026-03-29T00:40:00.000Z', '2026-03-29T01:00:00.000Z']);
  },
);

t.test('a time that the clock shows twice in autumn is due once, and an interval in both hours', async (t) => {
  const [berlin, before] = ['Europe/Berlin', '2026-10-24T22:10:00Z'];
  t.strictSame(nextOf('0 30 2,4 * * *', berlin, before, 3), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T03:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
  t.strictSame(nextOf('0 30 * * * *', berlin, '2026-10-25T00:00:00Z', 3), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:30:00.000Z',
    '2026-10-25T02:30:00.000Z',
  ]);
});

t.test('the latest time may be the present', async (t) => {
  const latest = (pattern: string, at: string) => {
    const found = openSchedule(pattern, 'UTC').latest(Date.parse(at));
    return found === undefined ? undefined : new Date(found).toISOString();
  };
  t.equal(latest('0 0 * * * *', '2026-05-01T10:00:00Z'), '2026-05-01T10:00:00.000Z');
  t.equal(latest('0 0 * * * *', '2026-05-01T10:00:00.999Z'), '2026-05-01T10:00:00.000Z');
  t.equal(latest('0 0 * * * *', '2026-05-01T09:59:59.999Z'), '2026-05-01T09:00:00.000Z');
  t.equal(latest('@every 90s', '2026-05-01T00:01:30Z'), '2026-05-01T00:01:30.000Z');
});

t.test('a date that never comes is never due', async (t) => {
  t.equal(openSchedule('0 0 0 31 2 *', 'UTC').next(0), undefined);
  t.equal(openSchedule('0 0 0 31 2 *', 'UTC').latest(Date.parse('2026-05-01T00:00:00Z')), undefined);
});

// biome-ignore format: a table
const REFUSED: readonly (readonly [pattern: string, timezone: string, code: string])[] = [
  ['',                    'UTC',    'JOB_CRON_EXPRESSION_REQUIRED'],
  ['* * * *',             'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['* * * * * * 2030',    'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['0 61 * * * *',        'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['2026-05-05T00:00:00', 'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['@reboot',             'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['@every 0s',           'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['@every 5d',           'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['* * # * * *',         'UTC',    'JOB_CRON_EXPRESSION_INVALID'],
  ['* * * * * *',         'Mars/X', 'JOB_TIMEZONE_INVALID'],
  ['* * * * * *',         '+08:00', 'JOB_TIMEZONE_INVALID'],
];
for (const [pattern, timezone, code] of REFUSED) {
  t.test(`'${pattern}' in ${timezone} is refused with ${code}`, async (t) => {
    t.throws(() => openSchedule(pattern, timezone), { code });
  });
}

t.test('more patterns than are kept are all right', async (t) => {
  for (let minute = 0; minute < 60; minute++) {
    for (const second of [1, 2]) {
      t.equal(openSchedule(`${second} ${minute} * * * *`, 'UTC').next(0), minute * 60_000 + second * 1000);
    }
  }
});

function nextOf(pattern: string, timezone: string, after: string, count: number): string[] {
  const schedule = openSchedule(pattern, timezone);
  const times: string[] = [];
  for (let at = Date.parse(after); times.length < count; ) {
    at = schedule.next(at) ?? Number.NaN;
    times.push(new Date(at).toISOString());
  }
  return times;
}

function iso(text: string): string {
  return new Date(text).toISOString();
}
