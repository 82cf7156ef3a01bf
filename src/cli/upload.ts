/** `sandpool upload`: sends an artifact to a host. */
import { connect, type Host, type HostOptions } from './client.js';
import type { Context, ExitCode } from './command.js';
import { pluginDetail } from './plugin-view.js';

export interface UploadOptions extends HostOptions {
  readonly overwrite?: boolean;
}

/** What a host answers to an upload. */
export interface Uploaded {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly installed: number;
  readonly enabled: number;
}

export async function run(context: Context<UploadOptions>): Promise<ExitCode> {
  const host = await connect(context.options);
  const uploaded = await uploadFile(context, host, context.args[0] ?? '');
  context.answer(uploaded, `${uploaded.id} ${uploaded.version} is uploaded (${await nextStep(host, uploaded)})`);
  return 0;
}

async function nextStep(host: Host, { id, version, installed }: Uploaded): Promise<string> {
  if (!installed) return `not installed; sandpool install ${id}`;
  const { effectiveVersion } = await pluginDetail(host, id);
  if (effectiveVersion === version) return 'it is in effect already';
  return `${effectiveVersion} is in effect; sandpool preview ${id} shows what an upgrade changes`;
}

/** Uploads a file, with a progress line when stderr is a terminal. */
export async function uploadFile(
  { options, stderr }: Context<UploadOptions>,
  host: Host,
  file: string,
): Promise<Uploaded> {
  const shows = stderr.isTTY === true;
  const progress = (sentBytes: number, totalBytes: number) => {
    stderr.write(`\r${file}: ${Math.floor((100 * sentBytes) / totalBytes)} % of ${Math.ceil(totalBytes / 1024)} KiB`);
  };
  try {
    return await host.upload<Uploaded>({ file, overwrite: options.overwrite === true, ...(shows && { progress }) });
  } finally {
    if (shows) stderr.write('\n');
  }
}
