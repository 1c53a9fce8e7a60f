// Keeping account of event numbers, to know what was missed. Pure: no socket, no clock.
//
// Numbers run within a class of events. Gaps prove a loss only where the subscription takes the whole class; under a
// narrower prefix they are other people's events. Journaled classes are numbered for as long as the daemon's store lives,
// volatile ones from 1 in each run of the daemon.

import type { messages } from './generated/messages.js'

export type EventClass = messages.EventClass

// Which topics a class uses. A class is taken whole if every one begins with a prefix subscribed to.
const JOURNALED = {
  TASK: ['task/'],
  UPDATE: ['mesos/UPDATE/'],
  OPERATION_UPDATE: ['mesos/UPDATE_OPERATION_STATUS'],
  MESSAGE: ['mesos/MESSAGE'],
  FAILURE: ['mesos/FAILURE'],
  MESOS_ERROR: ['mesos/ERROR'],
  UNKNOWN_EVENT: ['mesos/'],
  ORPHAN: ['zmesos/ORPHAN/'],
  UNCONFIRMED: ['zmesos/UNCONFIRMED/'],
  OPERATION: ['operation/'],
} as const
const VOLATILE = {
  OFFERS: ['mesos/OFFERS'],
  RESCIND: ['mesos/RESCIND'],
  INVERSE_OFFERS: ['mesos/INVERSE_OFFERS', 'mesos/RESCIND_INVERSE_OFFER'],
  MESOS_HEARTBEAT: ['mesos/HEARTBEAT'],
  MESOS_SUBSCRIBED: ['mesos/SUBSCRIBED'],
  WHY: ['zmesos/WHY/'],
  LEASE: ['zmesos/LEASE/'],
  DAEMON: ['zmesos/HEARTBEAT', 'zmesos/MASTER'],
} as const

/** A class whose events are kept, and numbered for as long as the store lives. */
export type JournaledClass = keyof typeof JOURNALED

// The compiler complains here when a class of the protocol is missing above.
const TOPICS: Readonly<Record<EventClass, readonly string[]>> = { ...JOURNALED, ...VOLATILE }
const CLASSES = Object.keys(TOPICS) as EventClass[]

export function isJournaled(name: EventClass): name is JournaledClass {
  return name in JOURNALED
}

/** The classes of which a subscription to these prefixes takes every event. */
export function wholeClasses(prefixes: readonly string[]): ReadonlySet<EventClass> {
  return new Set(CLASSES.filter((name) => TOPICS[name].every((topic) => prefixes.some((prefix) => topic.startsWith(prefix)))))
}

/** The journaled classes of which these prefixes take something, with the prefixes that do (none: all of it is taken). */
export function journaledUnder(prefixes: readonly string[]): Map<JournaledClass, readonly string[]> {
  const whole = wholeClasses(prefixes)
  const found = new Map<JournaledClass, readonly string[]>()
  for (const name of CLASSES.filter(isJournaled)) {
    const meeting = prefixes.filter((prefix) => TOPICS[name].some((topic) => topic.startsWith(prefix) || prefix.startsWith(topic)))
    if (meeting.length > 0) found.set(name, whole.has(name) ? [] : meeting)
  }
  return found
}

/** The last number of each class. */
export function headsOf(heads: readonly messages.Head[]): Map<EventClass, bigint> {
  const found = new Map<EventClass, bigint>()
  for (const head of heads) if (head.class !== undefined) found.set(head.class, head.number ?? 0n)
  return found
}

interface Account {
  store: string
  run: bigint
  number: bigint
}

/** The last number of each class taken whole, and how many events in between never came. */
export class Ledger {
  readonly #whole: ReadonlySet<EventClass>
  readonly #accounts = new Map<EventClass, Account>()
  missed = 0n

  constructor(prefixes: readonly string[]) {
    this.#whole = wholeClasses(prefixes)
  }

  /** An event came. */
  note(header: messages.EventHeader): void {
    const number = header.number ?? 0n
    if (header.class !== undefined) this.#advance(header.class, header.store ?? '', header.run ?? 0n, number, number - 1n)
  }

  /** What the heads say is the past, for classes of which nothing has come yet. */
  begin(status: messages.DaemonStatus): void {
    const heads = headsOf(status.heads)
    for (const name of this.#whole) {
      if (this.#accounts.has(name)) continue
      this.#accounts.set(name, { store: status.store ?? '', run: status.run ?? 0n, number: heads.get(name) ?? 0n })
    }
  }

  /** How many events up to these heads have not come; they may be on their way. */
  behind(status: messages.DaemonStatus): bigint {
    let sum = 0n
    for (const [number, account] of this.#comparable(status)) if (number > account.number) sum += number - account.number
    return sum
  }

  /** Counts what has not come up to these heads as missed. */
  giveUp(status: messages.DaemonStatus): void {
    for (const [number, account, name] of this.#comparable(status)) {
      this.#advance(name, account.store, account.run, number, number)
    }
  }

  #comparable(status: messages.DaemonStatus): [bigint, Account, EventClass][] {
    const found: [bigint, Account, EventClass][] = []
    for (const [name, number] of headsOf(status.heads)) {
      const account = this.#accounts.get(name)
      if (account === undefined || account.store !== status.store) continue
      if (!isJournaled(name) && account.run !== status.run) continue
      found.push([number, account, name])
    }
    return found
  }

  /** Moves an account to `number`, of which all after its last up to `expected` did not come. */
  #advance(name: EventClass, store: string, run: bigint, number: bigint, expected: bigint): void {
    if (!this.#whole.has(name)) return
    const account = this.#accounts.get(name)
    if (account === undefined || account.store !== store) {
      this.#accounts.set(name, { store, run, number })
      return
    }
    // A new run of a volatile class begins at 1; what the old one published after our last is not known.
    if (!isJournaled(name) && account.run !== run) account.number = 0n
    account.run = run
    if (number <= account.number) return
    if (expected > account.number) this.missed += expected - account.number
    account.number = number
  }
}
