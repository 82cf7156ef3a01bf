/**
 * Compiled modules by checksum: one compile per release, shared by every thread. Modules of effective releases are pinned;
 * the others stay until newer ones push them out.
 */
import { LRUCache } from 'lru-cache';
import type { RewriteLayout } from '../protocol/layout.js';

const PAGES_PER_MIB = 16;

export interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly layout: RewriteLayout | undefined;
  readonly isResettable: boolean;
  /** What could not be done to the module, in words for the operator. */
  readonly reasons: readonly string[];
  readonly rewriteMs: number;
  readonly compileMs: number;
}

export interface ModuleSource {
  readonly pluginId: string;
  readonly checksum: string;
  readonly memoryLimitMiB: number;
  /** Whether instances are to be reset. */
  readonly isResettable: boolean;
  readonly readArtifact: () => Promise<Uint8Array>;
}

export interface ModulesObserver {
  hit(): void;
  miss(): void;
  evicted(): void;
  compiled(module: CompiledModule): void;
}

export interface Modules {
  /**
   * The module of a release, compiled at most once however many ask. A failure is not kept.
   * @throws SBX_MODULE_INVALID
   */
  get(source: ModuleSource): Promise<CompiledModule>;
  /** Keeps the module of an effective release, whatever else is loaded. */
  pin(source: ModuleSource): void;
  unpin(source: ModuleSource): void;
  /** Lets go of all modules of a plugin that no other one has asked for. */
  drop(pluginId: string): void;
  /** Modules that are there, pinned or not. */
  count(): number;
}

/** Rewrites and compiles a module somewhere where nobody waits. @throws SBX_MODULE_INVALID */
export type CompileModule = (
  bytes: Uint8Array,
  maxPages: number,
  isResettable: boolean,
) => Promise<Omit<CompiledModule, 'rewriteMs'>>;

/** @param capacity number of modules kept beside the pinned ones */
export function createModules(capacity: number, compileBytes: CompileModule, observer: ModulesObserver): Modules {
  const kept = new LRUCache<string, Promise<CompiledModule>>({
    max: capacity,
    dispose: (_module, key, reason) => {
      if (reason !== 'evict') return;
      if (!pinned.has(key)) owners.delete(key);
      observer.evicted();
    },
  });
  /** Plugins that have asked for each module: the same file may serve several. */
  const owners = new Map<string, Set<string>>();
  const pinned = new Map<string, Promise<CompiledModule>>();

  return {
    get(source) {
      const key = keyOf(source);
      owners.set(key, (owners.get(key) ?? new Set()).add(source.pluginId));
      const known = pinned.get(key) ?? kept.get(key);
      if (known !== undefined) {
        observer.hit();
        return known;
      }
      observer.miss();
      const compiling = compile(source, compileBytes);
      kept.set(key, compiling);
      compiling.then(observer.compiled, () => {
        kept.delete(key);
        owners.delete(key);
      });
      return compiling;
    },
    pin(source) {
      const module = kept.get(keyOf(source));
      if (module !== undefined) pinned.set(keyOf(source), module);
    },
    unpin(source) {
      const module = pinned.get(keyOf(source));
      if (module === undefined) return;
      pinned.delete(keyOf(source));
      kept.set(keyOf(source), module);
    },
    count: () => new Set([...pinned.keys(), ...kept.keys()]).size,
    drop(pluginId) {
      for (const [key, plugins] of owners) {
        if (!plugins.delete(pluginId) || plugins.size > 0) continue;
        owners.delete(key);
        pinned.delete(key);
        kept.delete(key);
      }
    },
  };
}

function keyOf(source: ModuleSource): string {
  return `${source.checksum}:${source.memoryLimitMiB}:${source.isResettable}`;
}

async function compile(source: ModuleSource, compileBytes: CompileModule): Promise<CompiledModule> {
  const bytes = await source.readArtifact();
  const startedAt = performance.now();
  const end = await compileBytes(bytes, source.memoryLimitMiB * PAGES_PER_MIB, source.isResettable);
  return { ...end, rewriteMs: performance.now() - startedAt - end.compileMs };
}
