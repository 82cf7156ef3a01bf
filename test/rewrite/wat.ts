/** Modules written as text, for the tests of this room. */
import loadWabt from 'wabt';

const wabt = await loadWabt();

const FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  memory64: true,
  multi_memory: true,
  extended_const: true,
};

/** The binary of a module in text form; not validated, so that refused features can be written too. */
export function wat(text: string, hasNames = false): Uint8Array<ArrayBuffer> {
  const module = wabt.parseWat('test.wat', text, FEATURES);
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: hasNames }).buffer);
  } finally {
    module.destroy();
  }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
