/**
 * LIKE as PostgreSQL has it: letter case counts, `_` is one character, `\` takes what follows as it is. Time grows with text ×
 * pattern at most, where a regular expression might never end.
 */
export function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  /** Behind the last `%`, and where in the text the rest of the pattern was tried. */
  let afterAny = -1;
  let tried = 0;
  while (at < text.length) {
    if (pattern[place] === '%') {
      afterAny = ++place;
      tried = at;
      continue;
    }
    const step = matchOne(text, at, pattern, place);
    if (step !== undefined) {
      at += step.text;
      place += step.pattern;
    } else if (afterAny >= 0) {
      tried += 1;
      at = tried;
      place = afterAny;
    } else return false;
  }
  while (pattern[place] === '%') place += 1;
  return place === pattern.length;
}

interface Step {
  readonly text: number;
  readonly pattern: number;
}

const ONE: Step = { text: 1, pattern: 1 };
const PAIR: Step = { text: 2, pattern: 1 };
const ESCAPED: Step = { text: 1, pattern: 2 };

function matchOne(text: string, at: number, pattern: string, place: number): Step | undefined {
  const mark = pattern[place];
  if (mark === '_') return (text.codePointAt(at) as number) > 0xffff ? PAIR : ONE;
  if (mark === '\\') return pattern[place + 1] === text[at] ? ESCAPED : undefined;
  return mark === text[at] ? ONE : undefined;
}
