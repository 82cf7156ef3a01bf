/**
 * The smallest host that can run a guest: raw WebAssembly, a canned host call, nothing checked. What it needs is the floor under
 * every host; with a copy of the memory it is the simplest way to a pristine instance.
 */
import { createGuestMemory, plainMemory } from '../src/sandbox/memory.js';
import { createWasi } from '../src/sandbox/wasi.js';
import { BRIDGE } from './guests.js';
import { REPLY } from './sandbox.js';

export interface BareGuest {
  readonly instance: WebAssembly.Instance;
  readonly memory: WebAssembly.Memory;
  /** Runs one request and gives a view of the response. */
  call(request: Uint8Array): Uint8Array;
}

export function openBare(module: WebAssembly.Module): BareGuest {
  let memory: ReturnType<typeof createGuestMemory> | undefined;
  const guestMemory = () => memory as NonNullable<typeof memory>;
  const wasi = createWasi({
    memory: guestMemory,
    output() {},
    sleepUntil() {},
    exit(code) {
      throw new Error(`the guest exits with ${code}`);
    },
    check() {},
  });
  const { exports } = new WebAssembly.Instance(module, {
    lina_env: { host_call: () => deliver() },
    wasi_snapshot_preview1: wasi,
  });
  const instance = { exports };
  const raw = exports.memory as WebAssembly.Memory;
  memory = createGuestMemory(plainMemory(raw));
  const alloc = exports[BRIDGE.allocExport] as WebAssembly.Callable;
  const execute = exports[BRIDGE.executeExport] as WebAssembly.Callable;
  const allocReply = exports.lina_host_call_alloc as WebAssembly.Callable;
  const deliver = (): bigint => {
    const address = allocReply(REPLY.length) >>> 0;
    new Uint8Array(raw.buffer).set(REPLY, address);
    return (BigInt(address) << 32n) | BigInt(REPLY.length);
  };
  (exports._initialize as WebAssembly.Callable | undefined)?.();

  return {
    instance,
    memory: raw,
    call(request) {
      const address = alloc(request.length) >>> 0;
      new Uint8Array(raw.buffer).set(request, address);
      const packed = BigInt.asUintN(64, execute(request.length) as bigint);
      return new Uint8Array(raw.buffer, Number(packed >> 32n), Number(packed & 0xffffffffn));
    },
  };
}

/** Makes the function that leads a guest back to what it is now: the whole memory and all globals. */
export function fullCopy({ instance, memory }: BareGuest, globalExports: readonly string[]): () => void {
  const snapshot = new Uint8Array(memory.buffer).slice();
  const globals = globalExports.map((name) => instance.exports[name] as WebAssembly.Global);
  const values = globals.map(({ value }) => value as unknown);
  return () => {
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(snapshot);
    bytes.fill(0, snapshot.length);
    for (const [index, global] of globals.entries()) global.value = values[index];
  };
}
