import t from 'tap';
import { sandpool } from './command-line.js';

const cwd = t.testdir({
  'sandpool.yaml': `pool: { maxThreads: 3 }
auth: { secret: 0123456789abcdef0123456789abcdef }
plugin: { mailer: { host: h, smtp: { password: hunter2 } } }
`,
});

t.test('config shows each value and where it comes from', async (t) => {
  const { code, stdout } = await sandpool(['config'], { cwd, env: { SANDPOOL_SERVER_PORT: '1234' } });
  t.equal(code, 0);
  t.match(stdout, /^server.port +1234 +environment$/m);
  t.match(stdout, /^pool.maxThreads +3 +file$/m);
  t.match(stdout, /^pool.slots +"auto" +default$/m);
});

t.test('config never shows a secret', async (t) => {
  const text = await sandpool(['config'], { cwd });
  t.match(text.stdout, /^auth.secret +"\*{8}" +file$/m);
  const json = JSON.parse((await sandpool(['config', '--json'], { cwd })).stdout);
  t.match(json, {
    config: { auth: { secret: '********' }, plugin: { mailer: { host: 'h', smtp: { password: '********' } } } },
    sources: { 'auth.secret': 'file', 'plugin.mailer': 'file', 'server.port': 'default' },
  });
  t.notMatch(text.stdout, 'hunter2');
});

t.test('config --schema is the JSON schema of the file', async (t) => {
  const { stdout } = await sandpool(['config', '--schema'], { cwd });
  t.match(JSON.parse(stdout), {
    properties: { server: { properties: { port: { type: 'integer', minimum: 0, maximum: 65535, default: 9120 } } } },
  });
});
