/** What somebody at a terminal can do about a failure: one line that follows it. */
import { DEFAULT_URL } from './client.js';

/** The next step, where there is one that helps with this code. @param url the host that was asked, if any */
export function hintOf(code: string, url: string | undefined): string | undefined {
  const at = url === undefined || url === DEFAULT_URL ? '' : ` --url ${url}`;
  return HINTS[code]?.(at);
}

const logIn = (at: string): string => `\`sandpool login${at}\` stores a token that the commands use`;

const HINTS: Readonly<Record<string, (at: string) => string>> = {
  SBX_TOKEN_MISSING: logIn,
  SBX_TOKEN_SHAPE: logIn,
  SBX_TOKEN_INVALID: logIn,
  SBX_SESSION_EXPIRED: logIn,
  SBX_HOST_UNREACHABLE: () => '`sandpool serve` starts a host; --url and SANDPOOL_URL say where it is',
  PLUGIN_NOT_FOUND: (at) => `\`sandpool list${at}\` shows the plugins that the host knows`,
  JOB_NOT_FOUND: (at) => `\`sandpool jobs${at}\` shows the jobs that the host knows`,
};
