import t from 'tap';
import { splitSql } from '../../src/store/sql-split.js';

const texts = (source: string) => splitSql(source).map(({ text }) => text.trim());

// biome-ignore format: a table
const CASES: readonly (readonly [title: string, source: string, statements: readonly string[]])[] = [
  ['statements end with a semicolon', 'a; b;c', ['a', 'b', 'c']],
  ['empty statements are left out', ';; a ;\n;', ['a']],
  ['a quoted text holds semicolons', "a 'x;''y;' ; b", ["a 'x;''y;'", 'b']],
  ['a backslash escapes in E-texts alone', "E'\\';' ; 'C:\\'; b", ["E'\\';'", "'C:\\'", 'b']],
  ['a quoted name holds semicolons', 'a "x;""y;" ; b', ['a "x;""y;"', 'b']],
  ['dollar quotes hold everything', 'a $$x; \'y$$ ; b $tag$ $$ ; $tag$; c', ['a $$x; \'y$$', 'b $tag$ $$ ; $tag$', 'c']],
  ['a dollar within a word does not quote', 'a$b$ ; c$b$', ['a$b$', 'c$b$']],
  ['line comments are removed', "a -- x; 'y\n; b", ['a', 'b']],
  ['a comment needs no blank after its dashes', 'a --x;y\n; b', ['a', 'b']],
  ['hash comments are removed', "a # x; 'y\n; b", ['a', 'b']],
  ['operators that begin with a hash stay', "a #> '{x}' ; b #>> '{y}'", ["a #> '{x}'", "b #>> '{y}'"]],
  ['block comments are removed, nested too', "a /* x; /* ' */ ; */ ; b", ['a', 'b']],
  ['comments inside of texts stay', "a '-- x' '/* y */' '#'", ["a '-- x' '/* y */' '#'"]],
  ['what is not closed reaches to the end', "a; 'b; c", ['a', "'b; c"]],
];

for (const [title, source, statements] of CASES) {
  t.test(title, async (t) => t.same(texts(source), statements));
}

t.test('every statement knows its line', async (t) => {
  const source = 'a;\n-- x\n/* y\n */ b\n  c;d';
  t.same(
    splitSql(source).map(({ text, line }) => [text.trim().split(/\s+/).join(' '), line]),
    [
      ['a', 1],
      ['b c', 1],
      ['d', 5],
    ],
  );
  t.equal(splitSql(source)[1]!.text.split('\n').length, 5, 'and keeps the lines of its comments');
});

t.test('texts of some megabytes are split', async (t) => {
  t.equal(splitSql(`a '${"x''".repeat(1_000_000)}'; b`).length, 2);
});
