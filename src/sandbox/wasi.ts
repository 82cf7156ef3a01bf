/**
 * WASI preview 1 with nothing behind it: no arguments, no environment, no files, no sockets. Clocks and entropy are real,
 * standard output and error become log lines, sleeping is real up to the deadline (`spec/bridge.md` §1.2).
 */

import { randomFillSync } from 'node:crypto';
import { wallClock } from '../protocol/clock.js';
import type { GuestMemory } from './memory.js';

const SUCCESS = 0;
const BADF = 8;
const FAULT = 21;
const INVAL = 28;
const NOTSUP = 58;
const SPIPE = 70;

const CHARACTER_DEVICE = 2;
const RIGHT_FD_READ = 1n << 1n;
const RIGHT_FD_WRITE = 1n << 6n;

const CLOCK_REALTIME = 0;
const CLOCK_COUNT = 4;
/** More than any runtime asks for at once; a guest must not make the host hold a list of its choosing. */
const MAX_SUBSCRIPTIONS = 1024;

export interface WasiHost {
  memory(): GuestMemory;
  /** Bytes that the guest wrote to descriptor 1 or 2. */
  output(descriptor: 1 | 2, bytes: Uint8Array): void;
  /** Sleeps until then (ms since the epoch). @throws SBX_DEADLINE when the deadline comes first. */
  sleepUntil(time: number): void;
  /** Ends the guest. */
  exit(code: number): never;
  /** Throws when the invocation has already failed; a guest that catches exceptions must not go on. */
  check(): void;
}

type WasiFunction = (...values: never[]) => number;

/** The import object of module `wasi_snapshot_preview1`. */
export function createWasi(host: WasiHost): Record<string, WasiFunction> {
  const functions = {
    ...processFunctions(host),
    ...streamFunctions(host),
    ...pollFunctions(host),
    ...absentFunctions(),
  };
  return Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, guarded(host, call)]));
}

/** A pointer outside the memory makes a view throw; the guest is told `EFAULT`. */
function guarded(host: WasiHost, call: WasiFunction): WasiFunction {
  return (...values) => {
    host.check();
    try {
      return call(...values);
    } catch (thrown) {
      if (thrown instanceof RangeError) return FAULT;
      throw thrown;
    }
  };
}

function processFunctions(host: WasiHost): Record<string, WasiFunction> {
  const noStrings = (countAt: number, bytesAt: number): number => {
    const memory = host.memory();
    memory.setUint32(countAt >>> 0, 0);
    memory.setUint32(bytesAt >>> 0, 0);
    return SUCCESS;
  };
  return {
    args_get: () => SUCCESS,
    args_sizes_get: noStrings,
    environ_get: () => SUCCESS,
    environ_sizes_get: noStrings,
    clock_res_get(clock: number, at: number) {
      if (clock >>> 0 >= CLOCK_COUNT) return INVAL;
      host.memory().setBigUint64(at >>> 0, 1n);
      return SUCCESS;
    },
    clock_time_get(clock: number, _precision: bigint, at: number) {
      if (clock >>> 0 >= CLOCK_COUNT) return INVAL;
      host.memory().setBigUint64(at >>> 0, nanoseconds(clock));
      return SUCCESS;
    },
    random_get(at: number, bytes: number) {
      const view = host.memory().writable(at >>> 0, bytes >>> 0);
      if (view === undefined) return FAULT;
      randomFillSync(view);
      return SUCCESS;
    },
    proc_exit: (code: number) => host.exit(code >>> 0),
    proc_raise: () => NOTSUP,
    sched_yield: () => SUCCESS,
  };
}

function nanoseconds(clock: number): bigint {
  if (clock !== CLOCK_REALTIME) return process.hrtime.bigint();
  return BigInt(Math.round(wallClock() * 1e6));
}

/** Descriptors 0, 1 and 2 are character devices; there are no others. */
function streamFunctions(host: WasiHost): Record<string, WasiFunction> {
  const isStream = (descriptor: number): boolean => descriptor >>> 0 <= 2;
  const onStream = (result: number) => (descriptor: number) => (isStream(descriptor) ? result : BADF);
  return {
    fd_close: onStream(SUCCESS),
    fd_datasync: onStream(SUCCESS),
    fd_sync: onStream(SUCCESS),
    fd_fdstat_set_flags: onStream(SUCCESS),
    fd_fdstat_set_rights: onStream(SUCCESS),
    fd_filestat_set_size: onStream(INVAL),
    fd_filestat_set_times: onStream(INVAL),
    fd_advise: onStream(SPIPE),
    fd_allocate: onStream(SPIPE),
    fd_seek: onStream(SPIPE),
    fd_tell: onStream(SPIPE),
    fd_pread: onStream(SPIPE),
    fd_pwrite: onStream(SPIPE),
    fd_readdir: onStream(BADF),
    fd_renumber: onStream(NOTSUP),
    fd_fdstat_get(descriptor: number, at: number) {
      if (!isStream(descriptor)) return BADF;
      const memory = host.memory();
      const start = at >>> 0;
      memory.setUint8(start, CHARACTER_DEVICE);
      memory.setUint16(start + 2, 0);
      memory.setBigUint64(start + 8, descriptor === 0 ? RIGHT_FD_READ : RIGHT_FD_WRITE);
      memory.setBigUint64(start + 16, 0n);
      return SUCCESS;
    },
    fd_filestat_get(descriptor: number, at: number) {
      if (!isStream(descriptor)) return BADF;
      const stat = host.memory().writable(at >>> 0, 64);
      if (stat === undefined) return FAULT;
      stat.fill(0);
      stat[16] = CHARACTER_DEVICE;
      return SUCCESS;
    },
    fd_read(descriptor: number, _vectors: number, _count: number, readAt: number) {
      if (descriptor !== 0) return BADF;
      host.memory().setUint32(readAt >>> 0, 0);
      return SUCCESS;
    },
    fd_write(descriptor: number, vectors: number, count: number, writtenAt: number) {
      if (descriptor !== 1 && descriptor !== 2) return BADF;
      const memory = host.memory();
      let written = 0;
      for (let index = 0; index < count >>> 0; index++) {
        const vector = (vectors >>> 0) + index * 8;
        const start = memory.getUint32(vector);
        const bytes = memory.getUint32(vector + 4);
        const view = memory.view(start, bytes);
        if (view === undefined) return FAULT;
        host.output(descriptor, view);
        written += bytes;
      }
      memory.setUint32(writtenAt >>> 0, written);
      return SUCCESS;
    },
  };
}

/**
 *   subscription, 48 B   0 userdata u64 │ 8 tag u8 │ 16 clock u32 or descriptor u32 │ 24 timeout u64 │ 40 flags u16
 *   event, 32 B          0 userdata u64 │ 8 error u16 │ 10 type u8 │ 16 bytes u64 │ 24 flags u16
 */
function pollFunctions(host: WasiHost): Record<string, WasiFunction> {
  const CLOCK = 0;
  const ABSOLUTE = 1;

  return {
    poll_oneoff(subscriptions: number, events: number, count: number, countAt: number) {
      const total = count >>> 0;
      if (total === 0 || total > MAX_SUBSCRIPTIONS) return INVAL;
      const memory = host.memory();
      const waits = Array.from({ length: total }, (_, index) =>
        readSubscription(memory, (subscriptions >>> 0) + index * 48),
      );
      const streamIsReady = waits.some((wait) => wait.tag !== CLOCK);
      const wakeAt = streamIsReady ? 0 : Math.min(...waits.map((wait) => wait.time));
      if (!streamIsReady) host.sleepUntil(wakeAt);

      const ready = waits.filter((wait) => wait.tag !== CLOCK || wait.time <= wakeAt);
      ready.forEach((wait, index) => {
        writeEvent(memory, (events >>> 0) + index * 32, wait);
      });
      memory.setUint32(countAt >>> 0, ready.length);
      return SUCCESS;
    },
  };

  function readSubscription(
    memory: GuestMemory,
    at: number,
  ): { userdata: bigint; tag: number; error: number; time: number } {
    const userdata = memory.getBigUint64(at);
    const tag = memory.getUint8(at + 8);
    if (tag !== CLOCK) return { userdata, tag, error: memory.getUint32(at + 16) <= 2 ? SUCCESS : BADF, time: 0 };
    const clock = memory.getUint32(at + 16);
    const timeout = memory.getBigUint64(at + 24);
    const isAbsolute = (memory.getUint16(at + 40) & ABSOLUTE) !== 0;
    const leftNs = isAbsolute ? timeout - nanoseconds(clock) : timeout;
    return { userdata, tag, error: SUCCESS, time: wallClock() + Math.max(0, Number(leftNs) / 1e6) };
  }

  function writeEvent(memory: GuestMemory, at: number, event: { userdata: bigint; tag: number; error: number }): void {
    memory.setBigUint64(at, event.userdata);
    memory.setUint16(at + 8, event.error);
    memory.setUint8(at + 10, event.tag);
    memory.setBigUint64(at + 16, 0n);
    memory.setUint16(at + 24, 0);
  }
}

/** What needs a file, a directory or a socket: no descriptor leads to one. */
function absentFunctions(): Record<string, WasiFunction> {
  const names = [
    'fd_prestat_get',
    'fd_prestat_dir_name',
    'path_create_directory',
    'path_filestat_get',
    'path_filestat_set_times',
    'path_link',
    'path_open',
    'path_readlink',
    'path_remove_directory',
    'path_rename',
    'path_symlink',
    'path_unlink_file',
    'sock_accept',
    'sock_recv',
    'sock_send',
    'sock_shutdown',
  ];
  return Object.fromEntries(names.map((name) => [name, () => BADF]));
}
