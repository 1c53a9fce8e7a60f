// Following events so that none is missed and none comes twice: docs/protocol.md "Nothing missed".
//
// Publications tell what is new, at once; ZeroMQ may drop them. What was dropped shows by the numbers, by the heads in the
// heartbeats and, under a narrow prefix, by the daemon's count; then the daemon is asked for it once more.

import type { Asking } from './asking.js'
import { Conflict, Invalid, Misused, TimedOut, Truncated, Unavailable, invalid } from './errors.js'
import { Event } from './event.js'
import { Events, type ReceiveOptions } from './events.js'
import type { messages } from './generated/messages.js'
import { Lane } from './lane.js'
import { type JournaledClass, headsOf, journaledUnder } from './ledger.js'
import { Position, StartedOver } from './position.js'
import { now } from './transport.js'

const MOST_PREFIXES = 10_000
const PAGE = 1000 // events asked for at a time
const DRAIN = 1000 // publications taken before they are looked at
const ASK_TIMEOUT = 3000 // ms
const ASK_AGAIN = 500 // ms, where the daemon did not answer
const VERIFY_SHARE = 4 // so many times as long as a count took nothing is counted
const PATIENCE = 1000 // ms for which only publications are waited for

export type Followed = Event | StartedOver

/** 'now'; 'oldest', all that is kept; or where a snapshot or another follower stopped. */
export type Start = 'now' | 'oldest' | Position

export interface FollowOptions {
  start?: Start | undefined
  /** How many events may wait here unread (100,000); those dropped are asked for again. */
  highWater?: number | undefined
  /** Milliseconds within which the first heartbeat has to come (10,000). */
  ready?: number | undefined
  /** Ends the iteration: it throws the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Each event of the journaled classes under topic prefixes, once, in the order of its class. Iterate over it with `for
 * await`, which closes it at its end, or recv() with a timeout. Made by Client.follow().
 *
 * In place of events that are lost for good comes a StartedOver. While the daemon is away nothing comes; it goes on by
 * itself. Under a prefix that does not take a whole class ('task/' does, 'task/job1/' does not) each event waits until the
 * daemon has said that there was none before it: a request, or one for many events.
 */
export class Follower implements AsyncIterable<Followed> {
  /** Events that the daemon was asked for once more. */
  replayed = 0
  readonly #client: Asking
  readonly #lanes: ReadonlyMap<JournaledClass, Lane>
  readonly #events: Events
  readonly #start: Start
  readonly #patience: number
  readonly #signal: AbortSignal | undefined
  readonly #news: StartedOver[] = []
  #store: string | undefined
  #beat: messages.DaemonStatus | undefined
  #busy = false

  constructor(client: Asking, endpoint: string, prefixes: readonly string[], options: FollowOptions = {}) {
    const { start = 'now', ready = 10_000 } = options
    if (prefixes.length > MOST_PREFIXES) throw invalid(`at most ${MOST_PREFIXES}`, 'prefixes')
    if (start !== 'now' && start !== 'oldest' && !(start instanceof Position)) {
      throw invalid("is 'now', 'oldest' or a Position", 'start')
    }
    const under = journaledUnder(prefixes.length > 0 ? prefixes : [''])
    if (under.size === 0) throw invalid('no journaled event has such a topic', 'prefixes')
    this.#client = client
    this.#start = start
    this.#patience = ready
    this.#signal = options.signal
    this.#lanes = new Map([...under].map(([name, taken]) => [name, new Lane(name, taken)]))
    this.#events = new Events(endpoint, prefixes, { highWater: options.highWater })
  }

  /** Ends the subscription; a call under way throws. Again: nothing. */
  close(): void {
    this.#events.close()
  }

  /**
   * Waits until it has begun: with start 'now', all that is published from now on will be told. recv() and `for await` do
   * it by themselves. TimedOut if no heartbeat comes.
   */
  async ready(signal?: AbortSignal): Promise<this> {
    return this.#alone(async () => {
      await this.#begin(signal)
      return this
    })
  }

  /** After what has been returned so far: another follower goes on from there. Misused before ready(). */
  get position(): Position {
    if (this.#store === undefined) throw new Misused('the follower has not begun: await ready()')
    return new Position(this.#store, new Map([...this.#lanes].map(([name, lane]) => [name, lane.position])))
  }

  /** The next event; undefined if there is none within `timeout` milliseconds (0: takes what is there). */
  async recv({ timeout, signal }: ReceiveOptions = {}): Promise<Followed | undefined> {
    const deadline = timeout === undefined ? undefined : now() + timeout
    return this.#alone(async () => {
      await this.#begin(signal)
      for (;;) {
        const found = this.#next()
        if (found !== undefined) return found
        signal?.throwIfAborted()
        if (await this.#work(signal)) continue
        const patience = this.#waitFor()
        const left = deadline === undefined ? patience : Math.min(patience, deadline - now())
        const event = await this.#events.recv({ timeout: Math.max(0, left), signal })
        if (event !== undefined) await this.#take(event)
        this.#lookAtHeartbeat()
        if (event === undefined && deadline !== undefined && now() >= deadline && !(await this.#work(signal))) {
          return this.#next()
        }
      }
    })
  }

  /** Every event, for ever. Leaving the loop closes the follower. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Followed, void, undefined> {
    try {
      for (;;) {
        const found = await this.recv({ signal: this.#signal })
        if (found !== undefined) yield found
      }
    } finally {
      this.close()
    }
  }

  // ---- what comes in -----------------------------------------------------------------------------------

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    if (this.#store !== undefined) return
    const status = await this.#events.ready({ timeout: this.#patience, signal })
    const heads = headsOf(status.heads)
    const start = this.#start
    this.#store = status.store ?? ''
    this.#beat = status
    for (const lane of this.#lanes.values()) {
      const head = heads.get(lane.name) ?? 0n
      lane.begin(start === 'oldest' ? 0n : head)
      lane.heard = head
      lane.fromOldest = start === 'oldest'
    }
    if (!(start instanceof Position)) return
    // Numbers that were not given yet: an older copy of the daemon's state is in the place of that one.
    const ahead = [...this.#lanes.values()].some((lane) => (start.numbers.get(lane.name) ?? 0n) > lane.heard)
    if (start.store !== this.#store || ahead) {
      this.#startOverStore(status)
      return
    }
    for (const lane of this.#lanes.values()) {
      const number = start.numbers.get(lane.name)
      if (number === undefined) continue
      lane.begin(number)
      lane.heard = heads.get(lane.name) ?? number
    }
    for (const lane of this.#lanes.values()) {
      if (start.numbers.has(lane.name) || lane.done === 0n) continue
      this.#news.push(new StartedOver('ADDED', lane.name, [1n, lane.done], this.position))
    }
  }

  /** One publication, and those behind it. */
  async #take(event: Event): Promise<void> {
    let following: Event | undefined = event
    for (let left = DRAIN; following !== undefined; left -= 1) {
      const lane = this.#lanes.get(following.eventClass as JournaledClass)
      if (lane !== undefined && following.store === this.#store) lane.take(following)
      following = left > 1 ? await this.#events.recv({ timeout: 0 }) : undefined
    }
  }

  /** All that its heads count was published before it, on the same socket. */
  #lookAtHeartbeat(): void {
    const beat = this.#events.heartbeat
    if (beat === undefined || beat === this.#beat) return
    this.#beat = beat
    if (beat.store !== this.#store) {
      this.#startOverStore(beat)
      return
    }
    for (const [name, number] of headsOf(beat.heads)) {
      const lane = this.#lanes.get(name as JournaledClass)
      if (lane !== undefined && number > lane.heard) lane.heard = number
    }
  }

  #next(): Followed | undefined {
    const news = this.#news.shift()
    if (news !== undefined) return news
    for (const lane of this.#lanes.values()) {
      const event = lane.tell()
      if (event !== undefined) return event
    }
    return undefined
  }

  async #alone<Value>(run: () => Promise<Value>): Promise<Value> {
    if (this.#busy) throw new Misused('another call is using this follower: give each its own')
    this.#busy = true
    try {
      return await run()
    } finally {
      this.#busy = false
    }
  }

  // ---- what is asked for -------------------------------------------------------------------------------

  #behind(): Lane[] {
    return [...this.#lanes.values()].filter((lane) => lane.behind)
  }

  #waitFor(): number {
    return Math.min(PATIENCE, ...this.#behind().map((lane) => Math.max(0, lane.notBefore - now())))
  }

  /** Asks the daemon where something may be missing; whether something is ready now. */
  async #work(signal: AbortSignal | undefined): Promise<boolean> {
    for (const lane of this.#behind()) {
      if (now() < lane.notBefore) continue
      try {
        if (lane.whole || !(await this.#verify(lane, signal))) await this.#fill(lane, signal)
      } catch (error) {
        if (error instanceof Truncated) {
          this.#startOverLane(lane, error.oldest)
        } else if (error instanceof Conflict || error instanceof Invalid) {
          if (!/\.(store|from|after)$/.test(error.field)) throw error
          await this.#lookAtStore(lane, signal)
        } else if (error instanceof TimedOut || error instanceof Unavailable) {
          lane.notBefore = now() + ASK_AGAIN
        } else {
          throw error
        }
      }
    }
    return this.#news.length > 0 || [...this.#lanes.values()].some((lane) => lane.ready)
  }

  /** Whether what is aside is all that there is, as far as the daemon has counted: then it is ready. */
  async #verify(lane: Lane, signal: AbortSignal | undefined): Promise<boolean> {
    const began = now()
    const asked = { class: lane.name, prefixes: lane.prefixes, after: lane.done, until: lane.heard, store: this.#store }
    const { tail } = await this.#client.ask({ tail: asked }, { timeout: ASK_TIMEOUT, signal })
    const ended = now()
    lane.notBefore = ended + Math.min(PATIENCE, VERIFY_SHARE * (ended - began))
    const until = tail?.until ?? lane.done
    const numbers = [...lane.aside.keys()].filter((number) => number <= until).sort((a, b) => (a < b ? -1 : 1))
    if (BigInt(numbers.length) !== tail?.count) return false
    lane.settle(until, numbers.map((number) => lane.aside.get(number) as Event))
    return true
  }

  /** A page of what was published. */
  async #fill(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    const { hole } = lane
    const asked = {
      class: lane.name,
      prefixes: lane.prefixes,
      from: lane.done + 1n,
      pageSize: hole < PAGE ? Number(hole) : PAGE,
      store: this.#store,
    }
    const { replay } = await this.#client.ask({ replay: asked }, { timeout: ASK_TIMEOUT, signal })
    const next = replay?.next ?? lane.done + 1n
    // No step further: the store has not written it yet.
    lane.notBefore = next > lane.done + 1n ? 0 : now() + ASK_AGAIN
    const events = (replay?.events ?? []).map((publication) => Event.ofPublication(publication))
    this.replayed += events.length
    lane.settle(next - 1n, events)
  }

  #startOverLane(lane: Lane, oldest: bigint): void {
    const first = lane.done + 1n
    const { fromOldest } = lane
    lane.settle(oldest - 1n, [])
    lane.told = oldest - 1n
    if (fromOldest) lane.fromOldest = lane.done === lane.told // the journal's beginning may have gone on meanwhile
    else this.#news.push(new StartedOver('TRUNCATED', lane.name, [first, oldest - 1n], this.position))
  }

  /** The daemon knows no such numbers. It may have gone meanwhile: then it is asked once more. */
  async #lookAtStore(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    try {
      const { status } = await this.#client.ask({ status: {} }, { timeout: ASK_TIMEOUT, signal })
      if (status !== undefined) this.#startOverStore(status)
    } catch (error) {
      if (!(error instanceof TimedOut || error instanceof Unavailable)) throw error
      lane.notBefore = now() + ASK_AGAIN
    }
  }

  #startOverStore(status: messages.DaemonStatus): void {
    this.#store = status.store ?? ''
    const heads = headsOf(status.heads)
    for (const lane of this.#lanes.values()) lane.begin(heads.get(lane.name) ?? 0n)
    this.#news.push(new StartedOver('STORE', undefined, undefined, this.position))
  }
}
