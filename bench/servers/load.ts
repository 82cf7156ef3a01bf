/** The load generator as a process of its own, so that it can be pinned and disturbs nobody's collector. */
import { applyLoad, type LoadPlan } from '../../src/tune/load.js';

process.on('message', ({ body, ...plan }: LoadPlan & { readonly body?: string }) => {
  applyLoad({ ...plan, ...(body !== undefined && { body: Buffer.from(body, 'base64') }) }).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
