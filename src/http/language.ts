/** Language of a request (`spec/bridge.md` §4.1): the parameter `lang`, else `Accept-Language`, else the default. */
import { trimGo } from '../protocol/text.js';

export interface Languages {
  readonly default: string;
  readonly supported: readonly string[];
}

export interface LanguageChoice {
  /** @param lang value of the parameter, if there is one */
  choose(lang: string | undefined, acceptLanguage: string | undefined): string;
}

export function createLanguageChoice(languages: Languages): LanguageChoice {
  const byName = new Map(languages.supported.map((locale) => [locale.toLowerCase(), locale]));
  const byHeader = new Map<string, string>();

  const supported = (tag: string): string | undefined => byName.get(tag.toLowerCase());
  const fromHeader = (header: string): string => {
    for (const part of header.split(',')) {
      const locale = supported(trimGo(part.split(';', 1)[0] as string));
      if (locale !== undefined) return locale;
    }
    return languages.default;
  };

  return {
    choose(lang, acceptLanguage) {
      const wanted = lang === undefined ? '' : trimGo(lang);
      if (wanted !== '') return supported(wanted) ?? languages.default;
      if (acceptLanguage === undefined) return languages.default;
      let locale = byHeader.get(acceptLanguage);
      if (locale === undefined) {
        locale = fromHeader(acceptLanguage);
        if (byHeader.size < MAX_REMEMBERED_HEADERS) byHeader.set(acceptLanguage, locale);
      }
      return locale;
    },
  };
}

/** Browsers send a few dozen different values; a client that invents them must not fill the memory. */
const MAX_REMEMBERED_HEADERS = 256;
