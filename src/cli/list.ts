/** `sandpool list`: the plugins of a host. */
import { connect, type Host, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { type PluginItem, stateOf } from './plugin-view.js';
import { columns } from './table.js';

export async function run({ options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const { list, problems } = await allPlugins(await connect(options));
  const rows = list.map((plugin) => [plugin.id, plugin.version, stateOf(plugin), plugin.type, plugin.name]);
  const table = rows.length === 0 ? 'no plugins' : columns([['ID', 'VERSION', 'STATE', 'TYPE', 'NAME'], ...rows]);
  answer(
    { list, total: list.length, ...(problems.length > 0 && { problems }) },
    [table, ...problems.map(unusable)].join('\n'),
  );
  return 0;
}

/** A file in the host's staging directory that is no plugin. */
export interface UnusableFile {
  readonly file: string;
  readonly reason: string;
}

export function unusable({ file, reason }: UnusableFile): string {
  return `unusable: ${file}: ${reason}`;
}

interface Page {
  readonly list: PluginItem[];
  readonly total: number;
  readonly problems?: readonly UnusableFile[];
}

async function allPlugins(host: Host): Promise<{ list: PluginItem[]; problems: readonly UnusableFile[] }> {
  const plugins: PluginItem[] = [];
  for (let pageNum = 1; ; pageNum++) {
    const path = `/plugins?pageNum=${pageNum}&pageSize=100`;
    const { list, total, problems = [] } = await host.request<Page>({ path });
    plugins.push(...list);
    if (list.length === 0 || plugins.length >= total) return { list: plugins, problems };
  }
}
