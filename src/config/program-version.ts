import { readFileSync } from 'node:fs';

/** The version of this program, as its `package.json` says. */
export function programVersion(): string {
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(description) as { version: string }).version;
}
