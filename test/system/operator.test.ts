/** An operator with the command line: a plugin's whole life on a real host. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildArtifact } from '../artifact/build.js';
import { sandpool } from '../cli/command-line.js';
import { watGuest } from '../guest-modules.js';
import { startTestHost } from './host.js';

t.setTimeout(600_000);

t.test(
  'a plugin is installed, upgraded, rolled back and taken away, and the log tells it (F008, F011, F123)',
  async (t) => {
    const host = await startTestHost(t);
    await host.serve('bystander', { module: await watGuest('echo'), routes: [{ path: '/echo' }] });
    const cwd = t.testdirName;
    const { authorization } = await host.authorization();
    const env = { SANDPOOL_URL: host.url, SANDPOOL_TOKEN: authorization.replace('Bearer ', '') };
    const type = (...args: string[]) => sandpool(args, { cwd, env });
    const done = async (...args: string[]) => {
      const ran = await type(...args);
      t.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
      return ran.stdout;
    };
    const write = async (version: string, routes: readonly string[]) => {
      const file = join(cwd, `${version}.wasm`);
      const parts = { manifest: { id: 'acme', version }, routes: routes.map((path) => ({ path })) };
      await writeFile(file, buildArtifact({ ...parts, module: await watGuest('echo') }));
      return file;
    };

    await done('install', await write('v0.1.0', ['/echo', '/old']), '--enable');
    t.match(
      await done('upload', await write('v0.2.0', ['/echo', '/new'])),
      /v0.1.0 is in effect; sandpool preview acme shows what an upgrade changes/,
    );
    t.match(await done('show', 'acme'), /\nwaiting version +v0\.2\.0;/);
    t.match(
      await done('preview', 'acme'),
      /^acme v0\.1\.0 → v0\.2\.0\n.*\nroutes:\n {2}\+ GET \/new\n {2}- GET \/old\n/,
    );
    t.equal(await done('upgrade', 'acme'), 'acme v0.2.0 is enabled\nit was v0.1.0 before\n');
    t.equal((await host.fetch('/x/acme/new')).status, 200);
    t.match(await type('upgrade', 'acme'), { code: 1, stdout: '', stderr: /^PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE: / });
    t.match(await done('preview', 'acme', '--rollback'), /^acme v0\.2\.0 → v0\.1\.0\n/);
    t.equal(await done('rollback', 'acme'), 'acme v0.1.0 is enabled\nit was v0.2.0 before\n');
    t.equal((await host.fetch('/x/acme/old')).status, 200);
    t.match(await done('sync'), '2 plugins in the staging directory');
    t.equal(await done('uninstall', 'acme'), 'acme is uninstalled, its data is deleted\n');
    t.equal((await host.fetch('/x/acme/echo')).status, 404);
    const log = JSON.parse(await done('audit', 'acme', '--json')) as {
      list: { action: string; by: string; result: string }[];
    };
    t.same(
      log.list.map(({ action, by, result }) => `${by} ${action} ${result}`),
      [
        'admin uninstall done',
        'admin rollback done',
        'admin upgrade refused',
        'admin upgrade done',
        'admin upload done',
        'admin enable done',
        'admin install done',
        'admin upload done',
      ],
    );
    t.equal((await host.fetch('/x/bystander/echo')).status, 200);
  },
);
