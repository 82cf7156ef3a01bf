/** Which compressed form a client takes (RFC 9110 §12.5.3). */
import Negotiator from 'negotiator';

/** The form that a client likes best; br where it likes several alike, undefined for the bytes as they are. */
export function preferredEncoding(acceptEncoding: string | undefined): 'br' | 'gzip' | undefined {
  if (acceptEncoding === undefined) return undefined;
  let encoding = chosen.get(acceptEncoding);
  if (encoding === undefined) {
    encoding = negotiate(acceptEncoding);
    if (chosen.size < MAX_REMEMBERED_HEADERS) chosen.set(acceptEncoding, encoding);
  }
  return encoding === 'identity' ? undefined : encoding;
}

type Choice = 'br' | 'gzip' | 'identity';

const chosen = new Map<string, Choice>();
/** Browsers send a handful of values; a client that invents them must not fill the memory. */
const MAX_REMEMBERED_HEADERS = 256;

function negotiate(acceptEncoding: string): Choice {
  const negotiator: Preferring = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } });
  const [best] = negotiator.encodings(['br', 'gzip', 'identity'], { preferred: ['br', 'gzip'] });
  return best === 'br' || best === 'gzip' ? best : 'identity';
}

/** What the package's types do not say yet: among equals the preferred one comes first. */
interface Preferring {
  encodings(available: readonly string[], options: { readonly preferred: readonly string[] }): string[];
}
