/**
 * Counts loops, so that a guest that does not stop can be stopped without ending its thread.
 *
 *     loop            loop
 *                       global.get $fuel  i32.const 1  i32.sub  global.set $fuel
 *                       global.get $fuel  i32.const 0  i32.lt_s
 *                       if  call $refuel  end
 *
 *     $refuel: fuel = sandpool.fuel()      an import: looks at the clock and gives more, or a negative number to stop
 *              if fuel < 0 unreachable     a trap, because guest code could catch what the import throws
 *
 * The same stands in front of tail calls, and memory.copy, fill and init pay for their length. Recursion without loops is not
 * counted (the stack ends it, or the end of the thread does).
 *
 * The import is a new one, behind the module's own imported functions. All other functions move up by one, which costs one addition
 * per call instruction in a body that is read anyway; reusing an import of the guest would only work for guests that have it.
 */
import { body, type Code, flat, I } from './code.js';

export const FUEL_IMPORT = { module: 'sandpool', name: 'fuel' } as const;

/** Bytes written by memory.copy and the like per unit of fuel, as a shift: 256. */
const BYTES_SHIFT = 8;

const refuelWhenEmpty = (fuelGlobal: number, refuel: number): Code => [
  [I.global(fuelGlobal), I.const(0), I.ltS, I.if, I.call(refuel), I.end],
];

/** What stands at the head of every loop. */
export function burnSequence(fuelGlobal: number, refuel: number): Uint8Array {
  const burn = [I.global(fuelGlobal), I.const(1), I.sub, I.setGlobal(fuelGlobal)];
  return Uint8Array.from(flat([burn, refuelWhenEmpty(fuelGlobal, refuel)]));
}

/** Pays for the number of bytes in local 2. */
export function chargeSequence(fuelGlobal: number, refuel: number): Code {
  const cost = [I.local(2), I.const(BYTES_SHIFT), I.shrU];
  return [I.global(fuelGlobal), cost, I.sub, I.setGlobal(fuelGlobal), refuelWhenEmpty(fuelGlobal, refuel)];
}

/** The function that asks the host for more. */
export function refuelBody(fuelGlobal: number, fuelImport: number): Uint8Array {
  return body(1, [
    [I.call(fuelImport), I.teeLocal(0), I.const(0), I.ltS, I.if, I.unreachable, I.end],
    [I.local(0), I.setGlobal(fuelGlobal)],
  ]);
}
