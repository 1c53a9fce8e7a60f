// What was published, once more; how much of it there is; and what came of it: a part of Client.

import { nextPage } from './asking.js'
import { had } from './calls.js'
import { Consuming } from './consuming.js'
import { Misused, invalid } from './errors.js'
import { Event } from './event.js'
import { Events, type EventsOptions } from './events.js'
import { type FollowOptions, Follower } from './follow.js'
import type { messages } from './generated/messages.js'
import { type EventClass, type JournaledClass, headsOf, isJournaled } from './ledger.js'
import { Position } from './position.js'
import { type LabelLike, asLabel } from './specs.js'
import { type Task, type TaskState, asTask } from './states.js'
import { type CallOptions, type Requester } from './transport.js'

/** Which tasks: all conditions that are given must hold. */
export interface TaskFilter {
  state?: TaskState | readonly TaskState[] | undefined
  label?: LabelLike | undefined
  /** Of the id. */
  prefix?: string | undefined
  placer?: string | undefined
  /** With the specifications: up to 4 MiB a page. */
  withSpec?: boolean | undefined
  /** Tasks asked for at a time: 1 to 1,000 (500); of a snapshot 1 to 250 (250). */
  pageSize?: number | undefined
}

/**
 * Tasks by id, and how far events are in them: a follower that starts at `position` has all that come after it, and some
 * that are in the tasks already; apply() tells them apart.
 */
export class Snapshot {
  constructor(
    readonly tasks: Map<string, Task>,
    readonly position: Position,
  ) {}

  /** Takes in an event about a task; false where it was known. */
  apply(event: Event): boolean {
    const { task } = event
    if (task === undefined) return false
    const known = this.tasks.get(task.id)
    if (known !== undefined && known.revision >= task.revision) return false
    this.tasks.set(task.id, task)
    return true
  }
}

export abstract class Journal extends Consuming {
  protected constructor(
    requester: Requester,
    readonly eventsEndpoint: string | undefined,
  ) {
    super(requester)
  }

  /** The events under these topic prefixes (none: all), as they come: see follow() for all of them, whatever happens. */
  subscribe(prefixes: string | readonly string[] = [], options?: EventsOptions): Events {
    return new Events(this.#endpoint(), listOf(prefixes), options)
  }

  /**
   * Every event of the journaled classes under these topic prefixes (none: all), once, in the order of its class, through
   * lost connections and restarts of the daemon. Iterate over it with `for await`.
   */
  follow(prefixes: string | readonly string[] = [], options?: FollowOptions): Follower {
    return new Follower(this, this.#endpoint(), listOf(prefixes), options)
  }

  /** The tasks under the filter, with the position in the events after which they are to be followed. */
  async snapshot(filter: TaskFilter = {}, options?: CallOptions): Promise<Snapshot> {
    const asked = { ...conditions(filter), pageSize: filter.pageSize ?? 250 }
    for (;;) {
      const tasks = new Map<string, Task>()
      let found: Snapshot | undefined
      for (let after = 0n; ; ) {
        const page = had((await this.ask({ snapshot: { ...asked, after } }, options)).snapshot, 'snapshot')
        found ??= new Snapshot(tasks, new Position(page.store ?? '', journaledHeads(page.heads)))
        if (found.position.store !== page.store) break // restored meanwhile: begin again
        for (const task of page.tasks.map(asTask)) tasks.set(task.id, task)
        if (page.next === undefined) return found
        after = nextPage(after, page.next)
      }
    }
  }

  /**
   * The events of a journaled class from the number `start` (1) to the last one, of those under these topic prefixes (none:
   * all), a page at a time as they are iterated. Truncated where they are not kept from there on.
   */
  async *replay(
    eventClass: EventClass,
    options: CallOptions & { prefixes?: readonly string[]; start?: bigint | number } = {},
  ): AsyncGenerator<Event, void, undefined> {
    const { prefixes, start = 1, ...call } = options
    let from: bigint | number = start
    let store: string | undefined
    for (let head: bigint | undefined; ; ) {
      const asked: messages.ReplayInit = { class: eventClass, prefixes, from, store }
      const page = had((await this.ask({ replay: asked }, call)).replay, 'replay')
      store = page.store
      head ??= page.head ?? 0n
      for (const publication of page.events) yield Event.ofPublication(publication)
      if (page.next === undefined || page.next > head) return
      from = page.next
    }
  }

  /**
   * How many events of a class came after a number (`count`), of those under these topic prefixes (none: all), and the last
   * of them (`last`). Of a volatile class: of the whole class in this run of the daemon.
   */
  async tail(
    eventClass: EventClass,
    options: CallOptions & { prefixes?: readonly string[]; after?: bigint | number } = {},
  ): Promise<messages.TailCount> {
    const { prefixes, after = 0, ...call } = options
    const asked: messages.TailInit = { class: eventClass, prefixes, after }
    let found = had((await this.ask({ tail: asked }, call)).tail, 'tail')
    const head = found.head ?? 0n
    while (found.until !== undefined && found.until < head) {
      const further = { ...asked, after: found.until, until: head, store: found.store }
      const more = had((await this.ask({ tail: further }, call)).tail, 'tail')
      more.count = (more.count ?? 0n) + (found.count ?? 0n)
      if (more.last === undefined && found.last !== undefined) more.last = found.last
      found = more
    }
    return found
  }

  #endpoint(): string {
    if (this.eventsEndpoint === undefined) throw new Misused('this client was given no events endpoint')
    return this.eventsEndpoint
  }
}

/** The conditions of a list or a snapshot. */
export function conditions(filter: TaskFilter): Pick<
  messages.ListInit,
  'states' | 'label' | 'idPrefix' | 'placer' | 'withSpec'
> {
  return {
    states: filter.state === undefined ? [] : typeof filter.state === 'string' ? [filter.state] : filter.state,
    label: filter.label === undefined ? undefined : asLabel(filter.label),
    idPrefix: filter.prefix,
    placer: filter.placer,
    withSpec: filter.withSpec,
  }
}

function listOf(prefixes: string | readonly string[]): readonly string[] {
  const all = typeof prefixes === 'string' ? [prefixes] : prefixes
  if (!Array.isArray(all)) throw invalid('takes a string, or an array of them', 'prefixes')
  for (const [place, prefix] of all.entries()) {
    if (typeof prefix !== 'string') throw invalid('takes a string', `prefixes[${place}]`)
  }
  return all as readonly string[]
}

function journaledHeads(heads: readonly messages.Head[]): Map<JournaledClass, bigint> {
  const found = new Map<JournaledClass, bigint>()
  for (const [name, number] of headsOf(heads)) if (isJournaled(name)) found.set(name, number)
  return found
}
