/** The side of a host process: what it asks of the primary, and what it answers. */
import type { CacheResult, CacheStore } from '../protocol/cache.js';
import type { LineMessage, Patience } from './line.js';
import { openLine } from './line.js';
import type { HostNews, HostQuestion, PluginNews, PrimaryQuestion } from './questions.js';

/** The other processes of this host, as one of them sees them. */
export interface Peers {
  /** Whether no other process is there yet: then this one discovers plugins and enables what the configuration asks for. */
  readonly isFirst: boolean;
  /**
   * Waits until no other process is changing this plugin.
   * @returns what ends the turn; it resolves when all processes are up to date
   * @throws SBX_PEERS_SILENT
   */
  beginTurn(key: string): Promise<(news: readonly string[]) => Promise<void>>;
  /**
   * Resolves when every other process has heard it.
   * @returns whether it meant anything to one of them
   * @throws SBX_PEERS_SILENT
   */
  spread(news: HostNews): Promise<boolean>;
  /** Counts an attempt to log in over all processes. @returns what takes it back @throws SBX_LOGIN_RATE, SBX_PEERS_SILENT */
  attemptLogin(username: string, ip: string): Promise<() => Promise<void>>;
  /** What plugins keep for a while, the same for all processes. @throws SBX_PEERS_SILENT */
  readonly cache: CacheStore;
  /** Drops what a plugin has kept. @throws SBX_PEERS_SILENT */
  forgetCache(pluginId: string): Promise<void>;
  /** The metrics of all processes, as text. @throws SBX_PEERS_SILENT */
  metrics(): Promise<string>;
  /** Says what this process answers; until then it has read nothing that could be out of date. */
  listen(answers: PeerAnswers): void;
}

export interface PeerAnswers {
  readonly refresh: (news: PluginNews) => Promise<void>;
  /** @returns whether it meant anything here */
  readonly hear: (news: HostNews) => boolean;
  /** This process's own. */
  readonly metrics: () => Promise<unknown>;
}

export interface HostProcess {
  /** Starts to serve. @returns what the primary is told */
  readonly start: (work: unknown, peers: Peers) => Promise<unknown>;
  /** Takes no new connections and lets the open ones run out. */
  readonly runOut: () => Promise<void>;
  /** Ends in order. */
  readonly end: () => Promise<void>;
  /** After the primary has heard that all is ended. */
  readonly exit: () => void;
}

/** Longest wait for other operators' changes of the same plugin, and for the other processes to follow one's own. */
const TURN: Patience = { heardMs: 10_000, answerMs: 300_000 };
const QUICK: Patience = { answerMs: 10_000 };

/** Puts a host process at the primary's disposal. @returns what takes the primary's messages */
export function servePrimary(host: HostProcess, post: (message: LineMessage) => void): (message: LineMessage) => void {
  let answers: PeerAnswers | undefined;
  let started: Promise<unknown> | undefined;
  let isEnding = false;

  const line = openLine<HostQuestion, PrimaryQuestion>({ post, answer });
  return line.receive;

  function answer(question: PrimaryQuestion): unknown {
    switch (question.ask) {
      case 'start':
        started = host.start(question.work, peersOf(question.isFirst));
        return started;
      case 'refresh':
        return follow(question);
      case 'hear':
        return isEnding ? undefined : answers?.hear(question.news);
      case 'metrics':
        return answers?.metrics();
      case 'end':
        return end(question.isReplaced);
    }
  }

  /** A process that answers nobody any more has nothing to follow. */
  async function follow(news: PluginNews): Promise<void> {
    if (isEnding) return;
    try {
      await answers?.refresh(news);
    } catch (thrown) {
      if (!isEnding) throw thrown;
    }
  }

  async function end(isReplaced: boolean): Promise<unknown> {
    // A start that is under way is let through: it would leave half of it behind. Its failure is told to whoever asked for it.
    await started?.catch(() => undefined);
    if (isReplaced) await host.runOut();
    isEnding = true;
    await host.end();
    const last = await answers?.metrics();
    setImmediate(host.exit);
    return last;
  }

  function peersOf(isFirst: boolean): Peers {
    return {
      isFirst,
      async beginTurn(key) {
        await line.ask({ ask: 'begin-turn', key }, TURN);
        return async (news) => void (await line.ask({ ask: 'end-turn', key, news }, TURN));
      },
      spread: async (news) => (await line.ask({ ask: 'spread', news }, TURN)) === true,
      async attemptLogin(username, ip) {
        const ticket = (await line.ask({ ask: 'attempt-login', username, ip }, QUICK)) as number;
        return async () => void (await line.ask({ ask: 'take-back', ticket }, QUICK));
      },
      cache: async (scope, commands) =>
        (await line.ask({ ask: 'cache', scope, commands }, QUICK)) as readonly CacheResult[],
      forgetCache: async (pluginId) => void (await line.ask({ ask: 'forget-cache', pluginId }, QUICK)),
      metrics: async () => (await line.ask({ ask: 'metrics' }, QUICK)) as string,
      listen(given) {
        answers = given;
      },
    };
  }
}
