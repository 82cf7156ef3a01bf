import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { watGuest } from '../guest-modules.js';

const CHILD = fileURLToPath(new URL('./address-space-child.js', import.meta.url));
const MODULE = join(t.testdir({ 'echo.wasm': Buffer.from(await watGuest('echo')) }), 'echo.wasm');
const GIB_IN_KIB = 1024 * 1024;

/** The child in a process that may reserve so much address space; an instance reserves 10 GiB of it. */
async function serveWithin(addressGiB: number, plugins: number): Promise<{ bodies: string[]; metrics: string[] }> {
  const limited = `ulimit -v ${addressGiB * GIB_IN_KIB} && exec "$0" "$@"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, CHILD, MODULE, `${plugins}`]);
  return JSON.parse(stdout) as { bodies: string[]; metrics: string[] };
}

const options = process.platform === 'linux' ? {} : { skip: 'needs ulimit -v of Linux' };

t.test('when addresses run out, the least recently used instances make room and nobody notices', options, async (t) => {
  const { bodies, metrics } = await serveWithin(60, 12);
  t.same(new Set(bodies), new Set(['{"ok":true}']));
  t.equal(bodies.length, 24);
  t.match(metrics.join('\n'), /^sandpool_instances_discarded_total\{reason="address-space"\} [1-9]/m);
});

t.test('a process without addresses for any instance says so by code', options, async (t) => {
  const { bodies } = await serveWithin(8, 1);
  t.same(new Set(bodies), new Set(['SBX_NO_INSTANCE_MEMORY']));
});
