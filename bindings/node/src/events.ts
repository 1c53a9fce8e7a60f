// A subscription to what a zmesosd publishes: every event of Mesos as it came, the daemon's view of each task, its own.

import * as zmq from 'zeromq'

import { Misused, TimedOut, invalid } from './errors.js'
import { Event, HEARTBEAT } from './event.js'
import type { messages } from './generated/messages.js'
import { Ledger } from './ledger.js'
import { SOCKET_OPTIONS, connect, now, orAborted, receive, within } from './transport.js'

export const DEFAULT_EVENTS = 'tcp://127.0.0.1:5562'

/** How long to wait for an event, and what ends the waiting early. */
export interface ReceiveOptions {
  /** Milliseconds; 0: takes what is there; undefined: for ever. */
  timeout?: number | undefined
  signal?: AbortSignal | undefined
}

export interface EventsOptions {
  /** How many events may wait here unread (100,000); the daemon drops what does not fit, and goes on. */
  highWater?: number | undefined
  /** Ends the iteration: it throws the signal's reason. */
  signal?: AbortSignal | undefined
}

const ZMQ_SNDHWM = 23

/** One that may subscribe to any number of prefixes: libzmq drops subscriptions past a SUB's ZMQ_SNDHWM without a word. */
class Subscriber extends zmq.Subscriber {
  constructor(options: zmq.SocketOptions<zmq.Subscriber>) {
    super(options)
    this.setInt32Option(ZMQ_SNDHWM, 0) // the package has no name for it on this type of socket
  }
}

/**
 * A subscription: iterate over it with `for await`, which closes it at its end, or recv() with a timeout.
 *
 * Publications from before the subscription reached the daemon are not seen: after ready() none is missed unless it was
 * dropped on the way or the connection broke. `missed` counts those, as far as it can be known: by gaps in the numbers of
 * the classes that the prefixes take *whole* ('task/', 'mesos/', '', but not 'task/job1/'), from the first event or
 * heartbeat on. The last events before a silence leave no gap; catchUp() counts them too.
 */
export class Events implements AsyncIterable<Event> {
  readonly prefixes: readonly string[]
  readonly #socket: zmq.Subscriber
  readonly #ledger: Ledger
  readonly #waiting: Event[] = []
  readonly #signal: AbortSignal | undefined
  #pending: Promise<Buffer[] | undefined> | undefined
  #heartbeat: messages.DaemonStatus | undefined
  #beats = 0
  #busy = false

  constructor(
    readonly endpoint: string = DEFAULT_EVENTS,
    prefixes: readonly string[] = [],
    options: EventsOptions = {},
  ) {
    const highWater = options.highWater ?? 100_000
    if (!Number.isInteger(highWater) || highWater < 0) throw invalid('takes a number of events', 'highWater')
    this.prefixes = prefixes.length > 0 ? [...prefixes] : ['']
    this.#signal = options.signal
    this.#ledger = new Ledger(this.prefixes)
    this.#socket = new Subscriber({ ...SOCKET_OPTIONS, receiveHighWaterMark: highWater })
    this.#socket.subscribe(...this.prefixes)
    // Last, by order and by the alphabet (which counts after a reconnect): when a heartbeat comes, the daemon has read the
    // others.
    this.#socket.subscribe(HEARTBEAT)
    connect(this.#socket, endpoint)
  }

  /** Ends the subscription; a call under way throws. Again: nothing. */
  close(): void {
    this.#socket.close()
  }

  get closed(): boolean {
    return this.#socket.closed
  }

  /** Events that are known not to have come; see the class. */
  get missed(): bigint {
    return this.#ledger.missed
  }

  /** The daemon's last heartbeat on this subscription, one a second; undefined before the first. */
  get heartbeat(): messages.DaemonStatus | undefined {
    return this.#heartbeat
  }

  /** How many heartbeats have come. */
  get beats(): number {
    return this.#beats
  }

  /** Store and run of the last heartbeat: another value means that the daemon was started anew. */
  get run(): string | undefined {
    return this.#heartbeat && `${this.#heartbeat.store} ${this.#heartbeat.run}`
  }

  /** Takes one more prefix. What is published from now on comes once the daemon has heard of it. */
  add(prefix: string): void {
    this.#socket.subscribe(prefix)
  }

  /** Leaves out what add() took in. */
  remove(prefix: string): void {
    this.#socket.unsubscribe(prefix)
  }

  /**
   * Waits until the daemon is known to have the subscription: nothing published from now on is skipped. Events that come
   * meanwhile are kept. TimedOut if no heartbeat comes within `timeout` milliseconds (10,000).
   */
  async ready({ timeout = 10_000, signal }: ReceiveOptions = {}): Promise<messages.DaemonStatus> {
    const deadline = now() + timeout
    return this.#alone(async () => {
      while (this.#heartbeat === undefined) {
        const event = await this.#receive(deadline, signal)
        if (event === undefined) throw new TimedOut(`no heartbeat from ${this.endpoint} within ${timeout / 1000} s`)
        if (this.#wanted(event)) this.#waiting.push(event)
      }
      return this.#heartbeat
    })
  }

  /** The next event; undefined if none comes within `timeout` milliseconds. */
  async recv({ timeout, signal }: ReceiveOptions = {}): Promise<Event | undefined> {
    const deadline = timeout === undefined ? undefined : now() + timeout
    return this.#alone(async () => {
      if (this.#waiting.length > 0) return this.#waiting.shift()
      for (;;) {
        const event = await this.#receive(deadline, signal)
        if (event === undefined || this.#wanted(event)) return event
      }
    })
  }

  /** Every event, for ever. Leaving the loop closes the subscription. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    try {
      for (;;) {
        const event = await this.recv({ signal: this.#signal })
        if (event !== undefined) yield event
      }
    } finally {
      this.close()
    }
  }

  /**
   * Every event up to the heads in `status` (of Client.status()), and ends then. What has not come within `timeout`
   * milliseconds (5,000) counts as missed. Only classes taken whole are compared.
   */
  async *catchUp(status: messages.DaemonStatus, { timeout = 5000, signal }: ReceiveOptions = {}): AsyncGenerator<Event> {
    const deadline = now() + timeout
    while (this.#waiting.length > 0 || this.#ledger.behind(status) > 0n) {
      const left = deadline - now()
      if (left <= 0) {
        this.#ledger.giveUp(status)
        return
      }
      const event = await this.recv({ timeout: left, signal })
      if (event !== undefined) yield event
    }
  }

  async #alone<Value>(run: () => Promise<Value>): Promise<Value> {
    if (this.#busy) throw new Misused('another call is using this subscription: give each its own')
    this.#busy = true
    try {
      return await run()
    } catch (error) {
      if (this.closed) throw new Misused('the subscription is closed', { cause: error })
      throw error
    } finally {
      this.#busy = false
    }
  }

  /** One message off the socket, wanted or not; undefined if there is none at the deadline. */
  async #receive(deadline: number | undefined, signal: AbortSignal | undefined): Promise<Event | undefined> {
    signal?.throwIfAborted()
    for (;;) {
      const left = deadline === undefined ? undefined : deadline - now()
      const fresh = this.#pending === undefined
      // A wait that was aborted goes on: what it takes off the socket is for the next call.
      this.#pending ??= receive(this.#socket, left)
      const pending = this.#pending
      pending.catch(() => {}) // where the wait for it is aborted
      if (!fresh && left !== undefined && (await orAborted(within(pending, left), signal)) === undefined) {
        return undefined // that wait is a longer one than this
      }
      const parts = await orAborted(pending, signal)
      this.#pending = undefined
      if (parts !== undefined) return this.#take(Event.ofParts(parts))
      if (fresh && (deadline === undefined || now() >= deadline)) return undefined
    }
  }

  #take(event: Event): Event {
    this.#ledger.note(event.header)
    if (event.topic === HEARTBEAT && event.status !== undefined) {
      if (this.#heartbeat === undefined) this.#ledger.begin(event.status)
      this.#heartbeat = event.status
      this.#beats += 1
    }
    return event
  }

  /** False for a heartbeat that only this class asked for. */
  #wanted(event: Event): boolean {
    return event.topic !== HEARTBEAT || this.prefixes.some((prefix) => HEARTBEAT.startsWith(prefix))
  }
}
