/** Structural keys of the API's documentation (`spec/host-services.md` §23). */

/**
 * `plugins.<plugin_id>.paths.<method>.<rest>` for a plugin route, `core.paths.<segments>.<method>` for the host's own.
 * @param path public path, such as `/x/acme-notes/api/v1/notes/{id}`
 */
export function operationKey(method: string, path: string): string {
  const parts = pathParts(path);
  const verb = keyPart(method.toLowerCase());
  const [first, pluginId, ...rest] = parts;
  if (first === 'x' && pluginId !== undefined) {
    return `plugins.${pluginId}.paths.${verb}.${rest.length === 0 ? 'root' : rest.join('.')}`;
  }
  return `core.paths.${parts.length === 0 ? 'root' : parts.join('.')}.${verb}`;
}

/** Segments of a path as they stand in keys: without braces, anything but letters, digits and `_` as `_`. */
export function pathParts(path: string): readonly string[] {
  return path
    .split('/')
    .filter((segment) => segment.trim() !== '')
    .map(keyPart);
}

function keyPart(segment: string): string {
  const part = segment
    .trim()
    .replace(/^[{}]+|[{}]+$/g, '')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return part === '' ? 'empty' : part;
}
