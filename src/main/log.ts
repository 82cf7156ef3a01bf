/** The log of the host, and what plugins and slow host calls write into it. */
import pino, { type Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { EngineOptions, PluginLogLine } from '../engine/engine.js';
import { processesOf } from './processes.js';

/** A logger that writes JSON lines to stderr; stdout belongs to the answers of commands. */
export function createLog(config: Config): Logger {
  const base = processesOf(config) > 1 ? { pid: process.pid } : null;
  return pino({ level: config.log.level, base }, pino.destination({ fd: 2, sync: true }));
}

/** What guests write, in the log of the host. */
export function pluginLog(log: Logger): (line: PluginLogLine) => void {
  return ({ pluginId, level, text, stream }) => log[level]({ plugin: pluginId, stream }, text);
}

/** A host call that takes long is a warning. */
export function slowHostCalls({ sandbox }: Config, log: Logger): NonNullable<EngineOptions['slowHostCalls']> {
  return {
    fromMs: sandbox.slowHostCallMs,
    tell({ pluginId, service, method, resource, status, ms }) {
      log.warn({ plugin: pluginId, service, method, resource, status, ms: Math.round(ms) }, 'slow host call');
    },
  };
}
