/** `sandpool audit`: who did what to which plugin. */
import { SandpoolError } from '../protocol/errors.js';
import type { AuditEntry } from '../registry/audit.js';
import { connect, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { columns } from './table.js';

interface Options extends HostOptions {
  readonly limit?: string;
  readonly before?: string;
}

interface AuditPage {
  readonly list: readonly AuditEntry[];
  readonly next?: number;
}

export async function run({ args: [pluginId], options, answer }: Context<Options>): Promise<ExitCode> {
  const query = new URLSearchParams({ limit: wholeNumber('--limit', options.limit ?? '20') });
  if (pluginId !== undefined) query.set('pluginId', pluginId);
  if (options.before !== undefined) query.set('before', wholeNumber('--before', options.before));
  const host = await connect(options);
  const page = await host.request<AuditPage>({ path: `/audit?${query}` });
  answer(page, textOf(page));
  return 0;
}

function wholeNumber(option: string, text: string): string {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw new SandpoolError('SBX_USAGE', { reason: `${option} ${text} is not a whole number above 0` });
}

function textOf({ list, next }: AuditPage): string {
  if (list.length === 0) return 'nothing has been done';
  const rows = list.map((entry) => [
    new Date(entry.at).toISOString(),
    entry.by,
    entry.action,
    entry.pluginId || '-',
    standingsOf(entry) || (entry.errorCode === undefined ? (entry.message ?? '') : ''),
    [entry.result, entry.errorCode ?? ''].filter(Boolean).join(', '),
  ]);
  const table = columns([['WHEN', 'WHO', 'WHAT', 'PLUGIN', 'FROM → TO', 'RESULT'], ...rows]);
  return next === undefined ? table : `${table}\nolder: --before ${next}`;
}

function standingsOf({ from, to }: AuditEntry): string {
  const [before, after] = [from, to].map((standing) => (standing ? `${standing.version} ${standing.state}` : ''));
  if (!before && !after) return '';
  return before === after ? (after ?? '') : [before || '-', after || '-'].join(' → ');
}
