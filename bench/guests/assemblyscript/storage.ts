/**
 * What the bench asks of a guest that stores files: to send prepared requests, over and over, without making garbage. A reply
 * lies where the one before did.
 */
import { Request, Response, bytes, internalError, router } from '../../../src/sdk/assemblyscript';
import { sendHost } from '../../../src/sdk/assemblyscript/host';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute } from '../../../src/sdk/assemblyscript';

// Declared before the routes, because AssemblyScript compiles a handler where it is named.
const replied = new StaticArray<u8>((1 << 20) + 1024);
const OFFSET_BYTES: i32 = 5;

export function lina_host_call_alloc(length: i32): usize {
  if (length > replied.length) unreachable();
  return changetype<usize>(replied);
}

router.on('SendReq', send).on('PiecesReq', sendPieces);

/** Sends the body `?calls=N` times and answers the last reply, unless that is long. */
function send(request: Request): Response {
  const calls = <i32>parseInt(request.query('calls', '1'));
  let reply: u64 = 0;
  for (let i = 0; i < calls; i++) reply = sendHost(request.body);
  return answer(reply);
}

/** Sends the body behind its first 8 bytes `?calls=N` times. Those are a place and a step: the place holds how far it has come. */
function sendPieces(request: Request): Response {
  const calls = <i32>parseInt(request.query('calls', '1'));
  const body = request.body;
  const place = load<u32>(body.dataStart);
  const step = load<u32>(body.dataStart + 4);
  const piece = body.subarray(8);
  let reply: u64 = 0;
  for (let i = 0; i < calls; i++) {
    writeOffset(piece.dataStart + place, step * i);
    reply = sendHost(piece);
    // Status 3 and 4 are the only replies that begin so.
    if (load<u8>(<usize>(reply >> 32)) == 0x08 && load<u8>(<usize>(reply >> 32) + 1) >= 3) return internalError('refused');
  }
  return answer(reply);
}

/** A varint of a fixed length. */
function writeOffset(at: usize, value: u32): void {
  for (let i = 0; i < OFFSET_BYTES; i++) {
    store<u8>(at + i, <u8>((value & 0x7f) | (i < OFFSET_BYTES - 1 ? 0x80 : 0)));
    value >>= 7;
  }
}

function answer(reply: u64): Response {
  const length = <i32>(reply & 0xffffffff);
  const told = new Uint8Array(length > 1024 ? 0 : length);
  memory.copy(told.dataStart, <usize>(reply >> 32), told.length);
  return bytes(told);
}
