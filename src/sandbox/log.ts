/**
 * Log lines of guests on their way to the main thread. A plugin may write a number of lines per second (and twice that in a
 * burst); what is over is counted, and the count is reported once a second.
 */
import type { LogLevel, SandboxMessage } from '../protocol/messages.js';

const MAX_LINE_BYTES = 8192;
const REPORT_EVERY_MS = 1000;

export interface PluginLog {
  /** Sends one line, or counts it as dropped. */
  line(level: LogLevel, text: string, stream: 'log' | 'stdout' | 'stderr'): void;
  /** Reports dropped lines that no later line has reported. */
  settle(): void;
}

export function createPluginLog(
  pluginId: string,
  linesPerSecond: number,
  post: (message: SandboxMessage) => void,
  now: () => number,
): PluginLog {
  const burst = linesPerSecond * 2;
  let tokens = burst;
  let refilledAt = now();
  let dropped = 0;
  let reportedAt = 0;

  const take = (time: number): boolean => {
    tokens = Math.min(burst, tokens + ((time - refilledAt) / 1000) * linesPerSecond);
    refilledAt = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  const report = (time: number): void => {
    if (dropped === 0 || time - reportedAt < REPORT_EVERY_MS) return;
    post({ kind: 'log-dropped', pluginId, lines: dropped });
    dropped = 0;
    reportedAt = time;
  };

  return {
    line(level, text, stream) {
      const time = now();
      if (take(time)) post({ kind: 'log', pluginId, level, text: text.slice(0, MAX_LINE_BYTES), stream });
      else dropped += 1;
      report(time);
    },
    settle: () => report(now()),
  };
}

/** Cuts a guest's standard output into lines. */
export interface LineCutter {
  write(bytes: Uint8Array): void;
  /** Ends an unfinished line. */
  flush(): void;
}

export function createLineCutter(line: (text: string) => void): LineCutter {
  let rest = Buffer.alloc(0);

  const emit = (bytes: Buffer): void => {
    if (bytes.length > 0) line(bytes.toString('utf8'));
  };
  return {
    write(bytes) {
      let start = 0;
      for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
        emit(Buffer.concat([rest, bytes.subarray(start, Math.min(end, start + MAX_LINE_BYTES))]));
        rest = Buffer.alloc(0);
        start = end + 1;
      }
      const room = MAX_LINE_BYTES - rest.length;
      if (start < bytes.length && room > 0) rest = Buffer.concat([rest, bytes.subarray(start, start + room)]);
    },
    flush() {
      emit(rest);
      rest = Buffer.alloc(0);
    },
  };
}
