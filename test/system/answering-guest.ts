/** A guest that answers every request with 200 and the same text. */
import { assembleWat } from '../guest-modules.js';

/** @param answer at most 60,000 bytes */
export function answeringGuest(answer: string): Promise<Uint8Array> {
  const type = Buffer.from('text/plain');
  const body = Buffer.from(answer);
  const length = [(body.length & 0x7f) | 0x80, ((body.length >> 7) & 0x7f) | 0x80, body.length >> 14];
  // The envelope of spec/bridge.md §2.4: status, content type, body.
  const envelope = Buffer.concat([
    Buffer.from([0x08, 0xc8, 0x01, 0x12, type.length]),
    type,
    Buffer.from([0x22, ...length]),
    body,
  ]);
  const data = [...envelope].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  return assembleWat(`(module
    (memory (export "memory") 4)
    (data (i32.const 16) "${data}")
    (func (export "lina_dynamic_route_alloc") (param i32) (result i32) i32.const 131072)
    (func (export "lina_dynamic_route_execute") (param i32) (result i64)
      (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const ${envelope.length}))))`);
}
