/** Operations: is the process alive, is it ready, what has it measured (`spec/product.md` §4). */
import type { FastifyInstance } from 'fastify';

export interface OpsOptions {
  /** What the host still waits for, or that it is shutting down; empty when it is ready. */
  readonly unreadyReasons: () => readonly string[];
  /** Of this process, where there are several. */
  readonly pid?: number;
  readonly metrics: {
    readonly enabled: boolean;
    readonly path: string;
    render(): Promise<string>;
    readonly contentType: string;
  };
}

export function registerOps(app: FastifyInstance, { unreadyReasons, pid, metrics }: OpsOptions): void {
  const process = pid === undefined ? {} : { pid };

  app.get('/healthz', async () => ({ status: 'alive', ...process }));

  app.get('/readyz', async (_request, reply) => {
    const reasons = unreadyReasons();
    const isReady = reasons.length === 0;
    reply.code(isReady ? 200 : 503).header('cache-control', 'no-store');
    if (!isReady) reply.header('retry-after', '1');
    return { ready: isReady, reasons, ...process };
  });

  if (!metrics.enabled) return;
  app.get(metrics.path, async (_request, reply) => {
    reply.header('content-type', metrics.contentType);
    return metrics.render();
  });
}
