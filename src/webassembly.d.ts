/** The part of the WebAssembly JavaScript interface that Sandpool uses; Node's own types leave it to the browser's library. */
declare namespace WebAssembly {
  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag';
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc';

  interface ModuleImportDescriptor {
    readonly module: string;
    readonly name: string;
    readonly kind: ImportExportKind;
  }
  interface ModuleExportDescriptor {
    readonly name: string;
    readonly kind: ImportExportKind;
  }

  class Module {
    constructor(bytes: BufferSource);
    static imports(module: Module): ModuleImportDescriptor[];
    static exports(module: Module): ModuleExportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc' | 'externref'; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(delta: number, value?: unknown): number;
  }
  class Global {
    constructor(descriptor: { value: ValueType; mutable?: boolean }, value?: unknown);
    // biome-ignore lint/suspicious/noExplicitAny: a number, a bigint or a reference, as the global's type says
    value: any;
    valueOf(): unknown;
  }

  // biome-ignore lint/suspicious/noExplicitAny: numbers and bigints, as the function's type says
  type Callable = (...values: any[]) => any;
  type ExportValue = Callable | Global | Memory | Table;
  type Exports = Readonly<Record<string, ExportValue>>;
  type ImportValue = ExportValue | number | bigint;
  type Imports = Readonly<Record<string, Readonly<Record<string, ImportValue>>>>;

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  type BufferSource = ArrayBufferView | ArrayBuffer;
  function validate(bytes: BufferSource): boolean;
  function compile(bytes: BufferSource): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
