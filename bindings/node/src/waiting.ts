// Waiting for tasks to end, so that no end is missed: one subscription for all that a client waits for.
//
// Events alone would not do: what is published before a subscription has reached the daemon is lost, and under a prefix a
// loss cannot be seen. So a task is looked at when it is waited for, again once its subscription is sure to be heard, when
// the daemon was restarted, and every few seconds.

import { Misused, NotFound, TimedOut, Unavailable } from './errors.js'
import type { Events } from './events.js'
import { type Task, isOver } from './states.js'
import { type CallOptions, later, now, orAborted } from './transport.js'

const LOOK_EVERY = 5000 // ms
const LISTEN = 250 // ms between looks at the clock
const BEATS = 2 // the first heartbeat after a subscription may have left before the daemon heard of it
const MOST_LOOKS = 1000 // tasks in one request

/** What of Client is needed here. */
interface Looking {
  subscribe(prefixes: readonly string[]): Events
  get(ids: readonly string[], options?: CallOptions): Promise<Map<string, Task>>
}

interface Wait {
  readonly id: string
  readonly settle: { resolve(task: Task): void; reject(error: unknown): void }[]
  lookAt: number
  /** Heartbeats until it is looked at because its subscription is heard. */
  beats: number
  /** The daemon has answered for it. */
  seen: boolean
}

export class Watcher {
  readonly #client: Looking
  readonly #waits = new Map<string, Wait>()
  #events: Events | undefined
  #looking = false
  #closed = false

  constructor(client: Looking) {
    this.#client = client
  }

  /**
   * The task once it is over. NotFound for an unknown id, TimedOut after `timeout` milliseconds (undefined: never), and
   * when the daemon does not answer at all.
   */
  async watch(id: string, { timeout, signal }: CallOptions = {}): Promise<Task> {
    signal?.throwIfAborted()
    if (this.#closed) throw new Misused('the client is closed')
    let settle: Wait['settle'][number] | undefined
    let callOff = (): void => {}
    const ended = new Promise<Task>((resolve, reject) => {
      settle = { resolve, reject }
      if (timeout === undefined) return
      callOff = later(timeout, () => reject(new TimedOut(`the task ${id} was not over within ${timeout / 1000} s`)))
    })
    this.#add(id, settle as Wait['settle'][number])
    try {
      return await orAborted(ended, signal)
    } finally {
      callOff()
      this.#leave(id, settle as Wait['settle'][number])
    }
  }

  /** Ends all waits, which throw. */
  close(): void {
    this.#closed = true
    this.#fail(new Misused('the client is closed'))
  }

  #add(id: string, settle: Wait['settle'][number]): void {
    const known = this.#waits.get(id)
    if (known !== undefined) {
      known.settle.push(settle)
      return
    }
    this.#waits.set(id, { id, settle: [settle], lookAt: now(), beats: BEATS, seen: false })
    if (this.#events === undefined) void this.#listen()
    this.#events?.add(`task/${id}/`)
    void this.#look()
  }

  #leave(id: string, settle: Wait['settle'][number]): void {
    const wait = this.#waits.get(id)
    const place = wait?.settle.indexOf(settle) ?? -1
    if (wait === undefined || place < 0) return
    wait.settle.splice(place, 1)
    if (wait.settle.length === 0) this.#drop(wait)
  }

  /** Its end is told, or nobody waits for it any more. */
  #drop(wait: Wait): void {
    if (this.#waits.get(wait.id) !== wait) return
    this.#waits.delete(wait.id)
    if (this.#waits.size > 0) {
      this.#events?.remove(`task/${wait.id}/`)
      return
    }
    this.#events?.close() // else it would keep the program from ending
    this.#events = undefined
  }

  #end(wait: Wait, task: Task): void {
    for (const { resolve } of wait.settle.splice(0)) resolve(task)
    this.#drop(wait)
  }

  #refuse(wait: Wait, error: unknown): void {
    for (const { reject } of wait.settle.splice(0)) reject(error)
    this.#drop(wait)
  }

  #fail(error: unknown): void {
    for (const wait of [...this.#waits.values()]) this.#refuse(wait, error)
  }

  /** Takes events for as long as something is waited for. */
  async #listen(): Promise<void> {
    let events: Events | undefined
    try {
      // Nothing but heartbeats to begin with: each wait adds its own.
      this.#events = events = this.#client.subscribe(['zmesos/HEARTBEAT'])
      let run: string | undefined
      let beats = 0
      while (this.#events === events) {
        const event = await events.recv({ timeout: LISTEN })
        if (events.run !== run) {
          run = events.run
          for (const wait of this.#waits.values()) wait.lookAt = now()
        }
        if (events.beats !== beats) {
          beats = events.beats
          for (const wait of this.#waits.values()) if (wait.beats > 0 && --wait.beats === 0) wait.lookAt = now()
        }
        const task = event?.task
        const wait = task === undefined ? undefined : this.#waits.get(task.id)
        if (task !== undefined && wait !== undefined && isOver(task)) {
          if ((task.attempts.at(-1)?.number ?? 1) > 1) wait.lookAt = now() // an event has the last attempt alone: look
          else this.#end(wait, task)
        }
        void this.#look()
      }
    } catch (error) {
      if (this.#events === events) this.#fail(error) // else it was closed because nothing is waited for
    }
  }

  /** Asks for the tasks that are to be looked at, one request after the other; called again meanwhile: nothing. */
  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await Promise.resolve() // what else is waited for in this turn goes into the same request
      for (let due = this.#due(); due.length > 0; due = this.#due()) await this.#lookAt(due)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#looking = false
    }
  }

  #due(): Wait[] {
    const at = now()
    const due: Wait[] = []
    for (const wait of this.#waits.values()) {
      if (wait.lookAt <= at) due.push(wait)
      if (due.length === MOST_LOOKS) break
    }
    return due
  }

  async #lookAt(due: readonly Wait[]): Promise<void> {
    for (const wait of due) wait.lookAt = now() + LOOK_EVERY
    let found: Map<string, Task>
    try {
      found = await this.#client.get(due.map((wait) => wait.id))
    } catch (error) {
      if (!(error instanceof TimedOut || error instanceof Unavailable)) throw error
      // Away for a while: asked again later. For those of which it never said a word that is the answer.
      for (const wait of due) if (!wait.seen) this.#refuse(wait, error)
      return
    }
    for (const wait of due) {
      const task = found.get(wait.id)
      wait.seen = true
      if (task === undefined) this.#refuse(wait, new NotFound('NOT_FOUND', `no task ${wait.id}`))
      else if (isOver(task)) this.#end(wait, task)
    }
  }
}

/** What the promises give, in the order in which they come; the first that fails ends it. */
export async function* asTheyCome<Value>(promises: readonly Promise<Value>[]): AsyncGenerator<Value, void, undefined> {
  const come: Value[] = []
  let failed: { error: unknown } | undefined
  let wake = (): void => {}
  for (const promise of promises) {
    promise.then(
      (value) => {
        come.push(value)
        wake()
      },
      (error: unknown) => {
        failed ??= { error }
        wake()
      },
    )
  }
  for (let left = promises.length; left > 0; ) {
    if (come.length === 0 && failed === undefined) await new Promise<void>((resolve) => (wake = resolve))
    for (const value of come.splice(0)) {
      left -= 1
      yield value
    }
    if (failed !== undefined) throw failed.error
  }
}
