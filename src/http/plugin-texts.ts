/** Names and descriptions of plugins in the language of a request (`spec/governance.md` §2.2). */
import type { FastifyRequest } from 'fastify';
import type { Texts } from '../resources/texts.js';
import { createLanguageChoice, type Languages } from './language.js';

/** What is said of a plugin by name. */
export interface NamedItem {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

/** Puts an item into the language of a request; what nobody has translated stays as the manifest says it. */
export type PluginSpeech = (request: FastifyRequest) => <Item extends NamedItem>(item: Item) => Item;

export function createPluginSpeech(texts: Pick<Texts, 'translate'>, languages: Languages): PluginSpeech {
  const language = createLanguageChoice(languages);
  return ({ query, headers }) => {
    const { lang } = query as { readonly lang?: unknown };
    const locale = language.choose(typeof lang === 'string' ? lang : undefined, headers['accept-language']);
    return (item) => ({
      ...item,
      name: texts.translate(locale, `plugin.${item.id}.name`) ?? item.name,
      description: texts.translate(locale, `plugin.${item.id}.description`) ?? item.description,
    });
  };
}
