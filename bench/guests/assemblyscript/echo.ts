/** What the bench asks of an AssemblyScript guest: an echo with host calls, stores, loops that do not end. */
import { Request, Response, bytes, internalError, router, text } from '../../../src/sdk/assemblyscript';
import { sendHost } from '../../../src/sdk/assemblyscript/host';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../../../src/sdk/assemblyscript';

// Declared before the routes, because AssemblyScript compiles a handler where it is named.
const words = new StaticArray<u32>(4096);
let spins: i32 = 0;
// Asks runtime info.uuid, for echoes.
const UUID: Uint8Array = Uint8Array.wrap(String.UTF8.encode('\n\x07runtime\x12\tinfo.uuid'));
/** Makes builds distinct: the bench writes a number over its end. */
const MARK: Uint8Array = Uint8Array.wrap(String.UTF8.encode('sandpool bench guest 000000'));

router
  .on('EchoReq', echo)
  .on('CallReq', call)
  .on('CycleReq', cycle)
  .on('StoreReq', store)
  .on('SpinReq', spin)
  .on('RecurseReq', (request: Request): Response => text(fibonacci(90).toString()))
  .on('MarkReq', (request: Request): Response => bytes(MARK));

/** Answers the body after `?calls=N` host calls. */
function echo(request: Request): Response {
  const calls = <i32>parseInt(request.query('calls', '0'));
  for (let i = 0; i < calls; i++) sendHost(UUID);
  return bytes(request.body, request.contentType);
}

/** Sends the body as a host-call request `?calls=N` times. */
function call(request: Request): Response {
  const calls = <i32>parseInt(request.query('calls', '1'));
  for (let i = 0; i < calls; i++) sendHost(request.body);
  return text('done');
}

/** Sends one after the other of the requests in the body, each behind its length, `?calls=N` in all; tells of the last that failed. */
function cycle(request: Request): Response {
  const calls = <i32>parseInt(request.query('calls', '1'));
  const requests: Uint8Array[] = [];
  for (let at = 0; at < request.body.length; ) {
    const length = load<u32>(request.body.dataStart + at);
    requests.push(request.body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  let failure = '';
  for (let i = 0; i < calls; i++) {
    const packed = sendHost(requests[i % requests.length]);
    const response = <usize>(packed >> 32);
    // A response that begins with a status is none of success.
    if (<u32>packed > 0 && load<u8>(response) == 8) failure = String.UTF8.decodeUnsafe(response, <usize>(packed & 0xffffffff));
  }
  return failure.length > 0 ? internalError(failure) : text('done');
}

/** Sixteen times: writes 16 KiB word by word, each from its neighbours, as sorting and parsing do. */
function store(request: Request): Response {
  for (let pass = 1; pass <= 16; pass++) {
    for (let i = 1; i < words.length; i++) unchecked((words[i] = unchecked(words[i - 1]) * 31 + pass));
  }
  return text(words[4095].toString());
}

function spin(request: Request): Response {
  while (spins >= 0) spins = (spins + 1) & 0xffff;
  return text('never');
}

/** Without any loop. */
function fibonacci(n: i32): i32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
