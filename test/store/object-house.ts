/** Stored objects in a directory of the test's own, with a clock that stands still. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SandpoolError } from '../../src/protocol/errors.js';
import { type ObjectLimits, type Objects, openObjects } from '../../src/store/objects.js';

export const SCOPE = { pluginId: 'demo', tenantId: 0 };
const NEVER = Number.MAX_SAFE_INTEGER;

export const LIMITS: ObjectLimits = {
  maxObjectBytes: 1 << 20,
  pluginQuotaBytes: 1 << 20,
  tenantQuotaBytes: 1 << 20,
  pluginQuotaFiles: 1000,
  maxUploads: 4,
  uploadTtlMs: 900_000,
};

export interface ObjectHouse {
  readonly objects: Objects;
  readonly directory: string;
  readonly clock: { now: number };
  put(path: string, body?: string, scope?: typeof SCOPE): void;
  read(path: string, scope?: typeof SCOPE): string | undefined;
  list(path: string, after?: string, limit?: number): string[];
  /** Everything below the directory of the objects, by relative path, and what is being written. */
  files(): { stored: string[]; parts: string[] };
  reopen(limits?: Partial<ObjectLimits>): Objects;
}

export function openHouse(
  t: { testdir(): string; teardown(end: () => void): void },
  limits: Partial<ObjectLimits> = {},
  directory = join(t.testdir(), 'storage'),
): ObjectHouse {
  const clock = { now: 1_000_000 };
  const reopen = (more: Partial<ObjectLimits> = limits): Objects => {
    const objects = openObjects({ directory, limits: { ...LIMITS, ...more }, now: () => clock.now });
    t.teardown(() => objects.close());
    return objects;
  };
  const objects = reopen();
  return {
    objects,
    directory,
    clock,
    reopen,
    put: (path, body = path, scope = SCOPE) =>
      void objects.put(scope, path, Buffer.from(body), { overwrite: true, until: NEVER }),
    read(path, scope = SCOPE) {
      const opened = objects.open(scope, path);
      if (opened === undefined) return undefined;
      const body = Buffer.alloc(opened.bytes);
      opened.readInto(body);
      opened.close();
      return body.toString();
    },
    list: (path, after = '', limit = 100) => objects.list(SCOPE, path, { after, limit }).map((object) => object.path),
    files: () => ({
      stored: filesIn(join(directory, 'plugins')),
      parts: filesIn(join(directory, 'parts')),
    }),
  };
}

export function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort();
}

export const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (thrown) {
    return thrown instanceof SandpoolError ? thrown.code : String(thrown);
  }
};
