/** A line between two processes of a host: questions and their answers. Every wait has a bound; how bytes travel is a port. */
import { type ErrorData, reasonOf, SandpoolError } from '../protocol/errors.js';

/** What travels. A question is heard when the other side's event loop has taken it, and answered when the work is done. */
export type LineMessage =
  | { readonly kind: 'ask'; readonly id: number; readonly question: unknown }
  | { readonly kind: 'heard'; readonly id: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: ErrorData };

export interface Patience {
  /** Longest wait for the other side to hear the question; without it only the answer counts. */
  readonly heardMs?: number;
  /** Longest wait for the answer. */
  readonly answerMs: number;
}

export interface LineOptions<Theirs> {
  readonly post: (message: LineMessage) => void;
  /** Answers a question of the other side; what it throws arrives there. */
  readonly answer: (question: Theirs) => unknown;
}

export interface Line<Mine> {
  /** @throws SBX_PEERS_SILENT, SBX_PROCESS_LOST, and what the other side throws. */
  ask(question: Mine, patience: Patience): Promise<unknown>;
  /** Takes what arrived. */
  receive(message: LineMessage): void;
  /** The other side has ended: nothing more will arrive. */
  close(reason: string): void;
}

interface Waiting {
  readonly settle: (value: unknown) => void;
  readonly fail: (error: SandpoolError) => void;
  heardTimer: NodeJS.Timeout | undefined;
  readonly answerTimer: NodeJS.Timeout;
}

export function openLine<Mine, Theirs>({ post, answer }: LineOptions<Theirs>): Line<Mine> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closedFor: string | undefined;

  const end = (id: number): Waiting | undefined => {
    const one = waiting.get(id);
    waiting.delete(id);
    clearTimeout(one?.heardTimer);
    clearTimeout(one?.answerTimer);
    return one;
  };

  const giveUpAfter = (id: number, timeoutMs: number): NodeJS.Timeout =>
    setTimeout(() => end(id)?.fail(new SandpoolError('SBX_PEERS_SILENT', { timeoutMs })), timeoutMs);

  const reply = async (id: number, question: Theirs): Promise<void> => {
    post({ kind: 'heard', id });
    try {
      const value = await answer(question);
      post({ kind: 'answer', id, ...(value !== undefined && { value }) });
    } catch (thrown) {
      post({ kind: 'answer', id, error: errorOf(thrown).toData() });
    }
  };

  return {
    ask(question, { heardMs, answerMs }) {
      if (closedFor !== undefined) return Promise.reject(new SandpoolError('SBX_PROCESS_LOST', { reason: closedFor }));
      lastId += 1;
      const id = lastId;
      return new Promise((settle, fail) => {
        const heardTimer = heardMs === undefined ? undefined : giveUpAfter(id, heardMs);
        waiting.set(id, { settle, fail, heardTimer, answerTimer: giveUpAfter(id, answerMs) });
        post({ kind: 'ask', id, question });
      });
    },

    receive(message) {
      if (message.kind === 'ask') void reply(message.id, message.question as Theirs);
      else if (message.kind === 'heard') clearTimeout(waiting.get(message.id)?.heardTimer);
      else if (message.error === undefined) end(message.id)?.settle(message.value);
      else end(message.id)?.fail(SandpoolError.fromData(message.error));
    },

    close(reason) {
      closedFor ??= reason;
      for (const id of [...waiting.keys()]) end(id)?.fail(new SandpoolError('SBX_PROCESS_LOST', { reason }));
    },
  };
}

function errorOf(thrown: unknown): SandpoolError {
  if (thrown instanceof SandpoolError) return thrown;
  return new SandpoolError('SBX_INTERNAL', { reason: reasonOf(thrown) }, { cause: thrown });
}
