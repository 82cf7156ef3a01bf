import { join } from 'node:path';
import t from 'tap';
import { wallClock } from '../../src/protocol/clock.js';
import { neverWait, patiently, patientlyUntil } from '../../src/store/patience.js';
import { openDatabase } from '../../src/store/sqlite.js';
import { startEngine } from '../engine-host.js';
import { watGuest } from '../guest-modules.js';
import { rawCall, readRaw } from '../raw-calls.js';
import { granted } from '../services/host.js';
import { holdLock } from './held-lock.js';

const busy = (code = 'SQLITE_BUSY') => Object.assign(new Error('database is locked'), { code });

t.test('work is done again until it is done', async (t) => {
  let failures = 3;
  const work = () => {
    if (failures-- > 0) throw busy(failures === 1 ? 'SQLITE_LOCKED_SHAREDCACHE' : 'SQLITE_BUSY_SNAPSHOT');
    return 'done';
  };
  t.equal(patientlyUntil(wallClock() + 60_000, work), 'done');
});

t.test('what fails for another reason is not done again', async (t) => {
  let attempts = 0;
  const fail = () => {
    attempts += 1;
    throw busy('SQLITE_FULL');
  };
  t.throws(() => patientlyUntil(undefined, fail), { code: 'SQLITE_FULL' });
  t.equal(attempts, 1);
});

t.test('after the deadline nobody hears of a lock', async (t) => {
  const locked = () => {
    throw busy();
  };
  t.throws(() => patientlyUntil(wallClock() - 1, locked), {
    code: 'SBX_WIRE_INVALID',
    message: /the deadline of the invocation has passed/,
  });
  t.throws(
    () =>
      patiently(locked, () => {
        throw new Error('enough');
      }),
    { message: 'enough' },
  );
});

t.test('a deadline goes by the clock that it was made with, whatever the clock of the system is set to', async (t) => {
  const { now } = Date;
  Date.now = () => now() + 3_600_000;
  t.teardown(() => {
    Date.now = now;
  });
  let failures = 1;
  const work = () => {
    if (failures-- > 0) throw busy();
    return 'done';
  };
  t.equal(patientlyUntil(wallClock() + 600_000, work), 'done');
});

t.test('a connection that never waits is refused at once', async (t) => {
  const path = join(t.testdir({}), 'a.db');
  const [one, other] = [openDatabase(path), openDatabase(path, { busyTimeoutMs: 3_600_000 })];
  t.teardown(() => [one, other].forEach((database) => void database.close()));
  one.exec('BEGIN IMMEDIATE');
  neverWait(other);
  t.throws(() => other.exec('BEGIN IMMEDIATE'), { code: 'SQLITE_BUSY' });
});

const CALLS: readonly (readonly [service: string, method: string, resourceRef: string, payload: string])[] = [
  ['runtime', 'state.set', '', '0a016b120176'],
  ['lock', 'acquire', 'sync', '08e0a712'],
];
for (const [service, method, resourceRef, payload] of CALLS) {
  t.test(`a thread that waits for ${service}.${method} can be ended, and takes nobody along`, async (t) => {
    const stateFile = join(t.testdir({}), 'state.db');
    const host = startEngine(t, { stateFile });
    const services = [granted('runtime'), granted('lock', { resources: [{ ref: 'sync', attributes: {} }] })];
    await host.load('demo', await watGuest('host-call'), { services });
    const call = async (deadlineMs: number) => {
      const outcome = await host.request('demo', rawCall(service, method, { resourceRef, payload }), { deadlineMs });
      if (!outcome.ok) throw outcome.error;
      return readRaw(outcome.response.body);
    };
    await call(60_000);
    const held = await holdLock(stateFile);
    const ended = await call(200).then(
      ({ error }) => error?.fallback ?? 'done',
      ({ code }: { code: string }) => code,
    );
    t.match(ended, /^SBX_DEADLINE$|the deadline of the invocation has passed$/);
    held.letGo();
    t.equal((await call(60_000)).status, 0, 'it waits until the other lets go');
    await held.gone();
  });
}
