/** What `sandpool serve` says once it serves. */
import type { Host } from '../main.js';
import type { Context } from './command.js';
import { demoPaths } from './demo.js';

/** A host that serves, as far as a person at its terminal is told of it. */
export interface Greeted {
  readonly url: string;
  /** Ids of enabled plugins. */
  readonly plugins: readonly string[];
  /** Password that was made up for `admin`. */
  readonly firstPassword?: string | undefined;
  /** What can be tried of the sample plugin. */
  readonly demo?: ReturnType<typeof demoPaths>;
}

export function greetedOf({ registry, url, firstPassword }: Host): Greeted {
  const enabled = registry.list().filter(({ plugin }) => plugin.status === 1);
  return { url, plugins: enabled.map(({ plugin }) => plugin.pluginId), firstPassword, demo: demoPaths(registry) };
}

/** Prints it; the only answer of the command. */
export function greet({ answer }: Context, greeted: Greeted, { demo: isDemo = false, processes = 1 } = {}): void {
  const { url, plugins, firstPassword, demo } = greeted;
  const document = {
    url,
    plugins,
    ...(processes > 1 && { processes }),
    ...(firstPassword && { admin: { username: 'admin', password: firstPassword } }),
  };
  const lines = [
    `Sandpool listens on ${url}`,
    ...(processes > 1 ? [`  processes ${processes}`] : []),
    `  plugins   ${plugins.join(', ') || 'none; `sandpool install FILE --enable` adds one'}`,
    `  metrics   ${url}/metrics`,
    ...(firstPassword ? [`  admin     user admin, password ${firstPassword} (shown only this once)`] : []),
    ...(isDemo && demo ? ['', `Try:  curl ${url}${demo.route}`, `      ${url}${demo.page} in a browser`] : []),
  ];
  answer(document, lines.join('\n'));
}
