// What all parts of Client stand on: one request, and a batch of them.

import { randomUUID } from 'node:crypto'

import { prepare } from './codec.js'
import { ProtocolError, Truncated, ZmesosError, refusal } from './errors.js'
import type { messages } from './generated/messages.js'
import { type Result, allChecked, resultOf } from './results.js'
import { split } from './batches.js'
import { type AskOptions, Requester, VERSION } from './transport.js'

/** One operation, as it is in a Request. */
export type Operations = Omit<messages.RequestInit, 'version' | 'id'>

export abstract class Asking {
  protected readonly requester: Requester

  protected constructor(requester: Requester) {
    this.requester = requester
  }

  /**
   * Any request of the protocol, as { ping: {} }; the reply, unless it refuses the request as a whole. All others of this
   * class go through it.
   */
  async ask(operation: Operations, options: AskOptions = {}): Promise<messages.Reply> {
    const id = randomUUID()
    const data = prepare('zmesos.v1.Request', { version: VERSION, id, ...operation }).encode()
    const reply = await this.requester.ask({ id, data }, options)
    if (reply.code === 'OK' || reply.code === 'SOME_REFUSED') return reply
    if (reply.code === 'NOT_FOUND' && (reply.tasks ?? reply.operations) !== undefined) return reply
    const error = refusal(reply.code ?? 'UNKNOWN', reply.message ?? '', reply.field, reply.retry)
    if (error instanceof Truncated) error.oldest = reply.replay?.oldest ?? reply.tail?.oldest ?? 0n
    throw error
  }

  /**
   * One result for each item of each request, in order. One request after the other: so tasks are as old as their place in
   * the batch says. What fails in between has in `results` what is known by then.
   */
  protected async askItems(requests: Iterable<[Operations, number]>, options: AskOptions = {}): Promise<Result[]> {
    const results: Result[] = []
    try {
      for (const [request, items] of requests) results.push(...(await this.#items(request, items, options)))
    } catch (error) {
      if (error instanceof ZmesosError) error.results = results
      throw error
    }
    return results
  }

  async #items(request: Operations, expected: number, options: AskOptions): Promise<Result[]> {
    const { items } = await this.ask(request, options)
    if (items === undefined || items.items.length !== expected) {
      throw new ProtocolError(`${items?.items.length ?? 'no'} results for ${expected} items`)
    }
    return items.items.map((item) => resultOf(item, items))
  }

  /** One result for each id, in order; throws the first refusal, with all results. */
  protected async askEachId(
    ids: readonly string[],
    most: number,
    make: (run: string[]) => Operations,
    options?: AskOptions,
  ): Promise<Result[]> {
    const requests = function* (): Generator<[Operations, number]> {
      for (const run of split(ids, (id) => Buffer.byteLength(id), most)) yield [make(run), run.length]
    }
    return allChecked(await this.askItems(requests(), options))
  }
}

/** Keeps what is asked for by pages going: each `after` has to be past the one before. */
export function nextPage<At extends bigint | string>(after: At, next: At): At {
  if (next <= after) throw new ProtocolError(`a page after ${after} that is followed by ${next}`)
  return next
}
