// A task that was launched: what launch() gives back.

import type { Client } from './client.js'
import type { messages } from './generated/messages.js'
import type { Result } from './results.js'
import type { Task, TaskState } from './states.js'
import type { CallOptions } from './transport.js'

/** Holds an id and nothing else: Client.handle(id) makes another one, in another program too. */
export class TaskHandle {
  readonly #client: Client

  constructor(
    client: Client,
    readonly id: string,
    /** What the daemon answered to the launch; undefined for a handle made from an id. */
    readonly result?: Result,
  ) {
    this.#client = client
  }

  /** The task as it is now. */
  task(options?: CallOptions & { withSpec?: boolean }): Promise<Task> {
    return this.#client.task(this.id, options)
  }

  /** Its state now. */
  async state(options?: CallOptions): Promise<TaskState> {
    return (await this.task(options)).state
  }

  /** Its attempts so far, the oldest first: where each ran, and how it ended. */
  async history(options?: CallOptions): Promise<messages.Attempt[]> {
    return (await this.task(options)).attempts
  }

  /** The task once it is over, as Client.wait(). */
  wait(options?: CallOptions): Promise<Task> {
    return this.#client.wait(this.id, options)
  }

  /** Ends it: when this returns the wish is on the daemon's disk; wait() for the end. grace: milliseconds after SIGTERM. */
  async kill(options?: CallOptions & { grace?: number }): Promise<void> {
    await this.#client.kill(this.id, options)
  }

  /** Why it waits. */
  async why(options?: CallOptions): Promise<messages.Explanation | undefined> {
    return (await this.#client.why(this.id, options)).get(this.id)
  }

  toString(): string {
    return this.id
  }
}
