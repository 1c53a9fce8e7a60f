// One class of events as a follower sees it: what has been told, and what waits until all before it is. Pure.

import type { Event } from './event.js'
import type { JournaledClass } from './ledger.js'

export class Lane {
  /** All up to here is ready, or was told. */
  done = 0n
  /** The last number that was told. */
  told = 0n
  /** That much has been published, and what came of it is aside. */
  heard = 0n
  /** When the daemon may be asked again, on our clock. */
  notBefore = 0
  /** Nothing is known yet: it begins wherever the journal does. */
  fromOldest = false
  readonly aside = new Map<bigint, Event>()
  #ready: Event[] = []
  #next = 0 // of those ready

  /** prefixes: none where the whole class is taken. */
  constructor(
    readonly name: JournaledClass,
    readonly prefixes: readonly string[],
  ) {}

  get whole(): boolean {
    return this.prefixes.length === 0
  }

  begin(number: bigint): void {
    this.done = this.told = this.heard = number
    this.fromOldest = false
    this.aside.clear()
    this.#ready = []
    this.#next = 0
  }

  /** A publication. */
  take(event: Event): void {
    const { number } = event
    if (number === this.done + 1n && this.whole) {
      this.#ready.push(event)
      this.done = number
      this.fromOldest = false
    } else if (number > this.done) {
      this.aside.set(number, event)
    }
    if (number > this.heard) this.heard = number
  }

  /** All up to `until` is known: these, and nothing else. */
  settle(until: bigint, events: Iterable<Event>): void {
    for (const event of events) this.#ready.push(event) // any number: not as arguments of one call
    if (until > this.done) this.done = until
    this.fromOldest = false
    if (until > this.heard) this.heard = until
    for (const number of this.aside.keys()) if (number <= this.done) this.aside.delete(number)
    if (!this.whole) return
    for (let event = this.aside.get(this.done + 1n); event !== undefined; event = this.aside.get(this.done + 1n)) {
      this.done += 1n
      this.#ready.push(event)
      this.aside.delete(this.done)
    }
  }

  /** The next event to be told. */
  tell(): Event | undefined {
    const event = this.#ready[this.#next]
    if (event === undefined) return undefined
    this.told = event.number
    this.#next += 1
    if (this.#next === this.#ready.length) {
      this.#ready = []
      this.#next = 0
    }
    return event
  }

  get ready(): boolean {
    return this.#next < this.#ready.length
  }

  /** More was published than is ready. */
  get behind(): boolean {
    return this.heard > this.done
  }

  /** How many numbers at least are to be asked for. */
  get hole(): bigint {
    if (!this.whole || this.aside.size === 0) return this.heard - this.done
    let first = this.heard
    for (const number of this.aside.keys()) if (number < first) first = number
    return first - 1n - this.done
  }

  get position(): bigint {
    return this.ready ? this.told : this.done
  }
}
