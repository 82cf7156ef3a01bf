/** Serves plugins of one module in turn, each twice, and prints the answers and what became of the instances; see `address-space.test.ts`. */
import { readFileSync } from 'node:fs';
import { bodyOf, startEngine } from '../engine-host.js';

const host = startEngine({ teardown: () => {} }, { pool: { maxThreads: 1 } });
const ids = Array.from({ length: Number(process.argv[3]) }, (_, index) => `plugin-${index}`);
const echo = readFileSync(process.argv[2] as string);
for (const id of ids) await host.load(id, echo);
const bodies: string[] = [];
for (const id of [...ids, ...ids]) bodies.push(bodyOf(await host.request(id)));
await host.end();
const metrics = (await host.metrics.render()).split('\n').filter((line) => line.startsWith('sandpool_instances'));
process.stdout.write(JSON.stringify({ bodies, metrics }));
