/** Content types of published files (`spec/governance.md` §5.2). */
import mime from 'mime-types';
import type { AssetFile } from '../artifact/artifact.js';

/**
 * The type that a browser needs where it insists on one, else the type stored with the file, else that of its name, else the
 * sniffed one.
 */
export function assetContentType(
  { path, contentType, content }: AssetFile,
  sniff: (content: Uint8Array) => string,
): string {
  const required = REQUIRED[extensionOf(path)];
  if (required !== undefined) return required;
  if (PLAIN_TYPE.test(contentType)) return contentType;
  const byName = mime.lookup(extensionOf(path));
  if (byName === false) return sniff(content);
  return byName.startsWith('text/') ? `${byName}; charset=utf-8` : byName;
}

/** Whether files of this type become smaller when they are compressed. */
export function isCompressibleType(contentType: string): boolean {
  return COMPRESSIBLE.test(contentType);
}

/** Modules, WebAssembly and pages are refused by browsers under any other name. */
const REQUIRED: Readonly<Record<string, string | undefined>> = {
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  wasm: 'application/wasm',
  html: 'text/html; charset=utf-8',
  htm: 'text/html; charset=utf-8',
};

/** A type and parameters in visible characters; anything else could end the header or make Node refuse it. */
const PLAIN_TYPE = /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+(?:[ \t]*;[ -~\t]*)?$/;

const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)|application\/(?:javascript|json|wasm|xml|manifest\+json|vnd\.ms-fontobject)|font\/(?:ttf|otf)|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|[^;]*\+(?:json|xml))/i;

/** Lower case, without the dot; empty when there is none. */
function extensionOf(path: string): string {
  return /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
}
