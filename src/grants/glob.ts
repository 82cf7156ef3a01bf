/**
 * Shell globs as Go's `path.Match` reads them, which is what every authorised pattern was written for.
 *
 * picomatch cannot stand in: it knows braces, extended globs and `[!x]`, lets `[^x]` not cross `/`, and reads a malformed
 * class as text. A pattern that means something else here than on the reference host is a hole in a grant.
 */

const SLASH = 0x2f;

type Token =
  | { readonly kind: 'literal'; readonly point: number }
  | { readonly kind: 'any' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** A run of tokens, with or without a star before it. */
interface Chunk {
  readonly star: boolean;
  readonly tokens: Token[];
}

/**
 * Compiles a glob: `*` any run of characters except `/`, `?` one character except `/`, `[a-z]` and `[^a-z]` one character.
 * Matching takes at most pattern length × text length steps; a pattern is written by a stranger.
 * @returns the matcher of whole texts, or undefined when the pattern is malformed.
 */
export function compileGlob(pattern: string): ((text: string) => boolean) | undefined {
  const chunks = parse(pattern);
  if (chunks === undefined) return undefined;
  return (text) => matchChunks(chunks, codePoints(text));
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}

function parse(pattern: string): Chunk[] | undefined {
  const points = codePoints(pattern);
  const chunks: Chunk[] = [{ star: false, tokens: [] }];
  for (let at = 0; at < points.length; ) {
    const character = String.fromCodePoint(points[at] as number);
    const last = chunks.at(-1) as Chunk;
    if (character === '*') {
      if (!last.star || last.tokens.length > 0) chunks.push({ star: true, tokens: [] });
      at++;
    } else if (character === '[') {
      const parsed = parseClass(points, at + 1);
      if (parsed === undefined) return undefined;
      last.tokens.push(parsed.token);
      at = parsed.end;
    } else {
      last.tokens.push(character === '?' ? { kind: 'any' } : { kind: 'literal', point: points[at] as number });
      at++;
    }
  }
  return chunks;
}

/** Reads a class from behind its `[`. It needs one range at least; `-` and `]` cannot begin one. */
function parseClass(points: readonly number[], start: number): { token: Token; end: number } | undefined {
  const character = (at: number) => (at < points.length ? String.fromCodePoint(points[at] as number) : undefined);
  const bound = (at: number) => (character(at) === '-' || character(at) === ']' ? undefined : points[at]);
  const negated = character(start) === '^';
  const ranges: [number, number][] = [];
  for (let at = negated ? start + 1 : start; at < points.length; ) {
    if (character(at) === ']' && ranges.length > 0) return { token: { kind: 'class', negated, ranges }, end: at + 1 };
    const low = bound(at);
    const isRange = character(at + 1) === '-';
    const high = isRange ? bound(at + 2) : low;
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
    at += isRange ? 3 : 1;
  }
  return undefined;
}

/** Each chunk takes the first place where it fits, as in Go: no way back over an earlier star. */
function matchChunks(chunks: readonly Chunk[], text: readonly number[]): boolean {
  let at = 0;
  for (const [index, chunk] of chunks.entries()) {
    const isLast = index === chunks.length - 1;
    if (chunk.star && chunk.tokens.length === 0) return !text.includes(SLASH, at);
    const end = placeChunk(chunk, text, at, isLast);
    if (end < 0) return false;
    at = end;
  }
  return at === text.length;
}

/** Where the text goes on behind the chunk, or -1. The last chunk must end the text. */
function placeChunk(chunk: Chunk, text: readonly number[], start: number, isLast: boolean): number {
  for (let at = start; ; at++) {
    const end = matchTokens(chunk.tokens, text, at);
    if (end >= 0 && (!isLast || end === text.length)) return end;
    if (!chunk.star || at >= text.length || text[at] === SLASH) return -1;
  }
}

function matchTokens(tokens: readonly Token[], text: readonly number[], start: number): number {
  let at = start;
  for (const token of tokens) {
    const point = text[at];
    if (point === undefined || !matchToken(token, point)) return -1;
    at++;
  }
  return at;
}

function matchToken(token: Token, point: number): boolean {
  if (token.kind === 'literal') return point === token.point;
  if (token.kind === 'any') return point !== SLASH;
  return token.ranges.some(([low, high]) => low <= point && point <= high) !== token.negated;
}
