import t from 'tap';
import { wallClock } from '../../src/protocol/clock.js';
import { SandpoolError } from '../../src/protocol/errors.js';
import { createGuestMemory, plainMemory } from '../../src/sandbox/memory.js';
import { createWasi } from '../../src/sandbox/wasi.js';

const HOUR_MS = 3_600_000;
const SUCCESS = 0;
const BADF = 8;
const FAULT = 21;
const INVAL = 28;

function start(failure?: SandpoolError) {
  const source = new WebAssembly.Memory({ initial: 1 });
  const memory = createGuestMemory(plainMemory(source));
  const output: string[] = [];
  const slept: number[] = [];
  const wasi = createWasi({
    memory: () => memory,
    output: (descriptor, bytes) => void output.push(`${descriptor}:${Buffer.from(bytes)}`),
    sleepUntil: (time) => void slept.push(time),
    exit: (code) => {
      throw new SandpoolError('SBX_EXIT', { exitCode: code });
    },
    check: () => {
      if (failure) throw failure;
    },
  }) as unknown as Record<string, (...values: (number | bigint)[]) => number>;
  const call = (name: string, ...values: (number | bigint)[]) =>
    (wasi[name] as (...values: (number | bigint)[]) => number)(...values);
  return { call, memory, output, slept, names: Object.keys(wasi), data: () => new DataView(source.buffer) };
}

// The functions of preview 1, as its definition lists them.
const PREVIEW_1 =
  'args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get fd_advise fd_allocate fd_close fd_datasync ' +
  'fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread ' +
  'fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write ' +
  'path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink path_remove_directory ' +
  'path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise sched_yield random_get sock_accept sock_recv ' +
  'sock_send sock_shutdown';

t.test('every function of preview 1 is there (F125)', async (t) => {
  t.same(start().names.sort(), PREVIEW_1.split(' ').sort());
});

t.test('there are no arguments and no environment (F018)', async (t) => {
  const { call, data } = start();
  for (const name of ['args', 'environ']) {
    data().setUint32(0, 99, true);
    data().setUint32(4, 99, true);
    t.equal(call(`${name}_sizes_get`, 0, 4), SUCCESS);
    t.same([data().getUint32(0, true), data().getUint32(4, true)], [0, 0]);
    t.equal(call(`${name}_get`, 0, 4), SUCCESS);
  }
});

t.test('no file, directory or socket can be reached (F018)', async (t) => {
  const { call } = start();
  for (const name of PREVIEW_1.split(' ').filter((name) => /^(path|sock|fd_prestat)_/.test(name)))
    for (const descriptor of [0, 1, 3, 4])
      t.equal(call(name, descriptor, 0, 0, 0, 0, 0, 0n, 0n, 0), BADF, `${name} of ${descriptor}`);
  t.equal(call('fd_read', 3, 0, 0, 0), BADF);
  t.equal(call('fd_write', 3, 0, 0, 0), BADF);
  t.equal(call('fd_fdstat_get', 3, 0), BADF);
});

t.test('standard input is empty', async (t) => {
  const { call, data } = start();
  data().setUint32(100, 77, true);
  t.equal(call('fd_read', 0, 0, 1, 100), SUCCESS);
  t.equal(data().getUint32(100, true), 0);
});

t.test('standard output and error are gathered from their vectors', async (t) => {
  const { call, memory, data, output } = start();
  memory.write(1000, Buffer.from('hello world'));
  for (const [at, value] of [
    [0, 1000],
    [4, 5],
    [8, 1005],
    [12, 6],
  ] as const)
    data().setUint32(at, value, true);
  t.equal(call('fd_write', 1, 0, 2, 16), SUCCESS);
  t.equal(data().getUint32(16, true), 11);
  t.equal(call('fd_write', 2, 0, 1, 16), SUCCESS);
  t.same(output, ['1:hello', '1: world', '2:hello']);
});

t.test('a pointer outside the memory is EFAULT, never an exception', async (t) => {
  const { call, data } = start();
  for (const [name, ...values] of [
    ['args_sizes_get', -4, 0],
    ['clock_time_get', 0, 0n, 65_535],
    ['random_get', 65_530, 100],
    ['random_get', -1, 1],
    ['fd_write', 1, 65_535, 1, 0],
    ['fd_fdstat_get', 1, -1],
    ['fd_filestat_get', 1, 65_500],
    ['poll_oneoff', 65_500, 0, 1, 0],
  ] as const)
    t.equal(call(name, ...values), FAULT, name);
  data().setUint32(0, 65_000, true);
  data().setUint32(4, 0xffff_ffff, true);
  t.equal(call('fd_write', 1, 0, 1, 8), FAULT, 'a vector that lies');
});

t.test('clocks are real (F125)', async (t) => {
  const { call, data } = start();
  const before = wallClock();
  t.equal(call('clock_time_get', 0, 0n, 0), SUCCESS);
  const read = Number(data().getBigUint64(0, true)) / 1e6;
  // What is read is rounded to a nanosecond, and a number of milliseconds to less than a thousandth.
  t.ok(read > before - 0.01 && read < wallClock() + 0.01, 'it is the time of the host');
  t.ok(Math.abs(read - Date.now()) < HOUR_MS, 'which is that of the day');
  call('clock_time_get', 1, 0n, 0);
  const first = data().getBigUint64(0, true);
  call('clock_time_get', 1, 0n, 0);
  t.ok(data().getBigUint64(0, true) >= first);
  t.equal(call('clock_time_get', 9, 0n, 0), INVAL);
});

t.test('entropy is real', async (t) => {
  const { call, memory } = start();
  t.equal(call('random_get', 0, 32), SUCCESS);
  const first = Buffer.from(memory.view(0, 32) as Uint8Array);
  call('random_get', 0, 32);
  t.notOk(first.equals(Buffer.from(memory.view(0, 32) as Uint8Array)));
  t.notOk(first.equals(Buffer.alloc(32)));
});

t.test('sleeping waits as long as asked', async (t) => {
  const { call, data, slept } = start();
  data().setBigUint64(0, 0x1234n, true);
  data().setUint8(8, 0);
  data().setUint32(16, 1, true);
  data().setBigUint64(24, 250_000_000n, true);
  const before = wallClock();
  t.equal(call('poll_oneoff', 0, 100, 1, 200), SUCCESS);
  t.equal(slept.length, 1);
  const [until] = slept as [number];
  t.ok(until >= before + 250 && until <= wallClock() + 250);
  t.equal(data().getUint32(200, true), 1);
  t.equal(data().getBigUint64(100, true), 0x1234n);
  t.equal(data().getUint16(108, true), SUCCESS);
});

t.test('sleeping waits as long as asked when the clock of the system was set meanwhile', async (t) => {
  const { call, data, slept } = start();
  data().setUint32(16, 1, true);
  data().setBigUint64(24, 250_000_000n, true);
  const { now } = Date;
  Date.now = () => now() + HOUR_MS;
  t.teardown(() => {
    Date.now = now;
  });
  t.equal(call('poll_oneoff', 0, 100, 1, 200), SUCCESS);
  const [until] = slept as [number];
  t.ok(until <= wallClock() + 250, 'deadlines and sleeping go by one clock');
});

t.test('a poll on standard output is ready at once', async (t) => {
  const { call, data, slept } = start();
  data().setUint8(8, 2);
  data().setUint32(16, 1, true);
  t.equal(call('poll_oneoff', 0, 100, 1, 200), SUCCESS);
  t.same(slept, []);
  t.equal(data().getUint8(110), 2);
});

t.test('a poll on nothing or on too much is EINVAL', async (t) => {
  const { call } = start();
  t.equal(call('poll_oneoff', 0, 100, 0, 200), INVAL);
  t.equal(call('poll_oneoff', 0, 100, -1, 200), INVAL);
});

t.test('after the invocation has failed every function throws the failure again', async (t) => {
  const { call } = start(new SandpoolError('SBX_DEADLINE', { deadlineMs: 5 }));
  for (const name of ['sched_yield', 'random_get', 'fd_write'])
    t.throws(() => call(name, 0, 0, 0, 0), { code: 'SBX_DEADLINE' });
});
