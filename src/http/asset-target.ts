/** The target of a request for a public asset, `/x-assets/<plugin-id>/<version>/<path>` (`spec/governance.md` §5.2). */

export interface AssetTarget {
  readonly pluginId: string;
  readonly version: string;
  /** What follows the version and its slash, decoded; empty for the version itself. */
  readonly path: string;
}

/** Whether a target belongs to the public assets; repeated slashes in front are forgiven, as for plugin routes. */
export function isAssetTarget(url: string): boolean {
  return NAMESPACE.test(url);
}

/**
 * Reads a target; undefined when it can name no asset. It is decoded once. What is left of escapes, dots or slashes afterwards is
 * part of a name, and files are looked up by their exact names.
 */
export function readAssetTarget(url: string): AssetTarget | undefined {
  const escaped = url.replace(ORIGIN, '').replace(QUERY, '');
  if (escaped.length > MAX_LENGTH || UNSAFE.test(escaped)) return undefined;
  const parts = PARTS.exec(escaped.includes('%') ? decode(escaped) : escaped);
  if (parts === null) return undefined;
  const [, pluginId = '', version = '', path = ''] = parts;
  return CONTROL.test(path) ? undefined : { pluginId, version, path };
}

const NAMESPACE = /^(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*)?\/+x-assets(?:[/?#]|$)/;
/** Of a target in absolute form, which proxies send. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
const QUERY = /\?.*$/s;
const PARTS = /^\/x-assets\/([^/]+)\/([^/]+)(?:\/(.*))?$/s;

/** Longer than any path that an artifact carries for people. */
const MAX_LENGTH = 2048;
/** Separators in disguise, and characters that no client may send as they are. */
const UNSAFE = /%2f|%5c|[\\#\0-\x20\x7f-\uffff]/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no file is named
const CONTROL = /[\0-\x1f\x7f]/;

/** Empty for what is no UTF-8 in shortest form, or no escape at all. */
function decode(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return '';
  }
}
