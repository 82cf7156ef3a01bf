/** What the code of an artifact asks and offers, and how well its instances can be isolated (`spec/bridge.md` §1). */
import type { BridgeContract } from '../artifact/bridge.js';
import { reasonOf } from '../protocol/errors.js';
import { type Eligibility, eligibility } from '../rewrite/eligibility.js';
import { limitMemory } from '../rewrite/memory-limit.js';

export interface ModuleInspection {
  /** `null` where the code cannot be compiled. */
  readonly module: { readonly imports: readonly Import[]; readonly exports: readonly Export[] } | null;
  readonly isolation: IsolationInspection;
  /** What will fail when the plugin is executed. */
  readonly warnings: readonly string[];
}

/** Isolations that the module allows, the strictest first, and why one of them is missing. */
export interface IsolationInspection {
  readonly eligible: readonly ('pristine' | 'fresh' | 'warm')[];
  readonly reasons: readonly string[];
}

type Import = WebAssembly.ModuleImportDescriptor;
type Export = WebAssembly.ModuleExportDescriptor;

/** Compiles the code of an artifact and looks at it; nothing runs. A broken module is a warning, not a failure. */
export async function inspectModule(bytes: Uint8Array, bridge: BridgeContract | undefined): Promise<ModuleInspection> {
  const executes = bridge?.routeExecution === true;
  try {
    const compiled = await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
    const imports = WebAssembly.Module.imports(compiled);
    const exports = WebAssembly.Module.exports(compiled);
    return {
      module: { imports, exports },
      isolation: executes ? isolationOf(bytes) : NOT_EXECUTED,
      warnings: [...unknownImports(imports), ...(executes ? missingExports(imports, exports, bridge) : [])],
    };
  } catch (thrown) {
    const why = `the module cannot be compiled: ${reasonOf(thrown)}`;
    return { module: null, isolation: { eligible: [], reasons: [why] }, warnings: [why] };
  }
}

const NOT_EXECUTED: IsolationInspection = {
  eligible: [],
  reasons: ['it is never executed: the artifact has no executable bridge'],
};

/** The reference's limit of 256 MiB; which limit it is does not matter here. */
const MAX_PAGES = 4096;

/** Every page must be resettable for `pristine`; the others only ask that the memory can be given a limit. */
function isolationOf(bytes: Uint8Array): IsolationInspection {
  try {
    limitMemory(bytes, MAX_PAGES);
  } catch (thrown) {
    return { eligible: [], reasons: [reasonOf(thrown)] };
  }
  const { pristine, reasons } = eligibilityOrReason(bytes);
  return { eligible: pristine ? ['pristine', 'fresh', 'warm'] : ['fresh', 'warm'], reasons };
}

function eligibilityOrReason(bytes: Uint8Array): Pick<Eligibility, 'pristine' | 'reasons'> {
  try {
    return eligibility(bytes);
  } catch (thrown) {
    return { pristine: false, reasons: [reasonOf(thrown)] };
  }
}

function unknownImports(imports: readonly Import[]): readonly string[] {
  const unknown = imports.filter(({ module, name, kind }) => kind !== 'function' || !isOffered(module, name));
  const names = new Set(unknown.map(({ module, name, kind }) => `${module}.${name} (${kind})`));
  return [...names].map((name) => `the host does not offer the import ${name}`);
}

function isOffered(module: string, name: string): boolean {
  if (module === 'lina_env') return name === 'host_call';
  return module === 'wasi_snapshot_preview1' && WASI_FUNCTIONS.includes(name);
}

function missingExports(
  imports: readonly Import[],
  exports: readonly Export[],
  { allocExport, executeExport }: BridgeContract,
): readonly string[] {
  const callsHost = imports.some(({ module, name }) => module === 'lina_env' && name === 'host_call');
  const required: readonly (readonly [string, Export['kind']])[] = [
    ['memory', 'memory'],
    [allocExport, 'function'],
    [executeExport, 'function'],
    ...(callsHost ? [['lina_host_call_alloc', 'function'] as const] : []),
  ];
  const missing = required.filter(([name, kind]) => !exports.some((one) => one.name === name && one.kind === kind));
  return missing.map(([name, kind]) => `the module does not export the ${kind} ${name}`);
}

/** WASI preview 1, whole. */
const WASI_FUNCTIONS: readonly string[] = [
  'args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate fd_close',
  'fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size',
  'fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek',
  'fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open',
  'path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise',
  'random_get sched_yield sock_accept sock_recv sock_send sock_shutdown',
].flatMap((line) => line.split(' '));
