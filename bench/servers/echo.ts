/** The rival: a bare Fastify. */
import Fastify from 'fastify';

const app = Fastify();
const answer = process.env.SANDPOOL_BENCH_ANSWER ?? '';
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.removeContentTypeParser('application/json');
app.get('/answer', (_request, reply) => reply.type('application/json').send(answer));
app.post('/echo', (request, reply) => reply.type('application/octet-stream').send(request.body));
await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ url: `http://127.0.0.1:${(app.server.address() as { port: number }).port}` });
process.on('SIGTERM', () => process.exit(0));
