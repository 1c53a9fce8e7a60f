// One publication: topic, header and body.

import { decode } from './codec.js'
import { describe } from './describe.js'
import { ProtocolError } from './errors.js'
import type { MessageTypes, messages, scheduler } from './generated/messages.js'
import type { EventClass } from './ledger.js'
import { type Operation, type Task, asOperation, asTask } from './states.js'

export const HEARTBEAT = 'zmesos/HEARTBEAT'
const BODIES = {
  'task/': 'zmesos.v1.Task',
  'operation/': 'zmesos.v1.Operation',
  'mesos/': 'mesos.v1.scheduler.Event',
  'zmesos/ORPHAN/': 'zmesos.v1.Orphan',
  'zmesos/WHY/': 'zmesos.v1.Explanation',
  'zmesos/UNCONFIRMED/': 'zmesos.v1.UnconfirmedUpdate',
  'zmesos/LEASE/': 'zmesos.v1.LeaseChange',
  'zmesos/MASTER': 'zmesos.v1.DaemonStatus',
  'zmesos/HEARTBEAT': 'zmesos.v1.DaemonStatus',
} as const satisfies Record<string, keyof MessageTypes>
type Prefix = keyof typeof BODIES
const PREFIXES = Object.keys(BODIES) as Prefix[]

/** A publication; its body is read when it is asked for, and then kept. */
export class Event {
  #read: unknown

  constructor(
    readonly topic: string,
    readonly header: messages.EventHeader,
    /** The bytes that were published; of topics under mesos/ those that the master sent. */
    readonly body: Uint8Array,
  ) {}

  /** From the three parts of the wire. */
  static ofParts(parts: readonly Uint8Array[]): Event {
    const [topic, header, body] = parts
    if (topic === undefined || header === undefined || body === undefined || parts.length !== 3) {
      throw new ProtocolError(`an event of ${parts.length} parts`)
    }
    return new Event(Buffer.from(topic).toString(), decode('zmesos.v1.EventHeader', header), body)
  }

  /** Of a replay: what was published once. */
  static ofPublication(publication: messages.Publication): Event {
    const { topic, header, body } = publication
    if (topic === undefined || header === undefined) throw new ProtocolError('a replayed event without topic or header')
    return new Event(topic, header, body ?? new Uint8Array())
  }

  /** The class that the number counts in, as UPDATE; undefined for one that this package does not know. */
  get eventClass(): EventClass | undefined {
    return this.header.class
  }

  /** Within the class: one more than the event before. Journaled classes: for ever; others: in this run. */
  get number(): bigint {
    return this.header.number ?? 0n
  }

  /** Which start of the daemon published it. */
  get run(): bigint {
    return this.header.run ?? 0n
  }

  /** Names the history that the numbers belong to. */
  get store(): string {
    return this.header.store ?? ''
  }

  /** Of the task or operation, where the event is about one. */
  get revision(): bigint | undefined {
    return this.header.revision
  }

  /** When it was published, to the millisecond; `header.timeNs` has all of it. */
  get time(): Date {
    return new Date(Number((this.header.timeNs ?? 0n) / 1_000_000n))
  }

  /** The daemon's view of the task, for topics under task/. */
  get task(): Task | undefined {
    const task = this.#body('task/')
    return task && asTask(task)
  }

  /** The daemon's view of the operation, for topics under operation/. */
  get operation(): Operation | undefined {
    const operation = this.#body('operation/')
    return operation && asOperation(operation)
  }

  /** The master's event as it came, for topics under mesos/. */
  get mesos(): scheduler.Event | undefined {
    return this.#body('mesos/')
  }

  /** How the daemon is, for zmesos/HEARTBEAT and zmesos/MASTER. */
  get status(): messages.DaemonStatus | undefined {
    return this.#body('zmesos/HEARTBEAT') ?? this.#body('zmesos/MASTER')
  }

  /** A task that was found alive and was not known, for topics under zmesos/ORPHAN/. */
  get orphan(): messages.Orphan | undefined {
    return this.#body('zmesos/ORPHAN/')
  }

  /** Why a task waits, for topics under zmesos/WHY/. */
  get explanation(): messages.Explanation | undefined {
    return this.#body('zmesos/WHY/')
  }

  /** An update that its consumer has not confirmed in time, for topics under zmesos/UNCONFIRMED/. */
  get unconfirmed(): messages.UnconfirmedUpdate | undefined {
    return this.#body('zmesos/UNCONFIRMED/')
  }

  /** What has become of a lease, for topics under zmesos/LEASE/. */
  get lease(): messages.LeaseChange | undefined {
    return this.#body('zmesos/LEASE/')
  }

  /**
   * Which task it is about, by the topic: task/<id>/<state> or mesos/UPDATE/<id>/<attempt>. Undefined for others, also for
   * an update of a task that the daemon does not know, mesos/UPDATE//<mesos task id>.
   */
  get taskId(): string | undefined {
    const parts = this.topic.split('/')
    if (parts[0] === 'task' && parts.length === 3) return parts[1]
    if (parts[0] === 'mesos' && parts[1] === 'UPDATE' && parts.length === 4) return parts[2] || undefined
    return undefined
  }

  /** A line for people. */
  toString(): string {
    return describe(this)
  }

  #body<Of extends Prefix>(prefix: Of): MessageTypes[(typeof BODIES)[Of]] | undefined {
    if (PREFIXES.find((one) => this.topic.startsWith(one)) !== prefix) return undefined
    this.#read ??= decode(BODIES[prefix], this.body)
    return this.#read as MessageTypes[(typeof BODIES)[Of]]
  }
}
