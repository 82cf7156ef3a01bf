/**
 * Header names in Go's canonical form, `X-Request-Id`. Clients and guests use few different spellings, so each is worked out
 * once; whoever invents new ones pays for them, and they are not kept for ever.
 */

/** @param name a valid header name; anything else is returned as it is */
export function canonicalHeaderName(name: string): string {
  if (!isHeaderName(name)) return name;
  return name.toLowerCase().replace(FIRST_LETTERS, (letter) => letter.toUpperCase());
}

/** Whether `name` is a token of RFC 9110. */
export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIRST_LETTERS = /(?:^|-)[a-z]/g;

/** A function of header names that remembers its first answers. */
export function rememberingNames<Answer>(answer: (name: string) => Answer): (name: string) => Answer {
  const known = new Map<string, Answer>();
  return (name) => {
    const present = known.get(name);
    if (present !== undefined) return present;
    const made = answer(name);
    if (known.size < MAX_REMEMBERED_NAMES) known.set(name, made);
    return made;
  };
}

const MAX_REMEMBERED_NAMES = 1024;
