import { sendHost } from './host';
import { info, log } from './services/runtime';
import { Writer } from './wire/writer';

/**
 * Stand-ins for what AssemblyScript's standard library would import from a JavaScript host. asconfig.json names them (`use`),
 * so that a plugin imports `lina_env.host_call` and nothing else.
 */

/**
 * Ends the request: the reason goes to the host's log, and the host answers 500. Written without the service clients, because
 * it may run before anything of this library is initialised.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const log = new Writer();
  log.int(1, 4);
  log.text(2, message ? message : 'abort');
  log.textMap(3, new Map<string, string>().set('at', file ? `${file}:${line}:${column}` : ''));
  const request = new Writer();
  request.text(1, 'runtime');
  request.text(2, 'log.write');
  request.message(5, log.toBytes());
  sendHost(request.toBytes());
  unreachable();
}

/** The seed of `Math.random`, from an id that the host never gives twice. Not for secrets. */
export function seed(): f64 {
  const id = info.uuid().or('0');
  let hash: u64 = 0xcbf29ce484222325;
  for (let i = 0; i < id.length; i++) hash = (hash ^ id.charCodeAt(i)) * 0x100000001b3;
  return <f64>(hash >> 11);
}

/** `trace(message, n, …)` writes a line of level debug. */
export function trace(message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0): void {
  const numbers = [a0, a1, a2, a3, a4].slice(0, n);
  log.debug(n > 0 ? `${message} ${numbers.join(' ')}` : message);
}
