/** Whether an instance of a module can be made pristine again, and if not, why. */
import { followsPrefixed, type InstructionVisitor, visitInstructions } from './instructions.js';
import { type ModuleShape, readModule } from './module.js';
import { BULK, FOLLOWS, FOLLOWS_OPCODE, OP, VALUE } from './opcodes.js';
import { Reader, SECTION } from './reader.js';
import { placeSegments } from './snapshot.js';

export interface Eligibility {
  /** Whether {@link rewriteModule} can mark dirty pages, so that an instance can be reset. */
  readonly pristine: boolean;
  /** Whether it can count loops for the deadline. */
  readonly fuel: boolean;
  /** Why not, in words for the operator; empty when both are possible. */
  readonly reasons: readonly string[];
}

/**
 * Looks for everything that a reset could not undo, in every function.
 *
 * Module-level: imported memory, table or global; shared, 64-bit or several memories; mutable globals that hold a vector or a
 * reference; data at a computed address. In functions: instructions that change a table, atomics, garbage-collected types, and
 * whatever this room does not know. Dropped segments are no reason: the rewritten module remembers them in a global, and `elem.drop`
 * shows only in `table.init`, which changes a table.
 *
 * @throws SBX_MODULE_INVALID when the module is malformed
 */
export function eligibility(bytes: Uint8Array): Eligibility {
  return eligibilityOf(readModule(bytes));
}

/** The same for a module that has been read. */
export function eligibilityOf(shape: ModuleShape): Eligibility {
  const unresettable = new Set(moduleReasons(shape));
  const unreadable = new Set<string>();
  if (shape.features.has('gc')) unreadable.add(TYPED_REFERENCES);
  scanBodies(shape, unresettable, unreadable);
  return {
    pristine: unresettable.size + unreadable.size === 0,
    fuel: unreadable.size === 0,
    reasons: [...unreadable, ...unresettable],
  };
}

function moduleReasons(shape: ModuleShape): string[] {
  const reasons = shape.imports
    .filter(({ kind }) => kind === 'memory' || kind === 'table' || kind === 'global')
    .map(({ kind, module, name }) => `it imports a ${kind} (${module}.${name})`);
  if (shape.memories.some(({ isShared }) => isShared)) reasons.push('its memory is shared between threads');
  if (shape.memories.some(({ is64 }) => is64)) reasons.push('its memory has 64-bit addresses');
  if (shape.memories.length > 1) reasons.push('it has several memories');
  for (const { isMutable, valueType } of shape.globals) {
    if (!isMutable || (valueType >= VALUE.f64 && valueType <= VALUE.i32)) continue;
    reasons.push(`a mutable global holds a ${valueType === VALUE.v128 ? 'vector' : 'reference'}`);
  }
  if (placeSegments(shape) === undefined) reasons.push('it has data at a computed address');
  return reasons;
}

function scanBodies(shape: ModuleShape, unresettable: Set<string>, unreadable: Set<string>): void {
  const section = shape.sections.find(({ id }) => id === SECTION.code);
  if (section === undefined) return;
  const reader = new Reader(shape.bytes, section.bodyStart, section.end);
  const visitor: InstructionVisitor = {
    instruction(opcode, sub) {
      if (MATTERS[opcode] === 0) return;
      const reason = sub < 0 ? reasonOfPlain(opcode) : reasonOfPrefixed(opcode, sub);
      if (reason?.startsWith('unknown')) unreadable.add(reason);
      else if (reason !== undefined) unresettable.add(reason);
    },
    typedReference: () => void unreadable.add(TYPED_REFERENCES),
  };
  for (let left = reader.count(); left > 0; left--) {
    const size = reader.u32();
    const start = reader.position;
    reader.skip(size);
    visitInstructions(new Reader(shape.bytes, start, start + size), visitor);
  }
}

const TYPED_REFERENCES = 'it uses garbage-collected or typed references';

const TABLE_CHANGES: Record<number, string> = {
  [BULK.tableInit]: 'table.init',
  [BULK.tableCopy]: 'table.copy',
  [BULK.tableGrow]: 'table.grow',
  [BULK.tableFill]: 'table.fill',
};

/** By opcode: whether it may be a reason. */
const MATTERS = Uint8Array.from(FOLLOWS_OPCODE, (follows, opcode) =>
  follows === FOLLOWS.unknown || follows === FOLLOWS.prefix || opcode === OP.tableSet ? 1 : 0,
);

function reasonOfPlain(opcode: number): string | undefined {
  if (opcode === OP.tableSet) return 'it changes a table (table.set)';
  return UNKNOWN_NAMES[opcode] ?? `unknown instruction 0x${opcode.toString(16)}`;
}

const UNKNOWN_NAMES: Record<number, string> = {
  10: 'unknown instruction throw_ref (exception references)',
  20: 'unknown instruction call_ref (typed references)',
  21: 'unknown instruction return_call_ref (typed references)',
  31: 'unknown instruction try_table (exception references)',
  211: 'unknown instruction ref.eq (garbage-collected types)',
  212: 'unknown instruction ref.as_non_null (typed references)',
  213: 'unknown instruction br_on_null (typed references)',
  214: 'unknown instruction br_on_non_null (typed references)',
  251: 'unknown instructions of garbage-collected types',
};

function reasonOfPrefixed(opcode: number, sub: number): string | undefined {
  if (followsPrefixed(opcode, sub) === FOLLOWS.unknown) return `unknown instruction 0x${opcode.toString(16)} ${sub}`;
  if (opcode === OP.atomic) return 'it uses atomic instructions';
  const change = opcode === OP.bulk ? TABLE_CHANGES[sub] : undefined;
  return change === undefined ? undefined : `it changes a table (${change})`;
}
