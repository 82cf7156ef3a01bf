/** `sandpool list`: the plugins of a host. */
import { connect, type Host, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { type PluginItem, stateOf } from './plugin-view.js';
import { columns } from './table.js';

export async function run({ options, answer }: Context<HostOptions>): Promise<ExitCode> {
  const list = await allPlugins(await connect(options));
  const rows = list.map((plugin) => [plugin.id, plugin.version, stateOf(plugin), plugin.type, plugin.name]);
  answer(
    { list, total: list.length },
    rows.length === 0 ? 'no plugins' : columns([['ID', 'VERSION', 'STATE', 'TYPE', 'NAME'], ...rows]),
  );
  return 0;
}

async function allPlugins(host: Host): Promise<PluginItem[]> {
  const plugins: PluginItem[] = [];
  for (let pageNum = 1; ; pageNum++) {
    const path = `/plugins?pageNum=${pageNum}&pageSize=100`;
    const { list, total } = await host.request<{ list: PluginItem[]; total: number }>({ path });
    plugins.push(...list);
    if (list.length === 0 || plugins.length >= total) return plugins;
  }
}
