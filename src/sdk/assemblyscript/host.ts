/** The only function that a plugin imports. The answer is `(address << 32) | length`; 0 means success without bytes. */
@external('lina_env', 'host_call')
declare function host_call(opcode: i32, address: usize, length: i32): u64;

// @ts-ignore: decorator
@inline const SERVICE_INVOKE: i32 = 1;

let response: ArrayBuffer = new ArrayBuffer(0);

/** Gives the host a buffer for a host-call response; held until the next one. */
export function allocHostResponse(length: i32): usize {
  response = new ArrayBuffer(length);
  return changetype<usize>(response);
}

/** Sends the bytes of a host-call request and returns those of the response. */
export function callHost(request: Uint8Array): Uint8Array {
  const packed = sendHost(request);
  const length = <i32>(packed & 0xffffffff);
  if (length == 0) return new Uint8Array(0);
  const start = <i32>(<usize>(packed >> 32) - changetype<usize>(response));
  return Uint8Array.wrap(response, start, length);
}

/** Sends the bytes of a host-call request; returns address and length of the response. Needs no state of this file. */
export function sendHost(request: Uint8Array): u64 {
  return host_call(SERVICE_INVOKE, request.dataStart, request.length);
}
