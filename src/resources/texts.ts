/**
 * Texts in the languages of the host: what the host itself says, overlaid by what enabled plugins bring (`spec/governance.md`
 * §6.3, §6.4).
 */
import { createHash } from 'node:crypto';
import { flattenTexts, type LanguageAsset } from '../artifact/files.js';
import { encodeJson } from '../artifact/json.js';
import { compareBytes } from '../artifact/text.js';
import { matchingLocale } from './locale.js';

/** A plugin with the artifact in force: that of its effective release, or the staged one while it is not installed. */
export interface TextPlugin {
  readonly pluginId: string;
  /** Installed and enabled; of the others only name and description are known. */
  readonly isEnabled: boolean;
  readonly artifact: { readonly i18n: readonly LanguageAsset[]; readonly apidocI18n: readonly LanguageAsset[] };
}

/** Flat keys with dots → text. */
export type Catalog = ReadonlyMap<string, string>;

/** All texts of one locale, as a page loads them. */
export interface RuntimeMessages {
  /** JSON text of an object that is nested at the dots of the keys. */
  readonly json: string;
  /** 32 hex digits; the same texts have the same on every host. */
  readonly fingerprint: string;
}

export interface Texts {
  /** Undefined where nobody says it in that locale, or in one of the same language and script: the caller has the source text. */
  translate(locale: string, key: string): string | undefined;
  messages(locale: string): RuntimeMessages;
  /** Texts of the API's documentation. */
  docs(locale: string): Catalog;
  /** Grows with every change. */
  readonly version: () => number;
  /** Reads the plugins again at the next question: one of them has changed. */
  forget(): void;
}

export interface TextSources {
  /** What the host says, by locale. */
  readonly host?: Readonly<Record<string, { readonly texts?: Catalog; readonly docs?: Catalog }>>;
  readonly plugins: () => readonly TextPlugin[];
}

/** Later ones win: the host, then plugins by id. Within a plugin the texts of the very locale win over related ones. */
export function createTexts({ host = {}, plugins }: TextSources): Texts {
  const flattened = new WeakMap<LanguageAsset, Catalog>();
  const flatten = (asset: LanguageAsset): Catalog => {
    let flat = flattened.get(asset);
    if (flat === undefined) {
      flat = flattenTexts(asset.content);
      flattened.set(asset, flat);
    }
    return flat;
  };
  const textsIn = (assets: readonly LanguageAsset[], locale: string): Catalog => {
    const found = matchingLocale(
      locale,
      assets.map((asset) => asset.locale),
    );
    const asset = assets.find((one) => one.locale === found);
    return asset === undefined ? NO_TEXTS : flatten(asset);
  };

  let sorted: readonly TextPlugin[] | undefined;
  const pluginsById = (): readonly TextPlugin[] => {
    sorted ??= [...plugins()].sort((left, right) => compareBytes(left.pluginId, right.pluginId));
    return sorted;
  };
  const catalogs = perLocale((locale) => {
    const catalog = new Map(host[locale]?.texts);
    for (const plugin of pluginsById()) addTexts(catalog, plugin, textsIn(plugin.artifact.i18n, locale));
    return catalog;
  });
  const docs = perLocale((locale) => {
    const catalog = new Map(host[locale]?.docs);
    for (const { isEnabled, pluginId, artifact } of pluginsById()) {
      if (isEnabled) addDocs(catalog, pluginId, textsIn(artifact.apidocI18n, locale));
    }
    return catalog;
  });
  const messages = perLocale((locale) => describe(catalogs.get(locale)));

  let version = 1;
  return {
    translate: (locale, key) => catalogs.get(locale).get(key),
    messages: messages.get,
    docs: docs.get,
    version: () => version,
    forget() {
      version += 1;
      sorted = undefined;
      for (const kept of [catalogs, docs, messages]) kept.clear();
    },
  };
}

const NO_TEXTS: Catalog = new Map();

/** The part of a key that names a plugin's own API texts. */
export function docNamespace(pluginId: string): string {
  return `plugins.${pluginId.replaceAll('-', '_')}.`;
}

function perLocale<Value>(make: (locale: string) => Value) {
  const kept = new Map<string, Value>();
  return {
    get(locale: string): Value {
      let value = kept.get(locale);
      if (value === undefined) {
        value = make(locale);
        kept.set(locale, value);
      }
      return value;
    },
    clear: () => kept.clear(),
  };
}

function addTexts(catalog: Map<string, string>, { pluginId, isEnabled }: TextPlugin, texts: Catalog): void {
  if (isEnabled) for (const [key, text] of texts) catalog.set(key, text);
  else {
    for (const key of [`plugin.${pluginId}.name`, `plugin.${pluginId}.description`]) {
      const text = texts.get(key);
      if (text !== undefined) catalog.set(key, text);
    }
  }
}

/** An upload checks the names, yet artifacts come from directories and archives too. */
function addDocs(catalog: Map<string, string>, pluginId: string, texts: Catalog): void {
  const prefix = docNamespace(pluginId);
  for (const [key, text] of texts) if (key.startsWith(prefix)) catalog.set(key, text);
}

function describe(catalog: Catalog): RuntimeMessages {
  const json = encodeJson(nest(catalog));
  return { json, fingerprint: createHash('sha256').update(json).digest('hex').slice(0, 32) };
}

type Nested = Map<string, string | Nested>;

/** Keys in order, so that of `a` and `a.b` the longer one counts; a key with an empty part has no place. */
function nest(catalog: Catalog): Nested {
  const root: Nested = new Map();
  for (const [key, text] of [...catalog].sort(([left], [right]) => compareBytes(left, right))) {
    const parts = key.split('.');
    if (parts.includes('')) continue;
    const last = parts.pop() as string;
    let place = root;
    for (const part of parts) {
      const present = place.get(part);
      const inner: Nested = present instanceof Map ? present : new Map();
      place.set(part, inner);
      place = inner;
    }
    place.set(last, text);
  }
  return root;
}
