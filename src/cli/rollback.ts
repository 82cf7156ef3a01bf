/** `sandpool rollback`: a release that was in effect before is so again. */
import { connect, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { switchRelease } from './switch-release.js';

interface Options extends HostOptions {
  readonly to?: string;
}

export async function run(context: Context<Options>): Promise<ExitCode> {
  const { to } = context.options;
  return switchRelease(context, await connect(context.options), 'rollback', to === undefined ? {} : { version: to });
}
