/**
 * What is known about addresses while a function body is read once, from its first byte to its last.
 *
 * Every value is `id + delta` (the low 32 bits): two values with the same id differ by the difference of their deltas, whatever
 * they are. So after
 *
 *     local.get 1  i32.const 8  i32.sub  local.tee 1      id 7, delta 0 → -8
 *     … i64.store offset=0                                 marks the page of id 7 - 8
 *     local.get 1  i64.extend_i32_u  i64.const 96  i64.add  i32.wrap_i64 … i64.store      id 7 + 88: 96 bytes further
 *
 * the second store needs no mark of its own: a reset restores a little more than the marked page on both sides (`REACH_BYTES`).
 * The argument holds modulo 2^32, because both stores have succeeded and memory is smaller than that.
 *
 * What was learnt on one path is forgotten where paths meet: at the end of a block everything since its beginning, at the
 * beginning of a loop everything. Stamps of a clock tell when something was learnt; forgetting is an interval of the clock.
 */

/** A reset restores so many bytes before and after each marked page. */
export const REACH_BYTES = 256;

/** The id of constants: such a value is its delta. */
export const CONSTANT = 1;
const UNKNOWN = 0;
const FIRST_ID = 2;
const FACTS = 16;
const INTERVALS = 8;

export const FRAME = { function: 0, block: 1, loop: 2, if: 3, try: 4 } as const;

/** A stack of abstract values, blocks and facts. A class: its fields are touched several times for every instruction of a guest. */
export class Values {
  /** Whether the code that is being read can never run. */
  isDead = false;
  /** The number of open blocks, the function's own included. */
  frames = 0;

  #ids = new Int32Array(1024);
  #deltas = new Int32Array(1024);
  #locals = new Int32Array(1024);
  #depth = 0;

  #localIds = new Int32Array(64);
  #localDeltas = new Int32Array(64);
  #localStamps = new Int32Array(64);

  #frameKinds: number[] = [];
  #frameDepths: number[] = [];
  #frameStamps: number[] = [];
  #frameParams: number[] = [];
  #frameResults: number[] = [];
  #frameWasDead: boolean[] = [];
  #frameIsTarget: boolean[] = [];

  #clock = 1;
  #nextId = FIRST_ID;
  #forgottenFrom: number[] = [];
  #forgottenTo: number[] = [];

  #factIds = new Int32Array(FACTS);
  #factDeltas = new Int32Array(FACTS);
  #factStamps = new Int32Array(FACTS);
  #facts = 0;

  /** Begins a function: nothing is known. Without `isTracking` only blocks are counted, as in code that never runs. */
  begin(locals: number, results: number, isTracking: boolean): void {
    if (locals > this.#localIds.length) {
      this.#localIds = new Int32Array(locals * 2);
      this.#localDeltas = new Int32Array(locals * 2);
      this.#localStamps = new Int32Array(locals * 2);
    }
    this.isDead = !isTracking;
    this.frames = 0;
    this.#depth = 0;
    this.#facts = 0;
    this.#forget(-1);
    this.open(FRAME.function, 0, results);
  }

  /** An instruction of which nothing matters but how many operands it takes and gives. */
  step(takes: number, gives: number): void {
    if (this.isDead) return;
    this.#depth -= takes;
    for (let left = gives; left > 0; left--) this.#push(UNKNOWN, 0, 0);
  }

  constant(value: number): void {
    if (!this.isDead) this.#push(CONSTANT, value, 0);
  }

  getLocal(local: number): void {
    if (this.isDead) return;
    if (!this.#isRemembered(this.#localStamps[local]!)) this.#setLocal(local, this.#nextId++, 0);
    this.#push(this.#localIds[local]!, this.#localDeltas[local]!, local);
  }

  /** A local is set, and the value stays on the stack too. */
  teeLocal(local: number): void {
    if (this.isDead) return;
    const top = this.#depth - 1;
    if (this.#ids[top] === UNKNOWN) {
      this.#ids[top] = this.#nextId++;
      this.#deltas[top] = 0;
    }
    this.#setLocal(local, this.#ids[top]!, this.#deltas[top]!);
    this.#locals[top] = local;
  }

  setLocal(local: number): void {
    this.teeLocal(local);
    this.step(1, 0);
  }

  /** An addition (`sign` 1) or subtraction (-1) of the two topmost values. */
  add(sign: 1 | -1): void {
    if (this.isDead) return;
    const right = --this.#depth;
    const left = right - 1;
    const sum = this.#deltas[left]! + sign * this.#deltas[right]!;
    if (this.#ids[right] === CONSTANT && this.#ids[left] !== UNKNOWN) {
      this.#deltas[left] = sum;
    } else if (this.#ids[left] === CONSTANT && this.#ids[right] !== UNKNOWN && sign === 1) {
      this.#ids[left] = this.#ids[right]!;
      this.#deltas[left] = sum;
      this.#locals[left] = this.#locals[right]!;
    } else this.#ids[left] = UNKNOWN;
  }

  /** The id of the value that lies `below` others on the stack; 0 when nothing is known of it. */
  idAt(below: number): number {
    return this.#ids[this.#depth - 1 - below]!;
  }

  deltaAt(below: number): number {
    return this.#deltas[this.#depth - 1 - below]!;
  }

  /** A local that still holds the id of the value that lies `below` others, or -1. */
  localAt(below: number): number {
    const index = this.#depth - 1 - below;
    const id = this.#ids[index]!;
    if (id < FIRST_ID) return -1;
    const local = this.#locals[index]!;
    return this.#isRemembered(this.#localStamps[local]!) && this.#localIds[local] === id ? local : -1;
  }

  localDelta(local: number): number {
    return this.#localDeltas[local]!;
  }

  /** Whether `bytes` bytes at `id + delta` are restored because of a mark that has been made on every way here. */
  isMarked(id: number, delta: number, bytes: number): boolean {
    const count = Math.min(this.#facts, FACTS);
    for (let index = 0; index < count; index++) {
      if (this.#factIds[index] !== id) continue;
      const distance = (delta - this.#factDeltas[index]!) | 0;
      const isInReach = distance >= -REACH_BYTES && distance + bytes <= REACH_BYTES;
      if (isInReach && this.#isRemembered(this.#factStamps[index]!)) return true;
    }
    return false;
  }

  /** The page of `id + delta` has been marked. */
  marked(id: number, delta: number): void {
    const index = this.#facts++ % FACTS;
    this.#factIds[index] = id;
    this.#factDeltas[index] = delta;
    this.#factStamps[index] = this.#clock;
  }

  /** A block begins. */
  open(kind: number, params: number, results: number): void {
    const frame = this.frames++;
    this.#frameKinds[frame] = kind;
    this.#frameWasDead[frame] = this.isDead;
    this.#frameIsTarget[frame] = false;
    this.#frameParams[frame] = params;
    this.#frameResults[frame] = results;
    if (this.isDead) return;
    this.#depth -= params;
    this.#frameDepths[frame] = this.#depth;
    if (kind === FRAME.loop) this.#forget(-1);
    this.#frameStamps[frame] = this.#clock++;
    if (kind === FRAME.loop) this.step(0, params);
    else this.#depth += params;
  }

  /** The second half of an `if`, or a handler of a `try`, begins with `values` operands. */
  alternative(values: number): void {
    const frame = this.frames - 1;
    this.isDead = this.#frameWasDead[frame]!;
    if (this.isDead) return;
    this.#depth = this.#frameDepths[frame]!;
    this.#forget(this.#frameStamps[frame]!);
    this.step(0, values);
  }

  /**
   * Whether as many operands lie there as the innermost block gives back. The engine has checked the module, so if not, an
   * instruction was counted wrongly here, and what is known of the others is not to be trusted.
   */
  isBalanced(): boolean {
    const frame = this.frames - 1;
    return this.isDead || this.#depth === this.#frameDepths[frame]! + this.#frameResults[frame]!;
  }

  /** How many operands the innermost block takes. */
  params(): number {
    return this.#frameParams[this.frames - 1]!;
  }

  /** A block ends. */
  close(): void {
    const frame = --this.frames;
    this.isDead = this.#frameWasDead[frame]!;
    if (this.isDead) return;
    const kind = this.#frameKinds[frame];
    const pathsMeet = kind === FRAME.if || kind === FRAME.try || (kind === FRAME.block && this.#frameIsTarget[frame]);
    if (pathsMeet) this.#forget(this.#frameStamps[frame]!);
    this.#depth = this.#frameDepths[frame]!;
    this.step(0, this.#frameResults[frame]!);
  }

  /** A branch goes to the block that encloses `label` others. */
  branch(label: number): void {
    if (!this.isDead) this.#frameIsTarget[this.frames - 1 - label] = true;
  }

  /** The next instruction is never reached in sequence. */
  stop(): void {
    this.isDead = true;
  }

  #push(id: number, delta: number, local: number): void {
    if (this.#depth === this.#ids.length) this.#growStack();
    this.#ids[this.#depth] = id;
    this.#deltas[this.#depth] = delta;
    this.#locals[this.#depth++] = local;
  }

  #growStack(): void {
    const grow = (old: Int32Array) => {
      const grown = new Int32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.#ids = grow(this.#ids);
    this.#deltas = grow(this.#deltas);
    this.#locals = grow(this.#locals);
  }

  #setLocal(local: number, id: number, delta: number): void {
    this.#localIds[local] = id;
    this.#localDeltas[local] = delta;
    this.#localStamps[local] = this.#clock;
  }

  /** Forgets what was learnt after the stamp `from`. Intervals lie side by side, the newest last. */
  #forget(from: number): void {
    const starts = this.#forgottenFrom;
    const ends = this.#forgottenTo;
    while (starts.length > 0 && starts[starts.length - 1]! >= from) {
      starts.pop();
      ends.pop();
    }
    if (starts.length === INTERVALS) ends[INTERVALS - 1] = this.#clock;
    else {
      starts.push(from);
      ends.push(this.#clock);
    }
    this.#clock++;
  }

  #isRemembered(stamp: number): boolean {
    for (let index = this.#forgottenTo.length - 1; index >= 0; index--) {
      if (stamp > this.#forgottenTo[index]!) return true;
      if (stamp > this.#forgottenFrom[index]!) return false;
    }
    return true;
  }
}
