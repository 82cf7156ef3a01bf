/**
 * Counts loops, so that a guest that does not stop can be stopped without ending its thread.
 *
 *     loop            loop                      around the loop: asks for more when nothing is left
 *                       global.get $fuel  i32.const 0  i32.lt_s
 *                       if  call $refuel  end
 *       …               loop                    the loop itself: counts, and leaves when nothing is left
 *                         global.get $fuel  i32.const 1  i32.sub  global.set $fuel
 *                         global.get $fuel  i32.const 0  i32.lt_s  br_if 1
 *                         …
 *                       end
 *     end             end
 *
 *     $refuel: fuel = sandpool.fuel()           an import: looks at the clock and gives more, or 0 to stop
 *              if fuel <= 0 unreachable         a trap, because guest code could catch what the import throws
 *
 * The call stands outside the inner loop on purpose: V8 keeps values in registers and unrolls only in loops without calls. With the
 * call inside, an empty loop took 2.5 times as long; this way it costs nothing that can be measured. Labels that lead out of a loop
 * become one larger for each loop they leave.
 *
 * Tail calls count too, and memory.copy, fill and init pay for their length: V8 cannot even end the thread of a loop around a long
 * memory.fill. Recursion without loops is not counted: the stack ends it, or the end of the thread does.
 *
 * The import is a new one, behind the module's own imported functions. All other functions move up by one, which costs one addition
 * per call instruction in a body that is read anyway; reusing an import of the guest would only work for guests that have it.
 */
import { body, type Code, flat, I } from './code.js';

export const FUEL_IMPORT = { module: 'sandpool', name: 'fuel' } as const;

/** Bytes written by memory.copy and the like per unit of fuel, as a shift: 16, which take about as long as a short loop. */
const BYTES_SHIFT = 4;

const isEmpty = (fuelGlobal: number): Code => [I.global(fuelGlobal), I.const(0), I.ltS];

const refuelIfEmpty = (fuelGlobal: number, refuel: number): Code => [isEmpty(fuelGlobal), I.if, I.call(refuel), I.end];

const burn = (fuelGlobal: number): Code => [I.global(fuelGlobal), I.const(1), I.sub, I.setGlobal(fuelGlobal)];

/** What stands at the head of the outer and of the inner loop, and in front of a tail call. */
export function fuelSequences(fuelGlobal: number, refuel: number) {
  const bytes = (code: Code) => Uint8Array.from(flat(code));
  return {
    refuelIfEmpty: bytes(refuelIfEmpty(fuelGlobal, refuel)),
    burnAndLeave: bytes([burn(fuelGlobal), isEmpty(fuelGlobal), I.brIf(1)]),
    burnOnce: bytes([burn(fuelGlobal), refuelIfEmpty(fuelGlobal, refuel)]),
  };
}

/** Pays for the number of bytes in local 2. */
export function chargeSequence(fuelGlobal: number, refuel: number): Code {
  const cost = [I.local(2), I.const(BYTES_SHIFT), I.shrU];
  return [I.global(fuelGlobal), cost, I.sub, I.setGlobal(fuelGlobal), refuelIfEmpty(fuelGlobal, refuel)];
}

/** `memory.fill` and `memory.copy` as functions of three, for modules whose pages are not marked. Lengths of `memory.init` are bounded by the file. */
export function chargedBody(charge: Code, instruction: Code): Uint8Array {
  return body(0, [charge, I.local(0), I.local(1), I.local(2), instruction]);
}

/** The function that asks the host for more. */
export function refuelBody(fuelGlobal: number, fuelImport: number): Uint8Array {
  return body(1, [
    [I.call(fuelImport), I.teeLocal(0), I.const(0), I.leS, I.if, I.unreachable, I.end],
    [I.local(0), I.setGlobal(fuelGlobal)],
  ]);
}
