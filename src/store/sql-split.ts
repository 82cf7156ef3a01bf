/** Files of SQL → statements (`spec/governance.md` §3.2). */

export interface Piece {
  /** The statement without its `;`; comments are blanks, so that every place keeps its line. */
  readonly text: string;
  /** Where the text begins, from 1. */
  readonly line: number;
}

/**
 * Splits on `;` outside of quotes, dollar quotes and comments; what holds nothing but comments is left out.
 *
 * Quotes and `--` are read as PostgreSQL reads them, which is what authors wrote their files for: a backslash escapes only in
 * `E'…'`, and block comments nest. `#` opens a comment, as in the reference, except where it begins one of PostgreSQL's
 * operators `#>`, `#>>` and `#-`.
 */
export function splitSql(source: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  let line = 1;
  let from = 1;
  for (let at = 0; at < source.length; ) {
    const token = tokenAt(source, at);
    at += token.length;
    if (token === ';') {
      pieces.push({ text, line: from });
      text = '';
      from = line;
      continue;
    }
    text += isComment(token) ? token.replace(/[^\n]/g, ' ') : token;
    line += token.split('\n').length - 1;
  }
  pieces.push({ text, line: from });
  return pieces.filter((piece) => piece.text.trim() !== '');
}

/** A quoted text, a comment, a word or one other character. What is not closed reaches to the end. */
function tokenAt(source: string, at: number): string {
  for (const pattern of TOKENS) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) return found[0];
  }
  return source.startsWith('/*', at) ? blockComment(source, at) : String.fromCodePoint(source.codePointAt(at)!);
}

const TOKENS = [
  /[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*(?:'|$)/y,
  /'[^']*(?:''[^']*)*(?:'|$)/y,
  /"[^"]*(?:""[^"]*)*(?:"|$)/y,
  // A `$` inside of a word does not quote.
  /[\p{L}_][\p{L}\p{N}_$]*/uy,
  /(\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$)[\s\S]*?(?:\1|$)/uy,
  /--[^\n]*/y,
  /#(?![>-])[^\n]*/y,
  /#[>-]+/y,
];

function blockComment(source: string, at: number): string {
  let depth = 0;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return source.slice(at, marks.lastIndex);
  }
  return source.slice(at);
}

function isComment(token: string): boolean {
  return /^(?:--|\/\*|#(?![>-]))/.test(token);
}
