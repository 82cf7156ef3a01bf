/** An echo with one host call on Extism's own input and output. */
@external('extism:host/env', 'input_length') declare function input_length(): u64;
@external('extism:host/env', 'input_load_u8') declare function input_load_u8(offset: u64): u8;
@external('extism:host/env', 'input_load_u64') declare function input_load_u64(offset: u64): u64;
@external('extism:host/env', 'alloc') declare function alloc(length: u64): u64;
@external('extism:host/env', 'store_u8') declare function store_u8(offset: u64, value: u8): void;
@external('extism:host/env', 'store_u64') declare function store_u64(offset: u64, value: u64): void;
@external('extism:host/env', 'output_set') declare function output_set(offset: u64, length: u64): void;
@external('extism:host/user', 'uuid') declare function uuid(): i64;

export function echo(): i32 {
  uuid();
  const length = input_length();
  const output = alloc(length);
  let i: u64 = 0;
  for (; i + 8 <= length; i += 8) store_u64(output + i, input_load_u64(i));
  for (; i < length; i++) store_u8(output + i, input_load_u8(i));
  output_set(output, length);
  return 0;
}
