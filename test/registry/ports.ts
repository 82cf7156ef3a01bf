/** The registry's other rooms, for tests: they remember what was asked of them. */
import type { GovernancePort, SqlPort, StatePort, StoragePort } from '../../src/registry/registry.js';

export interface FakePorts {
  readonly sql: SqlPort;
  readonly governance: GovernancePort;
  readonly storage: StoragePort;
  readonly state: StatePort;
  /** `install demo v0.1.0`, `menus demo v0.1.0`, `no menus demo`, `purge demo`, `delete demo a/,b/`, `state demo`, in order. */
  readonly calls: string[];
  /** Thrown when a step begins so. */
  readonly failures: Map<string, Error>;
}

export function fakePorts(): FakePorts {
  const calls: string[] = [];
  const failures = new Map<string, Error>();
  const step = (text: string) => {
    const failure = [...failures].find(([start]) => text.startsWith(start))?.[1];
    if (failure !== undefined) throw failure;
    calls.push(text);
  };
  return {
    calls,
    failures,
    sql: {
      check: ({ manifest }) => {
        const failure = failures.get(`check ${manifest.version}`);
        if (failure !== undefined) throw failure;
      },
      run: async (phase, { pluginId, artifact }) => step(`${phase} ${pluginId} ${artifact.manifest.version}`),
      purge: async (pluginId) => step(`purge ${pluginId}`),
    },
    governance: {
      check({ manifest }, { enabled }) {
        const failure = failures.get(`pages ${manifest.version}`);
        if (failure !== undefined && enabled) throw failure;
      },
      apply: ({ manifest }) => step(`menus ${manifest.id} ${manifest.version}`),
      remove: (pluginId) => step(`no menus ${pluginId}`),
    },
    storage: { purge: async (pluginId, paths) => step(`delete ${pluginId} ${paths.join(',')}`) },
    state: { purge: (pluginId) => step(`state ${pluginId}`) },
  };
}
