/** `sandpool sync`: has a host look at its staging directory again. */
import { connect, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { type UnusableFile, unusable } from './list.js';

interface Synced {
  readonly total: number;
  readonly problems?: readonly UnusableFile[];
}

/** Ends with 1 when there are files that cannot be used. */
export async function run({ options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const host = await connect(options);
  const synced = await host.request<Synced>({ method: 'POST', path: '/plugins/sync' });
  const { total, problems = [] } = synced;
  const found = `${total} plugin${total === 1 ? '' : 's'} in the staging directory`;
  answer(synced, [found, ...problems.map(unusable)].join('\n'));
  return problems.length === 0 ? 0 : 1;
}
