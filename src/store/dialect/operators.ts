/** Operators and patterns of PostgreSQL as SQLite writes them. */
import { quoteText } from './quote.js';

/** Those that mean the same. */
// biome-ignore format: a table
export const SAME_OPERATORS: Readonly<Record<string, string>> = {
  '=': '=', '<>': '<>', '!=': '<>', '<': '<', '>': '>', '<=': '<=', '>=': '>=',
  '+': '+', '-': '-', '*': '*', '/': '/', '%': '%', '||': '||', '&': '&', '|': '|', '<<': '<<', '>>': '>>',
};

export const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '!=', '<', '>', '<=', '>=']);

/** Operator → whether letter case counts, and whether it is negated. */
export const REGEX_OPERATORS: Readonly<Record<string, { readonly ignoreCase: 0 | 1; readonly negated: boolean }>> = {
  '~': { ignoreCase: 0, negated: false },
  '~*': { ignoreCase: 1, negated: false },
  '!~': { ignoreCase: 0, negated: true },
  '!~*': { ignoreCase: 1, negated: true },
};

/** `LIKE` with a pattern that is known: SQLite's own ignores case, its `GLOB` does not, and can use an index. */
export function globOf(pattern: string, mark = '\\'): string {
  let glob = '';
  const characters = Array.from(pattern);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]!;
    if (character === mark && at + 1 < characters.length) glob += literal(characters[++at]!);
    else if (character === '%') glob += '*';
    else glob += character === '_' ? '?' : literal(character);
  }
  return quoteText(glob);
}

function literal(character: string): string {
  return '*?['.includes(character) ? `[${character}]` : character;
}

/** The path of `#>` and `#>>`, such as `{a,0,b}`; undefined when it is not that simple. */
export function jsonPathOf(path: string): string | undefined {
  const inner = /^\{([^{}"\\]*)\}$/.exec(path)?.[1];
  if (inner === undefined) return undefined;
  const steps = inner === '' ? [] : inner.split(',').map((step) => step.trim());
  return quoteText(`$${steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `."${step}"`)).join('')}`);
}

/** The elements of an array's text, such as `{a,"b c"}`; undefined when one is itself an array, or NULL. */
export function arrayElements(text: string): readonly string[] | undefined {
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  if (inner.trim() === '') return [];
  const elements = inner.match(/"(?:[^"\\]|\\.)*"|[^,{}"\\]+/g) ?? [];
  if (elements.join(',') !== inner || elements.some((element) => /^\s*null\s*$/i.test(element))) return undefined;
  return elements.map((element) =>
    element.startsWith('"') ? element.slice(1, -1).replace(/\\(.)/g, '$1') : element.trim(),
  );
}
