/**
 * Looks a dotted key up in parsed YAML or JSON: maps are traversed by their own members, nothing else is.
 * @returns undefined when there is no such value or it is null, and for a key with an empty part.
 */
export function valueAt(root: unknown, key: string): unknown {
  let value = root;
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value === null ? undefined : value;
}
