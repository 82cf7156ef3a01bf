/** System parameters, as `hostconfig` needs them. */
export interface SysConfigPort {
  /** What a tenant sees under a key: its own row, else the platform's. */
  find(
    key: string,
    tenantId: number,
  ): { readonly value: string; readonly name: string; readonly systemManageable: boolean } | undefined;
  /** Writes the row of this tenant and no other; `by` is for the audit log. */
  set(
    tenantId: number,
    key: string,
    change: { readonly value: string; readonly systemManageable?: boolean | undefined },
    by: string,
  ): void;
  /** Leaves an empty text. Whether the key was there. */
  reset(tenantId: number, key: string, by: string): boolean;
}
