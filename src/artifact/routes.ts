/** Route contracts of a plugin, in declared order, which is the order of matching (`spec/bridge.md` §3). */

export interface RouteContract {
  /** Template with a leading `/`; `{name}` stands for a whole segment. */
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly access: 'login' | 'public';
  readonly permission: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly requestType: string;
}
