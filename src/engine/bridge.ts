/**
 * The answering half of a host call that is placed on the main thread. The request arrives in pieces as large as the room in
 * the slot, the reply leaves in such pieces; most fit into one.
 */
import { answerPiece, askForMore, MORE, readCallPiece, type Slot, startedAt } from '../protocol/slot.js';
import type { Job } from './job.js';

/** A host call of one slot, from its first piece to the last piece of its reply. */
export interface HostCall {
  readonly pieces: Buffer[];
  received: number;
  isAnswering: boolean;
  reply: Uint8Array | undefined;
  sent: number;
}

/** What a slot has under way; kept by the one who watches the slot. */
export interface Caller {
  readonly slot: Slot;
  call: HostCall | undefined;
  readonly job: Pick<Job, 'answer' | 'deadlineMs'>;
}

/** Takes one turn of the host call of a slot that is in state CALLING. Safe to call again while the answer is on its way. */
export function takeTurn(caller: Caller): void {
  const { call } = caller;
  if (call?.isAnswering) return;
  const { total, piece } = readCallPiece(caller.slot);
  if (total === MORE) {
    if (call?.reply) sendReply(caller, call, call.reply);
    return;
  }
  receive(caller, call ?? beginCall(caller), piece, total);
}

function beginCall(caller: Caller): HostCall {
  const call: HostCall = { pieces: [], received: 0, isAnswering: false, reply: undefined, sent: 0 };
  caller.call = call;
  return call;
}

function receive(caller: Caller, call: HostCall, piece: Buffer, total: number): void {
  // A copy: the room in the slot is where the reply goes, and the service may keep parts of the request.
  call.pieces.push(Buffer.from(piece));
  call.received += piece.length;
  if (call.received < total) {
    askForMore(caller.slot);
    return;
  }
  call.isAnswering = true;
  const request = call.pieces.length === 1 ? (call.pieces[0] as Buffer) : Buffer.concat(call.pieces);
  const { job, slot } = caller;
  const reply = job.answer(request, startedAt(slot) + job.deadlineMs);
  if (reply instanceof Uint8Array) sendReply(caller, call, reply);
  else void reply.then((bytes) => sendReply(caller, call, bytes));
}

function sendReply(caller: Caller, call: HostCall, reply: Uint8Array): void {
  // The invocation may have ended while the service worked; the slot may carry another by now.
  if (caller.call !== call) return;
  call.isAnswering = false;
  call.reply = reply;
  const isFirst = call.sent === 0;
  call.sent = answerPiece(caller.slot, reply, call.sent);
  if (call.sent >= reply.length || (isFirst && reply.length === 0)) caller.call = undefined;
}
