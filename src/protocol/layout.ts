/** What the host must know of a rewritten module, and what an instance of it begins with. */

export type GlobalValueType = 'i32' | 'i64' | 'f32' | 'f64';

export interface SavedGlobal {
  readonly exportName: string;
  readonly type: GlobalValueType;
}

export interface RewriteLayout {
  /** Guest address 0 is at this byte of the real memory; 0 when pages are not marked. */
  readonly memoryBase: number;
  /** Byte k of the real memory from here on: page k of the guest was written. */
  readonly mapBase: 0;
  readonly pageBytes: 4096;
  /** A marked page stands for so many bytes before and after it too. */
  readonly reachBytes: 256;
  /** The guest's own maximum, in pages of 64 KiB; 0 without memory. */
  readonly maxPages: number;
  /** Export of the real memory; absent when pages are not marked or there is no memory. */
  readonly memoryExport?: string;
  /** Every mutable global, to be saved and set back; `sizeGlobal` is among them, `fuelGlobal` is not. */
  readonly globals: readonly SavedGlobal[];
  /** Export of the global that holds what the guest sees as `memory.size`. */
  readonly sizeGlobal?: string;
  /** Export of the fuel counter (i32). The import `sandpool.fuel` is called when it falls below 0. */
  readonly fuelGlobal?: string;
  /** Export that copies data and calls the start function; to be called once in the first instance, never where a snapshot is copied in. */
  readonly initializeExport?: string;
}

/** Memory (from guest address 0) and globals (in the order of the layout) of an instance that has just been initialised. */
export interface Snapshot {
  readonly memory: Uint8Array;
  readonly globals: readonly (number | bigint)[];
}
