/** What a module asks for and offers, told without reading its functions. */
import { type ExportEntry, type ImportEntry, type MemoryType, readModule } from './module.js';

export interface ModuleDescription {
  readonly sizeBytes: number;
  readonly imports: readonly ImportEntry[];
  readonly exports: readonly ExportEntry[];
  /** Limits in pages of 64 KiB. */
  readonly memories: readonly MemoryType[];
  readonly mutableGlobals: number;
  readonly hasStart: boolean;
  /** Functions with a body in the module. */
  readonly functions: number;
  readonly tables: number;
  readonly dataSegments: number;
  /** Names of the WebAssembly proposals that show outside function bodies, sorted. */
  readonly features: readonly string[];
}

/**
 * Describes a module: a few milliseconds for 20 MB, because function bodies and data are skipped.
 *
 * @throws SBX_MODULE_INVALID when a section is malformed
 */
export function describeModule(bytes: Uint8Array): ModuleDescription {
  const shape = readModule(bytes);
  const features = new Set(shape.features);
  if (shape.dataCount !== undefined) features.add('bulk-memory');
  if (shape.memories.length > 1) features.add('multi-memory');
  if (shape.types.some((type) => type !== undefined && type.results.length > 1)) features.add('multi-value');
  return {
    sizeBytes: bytes.length,
    imports: shape.imports,
    exports: shape.exports,
    memories: shape.memories,
    mutableGlobals: shape.globals.filter(({ isMutable }) => isMutable).length,
    hasStart: shape.startFunction !== undefined,
    functions: shape.functions.length - shape.importedFunctions,
    tables: shape.tables,
    dataSegments: shape.dataSegments.length,
    features: [...features].sort(),
  };
}
