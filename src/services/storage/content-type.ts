import { createRequire } from 'node:module';
import { posix } from 'node:path';
import { sniffContentType } from '../../protocol/sniff.js';
import { trimGo } from '../../protocol/text.js';

const UNKNOWN = 'application/octet-stream';

/** Type of an object by the end of its name: what is told of it later, because no other is kept. */
export function contentTypeOf(path: string): string {
  const found = types().lookup(posix.extname(path));
  return found === false ? UNKNOWN : found;
}

/** Type of an object that is being stored: the one given, else that of its first bytes, else that of its name. */
export function contentTypeOfNew(given: string, head: Uint8Array, path: string): string {
  const wanted = mediaType(given);
  if (wanted !== '') return wanted;
  const sniffed = head.length === 0 ? UNKNOWN : mediaType(sniffContentType(head));
  return sniffed === UNKNOWN ? contentTypeOf(path) : sniffed;
}

/** Without parameters, in lower case. */
function mediaType(contentType: string): string {
  return trimGo(contentType.split(';', 1)[0] as string).toLowerCase();
}

interface Types {
  lookup(extension: string): string | false;
}

let loaded: Types | undefined;

/** Loaded when a thread first needs it: the table of types takes 20 ms and a megabyte of every thread. */
function types(): Types {
  loaded ??= createRequire(import.meta.url)('mime-types') as Types;
  return loaded;
}
