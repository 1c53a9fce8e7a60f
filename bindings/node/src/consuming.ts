// What a consumer of updates asks: which wait for it, and that they are kept. A part of Client.

import { nextPage } from './asking.js'
import { MOST, split } from './batches.js'
import { Calls, had } from './calls.js'
import { prepare } from './codec.js'
import type { messages } from './generated/messages.js'
import type { Result } from './results.js'
import type { CallOptions } from './transport.js'

/** Of a confirm: what unconfirmed() gave has these, too. */
export interface UpdateLike {
  taskId?: string | undefined
  attempt?: number | undefined
  /** 16 bytes. */
  uuid?: Uint8Array | undefined
}

export abstract class Consuming extends Calls {
  /**
   * The updates that wait for a consumer (undefined: for any), in the order in which they came, a page at a time as they
   * are iterated. `event` of each is what the master sent: decode('mesos.v1.scheduler.Event', update.event).
   */
  async *unconfirmed(
    consumer?: string,
    options: CallOptions & { pageSize?: number } = {},
  ): AsyncGenerator<messages.UnconfirmedUpdate, void, undefined> {
    const { pageSize = 500, ...call } = options
    for (let after = 0n; ; ) {
      const asked = { consumer, pageSize, after }
      const page = had((await this.ask({ unconfirmed: asked }, call)).unconfirmed, 'unconfirmed')
      yield* page.updates
      if (page.next === undefined) return
      after = nextPage(after, page.next)
    }
  }

  /**
   * Says that these updates are kept, so that Mesos may forget them. One result for each, in order, refused ones included:
   * `known` where it was acknowledged before, code NOT_FOUND where no such update waits. It can be repeated.
   */
  async confirm(consumer: string, updates: Iterable<UpdateLike>, options?: CallOptions): Promise<Result[]> {
    const prepared = Array.from(updates, ({ taskId, attempt, uuid }, place) =>
      prepare('zmesos.v1.Confirm.Update', { taskId, attempt, uuid }, `confirm.updates[${place}]`),
    )
    const requests = function* (): Generator<[{ confirm: messages.ConfirmInit }, number]> {
      for (const run of split(prepared, (update) => update.size, MOST.confirm)) {
        yield [{ confirm: { consumer, updates: run as messages.Confirm.UpdateInit[] } }, run.length]
      }
    }
    return this.askItems(requests(), options)
  }
}
