/** The sample plugin in a whole host: its table, files, cache and job, over the services themselves. */
import { join } from 'node:path';
import t from 'tap';
import { ensureDemo } from '../../src/cli/demo.js';
import { startTestHost } from './host.js';
import { jobClockAt } from './job-clock.js';
import { until } from './processes.js';

t.test(
  'the sample keeps notes in its table, files in its storage, counts in its cache, and exports them in a job',
  async (t) => {
    const directory = t.testdir();
    // The job that exports is due every five minutes, by a clock that stands still never: it runs when it is told to.
    const host = await startTestHost(t, {}, directory, undefined, jobClockAt('2026-03-10T11:02:00Z'));
    await ensureDemo(host.registry, join(directory, 'data'));
    const admin = await host.authorization();
    const ask = async (method: string, path: string, body?: unknown, headers = admin) => {
      const type = { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' };
      const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      const { status, text } = await host.fetch(`/x/sandpool-notes${path}`, {
        method,
        headers: { ...(body === undefined ? {} : type), ...headers },
        ...sent,
      });
      return { status, value: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
    };
    const asNobody = (path: string) => ask('GET', path, undefined, {} as typeof admin);

    t.match(await asNobody('/notes'), { status: 200, value: { total: 1, items: [{ id: 'welcome' }] } });
    const written = await ask('POST', '/notes', { title: 'Milk <b>', text: 'two bottles 🥛' });
    t.match(written, { status: 201, value: { title: 'Milk <b>', author: 'admin', id: /^[0-9a-z]{32}$/ } });
    const { id } = written.value as { id: string };
    t.match(await asNobody('/notes'), { value: { total: 2, items: [written.value, { id: 'welcome' }] } });
    t.match(await ask('GET', '/search?title=ilk'), { status: 200, value: { total: 1, items: [written.value] } });
    t.equal((await asNobody('/search?title=ilk')).status, 401);
    t.match(await ask('GET', '/authors'), { status: 200, value: { admin: 1, sandpool: 1 } });
    t.match(await ask('GET', '/authors'), { status: 200, value: { admin: 1, sandpool: 1 } });

    t.equal((await asNobody(`/notes/${id}/attachment`)).status, 404);
    t.match(await ask('PUT', `/notes/${id}/attachment`, 'a receipt'), {
      status: 200,
      value: { path: `attachments/${id}`, sizeBytes: 9 },
    });
    t.match(await asNobody(`/notes/${id}/attachment`), { status: 200, value: 'a receipt' });

    t.match(await asNobody('/export'), { status: 404, value: /has not run yet/ });
    const job = `/api/v1/jobs/${encodeURIComponent('sandpool-notes/export')}`;
    await until('its job is declared', async () => (await host.fetch(job, { headers: admin })).status === 200);
    t.equal((await host.fetch(`${job}/run`, { method: 'POST', headers: admin })).status, 200);
    await until('it has run', async () => (await asNobody('/export')).status === 200);
    t.match(await asNobody('/export'), { status: 200, value: [written.value, { id: 'welcome' }] });

    t.equal((await ask('DELETE', `/notes/${id}`)).status, 204);
    t.equal((await asNobody(`/notes/${id}/attachment`)).status, 404);
    t.match(await ask('GET', '/authors'), { value: { sandpool: 1 } });
    t.match(await asNobody('/notes'), { value: { total: 1 } });
  },
);
