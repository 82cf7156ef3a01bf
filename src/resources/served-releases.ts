/** Which releases may be seen from outside under their version: the effective one, and for a while the one before it. */

/** What is read of a plugin. */
export interface ServedView {
  readonly pluginId: string;
  readonly version: string;
  readonly installed: boolean;
  readonly enabled: boolean;
}

export interface ServedReleases<View extends ServedView> {
  /** The release behind a version, while its plugin is installed and enabled. */
  find(pluginId: string, version: string): View | undefined;
  /** To be told of every plugin at the start and at every change; without a view nothing of the plugin is in force. */
  see(pluginId: string, view: View | undefined): void;
}

export interface ServedReleasesOptions<View> {
  readonly plugins: { find(pluginId: string): View | undefined };
  /** How long a version is served after another has taken its place; 0 ends it at once. */
  readonly graceMs: number;
  readonly now: () => number;
}

export function createServedReleases<View extends ServedView>({
  plugins,
  graceMs,
  now,
}: ServedReleasesOptions<View>): ServedReleases<View> {
  const seen = new Map<string, View>();
  const earlier = new Map<string, readonly Earlier<View>[]>();

  // More than the whole grace is left after a clock was set back, and ends it.
  const isAhead = (leftMs: number): boolean => leftMs > 0 && leftMs <= graceMs;
  const stillServed = (pluginId: string): readonly Earlier<View>[] => {
    const kept = (earlier.get(pluginId) ?? []).filter(({ until }) => isAhead(until - now()));
    if (kept.length === 0) earlier.delete(pluginId);
    else earlier.set(pluginId, kept);
    return kept;
  };

  return {
    find(pluginId, version) {
      const view = plugins.find(pluginId);
      if (view === undefined || !isServing(view)) return undefined;
      if (view.version === version) return view;
      return stillServed(pluginId).find((one) => one.view.version === version)?.view;
    },
    see(pluginId, view) {
      const before = seen.get(pluginId);
      if (view === undefined || !view.installed) {
        seen.delete(pluginId);
        earlier.delete(pluginId);
        return;
      }
      seen.set(pluginId, view);
      if (graceMs === 0 || before === undefined || before.version === view.version || !isServing(before)) return;
      const others = stillServed(pluginId).filter((one) => one.view.version !== before.version);
      earlier.set(pluginId, [...others, { view: before, until: now() + graceMs }]);
    },
  };
}

interface Earlier<View> {
  readonly view: View;
  /** Ms since the epoch. */
  readonly until: number;
}

function isServing({ installed, enabled }: ServedView): boolean {
  return installed && enabled;
}
