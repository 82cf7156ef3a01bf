/** Which of several locales speaks for another: itself, else one of the same language and script. */

/**
 * @returns the locale of `offered` that a reader of `wanted` understands, shortest name first: `zh-Hans` for `zh-CN`, `en` for
 * `en-US`, but never `zh-TW` for `zh-CN`
 */
export function matchingLocale(wanted: string, offered: readonly string[]): string | undefined {
  const exact = offered.find((locale) => locale === wanted) ?? offered.find((locale) => isSameTag(locale, wanted));
  if (exact !== undefined) return exact;
  const spoken = speechOf(wanted);
  const related = offered.filter((locale) => spoken !== undefined && speechOf(locale) === spoken);
  return related.sort((left, right) => left.length - right.length || (left < right ? -1 : 1))[0];
}

const speeches = new Map<string, string | undefined>();
/** Artifacts may name any locale; their names must not fill the memory. */
const MAX_REMEMBERED = 1000;

/** Language and script; undefined for what is no language tag. */
function speechOf(locale: string): string | undefined {
  if (speeches.has(locale)) return speeches.get(locale);
  const speech = readSpeech(locale);
  if (speeches.size < MAX_REMEMBERED) speeches.set(locale, speech);
  return speech;
}

function readSpeech(locale: string): string | undefined {
  try {
    const { language, script } = new Intl.Locale(locale.replaceAll('_', '-')).maximize();
    return `${language}-${script}`;
  } catch {
    // Not a tag: it matches nothing but itself.
    return undefined;
  }
}

function isSameTag(left: string, right: string): boolean {
  return left.replaceAll('_', '-').toLowerCase() === right.toLowerCase();
}
